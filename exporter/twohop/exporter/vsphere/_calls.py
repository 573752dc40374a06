"""Calls that may wait for minutes, ended from outside: CreateDescriptor hangs on some servers (8.12)."""

from __future__ import annotations

import contextlib
import errno
import socket
import threading
from collections.abc import Iterator
from http.client import HTTPSConnection
from typing import Any

from twohop.runtime.observing import ObservingConnection


class Calls:
    """The connections of one session; `hang_up` ends the calls on them, and lets no other begin.

    A call that may be granted something is `kept`, and its answer waited for: who is not told of a lease cannot end it.
    """

    def __init__(self) -> None:
        # No lock, which Ctrl-C could leave locked: a call is written down before it looks whether all is over, and all
        # is over before the calls are read, so one of the two sees the other.
        self._wires: dict[HTTPSConnection, socket.socket | None] = {}
        self._over = False
        self._mine = threading.local()

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Leave the calls of this thread alone."""
        self._mine.kept = True
        try:
            yield
        finally:
            self._mine.kept = False

    def begin(self, connection: HTTPSConnection, wire: Any) -> None:
        """Hear of a call that begins, or of the socket that was made for it; raise ConnectionAbortedError after all."""
        if getattr(self._mine, "kept", False):
            self._wires.pop(connection, None)
            return
        self._wires[connection] = wire if isinstance(wire, socket.socket) else None
        if self._over:
            self._wires.pop(connection, None)
            raise ConnectionAbortedError(errno.ECONNABORTED, "hung up on this side")

    def end(self, connection: HTTPSConnection) -> None:
        """Hear of a connection that is closed."""
        self._wires.pop(connection, None)

    def hang_up(self, *_: object) -> None:
        """End every call that is not kept."""
        self._over = True
        for wire in list(self._wires.values()):
            if wire is not None:
                # SSLSocket.shutdown would drop its TLS state under whoever reads from it.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(wire, socket.SHUT_RDWR)


def ended_by(scheme: type[ObservingConnection], calls: Calls) -> type[ObservingConnection]:
    """Return a class of connections like `scheme` whose calls can be ended by `calls`."""

    class Ended(scheme):  # type: ignore[misc,valid-type]
        def connect(self) -> None:
            super().connect()
            calls.begin(self, self.sock)

        def request(self, *args: Any, **more: Any) -> None:
            calls.begin(self, self.sock)
            super().request(*args, **more)

        def close(self) -> None:
            calls.end(self)
            super().close()

    return Ended
