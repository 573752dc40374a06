"""A thread that renews a lease however long a read blocks (3.4, 3.5)."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Protocol

from twohop.runtime import Clock, Wake

from .._cancellation import Cancellation
from .._errors import BadAnswer, ExportError, HostUnreachable, LeaseLost
from .._events import Events, LeaseRenewed, ignore

SOON = 10.0
"""Seconds after which a renewal that found no connection is tried again, at the latest: the end is near then."""

ALONE = 300.0
"""Seconds for which a session is left alone at most, however long its leases last: no source says after how many a
server ends one (3.13), and nothing but renewals is said in it while a disk comes."""


class Renewable(Protocol):
    """A lease that is renewed."""

    @property
    def id(self) -> str: ...

    @property
    def timeout(self) -> int: ...

    def progress(self, percent: int) -> None: ...


class KeepAlive:
    """Renew `lease` at every third of its timeout while the context is open, for the session's sake within ALONE.

    A renewal that finds no connection is tried again, every ten seconds at least, until the lease must have timed out;
    a fault ends it at once.
    Then `failure` says why and `cancelled` stops the transfer. `percent` is what is reported, set by the transfer;
    the same value again renews just as well (2.7).
    """

    def __init__(
        self,
        lease: Renewable,
        clock: Clock | None = None,
        *,
        cancelled: Cancellation | None = None,
        events: Events = ignore,
        percent: Callable[[], int] = lambda: 0,
    ) -> None:
        self._lease = lease
        self._own = clock is None
        self._clock = clock or Clock(running=True)
        self._cancelled = cancelled
        self._events = events
        self._percent = percent
        self._stop = Wake()
        self._taking_part = threading.Event()
        self._granted = self._clock.now()
        self._thread = threading.Thread(target=self._run, name="twohop-keepalive", daemon=True)
        self.failure: ExportError | None = None

    def __enter__(self) -> KeepAlive:
        self._thread.start()
        self._taking_part.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if self._own:
            self._clock.close()

    def check(self) -> None:
        """Raise what ended the renewals, if anything has."""
        if self.failure is not None:
            raise self.failure

    def _run(self) -> None:
        with self._clock.participant():
            self._taking_part.set()
            try:
                self._renew()
            except ExportError as error:
                self._fail(error)
            except BaseException as error:
                lost = LeaseLost(f"the lease is no longer renewed, by a bug: {type(error).__name__}: {error}")
                lost.__cause__ = error
                self._fail(lost)

    def _fail(self, error: ExportError) -> None:
        self.failure = error
        if self._cancelled is not None:
            self._cancelled.cancel(error)

    def _renew(self) -> None:
        interval = min(self._lease.timeout / 3, ALONE)
        renewed, due = self._granted, self._granted + interval
        while not self._clock.wait_until(due, self._stop):
            try:
                percent = self._percent()
                self._lease.progress(percent)
            except (BadAnswer, HostUnreachable) as error:
                if self._clock.now() >= renewed + self._lease.timeout:
                    raise LeaseLost(f"the lease was not renewed in time: {error}") from error
                due = self._clock.now() + min(interval / 4, SOON)
                continue
            renewed = self._clock.now()
            due = renewed + interval
            with contextlib.suppress(Exception):
                self._events(LeaseRenewed(self._lease.id, percent))
