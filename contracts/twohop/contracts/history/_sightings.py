"""Property reads, by whichever of the four ways a client takes: Fetch, RetrieveProperties(Ex), WaitForUpdates(Ex)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ._soap import Call
from ._xml import Element, child, children, text

RETRIEVE = {"RetrieveProperties", "RetrievePropertiesEx", "ContinueRetrievePropertiesEx"}
UPDATES = {"WaitForUpdates", "WaitForUpdatesEx", "CheckForUpdates"}


@dataclass(frozen=True, slots=True)
class Sighting:
    """Properties of one object as one answer showed them; None stands for a property that was read and is unset."""

    type: str
    this: str
    values: dict[str, Element | None]


def sightings(call: Call) -> Iterator[Sighting]:
    """Yield what an answer shows of the properties of each object in it."""
    answer = call.response
    if answer is None:
        return
    if call.method == "Fetch":
        prop = call.argument("prop")
        if prop:
            yield Sighting(call.this_type, call.this, {prop: child(answer, "returnval")})
    elif call.method in RETRIEVE:
        asked = _asked(call)
        for content in contents(answer):
            yield from _content(content, asked)
    elif call.method in UPDATES:
        for result in children(answer, "returnval"):
            for filter_update in children(result, "filterSet"):
                for update in children(filter_update, "objectSet"):
                    yield from _update(update)


def leases_asked(call: Call) -> Iterator[str]:
    """Yield the leases whose properties a call asks for by name."""
    if call.method == "Fetch" and call.this_type == "HttpNfcLease":
        yield call.this
    elif call.method in RETRIEVE:
        for spec in children(call.request, "specSet"):
            for entry in children(spec, "objectSet"):
                obj = child(entry, "obj")
                if obj is not None and obj.get("type") == "HttpNfcLease":
                    yield (obj.text or "").strip()


def _asked(call: Call) -> dict[str, set[str]]:
    asked: dict[str, set[str]] = {}
    for spec in children(call.request, "specSet"):
        for prop in children(spec, "propSet"):
            paths = {(path.text or "").strip() for path in children(prop, "pathSet")}
            asked.setdefault(text(prop, "type") or "", set()).update(paths)
    return asked


def contents(answer: Element) -> Iterator[Element]:
    """Yield what an answer of a retrieve call says of each object."""
    for result in children(answer, "returnval"):
        if child(result, "obj") is not None:
            yield result
        yield from children(result, "objects")


def _content(content: Element, asked: dict[str, set[str]]) -> Iterator[Sighting]:
    obj = child(content, "obj")
    if obj is None:
        return
    kind = obj.get("type") or ""
    missing = {text(entry, "path") for entry in children(content, "missingSet")}
    values: dict[str, Element | None] = {path: None for path in asked.get(kind, ()) if path not in missing}
    for prop in children(content, "propSet"):
        values[text(prop, "name") or ""] = child(prop, "val")
    yield Sighting(kind, (obj.text or "").strip(), values)


def _update(update: Element) -> Iterator[Sighting]:
    obj = child(update, "obj")
    if obj is None or text(update, "kind") == "leave":
        return
    values: dict[str, Element | None] = {}
    for change in children(update, "changeSet"):
        if text(change, "op") in ("assign", "add"):
            values[text(change, "name") or ""] = child(change, "val")
        else:
            values[text(change, "name") or ""] = None
    yield Sighting(obj.get("type") or "", (obj.text or "").strip(), values)
