"""An argument of a SOAP request: no deeper and no larger than real ones, in the order of the schema, of its types."""

from __future__ import annotations

from functools import cache
from typing import Any

from . import _faults as faults
from ._registry import SoapAdapter, VmomiSupport, vmodl
from ._simple import check_text, missing_from

SEPARATOR = SoapAdapter.NS_SEP
DEPTH = 200
"""Elements within elements: no real request comes near."""
ELEMENTS = 200_000
"""Elements of one request: one that names ten thousand objects has some fifty thousand."""


class BadRequest(Exception):
    """The request is not one; `fault` says so to the client. `foreign` is a call in another namespace than vim25."""

    def __init__(self, fault: Any, *, foreign: bool = False) -> None:
        super().__init__(fault)
        self.fault = fault
        self.foreign = foreign


class Left:
    """How many elements a request may still have, its arguments' own among them."""

    def __init__(self) -> None:
        self._number = ELEMENTS

    def take(self) -> None:
        """Take one off; BadRequest where there are none."""
        self._number -= 1
        if self._number < 0:
            raise BadRequest(faults.invalid_request(f"The request has more than {ELEMENTS} elements."))


def out_of_order(name: str) -> Any:
    """Return the fault for an element that stands behind one which follows it in the schema."""
    return faults.invalid_request(f'Unexpected element tag "{name}" seen: elements have an order.')


@cache
def _places(kind: Any) -> dict[str, int]:
    return {info.name: place for place, info in enumerate(kind._GetPropertyList())}


def _with_type(attributes: dict[str, str], declared: Any) -> dict[str, str]:
    """Return the attributes of a reference with its type: some clients leave it to what is declared."""
    item = getattr(declared, "Item", declared)
    if "type" in attributes or not _refers(item):
        return attributes
    return {**attributes, "type": VmomiSupport.GetWsdlName(item)}


def _refers(declared: Any) -> bool:
    return isinstance(declared, type) and issubclass(declared, VmomiSupport.ManagedObject)


def _fits(kind: Any, declared: Any) -> bool:
    if issubclass(kind, list):
        # The whole array in one element.
        return issubclass(kind.Item, declared) or declared is object
    if _refers(kind):
        # Of whatever type: a reference may name a parent of what it refers to (10.5).
        return _refers(declared) or declared is object
    if kind is SoapAdapter.LocalizedMethodFault:
        return issubclass(declared, Exception) or issubclass(kind, declared)
    return issubclass(kind, declared)


def item_of(declared: Any) -> tuple[Any, Any]:
    """Return the array type, or None, and the type of one element."""
    return (declared, declared.Item) if issubclass(declared, list) else (None, declared)


class Bounded(SoapAdapter.SoapDeserializer):  # type: ignore[misc]
    """pyVmomi's deserialiser with a bound on nesting, and one form of fault that no schema allows.

    A reference may leave its type out where another is declared; where it is `named` it says its own.
    """

    _bare: str | None = None

    def __init__(self, wanted: Any, ordered: bool, left: Left, *, named: bool = False) -> None:
        super().__init__(None)
        self._left = left
        self._wanted = wanted
        self._named = named
        self._ordered = ordered
        self._reached: list[int] = []
        self._given: list[set[str]] = []

    def StartElementHandler(self, tag: str, attributes: dict[str, str]) -> None:
        """Take an element, unless it lies too deep."""
        self._left.take()
        if len(self.stack) > DEPTH:
            raise BadRequest(faults.invalid_request("The request is nested too deep."))
        if self._bare is not None:
            raise TypeError("faultMessage holds text")
        self._check_place(tag.rpartition(SEPARATOR)[2])
        if not self._named:
            attributes = _with_type(attributes, self._declared(tag))
        if self._in_fault() and tag.rpartition(SEPARATOR)[2] == "faultMessage":
            self._bare = self.data = ""
        else:
            super().StartElementHandler(tag, attributes)
            self._check_item(tag)

    def _check_place(self, name: str) -> None:
        # One entry for each open element: how far into its own sequence it has come.
        depth = len(self.stack)
        del self._reached[depth:], self._given[depth:]
        above = self.stack[-1] if self.stack else None
        if isinstance(above, VmomiSupport.DataObject):
            kind: Any = type(above)
            place = _places(kind).get(name, -1)
            if self._ordered and 0 <= place < self._reached[-1]:
                raise BadRequest(out_of_order(name))
            self._reached[-1] = max(place, self._reached[-1])
            self._given[-1].add(name)
        self._reached.append(-1)
        self._given.append(set())

    def _declared(self, tag: str) -> Any:
        if not self.stack:
            return self.resultType
        above = self.stack[-1]
        if isinstance(above, VmomiSupport.DataObject):
            try:
                return above._GetPropertyInfo(tag.rpartition(SEPARATOR)[2]).type
            except (AttributeError, KeyError):
                return None
        return getattr(above, "Item", None)

    def _check_item(self, tag: str) -> None:
        # pyVmomi checks what it assigns, but not what it appends, nor what is no property of anything.
        above = self.stack[-2] if len(self.stack) > 1 else self._wanted
        new = self.stack[-1]
        declared = getattr(above, "Item", None)
        if isinstance(above, VmomiSupport.DataObject):
            whole = above._GetPropertyInfo(tag.rpartition(SEPARATOR)[2]).type
            declared = getattr(whole, "Item", None)
        else:
            whole = declared or (self.resultType if len(self.stack) == 1 else None)
        kind = new if isinstance(new, type) else type(new)
        if issubclass(kind, list) and isinstance(whole, type) and whole is not object and not issubclass(whole, list):
            raise TypeError(f"an array is no {whole.__name__}")
        if _refers(declared or whole) and not _refers(kind):
            raise TypeError(f"{kind.__name__} is no type of managed objects")
        if kind is str and declared is not None and not issubclass(declared, VmomiSupport.Enum):
            # A property path and a method's name are xsd:string on the wire; libvirt says so with each.
            declared = str if issubclass(declared, str) else declared
        if declared is not None and not _fits(kind, declared):
            raise TypeError(f"{kind.__name__} is no {declared.__name__}")

    def EndElementHandler(self, tag: str) -> None:
        """Close an element; a fault of nothing but text becomes one with that text (1.4)."""
        if self._bare is not None:
            top, self._bare = self.stack[-1], None
            top.fault, top.localizedMessage = vmodl.MethodFault(), self.data
            return
        if self.stack:
            self._check_whole(self.stack[-1])
        super().EndElementHandler(tag)

    def _check_whole(self, closing: Any) -> None:
        if isinstance(closing, type):
            check_text(closing, self.data)
        elif isinstance(closing, VmomiSupport.DataObject):
            missing = missing_from(type(closing), self._given[len(self.stack) - 1])
            if missing is not None:
                kind = VmomiSupport.GetWsdlName(type(closing))
                text = f"Required property {missing} is missing from data object of type {kind}."
                raise BadRequest(faults.invalid_request(text))

    def _in_fault(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1], SoapAdapter.LocalizedMethodFault)
