"""Packages that the first GET builds, as the guide of API 31.0 has it (3.3b)."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from cell.http import Http, links
from cell.support import DISK, START, VM, Bench, Gate, MadeUpSource, Trouble
from twohop.exporter.cell import Cell
from twohop.exporter.cell.engine import DEFAULT, BuildFailed, LinkDead
from twohop.runtime import Clock
from twohop.runtime.profiles import load_profile


def get(bench: Bench, transfer: str) -> bytes:
    download = bench.engine.open(transfer, DEFAULT, "user")
    data = download.read(1 << 20)
    download.close(len(data))
    return data


def test_the_task_adds_the_links_and_the_first_get_builds(tmp_path: Path) -> None:
    with Bench(tmp_path, build_at="get") as bench:
        assert bench.state(bench.export()) == "success"
        link = bench.engine.link(bench.entity())
        assert link is not None and not link.files
        assert (bench.listing(), bench.source.pulled) == ([], [])
        assert b"Envelope" in get(bench, link.id)
        assert bench.source.pulled == [VM]
        get(bench, link.id)
        assert bench.source.pulled == [VM]
        after = bench.engine.link(bench.entity())
        assert after is not None and len(DISK) in after.files.values()
        bench.clock.advance(7200)
        assert bench.listing() == []


def test_many_readers_at_once_share_one_build(tmp_path: Path) -> None:
    gate = Gate()
    with Bench(tmp_path, source=MadeUpSource(after=gate), build_at="get") as bench:
        bench.export()
        link = bench.engine.link(bench.entity())
        assert link is not None
        got: list[bytes] = []
        readers = [threading.Thread(target=lambda: got.append(get(bench, link.id))) for _ in range(4)]
        for reader in readers:
            reader.start()
        assert gate.reached.wait(30)
        # The GET is running, so no idle time passes, and the reaper leaves alone what it builds.
        bench.clock.advance(20_000)
        gate.release()
        for reader in readers:
            reader.join(30)
        assert len(got) == 4 and len(set(got)) == 1
        assert bench.source.pulled == [VM]


def test_a_build_that_fails_answers_500_and_the_next_get_builds_again(tmp_path: Path) -> None:
    def fail(vm: str) -> None:
        raise Trouble("esx7 cannot be reached")

    source = MadeUpSource(before=fail)
    profile = load_profile("cell-36.0").but(build_at="get")
    with (
        Cell(None, transfer_dir=tmp_path, clock=Clock(start=START), profile=profile, source=source) as cell,
        Http(cell) as http,
    ):
        http.log_in()
        http.enable()
        url = links(http.vapp())["download:default"]
        answer = http.pool.request("GET", url)
        assert (answer.status, answer.data) == (500, b"")
        assert "esx7 cannot be reached" in cell.journal.ndjson()
        assert list(tmp_path.iterdir()) == []
        source.before = lambda vm: None
        assert http.pool.request("GET", url).status == 200


@pytest.mark.parametrize("removes", ["at-once", "reaper"])
def test_disabling_stops_a_build(tmp_path: Path, removes: str) -> None:
    gate = Gate()
    source = MadeUpSource(after=gate)
    with Bench(tmp_path, source=source, build_at="get", disable_removes=removes) as bench:
        bench.export()
        link = bench.engine.link(bench.entity())
        assert link is not None
        came: list[Exception] = []

        def ask() -> None:
            try:
                get(bench, link.id)
            except (BuildFailed, LinkDead) as error:
                came.append(error)

        reader = threading.Thread(target=ask)
        reader.start()
        assert gate.reached.wait(30)
        bench.engine.disable(bench.entity())
        gate.release()
        reader.join(30)
        assert len(came) == 1
        bench.clock.advance(3600)
        assert bench.listing() == []
        assert bench.engine.link(bench.entity()) is None


def test_closing_the_cell_ends_a_build(tmp_path: Path) -> None:
    reached = threading.Event()

    class Patient(MadeUpSource):
        def pull(self, *args, cancelled, **options):  # type: ignore[no-untyped-def]
            reached.set()
            wake = threading.Event()
            with cancelled.on_cancel(lambda _: wake.set()):
                assert wake.wait(30)
            cancelled.check()

    profile = load_profile("cell-36.0").but(build_at="get")
    with Cell(None, transfer_dir=tmp_path, clock=Clock(start=START), profile=profile, source=Patient()) as cell:
        with Http(cell) as http:
            http.log_in()
            http.enable()
            url = links(http.vapp())["download:default"]
        seen: list[int] = []
        with Http(cell) as other:
            reader = threading.Thread(target=lambda: seen.append(other.pool.request("GET", url).status))
            reader.start()
            assert reached.wait(30)
            cell.engine.stop_building()
            reader.join(30)
        assert seen == [500]
    assert list(tmp_path.iterdir()) == []
