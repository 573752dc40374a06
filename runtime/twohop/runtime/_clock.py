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

from ._timers import ClockClosed, Participant, Timer, Wake

SETTLE_GUARD = 30.0
"""Real seconds that `advance` grants a participant to wait again before it says that the thread is stuck."""

LATEST = 253_402_300_799.0
"""The end of the year 9999 in POSIX seconds: later moments cannot be written down by any server here."""


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
        self._advancing = False
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._local = threading.local()
        self._participants: set[Participant] = set()
        self._waiting: set[threading.Event] = set()
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
        """Block until the clock reaches `deadline`, or until `wake` is set; True where it was woken early.

        Raises ClockClosed where the clock is closed before either.
        """
        event = threading.Event()
        participant: Participant | None = getattr(self._local, "participant", None)
        if wake is not None:
            wake._attach(event)
        timer = Timer(deadline, event.set, participant)
        try:
            if deadline > self.now():
                with self._lock:
                    self._waiting.add(event)
                self._schedule(timer)
                if not self._closed:
                    event.wait()
            woken = wake is not None and wake.is_set()
            if self._closed and not woken and deadline > self.now():
                raise ClockClosed("the clock was closed under a wait: end whoever waits on it first")
            return woken
        finally:
            with self._lock:
                self._waiting.discard(event)
                timer.cancel()
                if participant is not None:
                    participant.settled.clear()
            if wake is not None:
                wake._detach(event)

    @contextlib.contextmanager
    def participant(self) -> Iterator[None]:
        """Declare that this thread waits again and again, so that `advance` lets it act at each of its deadlines.

        Time stands still for an advance until every participant waits; so tell the clock before others rely on it.
        """
        participant = Participant(threading.current_thread())
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
        """Move the time forward by `seconds` and return when everything due on the way has happened.

        What a timer raises on the way is raised at the end, when the others have had their turn.
        """
        if not math.isfinite(seconds) or seconds < 0:
            raise ValueError(f"a clock only goes forward: asked to advance by {seconds} s; give a number of 0 or more")
        errors: list[Exception] = []
        with self._moving:
            target = self.now() + seconds
            if target > LATEST:
                raise ValueError(f"asked to advance by {seconds} s, past the year 9999; give less")
            self._advancing = True
            try:
                self._settle()
                while (timer := self._due(target)) is not None:
                    self._step_to(timer.deadline)
                    self._run(timer, errors)
                    self._settle()
                self._step_to(target)
            finally:
                self._advancing = False
        if errors:
            raise errors[0]

    def due(self) -> bool:
        """Tell whether `catch_up` may have something to do."""
        if not self.running:
            return False
        with self._lock:
            return bool(self._heap) and self._heap[0][0] <= self.now()

    def quiet(self) -> bool:
        """Tell, without waiting, that `catch_up` has nothing to do and nobody is at it."""
        if not self.running:
            return True
        if not self._moving.acquire(blocking=False):
            return False
        try:
            return not self.due()
        finally:
            self._moving.release()

    def catch_up(self) -> None:
        """Let everything that is due by now happen before whoever asks goes on.

        On a running clock the thread that fires timers may be late, and a call must not find a lease alive whose time
        has passed. Does nothing while somebody advances the clock: all that is due by then has happened already, and
        the advance may be waiting for the very thread that asks.
        """
        while self.running and not self._advancing:
            if self._moving.acquire(timeout=0.01):
                try:
                    self._fire()
                finally:
                    self._moving.release()
                return

    def close(self) -> None:
        """Stop the clock: timers no longer fire, and who still waits gets ClockClosed."""
        with self._lock:
            self._closed = True
            waiting = list(self._waiting)
        for event in waiting:
            event.set()
        self._changed.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _schedule(self, timer: Timer) -> Timer:
        with self._lock:
            heapq.heappush(self._heap, (timer.deadline, next(self._order), timer))
            # Both at once: a thread that counts as waiting has its timer in the heap.
            if timer._participant is not None:
                timer._participant.settled.set()
            if self.running and self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._tick, name="twohop-clock", daemon=True)
                self._thread.start()
        self._changed.set()
        return timer

    def _due(self, until: float) -> Timer | None:
        with self._lock:
            while self._heap and not self._closed:
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

    def _run(self, timer: Timer, errors: list[Exception]) -> None:
        # A participant that was woken by its flag has cancelled its timer, and may be waiting anew by now.
        with self._lock:
            action, timer._action = timer._action, None
            if action is None:
                return
            if timer._participant is not None:
                timer._participant.settled.clear()
        try:
            action()
        except Exception as error:
            errors.append(error)

    def _fire(self) -> None:
        """Run what is due now; what a timer raises goes to the hook for threads, and the others have their turn."""
        while (timer := self._due(self.now())) is not None:
            errors: list[Exception] = []
            self._run(timer, errors)
            for error in errors:
                told = threading.ExceptHookArgs((type(error), error, error.__traceback__, threading.current_thread()))
                threading.excepthook(told)

    def _settle(self) -> None:
        """Wait until every participant waits for the clock, or has left."""
        with self._lock:
            others = [p for p in self._participants if p.thread is not threading.current_thread()]
        until = time.monotonic() + SETTLE_GUARD
        for participant in others:
            while not participant.settled.wait(0.05) and participant.thread.is_alive():
                if time.monotonic() > until:
                    raise RuntimeError(
                        f"the thread {participant.thread.name} has neither waited for the clock nor ended within"
                        f" {SETTLE_GUARD:.0f} real seconds: it is stuck in whatever it does at its deadline"
                    )

    def _tick(self) -> None:
        while not self._closed:
            self._changed.clear()
            with self._moving:
                self._fire()
            with self._lock:
                ahead = self._heap[0][0] - self.now() if self._heap else None
            self._changed.wait(ahead if ahead is None else max(0.0, min(ahead, 3600.0)))
