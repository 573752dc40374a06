"""Properties that somebody has given: set on top of what the fake computes for an object.

A value that is given wins where it says something; where it leaves a field unset the computed one stays, so that what
an object must have it keeps.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ._registry import SoapAdapter, VmomiSupport


def read_value(xml: str) -> Any:
    """Return the typed value in an element that bears its xsi:type; ValueError where vim25 has no such value."""
    try:
        value = SoapAdapter.Deserialize(xml.encode(), object)
    except Exception as error:
        raise ValueError(f"no value of vim25: {type(error).__name__}: {error}") from None
    if isinstance(value, type) and not issubclass(value, VmomiSupport.ManagedObject):
        raise ValueError("no value of vim25: an element without content")
    return value


@dataclass(slots=True)
class Given:
    """The given properties of one object: typed values by path, such as `name` or `summary.config.template`.

    `unset` are paths that are given as having no value.
    """

    values: dict[str, Any] = field(default_factory=dict)
    unset: frozenset[str] = frozenset()

    def gives(self, name: str) -> bool:
        """Tell whether anything is given of a property."""
        return any(path == name or path.startswith(f"{name}.") for path in (*self.values, *self.unset))

    def over(self, name: str, computed: Any) -> Any:
        """Return a property with what is given on top of what is computed."""
        value = None if name in self.unset else computed
        if name in self.values:
            value = _merged(computed, self.values[name])
        told = {**dict.fromkeys(self.unset), **self.values}
        inner = {path: each for path, each in told.items() if path.startswith(f"{name}.")}
        if inner and isinstance(value, VmomiSupport.DataObject):
            value = copy.copy(value)
            for path, each in inner.items():
                _put(value, path.split(".")[1:], each)
        return value

    def find(self, *paths: str) -> Any:
        """Return the first of these paths that is given, within a given object too; None where none is."""
        for path in paths:
            value = self._at(path)
            if value is not None:
                return value
        return None

    def _at(self, path: str) -> Any:
        steps = path.split(".")
        for length in range(len(steps), 0, -1):
            value = self.values.get(".".join(steps[:length]))
            for step in steps[length:]:
                value = getattr(value, step, None)
            if value is not None:
                return value
        return None


def read_given(properties: Mapping[str, str], unset: Iterable[str] = ()) -> Given:
    """Read properties from the XML of their values; those that vim25 does not have are left to the fake."""
    given = Given(unset=frozenset(unset))
    for path, xml in properties.items():
        try:
            given.values[path] = read_value(xml)
        except ValueError:
            continue
    return given


def _merged(computed: Any, given: Any) -> Any:
    if not isinstance(given, VmomiSupport.DataObject) or type(given) is not type(computed):
        return given
    result = copy.copy(given)
    for info in given._GetPropertyList():
        mine, theirs = getattr(computed, info.name, None), getattr(given, info.name, None)
        if theirs is None or (isinstance(theirs, list) and not theirs):
            if mine is not None:
                setattr(result, info.name, mine)
        elif isinstance(theirs, VmomiSupport.DataObject):
            setattr(result, info.name, _merged(mine, theirs))
    return result


def _put(owner: Any, steps: list[str], value: Any) -> None:
    try:
        for step in steps[:-1]:
            inner = getattr(owner, step)
            inner = owner._GetPropertyInfo(step).type() if inner is None else copy.copy(inner)
            setattr(owner, step, inner)
            owner = inner
        setattr(owner, steps[-1], value)
    except (AttributeError, TypeError, KeyError):
        # A path that this pyVmomi does not have, or a value of another type: the computed one stays.
        return
