"""Waiting for updates: a collector, its filters, and versions (10.7, 10.8).

A filter keeps what it last reported, as serialised text. A wait compares that with the present and reports what
differs, so no change can be missed or told twice, whatever caused it. Version "" asks for the full state; the version
given back is the only one that the next wait may name.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from twohop.runtime import Wake

from ..machines import SessionState
from ..world import look
from . import _faults as faults
from ._registry import VmomiSupport, coerce, has, vmodl
from ._reply import serialize_value
from ._select import read, select
from ._service import Call, Service

PropertyCollector = vmodl.query.PropertyCollector
BATCH = 100
"""Object updates in one answer where the client sets no other limit (10.7)."""

Reported = dict[str, tuple[Any, dict[str, str], dict[str, Any]]]


@dataclass(eq=False)
class Filter:
    """A property filter and what it has reported: for each object its reference, its values as text, and as they were.

    What was not there at its first report is told once, as missing, where the spec asks for that.
    """

    moid: str
    collector: Collector
    spec: Any
    partial: bool
    reported: Reported = field(default_factory=dict)
    fresh: bool = True

    def forget(self) -> None:
        """Report everything again next time."""
        self.reported, self.fresh = {}, True

    def changes(self, call: Call) -> list[Any]:
        """Return the object updates since the last report, and make them the last report."""
        updates: list[Any] = []
        present: Reported = {}
        absent: list[Any] = []
        for selected in select(call, self.spec, absent):
            found = read(call, selected)
            texts = {path: serialize_value(value, call.version) for path, value in found.values.items()}
            present[selected.obj.moid] = (found.reference, texts, found.values)
            known = self.reported.get(selected.obj.moid)
            update = self._entered(found, selected) if known is None else self._modified(call, found, texts, known)
            if update is not None:
                updates.append(update)
        gone = [ref for moid, (ref, _, _) in self.reported.items() if moid not in present]
        updates += [PropertyCollector.ObjectUpdate(kind="leave", obj=ref) for ref in gone]
        if self.fresh and self.spec.reportMissingObjectsInResults:
            updates += [PropertyCollector.MissingObject(obj=ref, fault=faults.not_found(ref)) for ref in absent]
        self.reported, self.fresh = present, False
        return updates

    @staticmethod
    def _entered(found: Any, selected: Any) -> Any:
        # A path that was asked for by name and is unset is told too, as an assignment of nothing (10.7).
        told = [path for path in found.order if path in found.values or path in selected.named]
        changes = [
            PropertyCollector.Change(name=path, op="assign", val=found.values.get(path))
            for path in told
            if path not in found.missing
        ]
        missing = [PropertyCollector.MissingProperty(path=p, fault=f) for p, f in found.missing.items()]
        return PropertyCollector.ObjectUpdate(kind="enter", obj=found.reference, changeSet=changes, missingSet=missing)

    def _modified(self, call: Call, found: Any, texts: dict[str, str], known: tuple[Any, dict[str, str], Any]) -> Any:
        _, told, before = known
        changes: list[Any] = []
        for path, text in texts.items():
            if told.get(path) == text:
                continue
            value = found.values[path]
            if self.partial and path in before:
                changes += _nested(path, before[path], value, call.version)
            else:
                changes.append(PropertyCollector.Change(name=path, op="assign", val=value))
        # A property that became unset is told as an assignment of nothing, which clients must tolerate (10.8).
        changes += [PropertyCollector.Change(name=path, op="assign") for path in told if path not in texts]
        if not changes:
            return None
        return PropertyCollector.ObjectUpdate(kind="modify", obj=found.reference, changeSet=changes)


def _nested(path: str, before: Any, after: Any, version: str) -> Iterator[Any]:
    """Yield what differs between two values of a property, as far down as data objects of one type go."""
    if type(before) is not type(after) or not isinstance(after, VmomiSupport.DataObject):
        yield PropertyCollector.Change(name=path, op="assign", val=after)
        return
    for info in after._GetPropertyList():
        if not has(version, info.version):
            continue
        was, now = (_unset(coerce(info.type, getattr(each, info.name))) for each in (before, after))
        if serialize_value(was, version) != serialize_value(now, version):
            yield from _nested(f"{path}.{info.name}", was, now, version)


def _unset(value: Any) -> Any:
    return None if isinstance(value, list) and not value else value


@dataclass(eq=False)
class _Wait:
    """One wait under way: its own flag, since one that others clear could lose what was meant for it."""

    wake: Wake = field(default_factory=Wake)
    cancelled: bool = False


class Collector:
    """A property collector of one session."""

    def __init__(self, moid: str, service: Service) -> None:
        self.moid = moid
        self.filters: list[Filter] = []
        self._service = service
        self._waits: list[_Wait] = []
        self._number = 0
        self._version = ""
        self._pending: list[Any] = []
        self._batch = 0
        self._closed = False
        self._unlisten = service.world.listen(lambda revision, made: self._rouse())

    def add(self, held: Filter) -> None:
        """Take a filter, whose full state the next wait reports."""
        with self._service.world.lock:
            self.filters.append(held)
            self._rouse()

    def remove(self, held: Filter) -> None:
        """Let a filter go."""
        with self._service.world.lock:
            if held in self.filters:
                self.filters.remove(held)
            self._pending = [(owner, update) for owner, update in self._pending if owner is not held]

    def cancel(self) -> None:
        """End the waits under way with RequestCanceled; nothing happens where nobody waits."""
        with self._service.world.lock:
            for wait in self._waits:
                wait.cancelled = True
            self._rouse()

    def close(self) -> None:
        """End with the session or by the client."""
        self._unlisten()
        with self._service.world.lock:
            self._closed = True
            self._rouse()

    def _rouse(self) -> None:
        for wait in self._waits:
            wait.wake.set()

    def wait(self, call: Call, version: str, longest: float | None, most: int | None) -> Any:
        """Return an UpdateSet, or None when `longest` seconds have passed without a change."""
        world = self._service.world
        with world.lock:
            if version == "":
                self._pending = []
                for held in self.filters:
                    held.forget()
            elif version != self._version:
                raise faults.invalid_collector_version()
            mine = _Wait()
            self._waits.append(mine)
        deadline = math.inf if longest is None else world.clock.now() + longest
        try:
            while True:
                mine.wake.clear()
                with world.lock:
                    self._check_open(call, mine)
                    answer = self._next(call, most)
                    if answer is not None:
                        return answer
                    if look(world, call.seen):
                        continue
                if world.clock.now() >= deadline:
                    return None
                world.clock.wait_until(deadline, mine.wake)
        finally:
            with world.lock:
                self._waits.remove(mine)

    def _check_open(self, call: Call, mine: _Wait) -> None:
        if call.session is not None and call.session.value.state is not SessionState.ACTIVE:
            # Made while the session was ending, the collector may not be among what ended with it.
            self.close()
        if mine.cancelled or self._closed or self._service.closed.is_set():
            raise faults.request_canceled()

    def _next(self, call: Call, most: int | None) -> Any:
        if not self._pending:
            self._pending = [(held, update) for held in self.filters for update in held.changes(call)]
            self._batch = 0
            if not self._pending:
                return None
            self._number += 1
        size = min(most or BATCH, len(self._pending))
        batch, self._pending = self._pending[:size], self._pending[size:]
        truncated = bool(self._pending)
        self._batch += 1
        # Batches of one version are numbered behind an underscore; the last one bears the plain number (10.7).
        self._version = f"{self._number - 1}_{self._batch}" if truncated else str(self._number)
        sets = []
        for held in self.filters:
            mine = [update for owner, update in batch if owner is held]
            if mine:
                missing = [each for each in mine if isinstance(each, PropertyCollector.MissingObject)]
                there = [each for each in mine if each not in missing]
                sets.append(PropertyCollector.FilterUpdate(filter=call.ref(held), objectSet=there, missingSet=missing))
        return PropertyCollector.UpdateSet(version=self._version, filterSet=sets, truncated=truncated or None)
