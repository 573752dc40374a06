"""A password from a prompt, the environment, a file descriptor and the keyring, each as a person has it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from twohop.exporter.verify import verify_package
from twohop.fakes import VCenter

VM = "DC0_C0_RP0_VM0"
SECONDS = 150
IN_A_TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"


@pytest.fixture(scope="module")
def vc() -> Iterator[VCenter]:
    with VCenter() as running:
        yield running


def export(vc: VCenter, out: Path, *arguments: str) -> list[str]:
    asked = ["--vcenter", vc.url, "--user", vc.user, "--ca-file", str(vc.ca_file)]
    return [sys.executable, "-m", "twohop.cli", "export", VM, "-o", str(out), *asked, *arguments]


def environment(**more: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("TWOHOP_")} | more


def assert_exported(done: subprocess.CompletedProcess[str], vc: VCenter, out: Path) -> None:
    assert done.returncode == 0, done.stdout + done.stderr
    assert verify_package(out).sound
    assert vc.password not in done.stdout + done.stderr


def test_from_the_environment(vc: VCenter, tmp_path: Path) -> None:
    done = subprocess.run(
        export(vc, tmp_path / "out"), env=environment(TWOHOP_PASSWORD=vc.password), capture_output=True, text=True,
        timeout=SECONDS,
    )  # fmt: skip
    assert_exported(done, vc, tmp_path / "out")


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_from_a_file_descriptor(vc: VCenter, tmp_path: Path, end: str) -> None:
    read, write = os.pipe()
    with os.fdopen(write, "w") as file:
        file.write(vc.password + end)
    try:
        done = subprocess.run(
            export(vc, tmp_path / "out", "--password-fd", str(read)), env=environment(TWOHOP_PASSWORD="wrong"),
            pass_fds=[read], capture_output=True, text=True, timeout=SECONDS,
        )  # fmt: skip
    finally:
        os.close(read)
    assert_exported(done, vc, tmp_path / "out")


@pytest.mark.parametrize(("content", "words"), [("", "it is empty"), (None, "Bad file descriptor")])
def test_a_file_descriptor_that_gives_none(vc: VCenter, tmp_path: Path, content: str | None, words: str) -> None:
    given = subprocess.DEVNULL if content == "" else None
    number = "0" if content == "" else "99"
    done = subprocess.run(
        export(vc, tmp_path / "out", "--password-fd", number), env=environment(), stdin=given, capture_output=True,
        text=True, timeout=SECONDS,
    )  # fmt: skip
    assert done.returncode == 2 and words in done.stderr


def test_from_a_prompt(vc: VCenter, tmp_path: Path) -> None:
    command = [sys.executable, "-c", IN_A_TERMINAL, *export(vc, tmp_path / "out")]
    with subprocess.Popen(command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as terminal:
        assert terminal.stdout is not None and terminal.stdin is not None
        said = b""
        # What is typed before the prompt stands there is thrown away.
        while b"Password of" not in said:
            piece = os.read(terminal.stdout.fileno(), 4096)
            assert piece, said
            said += piece
        terminal.stdin.write(vc.password.encode() + b"\n")
        terminal.stdin.flush()
        while piece := os.read(terminal.stdout.fileno(), 4096):
            said += piece
        code = terminal.wait(SECONDS)
    assert_exported(subprocess.CompletedProcess(command, code, said.decode(), ""), vc, tmp_path / "out")


@pytest.fixture
def keyring(tmp_path: Path) -> dict[str, str]:
    if importlib.util.find_spec("keyring") is None:
        pytest.skip("no keyring here: pip install keyring")
    return environment(
        PYTHON_KEYRING_BACKEND="exporter.keyring_in_a_file.FileKeyring",
        PYTHONPATH=str(Path(__file__).parents[1]),
        TEST_KEYRING=str(tmp_path / "keys.json"),
    )


def test_from_the_keyring(vc: VCenter, tmp_path: Path, keyring: dict[str, str]) -> None:
    command = export(vc, tmp_path / "out", "--keyring")
    done = subprocess.run(command, env=keyring, capture_output=True, text=True, timeout=SECONDS)
    account = f"{vc.user}@{urlsplit(vc.url).netloc}"
    assert done.returncode == 2 and f"keyring set twohop {account}" in done.stderr
    # As the message says, by the library's own command.
    subprocess.run(
        [sys.executable, "-m", "keyring", "set", "twohop", account], input=vc.password, env=keyring, text=True,
        check=True, timeout=SECONDS, capture_output=True,
    )  # fmt: skip
    done = subprocess.run(command, env=keyring, capture_output=True, text=True, timeout=SECONDS)
    assert_exported(done, vc, tmp_path / "out")


def test_a_keyring_that_does_not_answer(vc: VCenter, tmp_path: Path, keyring: dict[str, str]) -> None:
    done = subprocess.run(
        export(vc, tmp_path / "out", "--keyring"), capture_output=True, text=True, timeout=SECONDS,
        env={**keyring, "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"},
    )  # fmt: skip
    assert done.returncode == 2 and "the keyring does not answer: NoKeyringError" in done.stderr


def test_two_sources_are_one_too_many(vc: VCenter, tmp_path: Path) -> None:
    done = subprocess.run(
        export(vc, tmp_path / "out", "--keyring", "--password-fd", "0"), env=environment(), capture_output=True,
        text=True, timeout=SECONDS, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 2 and "not both" in done.stderr
