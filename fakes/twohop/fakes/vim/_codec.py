"""SOAP to typed calls and back, on pyVmomi's own deserialiser and serialiser."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from io import StringIO
from typing import Any
from xml.parsers.expat import ExpatError, ParserCreate

from . import _faults as faults
from ._registry import NAMESPACE, SoapAdapter, VmomiSupport, vmodl

_ENVELOPE = SoapAdapter.XMLNS_SOAPENV
_NAMESPACES = {
    _ENVELOPE: "soapenv",
    SoapAdapter.XMLNS_SOAPENC: "soapenc",
    VmomiSupport.XMLNS_XSI: "xsi",
    VmomiSupport.XMLNS_XSD: "xsd",
    NAMESPACE: "",
}
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    f'<soapenv:Envelope xmlns:soapenc="{SoapAdapter.XMLNS_SOAPENC}"\n xmlns:soapenv="{_ENVELOPE}"\n'
    f' xmlns:xsd="{VmomiSupport.XMLNS_XSD}"\n xmlns:xsi="{VmomiSupport.XMLNS_XSI}">\n<soapenv:Body>\n'
)
_TAIL = "\n</soapenv:Body>\n</soapenv:Envelope>"
_SEPARATOR = SoapAdapter.NS_SEP
_DEPTH = 200
"""Elements within elements: no real request comes near."""

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
    """The request is not one; `fault` says so to the client."""

    def __init__(self, fault: Any) -> None:
        super().__init__(fault)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Invocation:
    """A parsed request: the reference in `_this`, the method's metadata and its typed arguments by name."""

    this: Any
    method: Any
    arguments: dict[str, Any]


def parse_request(body: bytes) -> Invocation:
    """Parse a SOAP request; BadRequest carries the fault to answer."""
    try:
        return _Parser().parse(body)
    except BadRequest:
        raise
    except (ExpatError, UnicodeError):
        raise BadRequest(faults.invalid_request("The request is not well-formed XML.")) from None
    except (KeyError, AttributeError, TypeError, ValueError, IndexError) as error:
        raise BadRequest(faults.invalid_request(f"The request does not fit the schema: {error}.")) from None


class _Parser(SoapAdapter.ExpatDeserializerNSHandlers):  # type: ignore[misc]
    """Walks an envelope; hands each argument to pyVmomi's deserialiser, which takes over until the element closes."""

    def __init__(self) -> None:
        super().__init__({})
        self._state = "envelope"
        self._depth = 0
        self._method: Any = None
        self._this: Any = None
        self._arguments: dict[str, Any] = {}
        self._pending: tuple[str, Any, Any] | None = None

    def parse(self, body: bytes) -> Invocation:
        """Parse one envelope."""
        self._expat = parser = ParserCreate(namespace_separator=_SEPARATOR)
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        SoapAdapter.SetHandlers(parser, SoapAdapter.GetHandlers(self))
        parser.Parse(body, True)
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
                raise BadRequest(faults.method_not_found(name)) from None
        self._state = "method"

    def _open_argument(self, name: str, tag: str, attributes: dict[str, str]) -> None:
        item: Any = VmomiSupport.ManagedObject
        array: Any = None
        if name != "_this":
            parameter = next((p for p in self._method.params if p.name == name), None)
            if parameter is None:
                raise BadRequest(faults.invalid_argument(name, f"{self._method.wsdlName} has no parameter {name}."))
            array, item = _item_of(parameter.type)
        # Without the client's version: with it, types newer than the client's would widen to DynamicData.
        deserializer = _Bounded(array)
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


def _item_of(declared: Any) -> tuple[Any, Any]:
    """Return the array type, or None, and the type of one element."""
    return (declared, declared.Item) if issubclass(declared, list) else (None, declared)


class _Bounded(SoapAdapter.SoapDeserializer):  # type: ignore[misc]
    """pyVmomi's deserialiser with a bound on nesting, and one form of fault that no schema allows."""

    _bare: str | None = None

    def __init__(self, wanted: Any) -> None:
        super().__init__(None)
        self._wanted = wanted

    def StartElementHandler(self, tag: str, attributes: dict[str, str]) -> None:
        """Take an element, unless it lies too deep."""
        if len(self.stack) > _DEPTH:
            raise BadRequest(faults.invalid_request("The request is nested too deep."))
        if self._bare is not None:
            raise TypeError("faultMessage holds text")
        if self._in_fault() and tag.rpartition(_SEPARATOR)[2] == "faultMessage":
            self._bare = self.data = ""
        else:
            super().StartElementHandler(tag, attributes)
            self._check_item(tag)

    def _check_item(self, tag: str) -> None:
        # pyVmomi checks what it assigns, but not what it appends.
        above = self.stack[-2] if len(self.stack) > 1 else self._wanted
        new = self.stack[-1]
        declared = getattr(above, "Item", None)
        if isinstance(above, VmomiSupport.DataObject):
            declared = getattr(above._GetPropertyInfo(tag.rpartition(_SEPARATOR)[2]).type, "Item", None)
        kind = new if isinstance(new, type) else type(new)
        free = (list, VmomiSupport.ManagedObject, SoapAdapter.LocalizedMethodFault)
        if declared is not None and not issubclass(kind, (declared, *free)):
            raise TypeError(f"{kind.__name__} is no {declared.__name__}")

    def EndElementHandler(self, tag: str) -> None:
        """Close an element; a fault of nothing but text becomes one with that text (1.4)."""
        if self._bare is not None:
            top, self._bare = self.stack[-1], None
            top.fault, top.localizedMessage = vmodl.MethodFault(), self.data
        else:
            super().EndElementHandler(tag)

    def _in_fault(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1], SoapAdapter.LocalizedMethodFault)


def serialize_result(method: Any, value: Any, version: str) -> bytes:
    """Return the envelope of a result; a client of an older version gets no newer field (1.8)."""
    out = StringIO()
    out.write(f'{_HEAD}<{method.wsdlName}Response xmlns="{NAMESPACE}">')
    if value is not None and method.result is not type(None):
        # A result's version is the method's; what a client may see is decided below it, field by field.
        info = VmomiSupport.Object(
            name="returnval", type=method.methodResult, version="vmodl.version.version0", flags=method.resultFlags
        )
        _serializer(out, version).Serialize(value, info)
    out.write(f"</{method.wsdlName}Response>{_TAIL}")
    return out.getvalue().encode()


def serialize_value(value: Any, version: str) -> str:
    """Return a property value as it stands in an answer; equal values give equal text."""
    out = StringIO()
    info = VmomiSupport.Object(name="val", type=object, version="vmodl.version.version0", flags=VmomiSupport.F_OPTIONAL)
    _serializer(out, version).Serialize(value, info)
    return out.getvalue()


def serialize_fault(fault: Any, version: str) -> bytes:
    """Return the envelope of a fault: its message in faultstring, its type in the detail (2.12)."""
    known = VmomiSupport.GetCompatibleType(type(fault), version)
    name = f"{VmomiSupport.GetWsdlName(known)}Fault"
    detail = copy.copy(fault)
    detail.msg = None
    out = StringIO()
    message = SoapAdapter.XmlEscape(fault.msg or "")
    out.write(
        f"{_HEAD}<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>{message}</faultstring><detail>"
    )
    # The public SerializeFaultDetail leaves the element in no namespace, where no client finds it.
    info = VmomiSupport.Object(name=name, type=object, version=known._version, flags=0)
    _serializer(out, version)._SerializeDataObject(detail, info, f' xmlns="{NAMESPACE}"', NAMESPACE)
    out.write(f"</detail></soapenv:Fault>{_TAIL}")
    return out.getvalue().encode()


def client_fault(message: str) -> bytes:
    """Return the envelope of a protocol error: faultcode ClientFaultCode, no detail (2.12)."""
    text = SoapAdapter.XmlEscape(message)
    return (
        f"{_HEAD}<soapenv:Fault><faultcode>ClientFaultCode</faultcode><faultstring>{text}</faultstring>"
        f"</soapenv:Fault>{_TAIL}"
    ).encode()


class _Serializer(SoapAdapter.SoapSerializer):  # type: ignore[misc]
    """pyVmomi's serialiser, which writes for a server what it was made to write for a client."""

    def _QName(self, typ: Any, default: str) -> tuple[str, str]:
        attribute, name = super()._QName(typ, default)
        return attribute, f"{name}Reference" if name.endswith("ManagedObject") else name

    def _Serialize(self, value: Any, info: Any, default: str) -> None:
        if isinstance(value, VmomiSupport.ManagedObject):
            # pyVmomi writes ids as they are, and a client may have sent any.
            escaped = type(value)(SoapAdapter.XmlEscape(value._moId), None)
            super()._Serialize(escaped, info, default)
        elif isinstance(value, list) and info.type is object:
            self._array(value, info, default)
        else:
            super()._Serialize(value, info, default)

    def _array(self, value: Any, info: Any, default: str) -> None:
        # The real server types every item of an array in a property, and some clients read nothing else.
        item = value.Item
        if issubclass(item, VmomiSupport.ManagedObject):
            tag, array = "ManagedObjectReference", VmomiSupport.ManagedObject.Array
        elif item in _AS_STRINGS:
            tag, array = "string", VmomiSupport.GetVmodlType("string[]")
        else:
            tag, array = VmomiSupport.GetWsdlName(item), type(value)
        attribute, name = self._QName(array, default)
        self.writer.write(f'<{info.name}{attribute} {self.xsiPrefix}type="{name}">')
        entry = VmomiSupport.Object(name=tag, type=object, version=info.version, flags=info.flags)
        for each in value:
            self._Serialize(each, entry, default)
        self.writer.write(f"</{info.name}>")


_AS_STRINGS = (type, VmomiSupport.ManagedMethod, VmomiSupport.PropertyPath)


def _serializer(out: StringIO, version: str) -> Any:
    serializer = _Serializer(out, version, _NAMESPACES)
    # A real vpxd writes no versionId on returnval.
    serializer.outermostAttrs = ""
    return serializer


MethodFault = vmodl.MethodFault
