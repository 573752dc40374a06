"""Share, quota and database in trouble: the task says which, nothing is left, and the next export works."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import urllib3

from cell.http import Http, links
from cell.support import DISK, START, VM, Bench, Gate, MadeUpSource
from twohop.exporter.cell import Cell
from twohop.exporter.cell.engine import Download, Step, Store, default_catalogue
from twohop.exporter.cell.engine._quota import Quota
from twohop.runtime import Clock

TWO = default_catalogue([VM, "DC0_C0_RP0_VM2"])


@contextmanager
def _offering(share: Path, data: bytes) -> Iterator[tuple[Cell, Http, str, Path]]:
    """A cell that offers one vApp, who is logged in to it, the URL of its descriptor and the file of its disk."""
    with (
        Cell(None, transfer_dir=share, clock=Clock(start=START), source=MadeUpSource(data=data)) as cell,
        Http(cell) as http,
    ):
        http.log_in()
        http.enable()
        descriptor = links(http.vapp())["download:default"]
        (disk,) = cell.transfer_dir.glob("*/*.vmdk")
        yield cell, http, descriptor, disk


def error_of(bench: Bench, task_id: str) -> str:
    task = bench.engine.task(task_id)
    assert task is not None and task.value.state.value == "error"
    return str(task.error)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own of one MiB."""
    place = tmp_path / "small"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(place)], capture_output=True)
    if made.returncode:
        pytest.skip("no file system can be mounted here, so no share can be filled")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_share_that_fills_up(small: Path) -> None:
    source = MadeUpSource(data=DISK * 8)
    with Bench(small, source=source) as bench:
        assert error_of(bench, bench.export()).startswith("the transfer share: No space left on device")
        assert bench.listing() == []
        source.data = DISK
        assert bench.state(bench.export()) == "success"


def test_a_share_that_becomes_read_only(small: Path) -> None:
    def turn(how: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{how}", str(small)], check=True)

    source = MadeUpSource(before=lambda vm: turn("ro"))
    with Bench(small, source=source) as bench:
        assert error_of(bench, bench.export()).startswith("the transfer share: Read-only file system")
        turn("rw")
        bench.clock.advance(3600)
        assert bench.listing() == []
        source.before = lambda vm: None
        assert bench.state(bench.export()) == "success"


@pytest.mark.parametrize("step", [Step.RESERVED, Step.OPENED, Step.LEASED, Step.STORED, Step.PULLED, Step.DESCRIBED])
def test_a_share_that_vanishes_and_comes_back(tmp_path: Path, step: Step) -> None:
    away = tmp_path / "away"

    def unmount(taken: Step) -> None:
        if taken is step and not away.exists():
            bench.root.rename(away)

    with Bench(tmp_path, on_step=unmount, catalogue=TWO) as bench:
        assert error_of(bench, bench.export()).startswith("the transfer share: No such file or directory")
        assert bench.engine.link(bench.entity()) is None
        if bench.root.exists():
            bench.root.rmdir()
        away.rename(bench.root)
        away.mkdir()
        bench.clock.advance(3600)
        assert bench.listing() == []
        assert bench.state(bench.export()) == "success"


def test_files_deleted_under_an_export(tmp_path: Path) -> None:
    def delete(taken: Step) -> None:
        for directory in bench.root.iterdir() if taken is Step.PULLED and deleting else ():
            shutil.rmtree(directory)

    deleting = [True]
    with Bench(tmp_path, on_step=delete) as bench:
        assert error_of(bench, bench.export()).startswith("the transfer share: ")
        assert bench.listing() == []
        deleting.clear()
        assert bench.state(bench.export()) == "success"


def test_a_file_deleted_under_an_export_is_missed_before_the_link(tmp_path: Path) -> None:
    def delete(taken: Step) -> None:
        for disk in bench.root.glob("*/*.vmdk") if taken is Step.DESCRIBED and deleting else ():
            disk.unlink()

    deleting = [True]
    with Bench(tmp_path, on_step=delete) as bench:
        assert "was deleted or changed by somebody else" in error_of(bench, bench.export())
        assert bench.listing() == []
        assert bench.engine.link(bench.entity()) is None
        deleting.clear()
        assert bench.state(bench.export()) == "success"


# -- quota


def test_nobody_is_let_in_for_whom_there_is_no_room(tmp_path: Path) -> None:
    source = MadeUpSource(committed=2 * len(DISK))
    with Bench(tmp_path, source=source, catalogue=TWO, quota=3 * len(DISK)) as bench:
        said = error_of(bench, bench.export())
        assert said.startswith("the transfer share: vApp0 needs ") and "of a quota of" in said
        assert source.pulled == []
        source.committed = len(DISK)
        assert bench.state(bench.export()) == "success"
        taken = bench.engine.quota.taken()
        assert 2 * len(DISK) < taken == sum(bench.engine.link(bench.entity()).files.values())  # type: ignore[union-attr]
        assert "vApp0" not in error_of(bench, bench.export("Template0")) or source.pulled == [VM, "DC0_C0_RP0_VM2"]
        # Room comes back with the files that go.
        bench.engine.disable(bench.entity())
        assert bench.engine.quota.taken() == 0
        assert bench.state(bench.export("Template0")) == "success"


def test_more_than_vcenter_said_ends_the_export(tmp_path: Path) -> None:
    with Bench(tmp_path, source=MadeUpSource(committed=10), quota=len(DISK) // 2) as bench:
        assert "of a quota of" in error_of(bench, bench.export())
        assert bench.listing() == []
        assert bench.engine.quota.taken() == 0


@pytest.mark.parametrize("limit", [0, -1])
def test_a_quota_is_above_nothing(limit: int) -> None:
    store = Store()
    with pytest.raises(ValueError, match="above 0"):
        Quota(store, MadeUpSource(), limit)
    store.close()


@pytest.mark.parametrize("how", ["fails", "is cut short"])
def test_a_share_that_fails_under_a_download_is_told_and_leaves_no_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    data = DISK * 10
    honest = Download.read

    def bad(self: Download, size: int) -> bytes:
        if how == "fails":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return b""

    with _offering(tmp_path / "share", data) as (cell, http, descriptor, disk):
        url = f"{descriptor.rpartition('/')[0]}/{disk.name}"
        monkeypatch.setattr(Download, "read", bad)
        with pytest.raises(urllib3.exceptions.ProtocolError):
            http.pool.request("GET", url)
        monkeypatch.setattr(Download, "read", honest)
        (told,) = (str(entry.get("what")) for entry in cell.journal.entries(kind="fault"))
        wanted = "the transfer share: Input/output error" if how == "fails" else "became shorter"
        assert told.startswith(f"a download was cut: {disk.name}") and wanted in told
        assert http.pool.request("GET", url).data == data
        cell.clock.advance(3600)
        assert http.pool.request("GET", url).status == 404


# -- database


def test_a_database_that_is_locked_ends_the_task_once_it_can_be_written(tmp_path: Path) -> None:
    url = tmp_path / "cell.sqlite"
    store = Store(f"sqlite:///{url}", patience_s=0.05)
    holder = sqlite3.connect(url, isolation_level=None, check_same_thread=False)

    def hold(taken: Step) -> None:
        if taken is Step.STORED:
            holder.execute("BEGIN EXCLUSIVE")

    gate = Gate()
    with Bench(tmp_path, source=MadeUpSource(before=gate), store=store, on_step=hold) as bench:
        task = bench.engine.enable(bench.entity(), "administrator").id
        gate.release()
        bench.engine.settle()
        assert bench.listing() == []
        holder.execute("ROLLBACK")
        assert bench.state(task) == "running"
        bench.clock.advance(60)
        assert error_of(bench, task).startswith("the cell's database: database is locked; check")
        assert bench.engine.link(bench.entity()) is None
        bench.engine._exports._on_step = lambda step: None
        bench.engine._exports._builder._on_step = lambda step: None
        assert bench.state(bench.export()) == "success"
    store.close()
    holder.close()


def test_a_database_that_is_locked_is_named_to_whoever_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = tmp_path / "cell.sqlite"
    with (
        Cell(
            None, transfer_dir=tmp_path / "share", clock=Clock(start=START), source=MadeUpSource(),
            database=f"sqlite:///{url}",
        ) as cell,
        Http(cell) as http,
    ):  # fmt: skip
        http.log_in()
        enable = links(http.vapp())["enable"]
        cell.engine.store._engine.dispose()
        monkeypatch.setattr("twohop.exporter.cell.engine._store.Store.change", _locked)
        answer = http.call("POST", enable)
        assert answer.status == 500
        assert b"database is locked" in answer.data and b"INTERNAL_SERVER_ERROR" in answer.data
        monkeypatch.undo()
        assert http.enable().get("status") == "success"


def test_a_database_that_is_locked_cuts_no_download_and_keeps_no_link_alive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = DISK * 200
    with _offering(tmp_path / "share", data) as (cell, http, descriptor, disk):
        url = f"{descriptor.rpartition('/')[0]}/{disk.name}"
        with http.pool.request("GET", url, preload_content=False) as answer, monkeypatch.context() as patch:
            came = answer.read(1000)
            patch.setattr("twohop.exporter.cell.engine._store.Store.change", _locked)
            assert came + answer.read() == data
            for method in ("GET", "HEAD"):
                refused = http.pool.request(method, descriptor)
                assert (refused.status, refused.data) == (500, b"")
        told = [str(entry.get("what", "")) for entry in cell.journal.entries(kind="fault")]
        assert any(what.startswith("a download could not be had: the cell's database") for what in told)
        cell.clock.advance(60)
        (ledger,) = cell.ledger()
        assert ledger["totals"]["cell->user"] == len(data)
        cell.clock.advance(3600)
        cell.clock.advance(3600)
        assert list(cell.transfer_dir.iterdir()) == []


def _locked(store: Store):  # type: ignore[no-untyped-def]
    from sqlalchemy.exc import OperationalError

    raise OperationalError("BEGIN IMMEDIATE", None, sqlite3.OperationalError("database is locked"))


def test_a_full_disk_is_named_wherever_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Bench(tmp_path) as bench:
        with monkeypatch.context() as patch:
            patch.setattr("twohop.exporter.cell.engine._spool._sync", full)
            assert error_of(bench, bench.export()).startswith("the transfer share: No space left on device")
        assert bench.listing() == []
        assert bench.state(bench.export()) == "success"
