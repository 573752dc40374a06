"""A package stands whole or not at all, and what stood there before stays until then."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from twohop.exporter import ExportError, TargetRefused
from twohop.exporter import _placing as placing_module
from twohop.exporter._placing import Placing

NAMES = ("disk.vmdk", "vm.mf", "vm.ovf")


def contents(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in directory.iterdir()}


def put(directory: Path, text: str) -> None:
    with Placing(directory, suffix=".part", force=True) as placing:
        for name in NAMES:
            placing.write(name, text.encode())
        placing.publish()


class Fails:
    """Let the `nth` step of a publish fail, before or after it was done."""

    def __init__(self, nth: int, error: BaseException, after: bool) -> None:
        self._nth, self._error, self._after = nth, error, after
        self._seen = 0
        self.failed = False

    def put_in(self, patch: pytest.MonkeyPatch) -> None:
        for owner, name in ((Path, "replace"), (Path, "rename"), (placing_module, "sync_directory")):
            patch.setattr(owner, name, self._failing(getattr(owner, name)))

    def _failing(self, real: Any) -> Any:
        def step(*args: Any) -> Any:
            self._seen += 1
            if self._seen != self._nth:
                return real(*args)
            self.failed = True
            if self._after:
                real(*args)
            raise self._error

        return step


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("error", [PermissionError(errno.EPERM, "no"), KeyboardInterrupt()], ids=["refused", "ctrl-c"])
@pytest.mark.parametrize("before", [(), NAMES, NAMES[1:]], ids=["new", "whole", "half"])
def test_a_publish_that_fails_at_any_step_leaves_what_was_there(
    tmp_path: Path, before: tuple[str, ...], error: BaseException, after: bool
) -> None:
    old = dict.fromkeys(before, "old")
    for nth in range(1, 20):
        for name in before:
            (tmp_path / name).write_text("old")
        fails = Fails(nth, error, after)
        with pytest.MonkeyPatch.context() as patch:
            fails.put_in(patch)
            try:
                put(tmp_path, "new")
            except (ExportError, OSError, KeyboardInterrupt):
                assert fails.failed
        if not fails.failed:
            break
        assert contents(tmp_path) == old, nth
    assert nth > len(NAMES) + len(before)
    assert contents(tmp_path) == dict.fromkeys(NAMES, "new")


def test_a_directory_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "vm.ovf").mkdir()
    (tmp_path / "disk.vmdk").write_text("old")
    with pytest.raises(TargetRefused, match="Is a directory"):
        put(tmp_path, "new")
    assert (tmp_path / "disk.vmdk").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["disk.vmdk", "vm.ovf"]


@pytest.mark.parametrize("directory", ["n" * 256, f"new/{'n' * 256}", f"{'n' * 256}/below"])
def test_a_directory_whose_name_is_too_long(tmp_path: Path, directory: str) -> None:
    with pytest.raises(TargetRefused, match="File name too long"):
        put(tmp_path / directory, "new")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("force", [False, True])
def test_a_file_whose_name_is_too_long(tmp_path: Path, force: bool) -> None:
    with pytest.raises(TargetRefused, match="File name too long"), Placing(tmp_path, force=force) as placing:
        placing.reserve("n" * 256)
        placing.write("n" * 256, b"x")
    assert list(tmp_path.iterdir()) == []


def test_a_parent_that_may_not_be_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may look into everything, so for root the operating system's answer is put in its place."""
    closed = tmp_path / "closed"
    closed.mkdir(0o000)
    if os.geteuid() == 0:
        real = os.stat

        def stat(path: Any, *args: Any, **more: Any) -> os.stat_result:
            if closed in Path(path).parents:
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return real(path, *args, **more)

        monkeypatch.setattr(os, "stat", stat)
    with pytest.raises(TargetRefused, match="Permission denied; check the path and its permissions"):
        put(closed / "out", "new")


@pytest.mark.parametrize("others", ["make it", "take it back"])
def test_exports_side_by_side_share_the_directories_above_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, others: str
) -> None:
    """Another export does something between two looks of this one."""
    honest, turns = Path.mkdir, [True]

    def mkdir(path: Path, *args: Any, **more: Any) -> None:
        if others == "make it" and turns and path == tmp_path / "several":
            turns.clear()
            honest(path)
        if others == "take it back" and turns and path.parent == tmp_path / "several":
            turns.clear()
            path.parent.rmdir()
        honest(path, *args, **more)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    put(tmp_path / "several" / "vm", "new")
    assert not turns
    assert contents(tmp_path / "several" / "vm") == dict.fromkeys(NAMES, "new")


def test_a_directory_that_is_taken_away_for_ever_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def mkdir(path: Path, *args: Any, **more: Any) -> None:
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", str(path))

    monkeypatch.setattr(Path, "mkdir", mkdir)
    with pytest.raises(TargetRefused, match="No such file"):
        put(tmp_path / "out", "new")
