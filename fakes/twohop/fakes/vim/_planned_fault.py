"""A fault that a rule names by its type, with every mandatory field filled in (2.15)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from twohop.runtime.faults import FaultError

from . import _faults as faults
from ._registry import NAMESPACE, VmomiSupport, vmodl

TEXTS: Mapping[str, Callable[[], Any]] = MappingProxyType(
    {
        "InvalidState": faults.invalid_state,
        "Timedout": faults.timed_out,
        "NotSupported": faults.not_supported,
        "RestrictedVersion": faults.restricted_version,
        "InvalidLogin": faults.invalid_login,
        "RequestCanceled": faults.request_canceled,
        "ConcurrentAccess": faults.concurrent_access,
        "NotFound": faults.not_there,
    }
)
"""Faults whose text is known, where a rule gives none."""


def planned_fault(args: Mapping[str, Any], where: str = "", target: Any = None) -> Any:
    """Return the fault that a rule names, its mandatory fields filled in (2.15); FaultError where there is none such.

    `target` is the reference that stands in a field which takes it and which the rule does not give.
    """
    name = args["type"].rpartition(".")[2]
    try:
        kind = VmomiSupport.GetWsdlType(NAMESPACE, name)
    except KeyError:
        kind = None
    if kind is None or not issubclass(kind, vmodl.MethodFault):
        raise FaultError(f"{where}: vim25 has no fault {args['type']!r}; give a name such as TaskInProgress")
    known = {info.name: info for info in kind._GetPropertyList()}
    fields = dict(args.get("fields") or {})
    for field in fields:
        if field not in known or field in ("msg", "dynamicType", "dynamicProperty"):
            raise FaultError(f"{where}: the fault {name} has no field {field!r}")
    made = TEXTS[name]() if name in TEXTS else kind(msg="")
    if args.get("message") is not None:
        made.msg = args["message"]
    for field, info in known.items():
        if field in fields:
            setattr(made, field, _given(info, fields[field], f"{where}: {field} of {name}"))
    _fill(made, target)
    return made


def _fill(made: Any, target: Any) -> None:
    """Give every mandatory field of a data object that has none the plainest value there is."""
    for info in made._GetPropertyList():
        mandatory = not info.flags & VmomiSupport.F_OPTIONAL and info.name != "msg"
        if mandatory and getattr(made, info.name, None) in (None, "", 0, []):
            setattr(made, info.name, _filled(info.type, target))


def _given(info: Any, value: Any, where: str) -> Any:
    kind = info.type
    if isinstance(kind, type) and issubclass(kind, VmomiSupport.ManagedObject):
        if not isinstance(value, str):
            raise FaultError(f"{where} is the id of an object; got {value!r}")
        return kind(value, None)
    if isinstance(kind, type) and issubclass(kind, str) and isinstance(value, str):
        return kind(value)
    scalar = {bool: bool, int: int, VmomiSupport.long: int, VmomiSupport.short: int}.get(kind)
    if scalar is None or not isinstance(value, scalar) or (scalar is int and isinstance(value, bool)):
        raise FaultError(f"{where} is a {getattr(kind, '__name__', kind)}, which is not given as {value!r}")
    return kind(value)


def _filled(kind: Any, target: Any) -> Any:
    if not isinstance(kind, type):
        return None
    if issubclass(kind, VmomiSupport.ManagedObject):
        return target if isinstance(target, kind) else kind("none", None)
    if issubclass(kind, VmomiSupport.Enum):
        values = getattr(kind, "values", None)
        return kind(values[0]) if values else None
    if issubclass(kind, list):
        return kind([_filled(kind.Item, target)])  # type: ignore[attr-defined]
    if issubclass(kind, VmomiSupport.DataObject):
        made = kind()
        _fill(made, target)
        return made
    return kind()
