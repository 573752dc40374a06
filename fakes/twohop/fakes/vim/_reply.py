"""A typed result or fault to a SOAP answer, on pyVmomi's own serialiser."""

from __future__ import annotations

import copy
from io import StringIO
from typing import Any

from ._registry import NAMESPACE, SoapAdapter, VmomiSupport, has

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


def serialize_result(method: Any, value: Any, version: str) -> bytes:
    """Return the envelope of a result; a client of an older version gets no newer field (1.8)."""
    out = StringIO()
    out.write(f'{_HEAD}<{method.wsdlName}Response xmlns="{NAMESPACE}">')
    # An empty array is an element less where each item is one; a property, whose type is open, is one element.
    nothing = value is None or (isinstance(value, list) and not value and method.result is not object)
    if not nothing and method.result is not type(None):
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
