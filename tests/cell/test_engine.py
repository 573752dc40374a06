"""Exports that fail, queue, are cancelled, or outlive their process."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from cell.support import DISK, START, VM, Bench, Gate, MadeUpSource, Trouble
from twohop.exporter.cell.engine import EXPORT, Leg, Step, Store, WrongState, default_catalogue, totals
from twohop.runtime import Clock
from waiting import until

TWO = default_catalogue([VM, "DC0_C0_RP0_VM2"])


def failing_at(step: Step) -> Callable[[Step], None]:
    def on_step(taken: Step) -> None:
        if taken is step:
            raise Trouble("the test pulled the plug")

    return on_step


STEPS = EXPORT[EXPORT.index(Step.RESERVED) : EXPORT.index(Step.LINKED)]


@pytest.mark.parametrize("step", STEPS)
def test_a_failure_at_any_step_leaves_nothing_and_says_why(tmp_path: Path, step: Step) -> None:
    with Bench(tmp_path, on_step=failing_at(step), catalogue=TWO) as bench:
        task = bench.engine.task(bench.export())
        assert task is not None
        assert task.value.state.value == "error"
        assert task.error == "the test pulled the plug"
        assert bench.listing() == []
        assert bench.engine.link(bench.entity()) is None


@pytest.mark.parametrize("error", [Trouble("vCenter is gone"), OSError(errno.ENOSPC, "No space left on device")])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("machine", [0, 1])
def test_a_source_that_fails_leaves_nothing(tmp_path: Path, error: Exception, when: str, machine: int) -> None:
    def fail(vm: str) -> None:
        if len(source.pulled) == machine:
            raise error

    source = MadeUpSource(**{when: fail})
    with Bench(tmp_path, source=source, catalogue=TWO) as bench:
        task = bench.engine.task(bench.export())
        assert task is not None
        assert task.value.state.value == "error"
        assert task.error is not None
        assert "vCenter is gone" in task.error or "No space left" in task.error
        assert bench.listing() == []
        # The next export is not hindered.
        source.before = source.after = lambda vm: None
        assert bench.state(bench.export()) == "success"


def test_the_task_runs_at_once_and_no_link_stands_before_it_has_succeeded(tmp_path: Path) -> None:
    gate = Gate()
    with Bench(tmp_path, source=MadeUpSource(after=gate)) as bench:
        task = bench.engine.enable(bench.entity(), "administrator")
        assert task.value.state.value == "running"
        assert gate.reached.wait(30)
        assert bench.engine.link(bench.entity()) is None
        assert [t.id for t in bench.engine.tasks_of(bench.entity())] == [task.id]
        gate.release()
        bench.engine.settle()
        assert bench.engine.tasks_of(bench.entity()) == []
        assert bench.engine.link(bench.entity()) is not None


def test_a_second_export_of_one_entity_waits_and_shares_the_package(tmp_path: Path) -> None:
    gate = Gate()
    source = MadeUpSource(after=gate)
    with Bench(tmp_path, source=source) as bench:
        one = bench.engine.enable(bench.entity(), "administrator")
        assert gate.reached.wait(30)
        two = bench.engine.enable(bench.entity(), "administrator")
        assert two.value.state.value == "queued"
        gate.release()
        bench.engine.settle()
        assert [bench.state(task.id) for task in (one, two)] == ["success", "success"]
        assert source.pulled == [VM]


@pytest.mark.parametrize(("repeat", "same"), [("same", True), ("new", False)])
def test_enabling_again_keeps_or_changes_the_session_as_the_profile_says(
    tmp_path: Path, repeat: str, same: bool
) -> None:
    with Bench(tmp_path, repeat_enable=repeat) as bench:
        bench.export()
        before = bench.engine.link(bench.entity())
        bench.clock.advance(10)
        bench.export()
        after = bench.engine.link(bench.entity())
        assert before is not None
        assert after is not None
        assert (before.id == after.id) is same


def test_cancelling_stops_the_export_and_cleans_up(tmp_path: Path) -> None:
    gate = Gate()
    with Bench(tmp_path, source=MadeUpSource(after=gate)) as bench:
        task = bench.engine.enable(bench.entity(), "administrator")
        assert gate.reached.wait(30)
        assert bench.engine.cancel(task.id)
        asked = bench.engine.task(task.id)
        assert asked is not None
        assert asked.value.cancel_requested
        assert asked.value.state.value == "running"
        gate.release()
        bench.engine.settle()
        assert bench.state(task.id) == "canceled"
        assert not bench.engine.cancel(task.id)
        assert bench.listing() == []


def test_a_cell_that_stops_aborts_its_tasks_and_leaves_the_share_clean(tmp_path: Path) -> None:
    gate, store = Gate(), Store(f"sqlite:///{tmp_path / 'cell.sqlite'}")
    bench = Bench(tmp_path, source=MadeUpSource(after=gate), store=store)
    task = bench.engine.enable(bench.entity(), "administrator")
    assert gate.reached.wait(30)
    closing = threading.Thread(target=bench.engine.close)
    closing.start()
    until(lambda: bench.engine._tasks.switch(task.id).is_set(), "nobody stops the task")
    gate.release()
    closing.join(30)
    assert bench.state(task.id) == "aborted"
    assert bench.listing() == []
    store.close()


def test_a_powered_on_vapp_is_refused_with_the_documented_words(tmp_path: Path) -> None:
    with Bench(tmp_path, source=MadeUpSource(powers={VM: "poweredOn"})) as bench:
        with pytest.raises(WrongState, match=r'vApp "vApp0"\. Stop the vApp and try again\.'):
            bench.engine.enable(bench.entity(), "administrator")
        assert bench.engine.tasks_of(bench.entity()) == []


def test_an_empty_vapp_and_one_whose_lease_has_run_out_are_refused(tmp_path: Path) -> None:
    spec = default_catalogue()
    spec["orgs"][0]["vdcs"][0]["vapps"] = [
        {"name": "empty", "vms": []},
        {"name": "old", "vms": [VM], "storage_lease_s": 100},
    ]
    with Bench(tmp_path, catalogue=spec) as bench:
        with pytest.raises(WrongState, match="does not have any VMs"):
            bench.engine.enable(bench.entity("empty"), "administrator")
        assert bench.engine.condition(bench.entity("old")).status.downloadable
        bench.clock.advance(100)
        assert not bench.engine.condition(bench.entity("old")).status.downloadable
        with pytest.raises(WrongState, match="lease"):
            bench.engine.enable(bench.entity("old"), "administrator")


def test_the_ledger_counts_each_byte_once_per_leg(tmp_path: Path) -> None:
    with Bench(tmp_path) as bench:
        bench.export()
        link = bench.engine.link(bench.entity())
        assert link is not None
        for name, size in link.files.items():
            download = bench.engine.open(link.id, name, "10.0.0.1")
            download.close(size)
        whole = sum(link.files.values())
        assert totals(bench.engine.ledger(bench.entity())) == {
            Leg.HOST_TO_CELL.value: len(DISK),
            Leg.CELL_TO_SHARE.value: whole,
            Leg.SHARE_TO_CELL.value: whole,
            Leg.CELL_TO_USER.value: whole,
        }


def test_a_restart_keeps_links_and_their_clocks(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'cell.sqlite'}"
    store = Store(url)
    with Bench(tmp_path, store=store) as bench:
        bench.export()
        before = bench.engine.link(bench.entity())
        assert before is not None
        cut_by_the_end_of_the_process = bench.engine.open(before.id, "descriptor.ovf", "user")
        cut_by_the_end_of_the_process.file.close()
    store.close()
    store = Store(url)
    with Bench(tmp_path, store=store, clock=Clock(start=START + 1000)) as bench:
        assert bench.engine.link(bench.entity()) == before
        bench.clock.advance(2600)
        assert bench.engine.link(bench.entity()) is None
        bench.clock.advance(3600)
        assert bench.listing() == []
    store.close()


@pytest.mark.parametrize(("dead", "state"), [("fail-at-start", "error"), ("stay-running", "running")])
def test_a_cell_that_died_in_an_export_leaves_no_half_package(tmp_path: Path, dead: str, state: str) -> None:
    url, gate = f"sqlite:///{tmp_path / 'cell.sqlite'}", Gate()
    first_store, second_store = Store(url), Store(url)
    died = Bench(tmp_path, source=MadeUpSource(after=gate), store=first_store)
    task = died.engine.enable(died.entity(), "administrator")
    assert gate.reached.wait(30)
    with Bench(tmp_path, store=second_store, dead_cell_tasks=dead) as bench:
        assert bench.state(task.id) == state
        assert bench.engine.link(bench.entity()) is None
        assert bench.listing() != []
        bench.clock.advance(3600)
        assert bench.listing() == []
        gate.release()
        died.engine.settle()
        assert bench.engine.link(bench.entity()) is None
        assert bench.listing() == []
    died.engine.close()
    first_store.close()
    second_store.close()


def test_reset_goes_back_to_the_beginning(tmp_path: Path) -> None:
    with Bench(tmp_path) as bench:
        task = bench.export()
        bench.engine.reset()
        assert bench.listing() == []
        assert bench.engine.task(task) is None
        assert bench.state(bench.export()) == "success"


def test_the_journal_knows_no_transfer_id(tmp_path: Path) -> None:
    with Bench(tmp_path) as bench:
        bench.export()
        link = bench.engine.link(bench.entity())
        assert link is not None
        bench.clock.advance(86400)
        assert link.id not in bench.journal.ndjson()
        assert '"after": "removed"' in bench.journal.ndjson()
