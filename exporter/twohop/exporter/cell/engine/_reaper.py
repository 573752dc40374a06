"""The reaper: rounds on a schedule of its own, whatever the transfer sessions' timers do (3.20)."""

from __future__ import annotations

import threading
from collections.abc import Callable

from twohop.runtime import Clock, Timer


class Reaper:
    """Call `round` every `interval` seconds of the clock."""

    def __init__(
        self, clock: Clock, interval: float, round: Callable[[], None], complain: Callable[[str], None]
    ) -> None:
        self._clock, self._interval, self._round, self._complain = clock, interval, round, complain
        self._lock = threading.Lock()
        self._timer: Timer | None = None
        self._stopped = False

    def start(self) -> None:
        """Begin; the first round comes after one interval."""
        self._next(self._clock.now() + self._interval)

    def stop(self) -> None:
        """Hold no further round."""
        with self._lock:
            self._stopped = True
            timer = self._timer
        if timer is not None:
            timer.cancel()

    def _next(self, due: float) -> None:
        with self._lock:
            if not self._stopped:
                self._timer = self._clock.call_at(due, lambda: self._on_due(due))

    def _on_due(self, due: float) -> None:
        try:
            self._round()
        except Exception as error:
            # The clock's own thread runs this, and the next round finds what this one left.
            self._complain(f"the reaper's round ended early: {_told(error)}")
        finally:
            self._next(due + self._interval)


def _told(error: Exception) -> str:
    return str(error.strerror) if isinstance(error, OSError) and error.strerror else type(error).__name__
