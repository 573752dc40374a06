"""EventManager: what has happened, by filter, and in what words."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

from ...world import Entity
from .._access import above, canonical
from .._descriptions import EVENTS
from .._guard import visible
from .._history import Posted
from .._kinds import Kind
from .._registry import VmomiSupport, vim
from .._service import Call, Singleton
from ._history_collector import COLLECTORS, EventCollected, collect

EVENT_MANAGER = Kind("EventManager")


def within(value: datetime | None, begin: datetime | None, end: datetime | None) -> bool:
    """Tell whether a moment lies within two, both of which may be missing; a client may leave out the zone."""
    if begin is None and end is None:
        return True
    if value is None:
        return False
    begin, end = (each.replace(tzinfo=each.tzinfo or UTC) if each is not None else None for each in (begin, end))
    return (begin is None or value >= begin) and (end is None or value <= end)


def concerns(call: Call, entity: Entity, wanted: Any, recursion: str) -> bool:
    """Tell whether something about an object is what a filter by entity asks for."""
    target = call.world.objects.get(wanted._moId)
    below = target is not None and target in above(entity)
    itself = bool(entity.moid == wanted._moId)
    return below if recursion == "children" else itself if recursion == "self" else itself or below


def by_user(user: str, wanted: Any) -> bool:
    """Tell whether something was done by whom a filter asks for; the system itself has no name."""
    named = {canonical(name) for name in wanted.userList or ()}
    return bool(wanted.systemUser) if not user else not wanted.userList or canonical(user) in named


def _let_through(call: Call, posted: Posted, wanted: Any) -> bool:
    event, time = posted.event, wanted.time
    kinds = [VmomiSupport.GetWsdlName(kind) for kind in type(event).__mro__ if issubclass(kind, vim.event.Event)]
    names = {*kinds, *(f"vim.event.{name}" for name in kinds)}
    asked = {*(VmomiSupport.GetWsdlName(kind) for kind in wanted.type or ()), *(wanted.eventTypeId or ())}
    place = wanted.entity
    return (
        visible(call, posted.about)
        and (place is None or concerns(call, posted.about, place.entity, place.recursion))
        and (time is None or within(event.createdTime, time.beginTime, time.endTime))
        and (wanted.userName is None or by_user(event.userName, wanted.userName))
        and (wanted.eventChainId is None or event.chainId == wanted.eventChainId)
        and (not asked or bool(names & asked))
        and (not wanted.category or EVENTS[kinds[0]].category in wanted.category)
        and (not wanted.tag or event.changeTag in wanted.tag)
        and wanted.alarm is None
        and wanted.scheduledTask is None
    )


def _matching(call: Call, wanted: Any) -> list[Any]:
    found = [posted.event for posted in call.service.history.events if _let_through(call, posted, wanted)]
    if not wanted.disableFullMessage:
        return found
    bare = [copy.copy(event) for event in found]
    for event in bare:
        event.fullFormattedMessage = None
    return bare


@EVENT_MANAGER.provides("latestEvent")
def _latest(call: Call, _: Singleton) -> Any:
    events = call.service.history.events
    return events[-1].event if events else None


@EVENT_MANAGER.provides("maxCollector")
def _max_collector(call: Call, _: Singleton) -> int:
    return COLLECTORS


@EVENT_MANAGER.provides("description")
def _description(call: Call, _: Singleton) -> Any:
    labels = {"info": "Information", "warning": "Warning", "error": "Error", "user": "User"}
    return vim.event.EventDescription(
        category=[vim.ElementDescription(key=key, label=label, summary=label) for key, label in labels.items()],
        eventInfo=[
            vim.event.EventDescription.EventDetail(
                key=getattr(vim.event, name),
                description=text.description,
                category=text.category,
                formatOnDatacenter=text.message,
                formatOnComputeResource=text.message,
                formatOnHost=text.message,
                formatOnVm=text.message,
                fullFormat=text.message,
            )
            for name, text in EVENTS.items()
        ],
    )


@EVENT_MANAGER.method("QueryEvents")
def _query(call: Call, _: Singleton, filter: Any, eventViewSpec: Any = None) -> Any:
    with call.world.lock:
        found = _matching(call, filter)
    most = getattr(filter, "maxCount", None)
    return found[-most:] if most else found


@EVENT_MANAGER.method("CreateCollectorForEvents")
def _create_collector(call: Call, _: Singleton, filter: Any) -> Any:
    return collect(call, EventCollected, filter, lambda later: _matching(later, filter))


@EVENT_MANAGER.method("LogUserEvent")
def _log(call: Call, _: Singleton, entity: Any, msg: str) -> None:
    target = call.resolve(entity)
    argument = vim.event.ManagedEntityEventArgument(name=target.name, entity=entity)
    call.service.history.post("GeneralUserEvent", call.user, about=target, message=msg, entity=argument)
    call.world.stir()
