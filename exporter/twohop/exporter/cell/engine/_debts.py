"""What could not be written down when it happened, since the database was locked or away.

A task that has ended must not be shown as running for ever because of that. What is owed is tried again each minute of
the clock until the database takes it; a cell that ends before leaves it to `recover`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from twohop.runtime import Clock, Timer

RETRY_S = 60.0
"""Seconds of the clock between two tries."""


class Debts:
    """Changes that the database still has to take; `complain` hears of each that is put off."""

    def __init__(self, clock: Clock, complain: Callable[[str], None]) -> None:
        self._clock, self._complain = clock, complain
        self._lock = threading.Lock()
        self._owed: list[tuple[Callable[[], None], str]] = []
        self._timer: Timer | None = None
        self._closed = False

    def settle(self, change: Callable[[], None], what: str) -> None:
        """Make a change now, or as soon as the database takes it."""
        try:
            change()
        except SQLAlchemyError as error:
            self._complain(f"{what} was not written down: {type(error).__name__}; tried again")
            with self._lock:
                self._owed.append((change, what))
                self._arm()

    def pay(self) -> None:
        """Try again whatever is owed."""
        with self._lock:
            owed, self._owed = self._owed, []
        for change, what in owed:
            self.settle(change, what)

    def close(self) -> None:
        """Try a last time and give up."""
        with self._lock:
            self._closed = True
            timer = self._timer
        if timer is not None:
            timer.cancel()
        self.pay()

    def _arm(self) -> None:
        if not self._closed:
            self._timer = self._clock.call_at(self._clock.now() + RETRY_S, self.pay)
