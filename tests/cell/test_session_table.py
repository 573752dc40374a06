"""The transfer session's table, taken through every story that Hypothesis can think of."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from twohop.exporter.cell.engine import Refusal, SessionInput, SessionState, TransferSession
from twohop.exporter.cell.engine._session import TABLE, TERMINAL

inputs = st.sampled_from(SessionInput)
policies = st.sampled_from(["start", "end", "both", "never"])
stories = st.lists(st.tuples(inputs, st.floats(0, 5000)), max_size=40)
EXPIRY = 3600.0


def linked(policy: str = "both") -> TransferSession:
    value = TransferSession(EXPIRY, 0.0, get_refreshes=policy).step(SessionInput.BUILT, 0.0)
    assert isinstance(value, TransferSession)
    return value


def test_every_state_answers_every_input() -> None:
    assert set(TABLE) == {(state, input) for state in SessionState for input in SessionInput}


def test_terminal_states_have_no_way_out_and_are_reachable() -> None:
    for (state, input), target in TABLE.items():
        if state in TERMINAL:
            assert isinstance(target, Refusal) or target is state, input
    reached = {target for target in TABLE.values() if isinstance(target, SessionState)}
    assert reached == set(SessionState) - {SessionState.BUILDING}


@given(policies, stories)
def test_no_story_brings_a_dead_link_back(policy: str, story: list[tuple[SessionInput, float]]) -> None:
    value, now, was_linked, dead = TransferSession(EXPIRY, 0.0, get_refreshes=policy), 0.0, False, False
    for input, pause in story:
        now += pause
        result = value.step(input, now)
        if isinstance(result, Refusal):
            continue
        assert result.readers >= 0
        if value.state is SessionState.LINKED and result.state is not SessionState.LINKED:
            dead = True
        was_linked = was_linked or result.state is SessionState.LINKED
        assert not (dead and result.state is SessionState.LINKED)
        if input is SessionInput.GET_BEGINS:
            assert value.state is SessionState.LINKED
        value = result
    if value.state is SessionState.EXPIRED:
        assert was_linked


@given(policies, stories)
def test_a_running_get_has_no_deadline(policy: str, story: list[tuple[SessionInput, float]]) -> None:
    value, now = linked(policy), 0.0
    for input, pause in story:
        now += pause
        result = value.step(input, now)
        if isinstance(result, Refusal):
            continue
        assert not (value.readers and value.state is SessionState.LINKED and result.state is SessionState.EXPIRED)
        value = result
        if value.readers:
            assert value.deadline() is None


@given(st.floats(0, 1e6))
def test_idle_time_kills_the_link_at_its_deadline_and_not_before(pause: float) -> None:
    result = linked().step(SessionInput.IDLE, pause)
    if pause < EXPIRY:
        assert result is Refusal.NOTHING
    else:
        assert isinstance(result, TransferSession)
        assert result.state is SessionState.EXPIRED


def deadline_after_get(policy: str) -> float | None:
    during = linked(policy).step(SessionInput.GET_BEGINS, 1000.0)
    assert isinstance(during, TransferSession)
    after = during.step(SessionInput.GET_ENDS, 3000.0)
    assert isinstance(after, TransferSession)
    return after.deadline()


def test_the_profile_says_which_moment_of_a_get_restarts_the_idle_time() -> None:
    assert deadline_after_get("never") == EXPIRY
    assert deadline_after_get("start") == 1000.0 + EXPIRY
    assert deadline_after_get("end") == 3000.0 + EXPIRY
    assert deadline_after_get("both") == 3000.0 + EXPIRY
