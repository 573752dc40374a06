"""The one door to pyVmomi's internals: types, versions and the metadata of properties.

The fake speaks the whole vim25 vocabulary because it reads pyVmomi's type registry. A client in the same process
changes that registry's property metadata as it reads properties, so the property tables here are taken from the raw
definitions, which nobody changes, and are frozen. `tests/fakes/test_registry_guard.py` names what is used, for every
pyVmomi in range.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from pyVmomi import SoapAdapter, VmomiSupport, vim, vmodl

__all__ = [
    "NAMESPACE",
    "MethodInfo",
    "SoapAdapter",
    "VmomiSupport",
    "all_methods",
    "all_properties",
    "all_types",
    "coerce",
    "declares",
    "has",
    "identity_of",
    "known_privileges",
    "known_type",
    "method_named",
    "newest_known",
    "older",
    "prior_versions",
    "properties_of",
    "task_method",
    "type_named",
    "version_for",
    "vim",
    "vmodl",
    "wsdl_class",
]

NAMESPACE = "urn:vim25"
OPTIONAL: int = VmomiSupport.F_OPTIONAL


@dataclass(frozen=True, slots=True)
class PropertyInfo:
    """A property of a managed object type: its declared type by name, its version, whether it may be unset.

    `privilege` is what reading it needs; None where the metadata names none.
    """

    name: str
    type_name: str
    version: str
    optional: bool
    privilege: str | None = None


@dataclass(frozen=True, slots=True)
class MethodInfo:
    """What calling a method needs: privileges on its object, and on the objects that its arguments refer to."""

    name: str
    privileges: tuple[str, ...]
    on_arguments: tuple[tuple[str, str], ...]


def type_named(name: str) -> Any:
    """Return a vmodl type by name, such as `vim.ManagedEntity[]`."""
    return VmomiSupport.GetVmodlType(name)


@cache
def wsdl_class(wsdl_name: str) -> Any:
    """Return the managed object class of a WSDL name, such as `VirtualMachine`; KeyError where vim25 has none."""
    return VmomiSupport.GetWsdlType(NAMESPACE, wsdl_name)


@cache
def known_type(wsdl_name: str) -> bool:
    """Tell whether this pyVmomi has a managed object type of that WSDL name."""
    try:
        wsdl_class(wsdl_name)
    except KeyError:
        return False
    return True


@cache
def _definitions() -> dict[str, tuple[str, str, str, Any]]:
    found = {}
    for definition in list(VmomiSupport._managedDefMap.values()):
        vmodl_name, wsdl_name, parent, _, properties, _ = definition
        if vmodl_name.startswith(("vim.", "vmodl.")):
            found[vmodl_name] = (vmodl_name, wsdl_name, parent, tuple(map(tuple, properties or ())))
    return found


@cache
def _methods() -> dict[str, MethodInfo]:
    found = {}
    for definition in list(VmomiSupport._managedDefMap.values()):
        if definition[0].startswith(("vim.", "vmodl.")):
            for _, name, _, parameters, _, privileges, *_ in definition[5] or ():
                on_arguments = tuple((row[0], need) for row in parameters for need in (row[4] or "").split())
                found[name] = MethodInfo(name, tuple((privileges or "").split()), on_arguments)
    return found


def method_named(wsdl_name: str) -> MethodInfo:
    """Return what a method of vim25 needs, by its WSDL name; nothing where the metadata has no such method."""
    return _methods().get(wsdl_name) or MethodInfo(wsdl_name, (), ())


@cache
def all_methods() -> frozenset[str]:
    """Return the WSDL names of all methods of vim25, the hidden Fetch among them."""
    return frozenset(_methods()) | {"Fetch"}


@cache
def all_types() -> frozenset[str]:
    """Return the WSDL names of all managed object types of vim25."""
    return frozenset(wsdl for _, wsdl, _, _ in _definitions().values())


@cache
def all_properties() -> frozenset[str]:
    """Return the names of all properties of all managed object types of vim25."""
    return frozenset(row[0] for definition in _definitions().values() for row in definition[3])


@cache
def task_method(description_id: str) -> Any:
    """Return the method that starts tasks of a descriptionId such as `VirtualMachine.powerOn`; None where none does."""
    owner, _, method = description_id.rpartition(".")
    definition = VmomiSupport._managedDefMap.get(f"vim.{owner}")
    while definition is not None:
        for name, wsdl_name, *_ in definition[5] or ():
            if name == method and wsdl_name.endswith("_Task"):
                return VmomiSupport.GetWsdlMethod(NAMESPACE, wsdl_name)
        definition = VmomiSupport._managedDefMap.get(definition[2])
    return None


@cache
def known_privileges() -> frozenset[str]:
    """Return every privilege that the metadata of vim25 names."""
    methods = {name for m in _methods().values() for name in (*m.privileges, *(need for _, need in m.on_arguments))}
    rows = [row for definition in _definitions().values() for row in definition[3]]
    return frozenset(methods.union(*((row[4] or "").split() for row in rows if len(row) > 4)))


@cache
def properties_of(wsdl_name: str) -> dict[str, PropertyInfo]:
    """Return every property of a managed object type, inherited ones first."""
    by_wsdl = {wsdl: vmodl_name for vmodl_name, wsdl, _, _ in _definitions().values()}
    chain = []
    at = by_wsdl.get(wsdl_name)
    while at is not None:
        definition = _definitions().get(at)
        if definition is None:
            break
        chain.append(definition)
        at = definition[2]
    table = {}
    for _, _, _, rows in reversed(chain):
        for name, type_name, version, flags, *more in rows:
            table[name] = PropertyInfo(name, type_name, version, bool(flags & OPTIONAL), more[0] if more else None)
    return table


def declares(data_type: Any, name: str) -> bool:
    """Tell whether a data object type of this pyVmomi has a property; newer ones know more."""
    return any(info.name == name for info in data_type._GetPropertyList())


def coerce(type_or_name: Any, value: Any) -> Any:
    """Return `value` as the declared type wants it, so that its xsi:type on the wire is the declared one."""
    if value is None:
        return None
    typ: Any = type_named(type_or_name) if isinstance(type_or_name, str) else type_or_name
    if not isinstance(typ, type):
        return value
    declared: Any = typ
    if issubclass(typ, list):
        return value if isinstance(value, VmomiSupport.Array) else declared(value)
    if issubclass(typ, VmomiSupport.Enum):
        return declared(value)
    if issubclass(typ, int | float) and typ is not bool and not isinstance(value, bool):
        return declared(value)
    return value


def _numbers(api: str) -> tuple[int, ...]:
    # 7.0 and 7.0.0.0 are one version.
    return tuple(int(part) for part in re.sub(r"(\.0)+$", "", api).split("."))


@cache
def _known() -> dict[str, str]:
    """Dotted API versions of vim25 that pyVmomi knows, with its names for them."""
    known = {}
    for version in VmomiSupport.GetServiceVersions("vim25"):
        identity = VmomiSupport.versionIdMap.get(version, "")
        if identity and identity[0].isdigit() and all(part.isdigit() for part in identity.split(".")):
            known[identity] = version
    return known


def older(api: str, than: str) -> bool:
    """Tell whether a dotted API version came before another."""
    return _numbers(api) < _numbers(than)


def newest_known(api: str) -> str:
    """Return the newest dotted API version that pyVmomi knows and that is not newer than `api`."""
    return max((v for v in _known() if _numbers(v) <= _numbers(api)), key=_numbers)


def prior_versions(api: str) -> list[str]:
    """Return the dotted API versions older than `api`, newest first, as far back as a server of that age tells."""
    oldest = (2, 5) if older(api, "6.5") else (4,)
    return sorted((v for v in _known() if oldest <= _numbers(v) < _numbers(api)), key=_numbers, reverse=True)


def identity_of(version: str) -> str:
    """Return the dotted form of a version that `version_for` gave."""
    return str(VmomiSupport.versionIdMap[version])


@lru_cache(maxsize=1024)
def version_for(soap_action: str, api: str) -> str:
    """Return the version to answer in: the client's where the server has it, else the server's newest (10.4)."""
    asked = soap_action.strip().strip('"').rpartition("/")[2]
    known = _known()
    server = newest_known(api)
    if asked in known and _numbers(asked) <= _numbers(server):
        return known[asked]
    return known[server]


@cache
def has(version: str, introduced: str) -> bool:
    """Tell whether an API version knows what another one introduced."""
    return bool(VmomiSupport.IsChildVersion(version, introduced))
