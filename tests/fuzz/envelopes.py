"""SOAP requests by the API's own metadata: right in form, wrong in what they say, or wrong in form too."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from pyVmomi import VmomiSupport

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    ' xmlns="urn:vim25"><e:Body>'
)
TAIL = "</e:Body></e:Envelope>"
BLOCKING = frozenset({"WaitForUpdates", "WaitForUpdatesEx"})
"""Methods that wait, on a clock that stands: left to tests of their own."""
TEXTS = [
    "", " ", "name", "runtime.powerState", "config.hardware.device", "config.hardware.device[4000].key", "a[b", "..",
    "config..name", "info.task", "%2f", "%25", "%5c", "a/b", "x" * 300, "\U0001f4a9", "\u202e", "\t\n\r", "]]>", "&",
    "<a/>", "__class__", "__dict__", "mro", "0", "-1", "null", "None", "VirtualMachine", "vim.VirtualMachine", "VM0",
    "H0", "DC0", "group-d1", "session[52-x]", "[LocalDS_0] VM0/VM0.vmx", "[", "[]", "[x", "[LocalDS_0] ../x",
    "/DC0/vm/VM0", "127.0.0.1", "admin", "Admin", "System.View", "2020-01-01T00:00:00Z", "en", "-",
]  # fmt: skip
NUMBERS = [
    "0", "1", "-1", "2", "100", "101", "2147483647", "2147483648", "-2147483648", "9223372036854775807",
    "9223372036854775808", "1" * 400, "1_0", "٣", " 7 ", "+1", "1.5", "1e3", "nan", "inf", "0x1", "",
]  # fmt: skip
TIMES = ["2020-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2020-02-30T00:00:00Z",
         "1969-12-31T23:59:59.999999999Z", "2020-01-01", "T", "", "2020-01-01T24:00:00Z", "-2020-01-01T00:00:00Z",
         "2020-01-01T00:00:00+99:99"]  # fmt: skip
TAGS = ["a", "obj", "name", "type", "spec", "_this", "key", "fault", "faultMessage", "localizedMessage", "dynamicType",
        "dynamicProperty", "e:Body", "e:Fault", "e:Envelope", "string"]  # fmt: skip
TYPES = [
    "xsd:string", "xsd:int", "xsd:anyType", "ArrayOfString", "ArrayOfInt", "ArrayOfManagedObjectReference",
    "TraversalSpec", "SelectionSpec", "VirtualMachineConfigSpec", "VirtualDisk", "VirtualDiskFlatVer2BackingInfo",
    "InvalidRequest", "MethodFault", "LocalizedMethodFault", "ManagedObjectReference", "DynamicData", "OvfFile",
    "VirtualMachine", "bogus", "", "xsd:", ":", "e:x", "AboutInfo", "xsd:base64Binary", "xsd:dateTime",
    "AndAlarmExpression", "VAppConfigSpec",
]  # fmt: skip


class Writer:
    """Writes calls of the methods that objects of these `(id, type)` pairs may have."""

    def __init__(
        self, objects: Sequence[tuple[str, str]], methods: Iterable[tuple[str, str]], rng: random.Random
    ) -> None:
        self.objects, self.rng = list(objects), rng
        self.methods = sorted((kind, name) for kind, name in methods if name not in BLOCKING)

    def call(self) -> str:
        """One call of a method with arguments of the declared types, or nearly so."""
        rng = self.rng
        kind, name = rng.choice(self.methods)
        ids = [moid for moid, wsdl in self.objects if wsdl == kind]
        this = (
            self.reference("_this", kind, rng.choice(ids)) if ids and rng.random() < 0.95 else self.reference("_this")
        )
        info = VmomiSupport.GetWsdlMethod("urn:vim25", name).info
        return f"{HEAD}<{name}>{this}{''.join(self.field(p, 0) for p in info.params)}</{name}>{TAIL}"

    def export(self) -> bytes:
        """A call that makes a lease, so that there is one to call methods on."""
        machines = [moid for moid, wsdl in self.objects if wsdl == "VirtualMachine"]
        this = f'<_this type="VirtualMachine">{self.rng.choice(machines)}</_this>'
        return f"{HEAD}<ExportVm>{this}</ExportVm>{TAIL}".encode()

    def field(self, info: Any, depth: int) -> str:
        """An element for a parameter or a property: left out, once, or more often than is allowed."""
        rng, array = self.rng, issubclass(info.type, list)
        optional = bool(info.flags & VmomiSupport.F_OPTIONAL) or array
        if rng.random() < ((0.5 + 0.2 * depth) if optional else 0.005):
            return ""
        times = rng.choice([0, 1, 1, 2, 3]) if array else 2 if rng.random() < 0.01 else 1
        declared = info.type.Item if array else info.type
        return "".join(self.element(info.name, declared, depth) for _ in range(times))

    def element(self, name: str, declared: Any, depth: int) -> str:
        """An element of a type, or of another one that it says it is."""
        rng = self.rng
        if rng.random() < 0.02:
            return f"<{name} xsi:type={quoteattr(rng.choice(TYPES))}>{escape(rng.choice(TEXTS))}</{name}>"
        if issubclass(declared, VmomiSupport.ManagedObject):
            kind = VmomiSupport.GetWsdlName(declared)
            ids = [(moid, wsdl) for moid, wsdl in self.objects if wsdl == kind] or self.objects
            moid, wsdl = rng.choice(ids if rng.random() < 0.8 else self.objects)
            return self.reference(name, wsdl, moid)
        if issubclass(declared, VmomiSupport.DataObject):
            shown = ""
            if rng.random() < 0.15 or declared.__name__ == "vmodl.DynamicData":
                declared, shown = self._narrower(declared)
            inner = "".join(self.field(p, depth + 1) for p in declared._GetPropertyList()) if depth < 4 else ""
            return f"<{name}{shown}>{inner}</{name}>"
        return f"<{name}>{escape(self._text(declared))}</{name}>"

    def reference(self, name: str, kind: str | None = None, moid: str | None = None) -> str:
        """A reference to an object, there or not."""
        rng = self.rng
        if kind is None or rng.random() < 0.03:
            kind = rng.choice([*TYPES, *(wsdl for _, wsdl in self.objects)])
        if moid is None or rng.random() < 0.03:
            moid = rng.choice([*TEXTS, *(moid for moid, _ in self.objects)])
        return f"<{name} type={quoteattr(kind)}>{escape(moid)}</{name}>"

    def _narrower(self, declared: Any) -> tuple[Any, str]:
        name = self.rng.choice(TYPES)
        try:
            found = VmomiSupport.GetWsdlType("urn:vim25", name)
        except KeyError:
            found = None
        if isinstance(found, type) and issubclass(found, VmomiSupport.DataObject):
            return found, f' xsi:type="{name}"'
        return declared, ""

    def _text(self, declared: Any) -> str:
        rng = self.rng
        if issubclass(declared, VmomiSupport.Enum):
            return str(rng.choice([*declared.values, "__doc__"][: -1 if rng.random() < 0.9 else None]))
        if declared is bool:
            return rng.choice(["true", "false", "1", "0"]) if rng.random() < 0.98 else "yes"
        if issubclass(declared, int | float):
            return rng.choice(NUMBERS if rng.random() < 0.1 else NUMBERS[:6])
        if issubclass(declared, datetime):
            return rng.choice(TIMES) if rng.random() < 0.2 else TIMES[0]
        if declared is type:
            return rng.choice([*TYPES[rng.choice([0, -1]) :], *(wsdl for _, wsdl in self.objects)])
        return rng.choice([*TEXTS, *(moid for moid, _ in self.objects)])


def spoil(text: str, rng: random.Random) -> bytes:
    """Break the form of a request in some places, or in none."""
    data = bytearray(text.encode())
    for _ in range(rng.choice([*[0] * 17, 1, 2, 4])):
        at, end = sorted((rng.randrange(len(data) + 1), min(len(data), rng.randrange(len(data) + 1))))
        end = min(end, at + rng.choice([0, 1, 8, 200]))
        put = rng.choice(
            [b"", b"<", b">", b"\x00", b"\xff", b"&#0;", b"&#x41;", b"&lt;", b"<!--", b"-->", b"<![CDATA[", b"]]>",
             b"<?x?>", b"<!DOCTYPE a>", b" xmlns='x'", b" xsi:type='xsd:int'", bytes(data[at:end]) * 2,
             f"<{rng.choice(TAGS)}>".encode(), f"</{rng.choice(TAGS)}>".encode(), f"<{rng.choice(TAGS)}/>".encode(),
             rng.randbytes(3)]
        )  # fmt: skip
        data[at:end] = put
    if rng.random() < 0.02:
        return text.encode(rng.choice(["utf-16", "utf-16-be", "utf-7", "cp037", "latin-1"]), "replace")
    return bytes(data)
