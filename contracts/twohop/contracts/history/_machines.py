"""What may be said for certain of a machine at a moment: whether it runs, and which disks it has."""

from __future__ import annotations

from collections.abc import Iterable

from twohop.runtime.observing import Exchange

from ._events import ChangeAsked, Event, MachineDisk, MachineSeen, PowerAsked, TaskSeen
from ._order import maybe_before, surely_before

_POWER_CHANGES = frozenset({"SuspendVM_Task", "ResetVM_Task", "RevertToCurrentSnapshot_Task", "Destroy_Task"})
_DISK_CHANGES = frozenset({"ReconfigVM_Task", "RevertToCurrentSnapshot_Task", "Destroy_Task", "RelocateVM_Task"})
Change = PowerAsked | ChangeAsked


def came_to(events: Iterable[Event], asked: Change) -> tuple[str, int] | None:
    """Return `done` or the fault of an operation and the exchange that shows it; None while nobody knows."""
    if asked.outcome.kind == "faulted":
        return str(asked.outcome.fault), asked.id
    if asked.outcome.kind == "unclear" or asked.task is None:
        return None
    for seen in events:
        if not isinstance(seen, TaskSeen) or (seen.server, seen.task) != (asked.server, asked.task):
            continue
        if seen.state in ("success", "error"):
            return ("done" if seen.state == "success" else seen.fault or "an error"), seen.id
    return None


def power_at(events: Iterable[Event], server: str, vm: str, moment: Exchange) -> tuple[str, int] | None:
    """Return the power state of a machine at `moment` and the exchange that shows it, where that is certain."""
    events = tuple(events)
    sights = [
        (seen.exchange, str(seen.power))
        for seen in events
        if isinstance(seen, MachineSeen) and (seen.server, seen.vm) == (server, vm) and seen.power is not None
    ]
    changes = [
        asked
        for asked in events
        if isinstance(asked, Change)
        and (asked.server, asked.vm) == (server, vm)
        and (isinstance(asked, PowerAsked) or asked.operation in _POWER_CHANGES)
        and asked.outcome.kind != "faulted"
    ]
    for asked in changes:
        result = came_to(events, asked)
        if isinstance(asked, PowerAsked) and result is not None and result[0] == "done":
            shown = next(e.exchange for e in events if e.id == result[1])
            sights.append((shown, "poweredOn" if asked.operation == "on" else "poweredOff"))
    known = [(exchange, state) for exchange, state in sights if surely_before(exchange, moment)]
    if not known:
        return None
    exchange, state = max(known, key=lambda sight: sight[0].id)
    for asked in changes:
        result = came_to(events, asked)
        over = result is not None and result[1] <= exchange.id
        if not over and maybe_before(asked.exchange, moment):
            return None
    return state, exchange.id


def disks_at(
    events: Iterable[Event], server: str, vm: str, moment: Exchange
) -> tuple[tuple[MachineDisk, ...], int] | None:
    """Return the disks of a machine as they were read nearest to `moment`, if nothing can have changed them since."""
    events = tuple(events)
    seen = [
        event
        for event in events
        if isinstance(event, MachineSeen) and (event.server, event.vm) == (server, vm) and event.disks is not None
    ]
    if not seen:
        return None
    nearest = min(seen, key=lambda event: (abs(event.id - moment.id), event.id))
    first, last = sorted((nearest.exchange, moment), key=lambda exchange: exchange.id)
    for asked in events:
        if isinstance(asked, ChangeAsked) and (asked.server, asked.vm) == (server, vm):
            apart = surely_before(last, asked.exchange) or _over_before(events, asked, first)
            if asked.operation in _DISK_CHANGES and asked.outcome.kind != "faulted" and not apart:
                return None
    assert nearest.disks is not None
    return nearest.disks, nearest.id


def _over_before(events: tuple[Event, ...], asked: ChangeAsked, moment: Exchange) -> bool:
    result = came_to(events, asked)
    return result is not None and result[1] < moment.id
