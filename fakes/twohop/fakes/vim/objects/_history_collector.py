"""HistoryCollector: a filter over what has happened, with a page of the latest and a position to read from.

Items are counted from the oldest. A new collector stands at the oldest item and reads on from there with ReadNext;
ResetCollector puts it before the latest page, for ReadPrevious.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .. import _faults as faults
from .._kinds import Kind
from .._registry import properties_of, vim
from .._service import Call
from .._sessions import uuid52

PAGE = 10
"""Items of the latest page until a client asks for more."""
COLLECTORS = 32
"""Collectors of one kind that a session may have: maxCollector."""


@dataclass(eq=False)
class Collected:
    """A collector of one session: `items` gives what its filter lets through, oldest first."""

    moid: str
    filter: Any
    items: Callable[[Call], list[Any]]
    page: int = PAGE
    position: int = 0

    def latest(self, call: Call) -> list[Any]:
        """Return the latest page, newest first."""
        return self.items(call)[-self.page :][::-1]

    def next(self, call: Call, most: int) -> list[Any]:
        """Return what follows the position, oldest first, and go on behind it."""
        read = self.items(call)[self.position : self.position + most]
        self.position += len(read)
        return read

    def previous(self, call: Call, most: int) -> list[Any]:
        """Return what precedes the position, newest first, and go back before it."""
        start = max(0, self.position - most)
        read = self.items(call)[start : self.position][::-1]
        self.position = start
        return read


class EventCollected(Collected):
    """An EventHistoryCollector."""


class TaskCollected(Collected):
    """A TaskHistoryCollector."""


HISTORY_COLLECTOR = Kind("HistoryCollector")
EVENT_COLLECTOR = Kind("EventHistoryCollector", HISTORY_COLLECTOR, of=EventCollected)
TASK_COLLECTOR = Kind("TaskHistoryCollector", HISTORY_COLLECTOR, of=TaskCollected)


def collect(call: Call, kind: type[Collected], filter: Any, items: Callable[[Call], list[Any]]) -> Any:
    """Make a collector of the session; InvalidState where it has as many as it may."""
    assert call.session is not None
    if sum(type(held) is kind for held in call.session.objects.values()) >= COLLECTORS:
        raise faults.invalid_state()
    collector = kind(f"session[{call.session.scope}]{uuid52()}", filter, items)
    call.session.objects[collector.moid] = collector
    return call.ref(collector)


def _count(call: Call, most: int) -> int:
    if not 0 < most <= call.world.profile.count("history_page_limit"):
        raise faults.invalid_argument("maxCount")
    return most


@HISTORY_COLLECTOR.provides("filter")
def _filter(call: Call, collector: Collected) -> Any:
    return collector.filter


@HISTORY_COLLECTOR.method("SetCollectorPageSize")
def _page_size(call: Call, collector: Collected, maxCount: int) -> None:
    collector.page = _count(call, maxCount)


@HISTORY_COLLECTOR.method("RewindCollector")
def _rewind(call: Call, collector: Collected) -> None:
    collector.position = 0


@HISTORY_COLLECTOR.method("ResetCollector")
def _reset(call: Call, collector: Collected) -> None:
    with call.world.lock:
        collector.position = max(0, len(collector.items(call)) - collector.page)


@HISTORY_COLLECTOR.method("DestroyCollector")
def _destroy(call: Call, collector: Collected) -> None:
    assert call.session is not None
    call.session.objects.pop(collector.moid, None)


def _next(call: Call, collector: Collected, maxCount: int) -> list[Any]:
    with call.world.lock:
        return collector.next(call, _count(call, maxCount))


def _previous(call: Call, collector: Collected, maxCount: int) -> list[Any]:
    with call.world.lock:
        return collector.previous(call, _count(call, maxCount))


@EVENT_COLLECTOR.provides("latestPage")
def _latest_events(call: Call, collector: Collected) -> Any:
    return vim.event.Event.Array(collector.latest(call))


def _initialized(call: Call, collector: Collected) -> bool:
    return True


if "initialized" in properties_of("EventHistoryCollector"):
    # Newer than the oldest pyVmomi in range.
    EVENT_COLLECTOR.provides("initialized")(_initialized)


@TASK_COLLECTOR.provides("latestPage")
def _latest_tasks(call: Call, collector: Collected) -> Any:
    return vim.TaskInfo.Array(collector.latest(call))


EVENT_COLLECTOR.method("ReadNextEvents")(_next)
EVENT_COLLECTOR.method("ReadPreviousEvents")(_previous)
TASK_COLLECTOR.method("ReadNextTasks")(_next)
TASK_COLLECTOR.method("ReadPreviousTasks")(_previous)
