"""What hangs on a clock: timers, flags that end a wait, and threads that wait again and again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field


class ClockClosed(RuntimeError):
    """The clock was closed while somebody waited on it: whoever closes a clock ends its waiters first."""


class Wake:
    """A flag that ends waits on a clock early; it stays set until `clear`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._set = False
        self._waiting: set[threading.Event] = set()

    def set(self) -> None:
        """End every wait that was given this flag, now and until it is cleared."""
        with self._lock:
            self._set = True
            for event in self._waiting:
                event.set()

    def clear(self) -> None:
        """Let later waits block again."""
        with self._lock:
            self._set = False

    def is_set(self) -> bool:
        """Tell whether the flag is up."""
        return self._set

    def _attach(self, event: threading.Event) -> None:
        with self._lock:
            self._waiting.add(event)
            if self._set:
                event.set()

    def _detach(self, event: threading.Event) -> None:
        with self._lock:
            self._waiting.discard(event)


@dataclass(eq=False)
class Participant:
    """A thread that waits again and again; settled while it waits."""

    thread: threading.Thread
    settled: threading.Event = field(default_factory=threading.Event)


@dataclass(eq=False)
class Timer:
    """Something due at `deadline` (POSIX seconds); `cancel` makes it never happen."""

    deadline: float
    _action: Callable[[], None] | None
    _participant: Participant | None = None

    def cancel(self) -> None:
        """Forget the timer; harmless when it has already run."""
        self._action = None
