"""From calls on property collectors and the OVF manager to events."""

from __future__ import annotations

from collections.abc import Iterator

from ._events import Event
from ._property_events import (
    Change,
    CollectorMade,
    DescriptorMade,
    DescriptorRefused,
    GivenFile,
    Item,
    ObjectRead,
    ObjectTold,
    OvfPart,
    PropertiesRead,
    UpdatesAwaited,
    UpdatesTold,
    Value,
    WaitCancelled,
)
from ._sightings import RETRIEVE, UPDATES, contents
from ._soap import Call
from ._xml import Element, child, children, flag, name, parse, text, whole_number, xsi_type


def property_events(call: Call) -> Iterator[Event]:
    """Yield the read, the wait or the descriptor that a call is."""
    if call.method == "Fetch" or call.method in RETRIEVE:
        yield PropertiesRead(call.exchange, call.method, _paths(call), tuple(_objects(call)), call.outcome)
    elif call.method in UPDATES:
        answer = child(call.response, "returnval")
        told = None if answer is None else _told(answer)
        most = whole_number(call.argument("options", "maxObjectUpdates"))
        since = call.argument("version") or ""
        yield UpdatesAwaited(call.exchange, call.method, call.this, since, call.outcome, told, most)
    elif call.method == "CancelWaitForUpdates":
        yield WaitCancelled(call.exchange, call.this, call.outcome)
    elif call.method == "CreatePropertyCollector" and call.outcome.accepted:
        yield CollectorMade(call.exchange, text(call.response, "returnval") or "")
    elif call.method == "CreateDescriptor":
        yield _descriptor(call) if call.outcome.accepted else _no_descriptor(call)


def _paths(call: Call) -> frozenset[str] | None:
    if call.method == "Fetch":
        return frozenset({call.argument("prop") or ""})
    specs = [prop for spec in children(call.request, "specSet") for prop in children(spec, "propSet")]
    if not specs or any(flag(text(prop, "all")) for prop in specs):
        return None  # a further page does not say what was asked
    return frozenset((path.text or "").strip() for prop in specs for path in children(prop, "pathSet"))


def _objects(call: Call) -> Iterator[ObjectRead]:
    if call.response is None:
        return
    if call.method == "Fetch":
        value = child(call.response, "returnval")
        shown = () if value is None else (_value(call.argument("prop") or "", value),)
        yield ObjectRead(call.this_type, call.this, shown)
        return
    for content in contents(call.response):
        obj = child(content, "obj")
        rows = [(text(row, "name") or "", child(row, "val")) for row in children(content, "propSet")]
        values = tuple(_value(path, value) for path, value in rows if value is not None)
        if obj is not None:
            yield ObjectRead(obj.get("type") or "", (obj.text or "").strip(), values)


def _value(path: str, value: Element) -> Value:
    kind = xsi_type(value)
    listed = value if (kind or "").startswith("ArrayOf") else ()
    return Value(path, kind, _plain(value), tuple(Item(xsi_type(item), _plain(item)) for item in listed))


def _plain(value: Element | None) -> str | None:
    return None if value is None or len(value) else (value.text or "").strip()


def _told(answer: Element) -> UpdatesTold:
    filters = list(children(answer, "filterSet"))
    objects = tuple(_object(update) for each in filters for update in children(each, "objectSet"))
    missing = sum(1 for each in filters for _ in children(each, "missingSet"))
    return UpdatesTold(text(answer, "version") or "", text(answer, "truncated"), objects, missing)


def _object(update: Element) -> ObjectTold:
    changes = tuple(
        Change(text(row, "name") or "", text(row, "op") or "", _plain(child(row, "val")))
        for row in children(update, "changeSet")
    )
    return ObjectTold(text(update, "kind") or "", text(update, "obj") or "", changes)


def _descriptor(call: Call) -> DescriptorMade:
    given = tuple(
        GivenFile(
            text(row, "deviceId") or "", text(row, "path") or "", text(row, "size"), text(row, "capacity"),
            text(row, "populatedSize"),
        )
        for row in children(child(call.request, "cdp"), "ovfFiles")
    )  # fmt: skip
    root = parse(text(call.response, "returnval", "ovfDescriptor"))
    obj = child(call.request, "obj")
    return DescriptorMade(
        call.exchange,
        call.argument("obj") or "",
        given,
        bool(flag(call.argument("cdp", "includeImageFiles"))),
        None if root is None else _parts(root),
        (obj.get("type") or "") if obj is not None else "",
        call.argument("cdp", "name"),
        call.argument("cdp", "description"),
        _options(call),
        call.argument("cdp", "snapshot"),
        flag(text(call.response, "returnval", "includeImageFiles")),
    )


def _no_descriptor(call: Call) -> DescriptorRefused:
    entity, snapshot = call.argument("obj") or "", call.argument("cdp", "snapshot")
    return DescriptorRefused(call.exchange, entity, snapshot, _options(call), call.outcome)


def _options(call: Call) -> tuple[str, ...]:
    return tuple((row.text or "").strip() for row in children(child(call.request, "cdp"), "exportOption"))


def _parts(root: Element) -> tuple[OvfPart, ...]:
    elements = list(root.iter())
    number = {element: at for at, element in enumerate(elements)}
    made = []
    for element in elements:
        named = {str(key).rsplit("}", 1)[-1]: str(value) for key, value in element.items()}
        above = element.getparent()
        parent = number[above] if above is not None else -1
        made.append(OvfPart(name(element), named, (element.text or "").strip(), parent))
    return tuple(made)
