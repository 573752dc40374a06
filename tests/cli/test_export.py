"""`twohop export` and `twohop verify`: sources, targets, plans and secrets, as a user gives them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.test_bad_input import environment
from twohop.cli._bars import _Name, bars
from twohop.cli._main import fail
from twohop.cli._show import Words
from twohop.exporter import DescriptorWritten, FileDone, PackageWritten
from twohop.fakes import VCenter, default_spec

TWOHOP = [sys.executable, "-m", "twohop.cli"]
VM0, VM2 = "DC0_C0_RP0_VM0", "DC0_C0_RP0_VM2"
SECONDS = 150


@pytest.fixture
def vc() -> Iterator[VCenter]:
    world = default_spec(vms=3)
    for vm in world["datacenters"][0]["vms"]:
        vm["disks"] = [{"size": 1 << 30, "data": 1 << 20, "content": "seed:1"}] * 2
    with VCenter(world=world) as running:
        yield running


def twohop(vc: VCenter, *arguments: str | Path, code: int = 0, **more: Any) -> Any:
    done = subprocess.run(
        [*TWOHOP, *map(str, arguments)],
        env=more.pop("env", environment(vc)),
        stdin=more.pop("stdin", subprocess.DEVNULL),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        **more,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert vc.password not in done.stdout + done.stderr
    assert not [lease for lease in vc.world.leases() if lease.state.held]
    return done


def test_what_is_written_is_verified(vc: VCenter, tmp_path: Path) -> None:
    for target in (tmp_path / "dir", tmp_path / "vm.ova"):
        said = twohop(vc, "export", VM0, "-o", target, "--manifest", "sha512").stdout
        assert "lease session[" in said and "s of CPU" in said
        assert twohop(vc, "verify", target).stdout.splitlines()[-1].startswith(f"{target}: sound, 4 files")
    with tarfile.open(tmp_path / "vm.ova") as tar:
        assert b"SHA512(vm.ovf)= " in tar.extractfile("vm.mf").read()  # type: ignore[union-attr]
    disk = tmp_path / "dir" / f"{VM0}-disk-1.vmdk"
    os.truncate(disk, disk.stat().st_size - 512)
    done = twohop(vc, "verify", tmp_path / "dir", "--json", code=1)
    report = json.loads(done.stdout)
    assert not report["sound"]
    assert {finding["rule"] for finding in report["findings"]} == {"size", "digest", "disk truncated"}
    assert "no such" not in twohop(vc, "verify", tmp_path / "nothing", code=1).stdout


@pytest.mark.parametrize(
    "way", ["name:{name}", "path:/DC0/vm/{name}", "uuid:{uuid}", "{uuid}", "moid:{moid}", "{moid}"]
)
def test_found_by(vc: VCenter, tmp_path: Path, way: str) -> None:
    vm = vc.world.vm(VM0)
    wanted = way.format(name=vm.name, uuid=vm.instance_uuid, moid=vm.moid)
    twohop(vc, "export", wanted, "-o", tmp_path / "out")
    assert (tmp_path / "out" / f"{VM0}.ovf").exists()


def test_several_each_in_its_own_place_and_one_that_fails_alone(vc: VCenter, tmp_path: Path) -> None:
    done = twohop(vc, "export", VM0, "DC0_C0_RP0_VM1", VM2, "-o", tmp_path / "out", "--vms", "2", code=1)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [VM0, VM2]
    assert [line[:40] for line in done.stderr.splitlines()] == [
        "twohop: you: DC0_C0_RP0_VM1: DC0_C0_RP0_",
        "twohop: you: 1 of 3 exports failed; noth",
    ]
    twohop(vc, "export", VM0, VM2, "-o", tmp_path / "out", "--ova", "--parallel", "2")
    assert twohop(vc, "verify", tmp_path / "out" / f"{VM2}.ova")
    done = twohop(vc, "export", VM0, vc.world.vm(VM0).moid, "-o", tmp_path / "two", code=1)
    assert "mean the same machine" in done.stderr and not (tmp_path / "two").exists()


def test_each_package_says_what_came_for_it_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """Two come side by side from one host, one of them under its second lease."""
    show = Words()

    def came(lease: str, size: int) -> None:
        show(FileDone(f"/{lease}/disk", "disk.vmdk", size, "", "esx", 1.0, lease=lease))

    for lease, size in (("lost", 7), ("one", 1 << 20), ("two", 4 << 20), ("one", 1 << 20)):
        came(lease, size)
    for lease in ("one", "two"):
        show(PackageWritten(f"{lease}.ovf", (), 0, 1.0, lease))
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("from ")]
    assert said == ["from esx  2097152 bytes  1.0 MiB/s", "from esx  4194304 bytes  4.0 MiB/s"]


def test_nothing_that_a_server_says_is_an_order_to_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    evil = "a\x1b]0;owned\x07 [prod][/x]\x9b2J \u202egnp.exe\r\ttail"
    harmless = "a\ufffd]0;owned\ufffd [prod][/x]\ufffd2J \ufffdgnp.exe\ufffd tail"
    show = Words()
    show(DescriptorWritten("default", 1, (evil,), ()))
    show(FileDone("k", evil, 1, "", evil, 1.0))
    said = capsys.readouterr()
    assert harmless in said.err and said.out.count(harmless) == 2
    with pytest.raises(SystemExit):
        fail("vCenter", evil)
    assert harmless in capsys.readouterr().err
    drawn = bars()
    drawn.add_task(evil)
    assert str(_Name().render(drawn.tasks[0])) == harmless


def test_a_dry_run_says_what_would_be_done_and_does_nothing(vc: VCenter, tmp_path: Path) -> None:
    said = twohop(vc, "export", VM0, "-o", tmp_path / "out", "--dry-run").stdout
    assert "ExportVm" in said and f"target    {tmp_path}/out/{VM0}.ovf (directory)" in said and "obstacle" not in said
    done = twohop(vc, "export", "DC0_C0_RP0_VM1", "-o", tmp_path / "vm.ova", "--dry-run", "--json", "--parallel", "4")
    plan = json.loads(done.stdout)
    assert (plan["form"], plan["at_once"], plan["power"]) == ("OVA", 1, "poweredOn")
    assert [disk["capacity"] for disk in plan["disks"]] == [1 << 30, 1 << 30]
    assert any("powered on" in obstacle for obstacle in plan["obstacles"])
    assert not vc.world.leases() and list(tmp_path.iterdir()) == []


def test_secrets_from_a_descriptor_and_never_from_the_command_line(vc: VCenter, tmp_path: Path) -> None:
    env = {name: value for name, value in environment(vc).items() if name != "TWOHOP_PASSWORD"}
    ours, theirs = os.pipe()
    os.write(theirs, vc.password.encode() + b"\n")
    os.close(theirs)
    twohop(vc, "export", VM0, "-o", tmp_path / "out", "--password-fd", str(ours), env=env, pass_fds=[ours])
    os.close(ours)
    done = twohop(vc, "export", VM0, "-o", tmp_path / "b", "--password-fd", "9", env=env, code=2)
    assert "no password from file descriptor 9" in done.stderr


def test_what_only_this_side_can_do_is_not_taken_with_a_cell(vc: VCenter, tmp_path: Path) -> None:
    done = twohop(vc, "export", "vApp0", "-o", tmp_path, "--via", "https://cell", "--parallel", "2", code=2)
    assert "--parallel cannot be had with --via" in done.stderr
