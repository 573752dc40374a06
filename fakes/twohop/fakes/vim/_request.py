"""A SOAP request to a typed call, on pyVmomi's own deserialiser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from xml.parsers.expat import ExpatError, ParserCreate

from . import _faults as faults
from ._argument import DEPTH, SEPARATOR, BadRequest, Bounded, Left, item_of, out_of_order
from ._registry import NAMESPACE, SoapAdapter, VmomiSupport

__all__ = ["FETCH", "BadRequest", "Invocation", "parse_request"]

_ENVELOPE = SoapAdapter.XMLNS_SOAPENV
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
        self._left = Left()

    def parse(self, body: bytes) -> Invocation:
        """Parse one envelope."""
        self._expat = parser = ParserCreate(namespace_separator=SEPARATOR)
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
        namespace, _, name = tag.rpartition(SEPARATOR)
        if self._state != "method":
            self._left.take()
        if self._state == "envelope":
            self._depth += 1
            if self._depth == 1 and tag != f"{_ENVELOPE}{SEPARATOR}Envelope":
                raise BadRequest(faults.invalid_request("The request is not a SOAP 1.1 envelope."))
            if self._depth > DEPTH:
                raise BadRequest(faults.invalid_request("The request is nested too deep."))
            if self._depth == 2 and tag == f"{_ENVELOPE}{SEPARATOR}Body":
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
            and tag.rpartition(SEPARATOR)[2] == self._method.wsdlName
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
            array, item = item_of(known[name].type)
            place = 1 + list(known).index(name)
        if self._ordered and place < self._last:
            raise BadRequest(out_of_order(name))
        self._last = place
        # Without the client's version: with it, types newer than the client's would widen to DynamicData.
        deserializer = Bounded(array, self._ordered, self._left, named=name == "_this")
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
