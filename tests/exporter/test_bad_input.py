"""The command, as a user meets it: each way to go wrong ends with one clear line and leaves nothing behind."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.test_export import VM, assert_unlocked, spec
from twohop.fakes import VCenter

COMMAND = [sys.executable, "-m", "twohop.cli", "export"]
LIMITED = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
os.execv(sys.argv[2], sys.argv[2:])
"""
SECONDS = 150


@pytest.fixture
def vc() -> Iterator[VCenter]:
    with VCenter(world=spec(8)) as running:
        yield running


def environment(vc: VCenter, **changes: str) -> dict[str, str]:
    mine = {name: value for name, value in os.environ.items() if not name.startswith("TWOHOP_")}
    return {
        **mine,
        "TWOHOP_VCENTER_URL": vc.url,
        "TWOHOP_USER": vc.user,
        "TWOHOP_PASSWORD": vc.password,
        "TWOHOP_CA_FILE": str(vc.ca_file),
        **changes,
    }


def run(vc: VCenter, out: Path, *args: str, name: str = VM, limit: int | None = None, **env: str) -> Any:
    """Run the command to its end."""

    limited = [] if limit is None else [sys.executable, "-c", LIMITED, str(limit)]
    return subprocess.run(
        [*limited, *COMMAND, name, "-o", str(out), *args],
        env=environment(vc, **env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


def assert_one_clear_line(vc: VCenter, done: Any, whose: str, *words: str) -> None:
    [line] = done.stderr.splitlines()
    assert line.startswith(f"twohop: {whose}: "), line
    for word in words:
        assert word in line
    assert vc.password not in done.stdout + done.stderr


def assert_nothing_left(vc: VCenter, out: Path) -> None:
    assert not out.exists() or list(out.iterdir()) == []
    assert_unlocked(vc)


def test_a_good_export_says_what_it_wrote(vc: VCenter, tmp_path: Path) -> None:
    done = run(vc, tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == f"wrote {tmp_path / 'out' / VM}.ovf"
    assert_unlocked(vc)


@pytest.mark.parametrize("piped", [True, False], ids=["output to a pipe", "both to the terminal"])
def test_bars_on_a_terminal(vc: VCenter, tmp_path: Path, piped: bool) -> None:
    try:
        ours, theirs = os.openpty()
    except OSError as error:
        pytest.skip(f"this machine gives no pseudo-terminal to show bars on: {error}")
    with subprocess.Popen(
        [*COMMAND, VM, "-o", str(tmp_path / "out")],
        env=environment(vc, TERM="xterm", COLUMNS="120"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if piped else theirs,
        stderr=theirs,
        text=True,
    ) as running:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):
            while piece := os.read(ours, 65536):
                shown += piece
        stdout, _ = running.communicate(timeout=SECONDS)
    os.close(ours)
    assert running.returncode == 0
    assert f"{VM}-disk-0.vmdk".encode() in shown
    assert b"\x1b[" in shown
    # Bars draw over whatever comes before their last line.
    at_the_end = stdout if piped else re.split(rb"\x1b\[(?:1A|2K)", shown)[-1].decode()
    assert at_the_end.splitlines()[-1] == f"wrote {tmp_path / 'out' / VM}.ovf"
    [digest] = re.findall(r"  ([0-9a-f]{64})  ", at_the_end)
    assert digest == hashlib.sha256((tmp_path / "out" / f"{VM}-disk-0.vmdk").read_bytes()).hexdigest()
    assert "lease session[" in at_the_end and "s of CPU" in at_the_end and "MiB/s" in at_the_end
    # Nor is it unknown how fast a file came that has come.
    bar = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", shown).rpartition(f"{VM}-disk-0.vmdk ".encode())[2].splitlines()[0]
    assert b"B/s" in bar and b"?" not in bar


def test_events_for_machines(vc: VCenter, tmp_path: Path) -> None:
    done = run(vc, tmp_path / "out", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[0]["event"] == "LoggedIn" and events[-1]["event"] == "PackageWritten"
    [file] = [event for event in events if event["event"] == "FileDone"]
    assert file["size"] == (tmp_path / "out" / file["name"]).stat().st_size


@pytest.mark.parametrize(
    ("args", "changes", "whose", "words"),
    [
        ({"name": "no-such-vm"}, {}, "you", ["no virtual machine or vApp is called 'no-such-vm'", "check the name"]),
        ({"name": "DC0_C0_RP0_VM1"}, {}, "you", ["is powered on, expected powered off", "shut it down"]),
        ({}, {"TWOHOP_PASSWORD": "not-this-one"}, "you", ["InvalidLogin", "check the user name and the password"]),
        ({}, {"TWOHOP_VCENTER_URL": "https://127.0.0.1:1"}, "vCenter", ["Connection refused", "check the address"]),
        ({}, {"TWOHOP_VCENTER_URL": "http://127.0.0.1:1"}, "you", ["https://HOST[:PORT]"]),
        ({}, {"TWOHOP_CA_FILE": ""}, "vCenter", ["not trusted", "--ca-file"]),
    ],
)
def test_each_bad_input_ends_with_one_line(
    vc: VCenter, tmp_path: Path, args: dict[str, str], changes: dict[str, str], whose: str, words: list[str]
) -> None:
    done = run(vc, tmp_path / "out", **args, **changes)
    assert (done.returncode, done.stdout) == (1, "")
    assert_one_clear_line(vc, done, whose, *words)
    assert "not-this-one" not in done.stderr
    assert_nothing_left(vc, tmp_path / "out")
    assert not vc.world.leases()


def test_a_wrong_thumbprint(vc: VCenter, tmp_path: Path) -> None:
    done = run(vc, tmp_path / "out", "--thumbprint", ":".join(["AB"] * 20))
    assert done.returncode == 1
    assert_one_clear_line(vc, done, "vCenter", f"thumbprint {vc.thumbprint}, expected AB:AB:", "nothing was sent")
    assert_nothing_left(vc, tmp_path / "out")


def test_a_host_that_cannot_be_reached(vc: VCenter, tmp_path: Path) -> None:
    vc.hosts["DC0_C0_H0"].stop(keep_port=True)
    done = run(vc, tmp_path / "out")
    assert done.returncode == 1
    assert_one_clear_line(vc, done, "host", "Connection refused", "this machine has to reach it")
    assert_nothing_left(vc, tmp_path / "out")
    assert [task.value.state.value for task in vc.world.tasks()] == ["error"]


def test_a_target_with_a_limit_on_files(vc: VCenter, tmp_path: Path) -> None:
    done = run(vc, tmp_path / "out", limit=1 << 20)
    assert done.returncode == 1
    assert_one_clear_line(vc, done, "target", "cannot write", ".vmdk.part", "make room or choose another directory")
    assert_nothing_left(vc, tmp_path / "out")
    assert [task.value.state.value for task in vc.world.tasks()] == ["error"]


@contextlib.contextmanager
def small_file_system(directory: Path) -> Iterator[Path]:
    directory.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", directory], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"a file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield directory
    finally:
        subprocess.run(["umount", directory], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a file system; the limit on files is tested instead")
def test_a_target_that_is_full(vc: VCenter, tmp_path: Path) -> None:
    with small_file_system(tmp_path / "full") as out:
        done = run(vc, out)
        assert done.returncode == 1
        assert_one_clear_line(vc, done, "target", "no space is left", "make room or choose another directory")
        assert_nothing_left(vc, out)
    assert [task.value.state.value for task in vc.world.tasks()] == ["error"]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=lambda each: str(each)
)
@pytest.mark.parametrize("at", ["LeaseGranted", "BytesMoved"])
def test_ctrl_c_in_the_middle(tmp_path: Path, number: signal.Signals, code: int, at: str) -> None:
    """The disk is so large that no machine has fetched it before the signal comes."""
    world = spec(1)
    world["datacenters"][0]["vms"][0]["disks"] = [{"size": "1 TiB", "data": "500 GiB", "content": "seed:1"}]
    out = tmp_path / "out"
    with VCenter(world=world) as vc:
        running = subprocess.Popen(
            [*COMMAND, VM, "-o", str(out), "--json"],
            env=environment(vc),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert running.stdout is not None
        for line in running.stdout:
            if json.loads(line)["event"] == at:
                break
        assert vc.world.vm(VM).leases
        running.send_signal(number)
        stdout, stderr = running.communicate(timeout=SECONDS)
        assert running.returncode == code
        assert stderr.splitlines() == [
            "twohop: you: interrupted; the lease is given up and nothing of the export was kept"
        ]
        assert "LeaseAborted" in stdout
        assert_nothing_left(vc, out)
        assert not out.exists()
        assert [task.value.state.value for task in vc.world.tasks()] == ["error"]


def test_a_signal_that_was_ignored_before_is_ignored(vc: VCenter, tmp_path: Path) -> None:
    """As nohup does it, for an export that is to survive its terminal."""
    ignored = "import signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); from twohop.cli import main; main()"
    running = subprocess.Popen(
        [sys.executable, "-c", ignored, "export", VM, "-o", str(tmp_path / "out"), "--json"],
        env=environment(vc), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert running.stdout is not None
    assert json.loads(running.stdout.readline())["event"] == "LoggedIn"
    running.send_signal(signal.SIGHUP)
    stdout, _ = running.communicate(timeout=SECONDS)
    assert running.returncode == 0 and json.loads(stdout.splitlines()[-1])["event"] == "PackageWritten"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here, on which nothing can be written")
@pytest.mark.parametrize("more", [(), ("--json",)], ids=str)
def test_an_output_that_takes_no_more(vc: VCenter, tmp_path: Path, more: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, VM, "-o", str(tmp_path / "out"), *more], env=environment(vc), stdin=subprocess.DEVNULL,
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=SECONDS,
        )  # fmt: skip
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("twohop: you: standard output takes no more: No space left on device; what was not finished")
    assert_nothing_left(vc, tmp_path / "out")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"TWOHOP_VCENTER_URL": ""}, "--vcenter or TWOHOP_VCENTER_URL"),
        ({"TWOHOP_USER": ""}, "--user or TWOHOP_USER"),
        ({"TWOHOP_CA_FILE": "/no/such/file"}, "/no/such/file"),
    ],
)
def test_wrong_usage(vc: VCenter, tmp_path: Path, changes: dict[str, str], words: str) -> None:
    done = run(vc, tmp_path / "out", **changes)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_password_is_never_an_option_and_never_asked_for_without_a_terminal(vc: VCenter, tmp_path: Path) -> None:
    shown = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, timeout=SECONDS, check=True).stdout
    assert re.findall(r"--password\S*", shown) == ["--password-fd"]
    env = environment(vc)
    del env["TWOHOP_PASSWORD"]
    done = subprocess.run(
        [*COMMAND, VM, "-o", str(tmp_path / "out")],
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 2
    assert "set TWOHOP_PASSWORD" in done.stderr
