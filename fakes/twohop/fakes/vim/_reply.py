"""A typed result or fault to a SOAP answer, on pyVmomi's own serialiser."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from io import StringIO
from typing import Any, Protocol

from ._registry import NAMESPACE, SoapAdapter, VmomiSupport, has, vmodl

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
_VALUE = VmomiSupport.Object(name="val", type=object, version="vmodl.version.version0", flags=VmomiSupport.F_OPTIONAL)
_MISSING = VmomiSupport.Object(
    name="missingSet", type=vmodl.query.PropertyCollector.MissingProperty, version="vmodl.version.version0", flags=0
)


class Found(Protocol):
    """An object that was read: its reference, its values by path, a fault for each path that could not be read."""

    @property
    def reference(self) -> Any: ...
    @property
    def values(self) -> Mapping[str, Any]: ...
    @property
    def missing(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What a property collector has retrieved, to be written as ObjectContent without making objects of it first.

    With `wrapped` it is a RetrieveResult, whose `token` names the next page, else an array of ObjectContent.
    """

    objects: Sequence[Found]
    token: str | None = None
    wrapped: bool = True


def serialize_result(method: Any, value: Any, version: str) -> bytes:
    """Return the envelope of a result; a client of an older version gets no newer field (1.8)."""
    out = StringIO()
    out.write(f'{_HEAD}<{method.wsdlName}Response xmlns="{NAMESPACE}">')
    # An empty array is an element less where each item is one; a property, whose type is open, is one element.
    nothing = value is None or (isinstance(value, list) and not value and method.result is not object)
    if isinstance(value, Retrieved):
        _write_retrieved(out, value, _serializer(out, version))
    elif not nothing and method.result is not type(None):
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
    _serializer(out, version).Serialize(value, _VALUE)
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


def _write_retrieved(out: StringIO, retrieved: Retrieved, serializer: Any) -> None:
    tag = "objects" if retrieved.wrapped else "returnval"
    if retrieved.wrapped:
        out.write("<returnval>")
        if retrieved.token is not None:
            out.write(f"<token>{SoapAdapter.XmlEscape(retrieved.token)}</token>")
    for found in retrieved.objects:
        of, moid = VmomiSupport.GetWsdlName(type(found.reference)), SoapAdapter.XmlEscape(found.reference._moId)
        out.write(f'<{tag}><obj type="{of}">{moid}</obj>')
        for path, value in found.values.items():
            out.write(f"<propSet><name>{SoapAdapter.XmlEscape(path)}</name>")
            kind: Any = type(value)
            typed = _plainly(kind)
            if typed is None:
                serializer.Serialize(value, _VALUE)
            else:
                out.write(f'<val xsi:type="{typed}">{SoapAdapter.XmlEscape(value)}</val>')
            out.write("</propSet>")
        for path, fault in found.missing.items():
            serializer.Serialize(_MISSING.type(path=path, fault=fault), _MISSING)
        out.write(f"</{tag}>")
    if retrieved.wrapped:
        out.write("</returnval>")


@cache
def _plainly(kind: Any) -> str | None:
    """Return what stands as xsi:type before a value that is written as its text; None for any other."""
    if kind is str:
        return "xsd:string"
    return str(VmomiSupport.GetWsdlName(kind)) if issubclass(kind, VmomiSupport.Enum) else None


class _Serializer(SoapAdapter.SoapSerializer):  # type: ignore[misc]
    """pyVmomi's serialiser, which writes for a server what it was made to write for a client."""

    def _QName(self, typ: Any, default: str) -> tuple[str, str]:
        attribute, name = super()._QName(typ, default)
        return attribute, f"{name}Reference" if name.endswith("ManagedObject") else name

    def _Serialize(self, value: Any, info: Any, default: str) -> None:
        if not has(self.version, info.version):
            return
        if isinstance(value, VmomiSupport.ManagedObject):
            # As recorded, type stands before xsi:type: a client that takes the first of them reads the object's type.
            typed = f' {self.xsiPrefix}type="ManagedObjectReference"' if info.type is object else ""
            moid = SoapAdapter.XmlEscape(value._moId)
            kind = VmomiSupport.GetWsdlName(type(value))
            self.writer.write(f'<{info.name} type="{kind}"{typed}>{moid}</{info.name}>')
        elif isinstance(value, list) and info.type is object:
            self._array(value, info, default)
        elif info.type is object and type(value) is int and not -(1 << 31) <= value < 1 << 31:
            super()._Serialize(VmomiSupport.long(value), info, default)
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
