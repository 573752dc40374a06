"""The tables: whole, with ends that nothing leaves, and what follows from them for a lease, a task and a session."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twohop.fakes.machines import (
    Lease,
    LeaseInput,
    LeaseState,
    PowerInput,
    PowerState,
    Refusal,
    SessionInput,
    SessionState,
    SessionValue,
    TaskInput,
    TaskState,
    TaskValue,
    _lease,
    _power,
    _session,
    _task,
    step_power,
)

LEASE_ENDS = {LeaseState.DONE, LeaseState.ABORTED, LeaseState.TIMED_OUT, LeaseState.FAILED}
TABLES = [
    pytest.param(_lease.TABLE, LeaseState, LeaseInput, LEASE_ENDS, id="lease"),
    pytest.param(_task.TABLE, TaskState, TaskInput, {TaskState.SUCCESS, TaskState.ERROR}, id="task"),
    pytest.param(_power.TABLE, PowerState, PowerInput, set(), id="power"),
    pytest.param(
        _session.TABLE, SessionState, SessionInput, {SessionState.LOGGED_OUT, SessionState.EXPIRED}, id="session"
    ),
]
Table = Mapping[tuple[Any, Any], Any]
INPUTS = st.lists(st.tuples(st.sampled_from(LeaseInput), st.floats(0, 400)), max_size=30)


@pytest.mark.parametrize(("table", "states", "inputs", "ends"), TABLES)
def test_a_table_answers_every_input_in_every_state(
    table: Table, states: type[Enum], inputs: type[Enum], ends: set[Any]
) -> None:
    assert set(table) == set(product(states, inputs))


@pytest.mark.parametrize(("table", "states", "inputs", "ends"), TABLES)
def test_nothing_leaves_an_end_and_everything_else_is_left(
    table: Table, states: type[Enum], inputs: type[Enum], ends: set[Any]
) -> None:
    leaving = {state for (state, _), target in table.items() if isinstance(target, states) and target is not state}
    assert leaving == set(states) - ends
    for (state, _), target in table.items():
        assert state not in ends or not isinstance(target, states)


@pytest.mark.parametrize(("table", "states", "inputs", "ends"), TABLES)
def test_every_state_is_reached(table: Table, states: type[Enum], inputs: type[Enum], ends: set[Any]) -> None:
    reached = {target for target in table.values() if isinstance(target, states)}
    first = {LeaseState.INITIALIZING, TaskState.QUEUED}
    assert reached | first >= set(states)


@given(steps=INPUTS, renews=st.booleans())
def test_a_lease_is_seen_initializing_then_ready_then_once_at_its_end(
    steps: list[tuple[LeaseInput, float]], renews: bool
) -> None:
    lease, now = Lease(300, 0, transfer_renews=renews), 0.0
    seen = [lease.state.seen]
    for input, seconds in steps:
        now += seconds
        after = lease.step(input, now)
        lease = lease if isinstance(after, Refusal) else after
        if lease.state.seen != seen[-1]:
            seen.append(lease.state.seen)
        assert (lease.deadline() is not None) == lease.state.held == (lease.state.seen in ("initializing", "ready"))
    stories = (["initializing", "ready", end] for end in ("done", "error"))
    assert any(seen == story[: len(seen)] for story in stories) or seen == ["initializing", "error"]


@given(steps=INPUTS, renews=st.booleans(), timeout=st.integers(30, 3600))
def test_only_getting_ready_progress_and_where_chosen_bytes_move_the_deadline(
    steps: list[tuple[LeaseInput, float]], renews: bool, timeout: int
) -> None:
    lease, now = Lease(timeout, 0, transfer_renews=renews), 0.0
    renewing = {LeaseInput.PREPARED, LeaseInput.PROGRESS} | ({LeaseInput.MOVED} if renews else set())
    for input, seconds in steps:
        now += seconds
        before, after = lease, lease.step(input, now)
        if isinstance(after, Refusal):
            continue
        assert (after.renewed_at, after.timeout) == (now if input in renewing else before.renewed_at, timeout)
        if after.state.held:
            assert after.deadline() == after.renewed_at + timeout
        lease = after


@pytest.mark.parametrize("renews", [True, False])
@pytest.mark.parametrize(("state", "input"), list(product(LeaseState, LeaseInput)))
def test_what_renews_in_each_state(state: LeaseState, input: LeaseInput, renews: bool) -> None:
    after = Lease(300, 0, state, renews).step(input, 7)
    renewing = {LeaseInput.PREPARED, LeaseInput.PROGRESS} | ({LeaseInput.MOVED} if renews else set())
    assert isinstance(after, Refusal) or after.renewed_at == (7 if input in renewing else 0)


@given(state=st.sampled_from(LeaseState), input=st.sampled_from(LeaseInput))
def test_a_refusal_is_the_documented_fault(state: LeaseState, input: LeaseInput) -> None:
    after = Lease(300, 0, state).step(input, 1)
    client = {LeaseInput.PROGRESS, LeaseInput.MANIFEST, LeaseInput.COMPLETE, LeaseInput.ABORT}
    if state is LeaseState.TIMED_OUT and input in client:
        assert after is Refusal.TIMED_OUT
    if state in LEASE_ENDS and input is LeaseInput.COMPLETE and state is not LeaseState.TIMED_OUT:
        assert after is Refusal.INVALID_STATE
    if input in (LeaseInput.PROGRESS, LeaseInput.ABORT) and state.held:
        assert isinstance(after, Lease)
    assert (after is Refusal.NOTHING) <= (input not in client)


@given(
    steps=st.lists(st.tuples(st.sampled_from((LeaseInput.PROGRESS, LeaseInput.MOVED)), st.floats(0, 200)), max_size=30),
    patience=st.sampled_from((0, 60, 120)),
)
def test_progress_is_refused_exactly_while_no_byte_has_moved_for_too_long(
    steps: list[tuple[LeaseInput, float]], patience: int
) -> None:
    lease, now = Lease(1e9, 0, require_transfer=patience), 500.0
    # Preparing takes as long as it takes: nothing can move yet.
    assert isinstance(lease.step(LeaseInput.PROGRESS, now), Lease)
    ready = lease.step(LeaseInput.PREPARED, now)
    assert isinstance(ready, Lease)
    lease, moved = ready, now
    for input, seconds in steps:
        now += seconds
        after = lease.step(input, now)
        stalled = input is LeaseInput.PROGRESS and patience > 0 and now - moved >= patience
        assert (after is Refusal.TIMED_OUT) == stalled
        if isinstance(after, Lease):
            assert after.renewed_at == (now if input is LeaseInput.PROGRESS else lease.renewed_at)
            lease = after
        moved = now if input is LeaseInput.MOVED else moved


@given(steps=st.lists(st.tuples(st.sampled_from(TaskInput), st.floats(0, 10)), max_size=8))
def test_a_task_ends_once_and_knows_when(steps: list[tuple[TaskInput, float]]) -> None:
    task, now, ends = TaskValue(0), 0.0, []
    for input, seconds in steps:
        now += seconds
        after = task.step(input, now)
        if after.completed_at != task.completed_at:
            ends.append(after.state)
        assert (after.completed_at is not None) == (after.state in (TaskState.SUCCESS, TaskState.ERROR))
        assert after.state is not TaskState.SUCCESS or after.started_at is not None
        assert after.deadline() is None
        task = after
    assert len(ends) <= 1


@given(start=st.sampled_from(PowerState), inputs=st.lists(st.sampled_from(PowerInput), max_size=8))
def test_power_refuses_what_it_names_another_state_for(start: PowerState, inputs: list[PowerInput]) -> None:
    state = start
    for input in inputs:
        after = step_power(state, input)
        if after is None:
            assert state is not _power.required_state(input)
        else:
            state = after
    assert step_power(PowerState.OFF, PowerInput.POWER_ON) is PowerState.ON


@given(steps=st.lists(st.tuples(st.sampled_from(SessionInput), st.floats(0, 4000)), max_size=20))
def test_a_session_that_ended_takes_no_call(steps: list[tuple[SessionInput, float]]) -> None:
    session, now, calls = SessionValue(1800, 0), 0.0, 0
    for input, seconds in steps:
        now += seconds
        after = session.step(input, now)
        if after is None:
            assert session.state is not SessionState.ACTIVE
            assert session.deadline() is None
            continue
        assert session.state is SessionState.ACTIVE
        calls += input is SessionInput.CALL
        session = after
        if session.state is SessionState.ACTIVE:
            assert (session.last_call, session.deadline()) == (now, now + 1800)
        assert session.calls == calls
