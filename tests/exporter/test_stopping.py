"""Stopping: from another thread, from a signal, and never in the middle of a call that grants something."""

from __future__ import annotations

import signal
import threading

import pytest

from twohop.exporter import Cancellation, Cancelled, HostUnreachable
from twohop.exporter._shield import shielded


def test_ctrl_c_waits_until_the_call_has_written_down_what_it_got() -> None:
    begun, granted = threading.Event(), []

    def grant() -> None:
        begun.set()
        interrupted.wait()
        granted.append("lease")

    interrupted = threading.Event()

    def press() -> None:
        begun.wait()
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        interrupted.set()

    threading.Thread(target=press, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        shielded(grant)
    assert granted == ["lease"]


def test_a_call_that_had_not_begun_when_ctrl_c_came_never_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """The interpreter may be interrupted after the thread exists and before it has run a line."""
    late: list[threading.Thread] = []

    def start(self: threading.Thread) -> None:
        late.append(self)
        raise KeyboardInterrupt

    called: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        with pytest.raises(KeyboardInterrupt):
            shielded(lambda: called.append(1))
    [thread] = late
    thread.start()
    thread.join()
    assert called == []


def test_ctrl_c_in_a_call_that_fails_stays_ctrl_c() -> None:
    begun, pressed = threading.Event(), threading.Event()

    def refuse() -> str:
        begun.set()
        pressed.wait()
        raise ValueError("refused")

    def press() -> None:
        begun.wait()
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        pressed.set()

    threading.Thread(target=press, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        shielded(refuse)


def test_results_and_errors_pass() -> None:
    assert shielded(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        shielded(lambda: 1 // 0)
    results: list[int] = []
    thread = threading.Thread(target=lambda: results.append(shielded(lambda: 8)))
    thread.start()
    thread.join()
    assert results == [8]


def test_the_first_reason_is_kept_and_told() -> None:
    stop, told = Cancellation(), []
    with stop.on_cancel(told.append), stop.child() as child:
        stop.check()
        stop.cancel(HostUnreachable("first"))
        stop.cancel()
        with pytest.raises(HostUnreachable, match="first"):
            child.check()
    assert [str(reason) for reason in told] == ["first"]
    with stop.on_cancel(told.append):
        assert len(told) == 2


def test_a_child_does_not_stop_its_parent() -> None:
    stop = Cancellation()
    with stop.child() as child:
        child.cancel()
        assert isinstance(child.reason, Cancelled)
    stop.check()
    assert not stop.is_set()
