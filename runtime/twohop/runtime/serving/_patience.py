"""How long a server waits for a client, and the reader of a connection that keeps to it.

A socket's own timeout counts from byte to byte, so that a client which sends one now and then would hold its thread for
ever. Here a head has a time in which it must be whole, and a body a rate that it must keep on the average.
"""

from __future__ import annotations

import io
import math
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """Real seconds, and bytes a second; the world's clock has no part in it, since sockets do not stand still."""

    handshake_s: float = 30.0
    """For a TLS handshake as a whole."""
    head_s: float = 30.0
    """From the first byte of a request to the end of its headers."""
    body_s: float = 30.0
    """Between two bytes of a body, before `body_rate` counts, and for the whole of one that nobody reads."""
    body_rate: float = 256.0
    """Bytes a second that a body must bring on the average; what the server itself takes to use them does not count."""
    idle_s: float = 900.0
    """Between two requests, and for a client that takes nothing of an answer."""


def allow(connection: socket.socket, seconds: float | None) -> None:
    """Set the timeout of a socket, where it is another than before.

    Setting one is a system call that lets go of the interpreter, even if it is the same, twice for each request.
    """
    if connection.gettimeout() != seconds:
        connection.settimeout(seconds)


class PatientReader(io.RawIOBase):
    """The bytes that a client sends; TimeoutError where they do not come in time. One phase holds until the next."""

    def __init__(
        self, connection: socket.socket, patience: Patience, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._connection, self._patience, self._now = connection, patience, now
        self._pause = self._budget = math.inf
        self._rate = 0.0
        self._at_once = False

    def idle(self) -> None:
        """Wait for the first byte of a request."""
        self._begin(self._patience.idle_s, math.inf, 0.0)

    def head(self) -> None:
        """Wait for the rest of a head."""
        self._begin(math.inf, self._patience.head_s, 0.0)

    def body(self) -> None:
        """Wait for a body."""
        self._begin(self._patience.body_s, self._patience.body_s, self._patience.body_rate)

    def rest(self) -> None:
        """Wait for what is left of a body that nobody reads."""
        self._begin(math.inf, self._patience.body_s, 0.0)

    def at_once(self) -> None:
        """Wait for nothing: BlockingIOError or SSLWantReadError where nothing has come."""
        self._at_once = True
        self._connection.settimeout(0)

    def readable(self) -> bool:
        """Say yes, as a raw stream has to."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill `buffer` with what comes; 0 at the end."""
        if self._at_once:
            return self._connection.recv_into(buffer)
        wait = min(self._pause, self._budget)
        if wait <= 0:
            raise TimeoutError("the client sends too slowly")
        allow(self._connection, None if wait == math.inf else wait)
        began = self._now()
        count = self._connection.recv_into(buffer)
        self._budget += count / self._rate if self._rate else 0.0
        self._budget -= self._now() - began
        return count

    def _begin(self, pause: float, budget: float, rate: float) -> None:
        self._pause, self._budget, self._rate = pause, budget, rate
        self._at_once = False
