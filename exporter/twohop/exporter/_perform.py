"""Doing what the engine asks for: the session, the hosts, the target, threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import singledispatchmethod
from pathlib import Path
from typing import Any

from twohop.runtime import Clock
from twohop.runtime.observing import Observer

from ._cancellation import Cancellation
from ._errors import ExportError
from ._events import BytesMoved, Events
from ._target import Target
from .engine import Described, Fetched, ManifestRow, Ready, Steps, run
from .engine import _actions as do
from .transfer import Line, fetch_into
from .transfer._connection import SILENCE
from .transfer._throttle import Throttle
from .vsphere import KeepAlive, OvfFile, VSphere
from .vsphere._lease import Grant
from .vsphere._manifest import choose_sha256


class Performer:
    """The world of one export: `drive` runs the engine's steps in it.

    `clock` times renewals; `silence` is the longest wait between two bytes in real seconds, `throttle` bounds the rate
    of all files together.
    """

    def __init__(
        self,
        vsphere: VSphere,
        target: Target,
        clock: Clock,
        events: Events,
        cancelled: Cancellation,
        *,
        observer: Observer | None = None,
        silence: float = SILENCE,
        throttle: Throttle | None = None,
        loopback: bool = True,
    ) -> None:
        self._vsphere, self._target, self._clock, self._events = vsphere, target, clock, events
        self._observer, self._silence, self._throttle, self._loopback = observer, silence, throttle, loopback
        self._cancelled = cancelled
        self._lease: _HeldHere | None = None

    def drive(self, steps: Steps[Any]) -> Any:
        """Run steps to their end."""
        return run(steps, self._do, self._check)

    @property
    def _stop(self) -> Cancellation:
        return self._lease.stop if self._lease is not None else self._cancelled

    def _check(self) -> None:
        self._stop.check()

    @singledispatchmethod
    def _do(self, action: Any) -> Any:
        raise NotImplementedError(f"nobody does {type(action).__name__}")

    @_do.register
    def _(self, action: do.Tell) -> None:
        self._events(action.event)

    # -- the target ------------------------------------------------------------------------------------------------

    @_do.register
    def _(self, action: do.OpenTarget) -> None:
        self._target.open()

    @_do.register
    def _(self, action: do.Reserve) -> None:
        self._target.reserve(action.name, action.size)

    @_do.register
    def _(self, action: do.Claim) -> str:
        return self._target.claim(action.proposed, action.fallback)

    @_do.register
    def _(self, action: do.Write) -> Path:
        return self._target.write(action.name, action.content)

    @_do.register
    def _(self, action: do.Sync) -> None:
        self._target.sync()

    @_do.register
    def _(self, action: do.Clear) -> None:
        self._target.clear()

    @_do.register
    def _(self, action: do.Publish) -> None:
        self._target.publish()

    @_do.register
    def _(self, action: do.Discard) -> None:
        self._target.discard(action.error)

    # -- the lease -------------------------------------------------------------------------------------------------

    @_do.register
    def _(self, action: do.AskLease) -> Grant:
        grant = self._vsphere.ask(action.subject)
        self._lease = _HeldHere(grant, self._cancelled)
        return grant

    @_do.register
    def _(self, action: do.AwaitReady) -> Ready:
        held = self._held()
        held.ready = self._vsphere.await_ready(held.grant, held.stop)
        return held.ready

    @_do.register
    def _(self, action: do.ChooseDigest) -> bool:
        return choose_sha256(self._held().grant, action.keys, self._vsphere.address.authority)

    @_do.register
    def _(self, action: do.AskManifest) -> tuple[ManifestRow, ...] | None:
        return self._vsphere.manifest(self._held().grant)

    @_do.register
    def _(self, action: do.StartRenewing) -> None:
        self._held().start(self._clock, self._events)

    @_do.register
    def _(self, action: do.StopRenewing) -> None:
        self._held().stop_renewing()

    @_do.register
    def _(self, action: do.Report) -> None:
        self._held().grant.progress(action.percent)

    @_do.register
    def _(self, action: do.Complete) -> None:
        held = self._held()
        held.grant.complete()
        self._release(held)

    @_do.register
    def _(self, action: do.Abort) -> str:
        held = self._held()
        try:
            return held.grant.abort(action.reason)
        finally:
            self._release(held)

    def _held(self) -> _HeldHere:
        assert self._lease is not None, "the engine holds no lease now"
        return self._lease

    def _release(self, held: _HeldHere) -> None:
        self._lease = None
        held.close()
        self._vsphere.forget(held.grant)

    # -- bytes and words -------------------------------------------------------------------------------------------

    @_do.register
    def _(self, action: do.Fetch) -> Fetched:
        entry, held = action.entry, self._held()
        address = self._vsphere.address

        def on_bytes(done: int) -> None:
            held.moved(entry.key, done)
            self._events(BytesMoved(entry.key, action.name, done, entry.file_size))

        line = Line(
            self._observer, held.stop, address.ca_file, address.insecure, self._silence, loopback=self._loopback,
            throttle=None if self._throttle is None else self._throttle.waiting(held.stop),
        )  # fmt: skip
        one = replace(entry, url=action.source.url, thumbprint=action.source.thumbprint, alternatives=())
        # The sink's own seconds hold the wait until the bytes are safe, so those of the whole have to as well.
        started = time.monotonic()
        with self._target.sink(action.name) as sink:
            got = fetch_into(one, sink, line, on_bytes=on_bytes, algorithms=action.algorithms)
        seconds, path = time.monotonic() - started, self._target.path(action.name)
        return Fetched(got.size, got.digests, seconds, got.capacity, path, sink.seconds)

    @_do.register
    def _(self, action: do.Describe) -> Described:
        subject = action.subject
        files = [OvfFile(each.key, each.path, each.size, disk=each.disk) for each in action.files]
        got = self._vsphere.describe(
            subject.ref, files, options=action.options, name=subject.name, snapshot=subject.snapshot_ref
        )
        return Described(got.xml, got.warnings, got.errors)

    @_do.register
    def _(self, action: do.Pause) -> None:
        self._cancelled.wait(action.seconds)

    @_do.register
    def _(self, action: do.Together) -> list[Any]:
        if action.at_once < 2 or len(action.pieces) < 2:
            return [self.drive(piece) for piece in action.pieces]
        return self._side_by_side(action.pieces, action.at_once)

    def _side_by_side(self, pieces: Sequence[Steps[Any]], at_once: int) -> list[Any]:
        """Drive pieces in threads; the first failure stops the others, and is raised when all have ended."""
        stop = self._stop
        first: list[BaseException] = []
        lock = threading.Lock()

        def one(piece: Steps[Any]) -> Any:
            try:
                stop.check()
                return self.drive(piece)
            except BaseException as error:
                with lock:
                    first.append(error)
                stop.cancel(error if isinstance(error, ExportError) else None)
                raise

        with ThreadPoolExecutor(at_once, "twohop-file") as pool:
            waiting = [pool.submit(one, piece) for piece in pieces]
        if first:
            raise first[0]
        return [done.result() for done in waiting]


class _HeldHere:
    """A lease while it is held: its renewals, how far its files have come, and what stops them all."""

    def __init__(self, grant: Grant, cancelled: Cancellation) -> None:
        self.grant = grant
        self.ready: Ready | None = None
        self._stack = ExitStack()
        self.stop = self._stack.enter_context(cancelled.child())
        self._renewing: KeepAlive | None = None
        self._done: dict[str, int] = {}

    @property
    def id(self) -> str:
        return self.grant.id

    @property
    def timeout(self) -> int:
        assert self.ready is not None
        return self.ready.timeout

    @property
    def progress(self) -> Callable[[int], None]:
        return self.grant.progress

    def moved(self, key: str, done: int) -> None:
        """Remember how many bytes of a file have come."""
        self._done[key] = done

    def percent(self) -> int:
        """Return how much of the capacity has arrived: never more than 99, since streams are no measure of it (4.2)."""
        capacity = self.ready.total_bytes if self.ready else 0
        return min(99, 100 * sum(list(self._done.values())) // capacity) if capacity > 0 else 0

    def start(self, clock: Clock, events: Events) -> None:
        self._renewing = KeepAlive(self, clock, cancelled=self.stop, events=events, percent=self.percent)
        self._renewing.__enter__()

    def stop_renewing(self) -> None:
        renewing, self._renewing = self._renewing, None
        if renewing is not None:
            renewing.__exit__()

    def close(self) -> None:
        self.stop_renewing()
        self._stack.close()
