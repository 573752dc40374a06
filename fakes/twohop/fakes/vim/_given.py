"""Properties that somebody has given: their values stand for those that the fake computes for an object.

What has a value at all, the fake decides: it takes a given one only where its vocabulary has the field, and where a
given one leaves out what the fake tells, the computed one stays.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from ._registry import SoapAdapter, VmomiSupport
from ._vocabulary import Vocabulary

_READINGS = 1000
"""How often one value is read, to find what of it cannot be."""


def read_legible(xml: str) -> Any:
    """Return a typed value without the parts of it that vim25 does not have; ValueError where nothing is left.

    A recording may be newer than this pyVmomi, or scrubbed in a field that holds no text: the rest still tells.
    """
    try:
        return read_value(xml)
    except ValueError:
        root = etree.fromstring(xml.encode(), etree.XMLParser(resolve_entities=False, no_network=True))
        _prune(root, root, [_READINGS])
        return read_value(etree.tostring(root, encoding="unicode"))


def _prune(element: etree._Element, root: etree._Element, left: list[int]) -> None:
    """Take out of an element what keeps the whole from being read, as little as possible; `left` is in readings."""
    children = list(element)
    for child in children:
        element.remove(child)
    for child in children:
        element.append(child)
        if left[0] > 0 and _reads(root, left):
            continue
        _prune(child, root, left)
        if len(child) == 0 or not _reads(root, left):
            element.remove(child)


def _reads(root: etree._Element, left: list[int]) -> bool:
    left[0] -= 1
    if left[0] < 0:
        return False
    try:
        read_value(etree.tostring(root, encoding="unicode"))
    except ValueError:
        return False
    return True


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

    def over(self, known: Vocabulary, kind: str, name: str, computed: Any) -> Any:
        """Return a property of a type with the values that are given, as far as the fake could say them."""
        value = computed
        if name in self.unset and not known.always(kind, name):
            value = None
        if name in self.values:
            value = known.fitted(kind, name, self.values[name], computed)
        told = {**dict.fromkeys(self.unset), **self.values}
        inner = {path: each for path, each in told.items() if path.startswith(f"{name}.")}
        if inner and isinstance(value, VmomiSupport.DataObject):
            value = copy.copy(value)
            for path, each in inner.items():
                _put(known, value, path.split(".")[1:], each)
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
            given.values[path] = read_legible(xml)
        except (ValueError, etree.XMLSyntaxError):
            continue
    return given


def _put(known: Vocabulary, owner: Any, steps: list[str], value: Any) -> None:
    kind = str(type(owner)._wsdlName)
    try:
        if len(steps) > 1:
            inner = getattr(owner, steps[0])
            if inner is None and known.knows(kind, steps[0]) and value is not None:
                inner = owner._GetPropertyInfo(steps[0]).type()
            if inner is not None:
                inner = copy.copy(inner)
                _put(known, inner, steps[1:], value)
                setattr(owner, steps[0], inner)
        elif value is not None:
            setattr(owner, steps[0], known.fitted(kind, steps[0], value, getattr(owner, steps[0])))
        elif not known.always(kind, steps[0]):
            setattr(owner, steps[0], None)
    except (AttributeError, TypeError, KeyError):
        # A path that this pyVmomi does not have, or a value of another type: the computed one stays.
        return
