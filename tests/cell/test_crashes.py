"""A process that ends at any step leaves every download whole and linked, or gone with its task failed: never half."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from cell.dying import EXPIRY, REAPER, TWO, lived
from cell.support import START, Bench, MadeUpSource
from cell.test_switches import leave_task
from twohop.exporter.cell import Cell
from twohop.exporter.cell._crash import crashing
from twohop.exporter.cell.engine import EXPORT, SessionState, Step, Store, TaskState
from twohop.exporter.cell.engine._rows import TaskRow, TransferRow
from twohop.runtime import Clock
from twohop.runtime.profiles import load_profile

WHOLE_LIFE = ("enable", "read", "disable", "enable", "wait")
deeds = st.lists(st.sampled_from(["enable", "read", "disable", "wait"]), min_size=1, max_size=4)
lives = st.tuples(deeds, st.sampled_from(Step), st.integers(1, 2), st.sampled_from(["enable", "get"]))


def look(directory: Path, number: int, **profile: str) -> None:
    """Restart after a death and judge what stands: share, database, and whether the cell goes on as if nothing was."""
    store = Store(f"sqlite:///{directory / 'cell.sqlite'}")
    clock = Clock(start=START + 100_000 * number + 50_000)
    with Bench(directory, store=store, clock=clock, catalogue=TWO, **profile) as bench:
        with store.change() as db:
            tasks = [(row.value().state, row.error) for row in db.scalars(select(TaskRow))]
            sessions = [(row.id, SessionState(row.state), dict(row.files)) for row in db.scalars(select(TransferRow))]
        for state, error in tasks:
            assert state.ended
            assert (state is TaskState.ERROR) == (error is not None)
        for transfer, state, files in sessions:
            if state is SessionState.LINKED and files:
                assert bench.engine._spool.files(transfer) == files
        link = bench.engine.link(bench.entity())
        clock.advance(REAPER)
        standing = {path.name for path in bench.root.iterdir()}
        assert standing == ({link.id} if link is not None and link.files else set())
        assert bench.state(bench.export()) == "success"
        clock.advance(EXPIRY + REAPER)
        assert bench.listing() == []
        with store.change() as db:
            assert set(db.scalars(select(TransferRow.state))) == {SessionState.REMOVED.value}
    store.close()


@pytest.mark.parametrize("step", Step, ids=lambda step: step.label)
@pytest.mark.parametrize("build_at", ["enable", "get"])
def test_each_step(tmp_path: Path, step: Step, build_at: str) -> None:
    assert lived(tmp_path, 0, WHOLE_LIFE, step.label, 1, build_at=build_at)
    look(tmp_path, 0)


@settings(max_examples=15, deadline=None)
@given(st.lists(lives, min_size=1, max_size=3))
def test_lives_one_after_another(told: list[tuple[list[str], Step, int, str]]) -> None:
    with tempfile.TemporaryDirectory(prefix="twohop-lives-") as home:
        for number, (done, step, nth, build_at) in enumerate(told):
            lived(Path(home), number, done, step.label, nth, build_at=build_at)
        look(Path(home), len(told))


def test_a_task_that_its_dead_cell_left_stays_running_where_the_profile_says(tmp_path: Path) -> None:
    assert lived(tmp_path, 0, ["enable"], "pulled", 1)
    store = Store(f"sqlite:///{tmp_path / 'cell.sqlite'}")
    with Bench(tmp_path, store=store, catalogue=TWO, dead_cell_tasks="stay-running") as bench:
        (task,) = bench.engine.tasks_of(bench.entity())
        assert task.value.state is TaskState.RUNNING
        bench.clock.advance(REAPER)
        assert bench.listing() == []
    store.close()


def test_somebody_fails_the_tasks_that_stay_running(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'cell.sqlite'}"
    task = leave_task(url)
    profile = load_profile("cell-36.0", {"dead_cell_tasks": "stay-running"})
    seen = []
    for fail_tasks in (False, True, False):
        with Cell(
            None, transfer_dir=tmp_path / "share", clock=Clock(start=START), source=MadeUpSource(), database=url,
            profile=profile, fail_tasks=fail_tasks,
        ) as cell:  # fmt: skip
            found = cell.engine.task(task)
            assert found is not None
            seen.append((found.value.state.value, found.error))
    dead = "the cell that ran this task ended before it; ask again"
    assert seen == [("running", None), ("error", dead), ("error", dead)]


def test_a_step_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(ValueError, match=r"TWOHOP_CRASH_AT: a cell has no step 'tomorrow'; it has asked, .*removed"):
        crashing("tomorrow")
    assert [step.label for step in EXPORT][-1] == "linked"
    crashing("")(Step.ASKED)
