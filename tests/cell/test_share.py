"""A transfer share that others use too: what a cell may delete there, and what it must never touch."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from cell.support import Bench
from twohop.exporter.cell.engine import MANIFEST, Store
from twohop.exporter.cell.engine._spool import MARK

STRANGER = "0c7a1b0e-2f56-4d2a-9b0b-1d5d5f7a2c11"


def files_of(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def left_alone(bench: Bench) -> list[list[str]]:
    entries = bench.journal.entries(kind="file")
    return [entry["names"] for entry in entries if entry["what"] == "not ours, left alone"]


@pytest.mark.parametrize("name", [
    STRANGER, f".building-{'0' * 32}", f".removing-{'0' * 32}", f".building-{'0' * 16}-{'0' * 32}",
    f".removing-{'0' * 16}-{'0' * 32}", "cells", "lost+found",
])  # fmt: skip
@pytest.mark.parametrize("mark", [None, b"", b"0" * 16, b"link"])
def test_what_this_database_did_not_make_is_never_deleted(tmp_path: Path, name: str, mark: bytes | None) -> None:
    with Bench(tmp_path) as bench:
        (bench.root / name).mkdir()
        (bench.root / name / "disk.vmdk").write_text("somebody's only copy")
        if mark == b"link":
            # Not even where it points at a mark that is ours.
            (tmp_path / "mark").write_text(bench.store.identity)
            (bench.root / name / MARK).symlink_to(tmp_path / "mark")
        elif mark is not None:
            (bench.root / name / MARK).write_bytes(mark)
        before = files_of(bench.root)
        bench.export()
        bench.clock.advance(86400)
        bench.engine.reset()
        assert files_of(bench.root) == before


def test_a_file_in_the_place_of_a_package_is_left_alone(tmp_path: Path) -> None:
    with Bench(tmp_path) as bench:
        (bench.root / STRANGER).write_text("x")
        bench.clock.advance(86400)
        assert bench.listing() == [STRANGER]


def test_two_databases_on_one_share_leave_each_other_s_packages_alone(tmp_path: Path) -> None:
    with Bench(tmp_path) as one, Bench(tmp_path, url_expiry_s=2_592_000) as two:
        one.export(), two.export()
        mine, theirs = one.engine.link(one.entity()), two.engine.link(two.entity())
        assert mine is not None and theirs is not None
        before = files_of(two.root / theirs.id)
        one.clock.advance(86400)
        one.engine.reset()
        assert [path.name for path in one.root.iterdir()] == [theirs.id]
        assert files_of(two.root / theirs.id) == before
        # And whoever reads this journal learns no URL of the other cell.
        assert theirs.id not in one.journal.ndjson()


def test_what_is_left_alone_is_told_once(tmp_path: Path) -> None:
    with Bench(tmp_path) as bench:
        (bench.root / "cells").mkdir()
        (bench.root / STRANGER).mkdir()
        for _ in range(3):
            bench.clock.advance(3600)
        (told,) = left_alone(bench)
        assert "cells" in told and len(told) == 2
        assert STRANGER not in json.dumps(bench.journal.entries())
        (bench.root / "new").mkdir()
        bench.clock.advance(7200)
        assert left_alone(bench)[1:] == [["new"]]


def test_orphans_of_this_database_go(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'cell.sqlite'}")
    with Bench(tmp_path, store=store) as bench:
        spool = bench.engine._spool
        building, other = spool.aside_name(), spool.aside_name()
        for directory in (building, other):
            spool.begin(directory)
            spool.write(directory, "disk.vmdk", b"x")
        spool.publish(other, STRANGER)
        bench.clock.advance(3600)
        assert bench.listing() == []
    store.close()


def test_the_identity_of_a_database_outlives_a_restart_and_a_reset(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'cell.sqlite'}"
    store = Store(url)
    identity = store.identity
    store.empty("cell")
    store.close()
    again, another = Store(url), Store()
    assert again.identity == identity != another.identity
    again.close(), another.close()


def test_the_mark_is_no_file_of_the_package(tmp_path: Path) -> None:
    with Bench(tmp_path, descriptor_mf="present") as bench:
        bench.export()
        link = bench.engine.link(bench.entity())
        assert link is not None
        mark = bench.root / link.id / MARK
        assert mark.read_text() == bench.store.identity
        assert mark.stat().st_mode & 0o777 == 0o600
        assert MARK not in link.files
        assert MARK not in (bench.root / link.id / MANIFEST).read_text()
        assert bench.state(bench.export()) == "success"
        assert bench.engine.link(bench.entity()) == link


@pytest.mark.parametrize("way", ["before", "during"])
def test_a_removal_that_another_cell_finishes_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    delete, raced = shutil.rmtree, list[Path]()

    def race(path: Path, *args: Any, **options: Any) -> None:
        raced.append(path)
        if way == "during" and len(raced) == 1:
            # The other one was ahead by a file, then by everything.
            next(Path(path).iterdir()).unlink()
        else:
            delete(path)
        raise FileNotFoundError(2, "No such file or directory")

    with Bench(tmp_path) as bench:
        bench.export()
        with monkeypatch.context() as patch:
            patch.setattr(shutil, "rmtree", race)
            bench.clock.advance(86400)
        assert bench.listing() == []
        assert bench.journal.entries(kind="fault") == []
        assert len(raced) == (2 if way == "during" else 1)
