"""The clock: order, waits, participants that arm again, and what is left of it."""

from __future__ import annotations

import itertools
import math
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twohop.runtime import Clock, ClockClosed, Wake
from twohop.runtime import _clock as clock_module

LONG = 30.0
"""Real seconds after which a thread that should have come is missing."""


@given(deadlines=st.lists(st.floats(0, 1000), max_size=20), step=st.floats(0, 1200))
def test_timers_fire_in_the_order_of_their_deadlines_each_at_its_own(deadlines: list[float], step: float) -> None:
    clock = Clock(start=0.0)
    rang: list[tuple[float, int]] = []
    for number, deadline in enumerate(deadlines):

        def ring(number: int = number) -> None:
            rang.append((clock.now(), number))

        clock.call_at(deadline, ring)
    clock.advance(step)
    due = sorted((deadline, number) for number, deadline in enumerate(deadlines) if deadline <= step)
    assert rang == due
    assert clock.now() == step


def test_a_timer_may_arm_another_and_one_that_is_cancelled_never_rings() -> None:
    clock = Clock(start=0.0)
    rang: list[float] = []

    def again() -> None:
        rang.append(clock.now())
        clock.call_at(clock.now() + 10, again)

    clock.call_at(10, again)
    clock.call_at(15, lambda: rang.append(-1)).cancel()
    clock.advance(35)
    assert rang == [10, 20, 30]


@pytest.mark.parametrize("seconds", [-1, -1e-9, math.nan, math.inf, -math.inf, 1e300])
def test_an_advance_that_is_no_span_is_refused_and_moves_nothing(seconds: float) -> None:
    clock, rang = Clock(start=0.0), []
    clock.call_at(5, lambda: rang.append(1))
    with pytest.raises(ValueError, match="asked to advance"):
        clock.advance(seconds)
    assert (clock.now(), rang) == (0.0, [])


def test_a_wait_ends_at_its_deadline_or_at_once_where_that_has_passed() -> None:
    clock = Clock(start=100.0)
    assert clock.wait_until(100.0) is False
    assert clock.wait_until(50.0) is False
    ended = threading.Event()
    waiting = _armed(clock)
    thread = threading.Thread(target=lambda: (clock.wait_until(130.0), ended.set()))
    thread.start()
    waiting()
    clock.advance(29)
    assert not ended.is_set()
    clock.advance(1)
    thread.join(LONG)
    assert ended.is_set()


def test_a_wake_ends_waits_now_and_until_it_is_cleared() -> None:
    clock, wake, woken = Clock(start=0.0), Wake(), []
    waiting = _armed(clock)
    thread = threading.Thread(target=lambda: woken.append(clock.wait_until(math.inf, wake)))
    thread.start()
    waiting()
    wake.set()
    thread.join(LONG)
    assert woken == [True]
    assert clock.wait_until(1000.0, wake) is True
    wake.clear()
    assert wake.is_set() is False
    assert clock.wait_until(0.0, wake) is False


def test_a_participant_acts_at_each_of_its_deadlines_while_the_time_leaps() -> None:
    clock, renewed, started, stop = Clock(start=0.0), [], threading.Event(), Wake()

    def keep_alive() -> None:
        with clock.participant():
            for at in itertools.count(60, 60):
                waiting()
                if clock.wait_until(at, stop):
                    return
                renewed.append(clock.now())

    waiting = started.set
    armed = _armed(clock)
    thread = threading.Thread(target=keep_alive)
    thread.start()
    armed()
    rang: list[int] = []
    clock.call_at(300, lambda: rang.append(len(renewed)))
    clock.advance(310)
    assert renewed == [60, 120, 180, 240, 300]
    assert rang[0] in (4, 5), "the timer of 300 s rang before the renewals that were due earlier"
    stop.set()
    thread.join(LONG)
    assert not thread.is_alive()


def test_a_participant_that_leaves_does_not_hold_the_time() -> None:
    clock = Clock(start=0.0)
    armed = _armed(clock)

    def once() -> None:
        with clock.participant():
            clock.wait_until(10)

    thread = threading.Thread(target=once)
    thread.start()
    armed()
    clock.advance(100)
    thread.join(LONG)
    assert clock.now() == 100


def test_a_participant_that_is_stuck_is_named_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock_module, "SETTLE_GUARD", 0.01)
    clock, free = Clock(start=0.0), threading.Event()
    armed = _armed(clock)

    def stuck() -> None:
        with clock.participant():
            clock.wait_until(10)
            free.wait(LONG)

    thread = threading.Thread(target=stuck)
    thread.start()
    armed()
    with pytest.raises(RuntimeError, match="stuck in whatever it does"):
        clock.advance(20)
    free.set()
    thread.join(LONG)


def test_a_running_clock_fires_what_an_advance_has_brought_near() -> None:
    class Told(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            asleep.set()
            return super().wait(timeout)

    clock, rang, asleep = Clock(running=True), threading.Event(), threading.Event()
    clock._changed = Told()
    try:
        clock.call_at(clock.now() + 3000, rang.set)
        assert asleep.wait(LONG)
        before = clock.now()
        clock.advance(2999.95)
        assert rang.wait(LONG), "the clock's own thread slept past a timer that an advance had brought near"
        assert clock.now() - before >= 2999.95
    finally:
        clock.close()


def test_advancing_a_running_clock_fires_in_order_in_the_calling_thread() -> None:
    clock, rang = Clock(running=True), []
    try:
        start = clock.now()
        for after in (300, 100, 200):
            clock.call_at(start + after, lambda after=after: rang.append(after))  # type: ignore[misc]
        clock.advance(250)
        assert rang == [100, 200]
    finally:
        clock.close()


def test_catching_up_fires_what_is_due_even_where_the_clocks_own_thread_is_late() -> None:
    clock, rang = Clock(running=True), []
    try:
        clock._tick = lambda: None  # type: ignore[method-assign]  # a thread that never comes
        clock.call_at(clock.now() - 1, lambda: rang.append("due"))
        clock.call_at(clock.now() + 1000, lambda: rang.append("later"))
        clock.catch_up()
        assert rang == ["due"]
    finally:
        clock.close()


def test_quiet_is_a_clock_that_nobody_would_have_to_wait_for() -> None:
    clock, begun, go = Clock(running=True), threading.Event(), threading.Event()
    try:
        assert clock.quiet()
        clock._tick = lambda: None  # type: ignore[method-assign]  # a thread that never comes
        clock.call_at(clock.now() - 1, lambda: (begun.set(), go.wait(30)))
        assert not clock.quiet()
        other = threading.Thread(target=clock.catch_up)
        other.start()
        assert begun.wait(30)
        # Nothing is due any more, but what was due is still going on.
        assert not clock.due()
        assert not clock.quiet()
        go.set()
        other.join()
        assert clock.quiet()
    finally:
        go.set()
        clock.close()
    assert Clock(start=10.0).quiet()


def test_a_standing_clock_has_nothing_to_catch_up_with() -> None:
    clock, rang = Clock(start=10.0), []
    clock.call_at(5, lambda: rang.append(1))
    clock.catch_up()
    assert rang == []


def test_a_closed_clock_has_no_thread_and_starts_none() -> None:
    clock, rang = Clock(running=True), []
    clock.call_at(clock.now() + 1000, lambda: rang.append(1))
    assert any(t.name == "twohop-clock" for t in threading.enumerate())
    clock.close()
    clock.close()
    clock.call_at(clock.now(), lambda: rang.append(2))
    assert not any(t.name == "twohop-clock" for t in threading.enumerate())
    assert rang == []


def test_a_standing_clock_needs_no_thread() -> None:
    before = set(threading.enumerate())
    clock = Clock()
    clock.call_at(clock.now() + 5, lambda: None)
    clock.advance(10)
    assert set(threading.enumerate()) <= before


def _armed(clock: Clock):  # type: ignore[no-untyped-def]
    """Return what blocks until one more wait has been armed on the clock."""
    armed, schedule = threading.Event(), clock._schedule

    def watched(timer):  # type: ignore[no-untyped-def]
        result = schedule(timer)
        armed.set()
        return result

    clock._schedule = watched  # type: ignore[method-assign]
    return lambda: armed.wait(LONG) or pytest.fail("nobody waits on the clock")


def test_a_timer_that_raises_takes_its_turn_from_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, rang = Clock(start=0.0), []
    clock.call_at(10, lambda: 1 / 0)
    clock.call_at(20, lambda: rang.append(clock.now()))
    with pytest.raises(ZeroDivisionError):
        clock.advance(30)
    assert (rang, clock.now()) == ([20], 30)

    told, later = [], threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda given: told.append(given.exc_type))
    running = Clock(running=True)
    try:
        running.call_at(running.now(), lambda: 1 / 0)
        running.call_at(running.now(), later.set)
        assert later.wait(LONG), "a timer that raised has stopped the clock"
        assert told == [ZeroDivisionError]
    finally:
        running.close()


def test_a_closed_clock_fires_nothing_and_leaves_nobody_waiting() -> None:
    clock, rang, ended = Clock(start=0.0), [], []
    clock.call_at(5, lambda: rang.append(1))
    armed = _armed(clock)

    def wait() -> None:
        try:
            clock.wait_until(10)
        except ClockClosed:
            ended.append("closed")

    thread = threading.Thread(target=wait)
    thread.start()
    armed()
    clock.close()
    thread.join(LONG)
    assert ended == ["closed"]
    clock.advance(100)
    assert rang == []
    with pytest.raises(ClockClosed):
        clock.wait_until(1000)


def test_catching_up_waits_for_a_timer_that_is_being_run() -> None:
    clock, busy, free, rang = Clock(running=True), threading.Event(), threading.Event(), []

    def slow() -> None:
        busy.set()
        free.wait(LONG)

    try:
        clock.call_at(clock.now(), slow)
        clock.call_at(clock.now(), lambda: rang.append(1))
        assert busy.wait(LONG)
        caller = threading.Thread(target=clock.catch_up)
        caller.start()
        assert rang == []
        free.set()
        caller.join(LONG)
        assert rang == [1]
    finally:
        free.set()
        clock.close()


def test_a_participant_that_woke_early_and_waits_again_is_not_taken_for_a_stuck_one() -> None:
    clock, stop, rounds = Clock(start=0.0), Wake(), []

    def loop() -> None:
        with clock.participant():
            for number in range(200):
                clock.wait_until(clock.now() + 5, stop)
                stop.clear()
                rounds.append(number)

    thread = threading.Thread(target=loop)
    thread.start()
    while thread.is_alive():
        stop.set()
        clock.advance(5)
    thread.join(LONG)
    assert len(rounds) == 200
