"""What a fake says of its own accord: which fields of which types, and what it never leaves out.

A recording may fill in what this fake could have said by itself, and nothing else: a field that the fake never sets
would otherwise look as if it did, and one that it always sets as if it could leave it out.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..machines import SessionValue
from ._registry import VmomiSupport, newest_known, version_for
from ._sessions import Session

if TYPE_CHECKING:
    from ._service import Call, Service


def empty(value: Any) -> bool:
    """Tell whether a server would leave a field with this value out."""
    return value is None or (isinstance(value, list) and not value)


@dataclass(slots=True)
class _Said:
    """Of one type: how often it was said, each field that was set, how often, and the first value of it."""

    times: int = 0
    fields: dict[str, int] = field(default_factory=dict)
    first: dict[str, Any] = field(default_factory=dict)
    kinds: dict[str, set[str]] = field(default_factory=dict)


class Vocabulary:
    """What was heard of a fake, by type: managed objects with their properties, data objects with their fields."""

    def __init__(self) -> None:
        self._said: dict[str, _Said] = {}

    def hear(self, kind: str, fields: Iterable[tuple[str, Any]]) -> None:
        """Take in one object of a type, with its fields and their values."""
        said = self._said.setdefault(kind, _Said())
        said.times += 1
        for name, value in fields:
            if empty(value):
                continue
            said.fields[name] = said.fields.get(name, 0) + 1
            said.first.setdefault(name, value)
            for item in value if isinstance(value, list) else (value,):
                if isinstance(item, VmomiSupport.DataObject):
                    said.kinds.setdefault(name, set()).add(_kind(item))
                    self.hear(_kind(item), _fields(item))

    def knows(self, kind: str, name: str) -> bool:
        """Tell whether a field was ever set."""
        said = self._said.get(kind)
        return said is not None and name in said.fields

    def always(self, kind: str, name: str) -> bool:
        """Tell whether a field was set in every object of a type."""
        said = self._said.get(kind)
        return said is not None and said.fields.get(name) == said.times

    def fitted(self, kind: str, name: str, given: Any, computed: Any) -> Any:
        """Return what is given for a field as far as the fake could say it; else what it computes."""
        if not self.knows(kind, name):
            return computed
        if isinstance(given, list):
            kept = [self._one(kind, name, item, _mate(item, computed)) for item in given]
            return type(given)([item for item in kept if item is not None])
        fitted = self._one(kind, name, given, computed)
        return computed if fitted is None else fitted

    def _one(self, kind: str, name: str, given: Any, mine: Any) -> Any:
        if not isinstance(given, VmomiSupport.DataObject):
            return given
        own = _kind(given)
        if own not in self._said[kind].kinds.get(name, ()):
            return None
        result = copy.copy(given)
        for inner, theirs in _fields(given):
            ours = getattr(mine, inner, None) if type(mine) is type(given) else None
            value = ours
            if not empty(theirs):
                value = self.fitted(own, inner, theirs, ours)
            elif empty(ours) and self.always(own, inner):
                value = self._said[own].first[inner]
            if value is not theirs and not (empty(value) and empty(theirs)):
                setattr(result, inner, value)
        return result


def listen(service: Service) -> Call:
    """Return a call of the first user in the newest version. Nobody logs in for it, and it leaves no trace."""
    from ._service import Call

    now = service.world.clock.now()
    listener = Session("", "", "", service.access.permissions[0].principal, now, "", "", SessionValue(1.0, now))
    return Call(service, listener, version_for("", newest_known(service.world.profile.text("api_version"))))


def vocabulary_of(service: Service) -> Vocabulary:
    """Hear everything that a service says of the world it has: each property of each object."""
    found, call = Vocabulary(), listen(service)
    for obj in (*service.singletons.values(), *service.world.objects.values()):
        kind = service.kind_of(obj)
        found.hear(kind.wsdl, [(name, kind.read(call, obj, name)) for name in kind.readable(call.version)])
    return found


def _kind(value: Any) -> str:
    return str(type(value)._wsdlName)


def _fields(value: Any) -> list[tuple[str, Any]]:
    return [(info.name, getattr(value, info.name, None)) for info in value._GetPropertyList()]


def _mate(item: Any, computed: Any) -> Any:
    """Return what the fake computes for an entry of a list: the entry of that type and key."""
    key = getattr(item, "key", None)
    if key is None or not isinstance(computed, list):
        return None
    return next((each for each in computed if type(each) is type(item) and each.key == key), None)
