"""A signal to a serving command is never lost, and never locks it up, wherever it comes."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import Any

import pytest

from twohop.cli._until import Until

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture
def until():
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield Until(0, None, None)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_before_the_wait_ends_it(until, number):
    with until.heard():
        os.kill(os.getpid(), number)
        until.wait()


def test_what_nohup_started_outlives_its_terminal(until):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with until.heard():
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGTERM)
        until.wait()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_a_signal_that_another_thread_meets_ends_the_wait(until):
    with until.heard():
        waiting = threading.Thread(target=until.wait)
        waiting.start()
        signal.pthread_kill(waiting.ident, signal.SIGTERM)
        waiting.join()


def test_a_signal_at_any_line_of_the_wait_ends_it(until):
    """Python runs the handler between two lines, with whatever lock they hold: it must not want the same one."""
    lines = _lines(until, at=None)
    assert lines
    for nth in range(1, lines + 1):
        _lines(until, at=nth)


def _lines(until: Until, at: int | None) -> int:
    """Wait for a signal that comes at line `at`, or before all of them; return how many lines the wait has."""
    seen = 0

    def line(frame: FrameType, event: str, arg: object) -> Any:
        nonlocal seen
        if event == "line":
            seen += 1
            if seen == at:
                os.kill(os.getpid(), signal.SIGTERM)
        return line

    traced = sys.gettrace()
    with until.heard():
        if at is None:
            os.kill(os.getpid(), signal.SIGTERM)
        sys.settrace(lambda frame, event, arg: line)
        try:
            until.wait()
        finally:
            sys.settrace(traced)
    return seen
