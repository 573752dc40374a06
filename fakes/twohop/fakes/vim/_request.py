"""A SOAP request to a typed call, on pyVmomi's own deserialiser."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any
from xml.parsers.expat import ExpatError, ParserCreate

from . import _faults as faults
from ._registry import NAMESPACE, SoapAdapter, VmomiSupport, vmodl
from ._simple import check_text, missing_from

_ENVELOPE = SoapAdapter.XMLNS_SOAPENV
_SEPARATOR = SoapAdapter.NS_SEP
_DEPTH = 200
"""Elements within elements: no real request comes near."""
ELEMENTS = 200_000
"""Elements of one request: one that names ten thousand objects has some fifty thousand."""
_TOKEN = 1 << 18
"""Bytes of one tag with all its attributes, or of one comment; text may be longer."""
_PIECE = 1 << 16

# `obj.prop` in pyVmomi is a call of the hidden method Fetch, which no type metadata lists (10.5).
FETCH = VmomiSupport.Object(
    name="Fetch",
    wsdlName="Fetch",
    type=VmomiSupport.ManagedObject,
    version="vmodl.version.version0",
    isTask=False,
    resultFlags=VmomiSupport.F_OPTIONAL,
    result=object,
    methodResult=object,
    params=(VmomiSupport.Object(name="prop", type=str, version="vmodl.version.version0", flags=0),),
)


class BadRequest(Exception):
    """The request is not one; `fault` says so to the client. `foreign` is a call in another namespace than vim25."""

    def __init__(self, fault: Any, *, foreign: bool = False) -> None:
        super().__init__(fault)
        self.fault = fault
        self.foreign = foreign


@dataclass(frozen=True, slots=True)
class Invocation:
    """A parsed request: the reference in `_this`, the method's metadata and its typed arguments by name."""

    this: Any
    method: Any
    arguments: dict[str, Any]


def parse_request(body: bytes, *, ordered: bool = True) -> Invocation:
    """Parse a SOAP request; BadRequest carries the fault to answer.

    With `ordered`, elements stand in the order of the WSDL or the request is none: a sequence in XML Schema is one.
    """
    try:
        return _Parser(ordered).parse(body)
    except BadRequest:
        raise
    except (ExpatError, UnicodeError):
        raise BadRequest(faults.invalid_request("The request is not well-formed XML.")) from None
    # An encoding that nobody knows is a LookupError, a moment beyond all calendars an OverflowError.
    except (LookupError, AttributeError, TypeError, ValueError, OverflowError) as error:
        raise BadRequest(faults.invalid_request(f"The request does not fit the schema: {error}.")) from None


class _Parser(SoapAdapter.ExpatDeserializerNSHandlers):  # type: ignore[misc]
    """Walks an envelope; hands each argument to pyVmomi's deserialiser, which takes over until the element closes."""

    def __init__(self, ordered: bool) -> None:
        super().__init__({})
        self._ordered = ordered
        self._last = -1
        self._state = "envelope"
        self._depth = 0
        self._method: Any = None
        self._this: Any = None
        self._arguments: dict[str, Any] = {}
        self._pending: tuple[str, Any, Any] | None = None
        self._left = [ELEMENTS]

    def parse(self, body: bytes) -> Invocation:
        """Parse one envelope."""
        self._expat = parser = ParserCreate(namespace_separator=_SEPARATOR)
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        SoapAdapter.SetHandlers(parser, SoapAdapter.GetHandlers(self))
        for at in range(0, len(body), _PIECE):
            piece = body[at : at + _PIECE]
            parser.Parse(piece, False)
            # expat keeps a tag until it has it whole, and makes many times its length of it.
            if at + len(piece) - parser.CurrentByteIndex > _TOKEN:
                raise BadRequest(faults.invalid_request("The request has a tag without end."))
        parser.Parse(b"", True)
        self._flush()
        if self._method is None or self._this is None:
            raise BadRequest(faults.invalid_request("The request names no method or no object."))
        for parameter in self._method.params:
            value = self._arguments.setdefault(parameter.name, None)
            try:
                VmomiSupport.CheckField(parameter, value)
            except TypeError as error:
                raise BadRequest(faults.invalid_argument(parameter.name, str(error))) from None
        return Invocation(self._this, self._method, self._arguments)

    def _doctype(self, *_: Any) -> None:
        raise BadRequest(faults.invalid_request("A request must not contain a document type."))

    def StartElementHandler(self, tag: str, attributes: dict[str, str]) -> None:
        """Take the next element of the envelope, the body or the method."""
        namespace, _, name = tag.rpartition(_SEPARATOR)
        if self._state != "method":
            _count(self._left)
        if self._state == "envelope":
            self._depth += 1
            if self._depth == 1 and tag != f"{_ENVELOPE}{_SEPARATOR}Envelope":
                raise BadRequest(faults.invalid_request("The request is not a SOAP 1.1 envelope."))
            if self._depth > _DEPTH:
                raise BadRequest(faults.invalid_request("The request is nested too deep."))
            if self._depth == 2 and tag == f"{_ENVELOPE}{_SEPARATOR}Body":
                self._state = "body"
        elif self._state == "body":
            self._open_method(namespace, name)
        elif self._state == "method":
            self._flush()
            self._open_argument(name, tag, attributes)
        else:
            raise BadRequest(faults.invalid_request("A request holds one method."))

    def EndElementHandler(self, tag: str) -> None:
        """Notice the end of the method."""
        if self._state == "envelope":
            self._depth -= 1
        if (
            self._state == "method"
            and self._method is not None
            and tag.rpartition(_SEPARATOR)[2] == self._method.wsdlName
        ):
            self._flush()
            self._state = "done"

    def CharacterDataHandler(self, data: str) -> None:
        """Ignore text between elements."""

    def _open_method(self, namespace: str, name: str) -> None:
        if (namespace, name) == (NAMESPACE, "Fetch"):
            self._method = FETCH
        else:
            try:
                self._method = VmomiSupport.GetWsdlMethod(namespace, name).info
            except KeyError:
                raise BadRequest(faults.method_not_found(name), foreign=namespace != NAMESPACE) from None
        self._state = "method"

    def _open_argument(self, name: str, tag: str, attributes: dict[str, str]) -> None:
        item: Any = VmomiSupport.ManagedObject
        array: Any = None
        place = 0
        if name != "_this":
            known = {parameter.name: parameter for parameter in self._method.params}
            if name not in known:
                raise BadRequest(faults.invalid_argument(name, f"{self._method.wsdlName} has no parameter {name}."))
            array, item = _item_of(known[name].type)
            place = 1 + list(known).index(name)
        if self._ordered and place < self._last:
            raise BadRequest(_out_of_order(name))
        self._last = place
        # Without the client's version: with it, types newer than the client's would widen to DynamicData.
        deserializer = _Bounded(array, self._ordered, self._left, named=name == "_this")
        deserializer.Deserialize(self._expat, item, False, self.nsMap)
        self._pending = (name, array, deserializer)
        deserializer.StartElementHandler(tag, attributes)

    def _flush(self) -> None:
        if self._pending is None:
            return
        (name, array, deserializer), self._pending = self._pending, None
        value = deserializer.GetResult()
        if name == "_this" and self._this is None:
            self._this = value
        elif array is not None:
            self._arguments.setdefault(name, array()).append(value)
        elif name == "_this" or name in self._arguments:
            raise BadRequest(faults.invalid_request(f"The parameter {name} stands twice."))
        else:
            self._arguments[name] = value


def _count(left: list[int]) -> None:
    left[0] -= 1
    if left[0] < 0:
        raise BadRequest(faults.invalid_request(f"The request has more than {ELEMENTS} elements."))


def _out_of_order(name: str) -> Any:
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


def _item_of(declared: Any) -> tuple[Any, Any]:
    """Return the array type, or None, and the type of one element."""
    return (declared, declared.Item) if issubclass(declared, list) else (None, declared)


class _Bounded(SoapAdapter.SoapDeserializer):  # type: ignore[misc]
    """pyVmomi's deserialiser with a bound on nesting, and one form of fault that no schema allows.

    A reference may leave its type out where another is declared; where it is `named` it says its own.
    """

    _bare: str | None = None

    def __init__(self, wanted: Any, ordered: bool, left: list[int], *, named: bool = False) -> None:
        super().__init__(None)
        self._left = left
        self._wanted = wanted
        self._named = named
        self._ordered = ordered
        self._reached: list[int] = []
        self._given: list[set[str]] = []

    def StartElementHandler(self, tag: str, attributes: dict[str, str]) -> None:
        """Take an element, unless it lies too deep."""
        _count(self._left)
        if len(self.stack) > _DEPTH:
            raise BadRequest(faults.invalid_request("The request is nested too deep."))
        if self._bare is not None:
            raise TypeError("faultMessage holds text")
        self._check_place(tag.rpartition(_SEPARATOR)[2])
        if not self._named:
            attributes = _with_type(attributes, self._declared(tag))
        if self._in_fault() and tag.rpartition(_SEPARATOR)[2] == "faultMessage":
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
                raise BadRequest(_out_of_order(name))
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
                return above._GetPropertyInfo(tag.rpartition(_SEPARATOR)[2]).type
            except (AttributeError, KeyError):
                return None
        return getattr(above, "Item", None)

    def _check_item(self, tag: str) -> None:
        # pyVmomi checks what it assigns, but not what it appends, nor what is no property of anything.
        above = self.stack[-2] if len(self.stack) > 1 else self._wanted
        new = self.stack[-1]
        declared = getattr(above, "Item", None)
        if isinstance(above, VmomiSupport.DataObject):
            whole = above._GetPropertyInfo(tag.rpartition(_SEPARATOR)[2]).type
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
