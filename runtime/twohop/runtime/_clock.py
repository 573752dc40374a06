"""One clock per world, which stands still or runs, and which anybody may advance.

Leases, sessions, tasks, transfer sessions and the reaper all live on this clock, so a story of 24 hours runs in a
millisecond. Two kinds of users hang on it:

* a **timer** (`call_at`) runs a callback in the thread that moves the time;
* a **waiter** (`wait_until`) blocks its thread until a moment comes or somebody wakes it.

Advancing stops at every deadline on the way, in order. A thread that waits again and again (a keep-alive) declares
itself a `participant`: after letting it go, `advance` holds the time until that thread waits again or leaves, so that a
lease which is renewed in time on a real clock is renewed in time here too.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

SETTLE_GUARD = 30.0
"""Real seconds that `advance` grants a participant to wait again before it says that the thread is stuck."""


LATEST = 253_402_300_799.0
"""The end of the year 9999 in POSIX seconds: later moments cannot be written down by any server here."""


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
class _Participant:
    """A thread that waits again and again; settled while it waits."""

    thread: threading.Thread
    settled: threading.Event = field(default_factory=threading.Event)


@dataclass(eq=False)
class Timer:
    """Something due at `deadline` (POSIX seconds); `cancel` makes it never happen."""

    deadline: float
    _action: Callable[[], None] | None
    _participant: _Participant | None = None

    def cancel(self) -> None:
        """Forget the timer; harmless when it has already run."""
        self._action = None


class Clock:
    """Time in POSIX seconds, which stands still unless `running`.

    >>> clock = Clock(start=0.0)
    >>> rang = []
    >>> timer = clock.call_at(300.0, lambda: rang.append(clock.now()))
    >>> clock.advance(299); rang
    []
    >>> clock.advance(2); rang
    [300.0]
    """

    def __init__(self, *, start: float | None = None, running: bool = False) -> None:
        self._base = time.time() if start is None else start
        self._started = time.monotonic()
        self.running = running
        self._lock = threading.Lock()
        self._moving = threading.RLock()
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._local = threading.local()
        self._participants: set[_Participant] = set()
        self._changed = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None

    def now(self) -> float:
        """Return the present of this world."""
        if self.running:
            return self._base + time.monotonic() - self._started
        return self._base

    def call_at(self, deadline: float, action: Callable[[], None]) -> Timer:
        """Run `action` once, in the thread that moves the time past `deadline`; it must not advance the clock."""
        return self._schedule(Timer(deadline, action))

    def wait_until(self, deadline: float, wake: Wake | None = None) -> bool:
        """Block until the clock reaches `deadline`, or until `wake` is set; True where it was woken early."""
        event = threading.Event()
        participant: _Participant | None = getattr(self._local, "participant", None)
        if wake is not None:
            wake._attach(event)
        timer = Timer(deadline, event.set, participant)
        try:
            if deadline > self.now():
                self._schedule(timer)
                if participant is not None:
                    participant.settled.set()
                event.wait()
            return wake is not None and wake.is_set()
        finally:
            if participant is not None:
                participant.settled.clear()
            timer.cancel()
            if wake is not None:
                wake._detach(event)

    @contextlib.contextmanager
    def participant(self) -> Iterator[None]:
        """Declare that this thread waits again and again, so that `advance` lets it act at each of its deadlines.

        Time stands still for an advance until every participant waits; so tell the clock before others rely on it.
        """
        participant = _Participant(threading.current_thread())
        self._local.participant = participant
        with self._lock:
            self._participants.add(participant)
        try:
            yield
        finally:
            self._local.participant = None
            with self._lock:
                self._participants.discard(participant)
            participant.settled.set()

    def advance(self, seconds: float) -> None:
        """Move the time forward by `seconds` and return when everything due on the way has happened."""
        if not math.isfinite(seconds) or seconds < 0:
            raise ValueError(f"a clock only goes forward: asked to advance by {seconds} s; give a number of 0 or more")
        with self._moving:
            target = self.now() + seconds
            if target > LATEST:
                raise ValueError(f"asked to advance by {seconds} s, past the year 9999; give less")
            self._settle()
            while (timer := self._due(target)) is not None:
                self._step_to(timer.deadline)
                self._run(timer)
                self._settle()
            self._step_to(target)

    def catch_up(self) -> None:
        """Let everything that is due by now happen before whoever asks goes on.

        On a running clock the thread that fires timers may be late, and a call must not find a lease alive whose time
        has passed. Does nothing while somebody advances the clock: then all is in order already.
        """
        if self.running and self._moving.acquire(blocking=False):
            try:
                while (timer := self._due(self.now())) is not None:
                    self._run(timer)
            finally:
                self._moving.release()

    def close(self) -> None:
        """Stop the thread of a running clock; timers no longer fire."""
        self._closed = True
        self._changed.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _schedule(self, timer: Timer) -> Timer:
        with self._lock:
            heapq.heappush(self._heap, (timer.deadline, next(self._order), timer))
            start = self.running and self._thread is None and not self._closed
            if start:
                self._thread = threading.Thread(target=self._tick, name="twohop-clock", daemon=True)
                self._thread.start()
        self._changed.set()
        return timer

    def _due(self, until: float) -> Timer | None:
        with self._lock:
            while self._heap:
                deadline, _, timer = self._heap[0]
                if timer._action is not None and deadline > until:
                    return None
                heapq.heappop(self._heap)
                if timer._action is not None:
                    return timer
            return None

    def _step_to(self, moment: float) -> None:
        ahead = moment - self.now()
        if ahead > 0:
            if self.running:
                self._base += ahead
                # What was minutes away may be due now.
                self._changed.set()
            else:
                self._base = moment

    @staticmethod
    def _run(timer: Timer) -> None:
        action, timer._action = timer._action, None
        if action is None:
            return
        if timer._participant is not None:
            timer._participant.settled.clear()
        action()

    def _settle(self) -> None:
        """Wait until every participant waits for the clock, or has left."""
        with self._lock:
            others = [p for p in self._participants if p.thread is not threading.current_thread()]
        until = time.monotonic() + SETTLE_GUARD
        for participant in others:
            while not participant.settled.wait(0.05):
                if not participant.thread.is_alive():
                    break
                if time.monotonic() > until:
                    raise RuntimeError(
                        f"the thread {participant.thread.name} has neither waited for the clock nor ended within"
                        f" {SETTLE_GUARD:.0f} real seconds: it is stuck in whatever it does at its deadline"
                    )

    def _tick(self) -> None:
        while not self._closed:
            self._changed.clear()
            with self._moving:
                while not self._closed and (timer := self._due(self.now())) is not None:
                    self._run(timer)
            with self._lock:
                ahead = self._heap[0][0] - self.now() if self._heap else None
            self._changed.wait(ahead if ahead is None else max(0.0, min(ahead, 3600.0)))
