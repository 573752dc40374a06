"""The types and methods of vim25 as its WSDL names them, for one API version, read from pyVmomi's raw definitions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from ._registry import NAMESPACE, OPTIONAL, VmomiSupport, has

_LINK: int = VmomiSupport.F_LINK

_PLAIN = {
    "anyType": "xsd:anyType",
    "boolean": "xsd:boolean",
    "byte": "xsd:byte",
    "double": "xsd:double",
    "float": "xsd:float",
    "int": "xsd:int",
    "long": "xsd:long",
    "short": "xsd:short",
    "string": "xsd:string",
    "vmodl.Binary": "xsd:base64Binary",
    "vmodl.DateTime": "xsd:dateTime",
    "vmodl.MethodName": "xsd:string",
    "vmodl.PropertyPath": "xsd:string",
    "vmodl.TypeName": "xsd:string",
    "vmodl.URI": "xsd:anyURI",
}
"""Types that XML Schema has by itself."""
REFERENCE = "ManagedObjectReference"
_FAULT = "vmodl.MethodFault"
_LOCALIZED = "vmodl.LocalizedMethodFault"


@dataclass(frozen=True, slots=True)
class Field:
    """An element of a sequence: its name, its type with a prefix, whether it may be left out, whether it repeats."""

    name: str
    type: str
    optional: bool = False
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class DataType:
    """A data type by its WSDL name, what it extends, and its own fields. `room` is the package that it belongs to."""

    name: str
    base: str | None
    fields: tuple[Field, ...]
    room: str


@dataclass(frozen=True, slots=True)
class EnumType:
    """An enumeration by its WSDL name."""

    name: str
    values: tuple[str, ...]
    room: str


@dataclass(frozen=True, slots=True)
class Operation:
    """A method: what it takes after `_this`, what it returns, and the faults that it declares."""

    name: str
    takes: tuple[Field, ...]
    returns: Field | None
    faults: tuple[str, ...]
    room: str


@dataclass(frozen=True, slots=True)
class Schema:
    """Everything that one API version has."""

    data: tuple[DataType, ...]
    enums: tuple[EnumType, ...]
    operations: tuple[Operation, ...]


@cache
def schema_of(version: str) -> Schema:
    """Return the schema of a version, by pyVmomi's name for it."""
    return _Reader(version).read()


class _Reader:
    """Reads the raw definitions, which no client in the same process changes."""

    def __init__(self, version: str) -> None:
        self._version = version
        self._data = {row[0]: row for row in list(VmomiSupport._dataDefMap.values()) if self._ours(row[0], row[3])}
        self._enums = {row[0]: row for row in list(VmomiSupport._enumDefMap.values()) if self._ours(row[0], row[2])}
        self._managed = {
            row[0]: row for row in list(VmomiSupport._managedDefMap.values()) if self._ours(row[0], row[3])
        }

    def read(self) -> Schema:
        """Return what there is, sorted by name."""
        return Schema(
            tuple(sorted(map(self._datum, self._data.values()), key=lambda each: each.name)),
            tuple(
                EnumType(row[1], tuple(row[3]), _room(row[0]))
                for row in sorted(self._enums.values(), key=lambda row: str(row[1]))
            ),
            tuple(sorted(self._operations(), key=lambda each: each.name)),
        )

    def _ours(self, name: str, since: str) -> bool:
        ours = name.startswith(("vim.", "vmodl.")) and VmomiSupport.GetWsdlNamespace(since) == NAMESPACE
        return ours and has(self._version, since)

    def _datum(self, row: tuple[str, str, str, str, list[tuple[str, str, str, int]]]) -> DataType:
        name, wsdl, parent, _, fields = row
        found: list[Field] = []
        for field, type_name, since, flags, *_ in fields or ():
            if has(self._version, since):
                raw = name == _LOCALIZED and type_name == _FAULT
                found.append(self._field(field, type_name, flags, raw=raw))
        return DataType(wsdl, self._base(parent), tuple(found), _room(name))

    def _base(self, parent: str) -> str | None:
        # A parent that came later than its child is left out of older versions.
        known = VmomiSupport._dataDefMap
        while parent not in self._data:
            if parent not in known:
                return None
            parent = known[parent][2]
        return f"vim25:{self._data[parent][1]}"

    def _operations(self) -> Iterator[Operation]:
        for name, _, _, _, _, methods in self._managed.values():
            for _, wsdl, since, parameters, result, _, faults, *_ in methods or ():
                if not has(self._version, since):
                    continue
                takes = (self._field(p[0], p[1], p[3]) for p in parameters if has(self._version, p[2]))
                returns = None if result[1] == "void" else self._field("returnval", result[1], result[0])
                declared = tuple(self._data[fault][1] for fault in faults or () if fault in self._data)
                yield Operation(wsdl, tuple(takes), returns, declared, _room(name))

    def _field(self, name: str, type_name: str, flags: int, *, raw: bool = False) -> Field:
        repeated = type_name.endswith("[]")
        item = type_name.removesuffix("[]")
        shown = "vim25:MethodFault" if raw else "xsd:string" if flags & _LINK else self._type(item)
        return Field(name, shown, bool(flags & OPTIONAL), repeated)

    def _type(self, name: str) -> str:
        if name in _PLAIN:
            return _PLAIN[name]
        if name.endswith("[]"):
            item = self._type(name.removesuffix("[]")).partition(":")[2]
            return f"vim25:ArrayOf{item[0].upper()}{item[1:]}"
        if name == _FAULT or self._is_fault(name):
            return "vim25:LocalizedMethodFault"
        if name in self._data:
            return f"vim25:{self._data[name][1]}"
        if name in self._enums:
            return f"vim25:{self._enums[name][1]}"
        managed = name in VmomiSupport._managedDefMap or name == "vmodl.ManagedObject"
        return f"vim25:{REFERENCE}" if managed else "xsd:anyType"

    def _is_fault(self, name: str) -> bool:
        while name in self._data:
            if name == _FAULT:
                return True
            name = self._data[name][2]
        return False


def _room(name: str) -> str:
    first, _, rest = name.partition(".")
    if first == "vim":
        return "vim"
    return rest.partition(".")[0] if rest.startswith(("query.", "reflect.")) else "core"
