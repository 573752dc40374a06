"""Stopping: from another thread, from a signal, and never in the middle of a call that grants something."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.host_by_hand import host
from twohop.exporter import Cancellation, Cancelled, DeviceFile, HostUnreachable, fetch
from twohop.exporter._shield import shielded
from twohop.exporter.transfer import _connection
from twohop.exporter.transfer._dialling import dial


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


AT_ONCE = 10.0
"""Real seconds that no test here takes, and that every wait which is not ended from outside exceeds."""


@contextlib.contextmanager
def mute(*, full: bool = False) -> Iterator[socket.socket]:
    """A listener that never says a word; with `full` its queue is so full that a connection is not even taken."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as stack:
        for _ in range(4 if full else 0):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener


def cancelled_fetch(listener: socket.socket, path: Path, stop: Cancellation) -> None:
    url = f"https://127.0.0.1:{listener.getsockname()[1]}/nfc/t/disk-0.vmdk"
    started = time.monotonic()
    with pytest.raises(Cancelled):
        fetch(DeviceFile("k", url, disk=True), path / "d", cancelled=stop, insecure=True)
    assert time.monotonic() - started < AT_ONCE
    assert not (path / "d").exists()


def test_a_cancel_in_a_tls_handshake_is_heard(tmp_path: Path) -> None:
    stop = Cancellation()
    with mute() as listener:

        def press() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1)
                stop.cancel()
                while connection.recv(65536):
                    pass

        thread = threading.Thread(target=press, daemon=True)
        thread.start()
        cancelled_fetch(listener, tmp_path, stop)
        thread.join()


def test_a_cancel_in_a_connect_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = Cancellation()

    def waiting(host: str, port: int, seconds: float, check: object, **more: bool) -> socket.socket:
        threading.Thread(target=stop.cancel, daemon=True).start()
        return dial(host, port, seconds, check, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(_connection, "dial", waiting)
    with mute(full=True) as listener:
        cancelled_fetch(listener, tmp_path, stop)


def test_a_cancel_between_handshake_and_request_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection stands, and nobody had a socket to close when the cancel came."""
    stop, release = Cancellation(), threading.Event()

    def says_nothing(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        release.wait()
        start("200 OK", [])
        return []

    class Late(_connection.Peer):
        def connected(self, sock: object) -> None:
            stop.cancel()
            super().connected(sock)

    monkeypatch.setattr("twohop.exporter.transfer._fetch.Peer", Late)
    with host(says_nothing, tmp_path) as esx:
        started = time.monotonic()
        try:
            with pytest.raises(Cancelled):
                fetch(esx.entry(), tmp_path / "d", cancelled=stop, silence=2 * AT_ONCE)
        finally:
            release.set()
        assert time.monotonic() - started < AT_ONCE


def test_a_connect_takes_no_longer_than_it_may() -> None:
    with mute(full=True) as listener, pytest.raises(TimeoutError):
        dial("127.0.0.1", listener.getsockname()[1], 0.2, lambda: None)


def test_an_address_that_refuses_leaves_the_next_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    with mute() as listener:
        port = listener.getsockname()[1]
        rows = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", each)) for each in (1, port)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: rows)
        with dial("somewhere", port, 5.0, lambda: None) as sock:
            assert sock.getpeername() == ("127.0.0.1", port)
