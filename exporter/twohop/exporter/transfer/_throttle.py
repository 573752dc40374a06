"""A bound on the rate of all files of an export together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from .._cancellation import Cancellation

BURST = 0.25
"""Seconds' worth of bytes that may come at once."""


class Bucket:
    """How long to wait after so many bytes, at `rate` bytes a second. No clock: times are parameters, in seconds."""

    def __init__(self, rate: float) -> None:
        if rate <= 0:
            raise ValueError(f"a rate is more than 0 bytes a second, got {rate}")
        self.rate = rate
        self._due: float | None = None

    def take(self, size: int, now: float) -> float:
        """Return the seconds to wait before more than these `size` bytes are taken."""
        due = now - BURST if self._due is None else max(self._due, now - BURST)
        self._due = due + size / self.rate
        return max(0.0, self._due - now)


class Throttle:
    """One bucket that the threads of an export share."""

    def __init__(self, rate: float) -> None:
        self._bucket = Bucket(rate)
        self._lock = threading.Lock()

    def waiting(self, cancelled: Cancellation) -> Callable[[int], None]:
        """Return what a transfer calls with the bytes of every piece; a wish to stop ends its wait."""

        def wait(size: int) -> None:
            with self._lock:
                seconds = self._bucket.take(size, time.monotonic())
            if seconds > 0:
                cancelled.wait(seconds)

        return wait
