"""Several cells on one database: each has a name of its own, and no name has two live cells."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cell.http import Http
from cell.support import START, Gate, MadeUpSource
from twohop.exporter.cell import Cell, StoreError
from twohop.runtime import Clock

HOLDER = """
import sys, time
from twohop.exporter.cell.engine import Store
with Store(sys.argv[1]).holding("cell"):
    print("held", flush=True)
    time.sleep(600)
"""


def cell_on(tmp_path: Path, source: MadeUpSource | None = None, name: str = "cell", clock: Clock | None = None) -> Cell:
    return Cell(
        None, transfer_dir=tmp_path / "share", clock=clock or Clock(start=START), source=source or MadeUpSource(),
        name=name,
        database=f"sqlite:///{tmp_path / 'cell.sqlite'}",
    )  # fmt: skip


def test_a_reset_leaves_what_another_cell_has_on_the_same_database(tmp_path: Path) -> None:
    with cell_on(tmp_path) as first, cell_on(tmp_path, name="second") as second, Http(second) as client:
        client.log_in()
        tasks = []
        for cell, name in ((first, "vApp0"), (second, "Template0")):
            (entity,) = (e for e in cell.engine.catalogue.entities.values() if e.name == name)
            tasks.append(cell.engine.enable(entity, "administrator"))
            cell.engine.settle()
            link = cell.engine.link(entity)
            assert link is not None
        first.reset()
        assert first.engine.task(tasks[0].id) is None
        kept = second.engine.task(tasks[1].id)
        assert kept is not None and kept.value.state.value == "success"
        assert second.engine.link(entity) == link
        assert [path.name for path in (tmp_path / "share").iterdir()] == [link.id]
        assert client.call("GET", "/api/session").status == 200


def test_readers_are_those_of_the_cell_that_serves_them(tmp_path: Path) -> None:
    clock = Clock(start=START)
    with cell_on(tmp_path, name="second", clock=clock) as second:
        with cell_on(tmp_path, clock=clock) as first:
            (entity,) = (e for e in first.engine.catalogue.entities.values() if e.name == "vApp0")
            first.engine.enable(entity, "administrator")
            first.engine.settle()
            link = first.engine.link(entity)
            assert link is not None
            lost = second.engine.open(link.id, "descriptor.ovf", "user")
        # The cell whose session it is starts again, and the other one is still sending.
        with cell_on(tmp_path, clock=clock) as first:
            clock.advance(5000)
            assert first.engine.link(entity) == link
    lost.file.close()
    with cell_on(tmp_path, clock=clock) as first:
        clock.advance(5000)
        assert first.engine.link(entity) == link
        # Now that one starts again, which died while it was sending.
        with cell_on(tmp_path, name="second", clock=clock):
            clock.advance(3600)
            assert first.engine.link(entity) is None
            clock.advance(3600)
        assert list((tmp_path / "share").iterdir()) == []


def test_a_second_cell_of_one_name_is_refused_and_harms_nothing(tmp_path: Path) -> None:
    gate = Gate()
    with cell_on(tmp_path, MadeUpSource(after=gate)) as first:
        (entity,) = (e for e in first.engine.catalogue.entities.values() if e.name == "vApp0")
        task = first.engine.enable(entity, "administrator")
        assert gate.reached.wait(30)
        with pytest.raises(StoreError, match=r"a cell named 'cell' \(process \d+\) is running .* another --name"):
            cell_on(tmp_path).__enter__()
        with cell_on(tmp_path, name="second") as second:
            seen = second.engine.task(task.id)
            assert seen is not None
            assert seen.value.state.value == "running"
        gate.release()
        first.engine.settle()
        ended = first.engine.task(task.id)
        assert ended is not None
        assert ended.value.state.value == "success"


def test_a_name_is_free_again_when_its_cell_has_stopped(tmp_path: Path) -> None:
    for _ in range(2):
        with cell_on(tmp_path) as cell:
            assert cell.ready()


def test_a_name_is_free_again_when_its_process_was_killed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'cell.sqlite'}"
    with subprocess.Popen([sys.executable, "-c", HOLDER, url], stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(StoreError, match=rf"process {holder.pid}\)"):
                cell_on(tmp_path).__enter__()
        finally:
            holder.send_signal(signal.SIGKILL)
        holder.wait(30)
    with cell_on(tmp_path) as cell:
        assert cell.ready()


@pytest.mark.parametrize("name", ["", "../x", "a b", "-x", "x" * 65, "a/b"])
def test_a_name_that_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="a cell is named by letters"):
        cell_on(tmp_path, name=name)
