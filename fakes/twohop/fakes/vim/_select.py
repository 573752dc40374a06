"""Reading a FilterSpec: which objects it selects and what it asks of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..world import Entity
from . import _faults as faults
from ._guard import visible
from ._kinds import Kind
from ._registry import VmomiSupport, properties_of, vim, vmodl
from ._service import Call

PropertyCollector = vmodl.query.PropertyCollector


@dataclass(slots=True)
class Selected:
    """An object, its kind, and the property paths asked of it; `named` are those that stand in the spec by name."""

    obj: Any
    kind: Kind
    paths: list[str] = field(default_factory=list)
    named: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Read:
    """What reading an object gave: values by path, and a fault for each path that could not be read."""

    obj: Any
    reference: Any
    values: dict[str, Any]
    missing: dict[str, Any]
    order: list[str] = field(default_factory=list)


def select(call: Call, spec: Any, gone: list[Any] | None = None) -> list[Selected]:
    """Return the objects that a FilterSpec selects, each once, in the order of the traversal.

    Raises InvalidProperty for a path that its type does not have and ManagedObjectNotFound for a start that is not
    there; where `gone` is given, references to such starts are put into it instead.
    """
    _check_paths(spec)
    named = _named_selections(spec)
    found: dict[str, Selected] = {}
    visited: set[tuple[str, int]] = set()
    # A cyclic or self-referring spec ends because each object meets each selection set once.
    todo = [(o.obj, tuple(o.selectSet or ()), bool(o.skip)) for o in reversed(spec.objectSet)]
    while todo:
        reference, selections, skip = todo.pop()
        try:
            obj = call.resolve(reference)
        except vmodl.fault.ManagedObjectNotFound:
            if gone is None:
                raise
            gone.append(reference)
            continue
        if not skip:
            _collect(call, spec, obj, found)
        visit = (obj.moid, hash(tuple(id(s) for s in selections)))
        if visit in visited:
            continue
        visited.add(visit)
        for step in reversed(list(_steps(selections, named))):
            kind = call.service.kind_of(obj)
            if issubclass(kind.vim, step.type):
                targets = _targets(call, kind, obj, step.path)
                inner = tuple(step.selectSet or ())
                todo += [(target, inner, bool(step.skip)) for target in reversed(targets)]
    return list(found.values())


def read(call: Call, selected: Selected) -> Read:
    """Read what was asked of one object."""
    values: dict[str, Any] = {}
    missing: dict[str, Any] = {}
    # The real server answers in the order of the names, whatever the order of the spec (10.7).
    order = sorted(selected.paths)
    for path in order:
        try:
            value = selected.kind.read(call, selected.obj, path)
        except vmodl.query.InvalidProperty:
            raise
        except vim.fault.NoPermission as fault:
            # As recorded: the fault's text is empty here (2.14).
            fault.msg = ""
            missing[path] = fault
            continue
        except vmodl.MethodFault as fault:
            missing[path] = fault
            continue
        if value is not None:
            values[path] = value
    if isinstance(selected.obj, Entity):
        call.seen.append(selected.obj)
    return Read(selected.obj, call.ref(selected.obj), values, missing, order)


def _collect(call: Call, spec: Any, obj: Any, found: dict[str, Selected]) -> None:
    kind = call.service.kind_of(obj)
    for wanted in spec.propSet:
        if not issubclass(kind.vim, wanted.type):
            continue
        selected = found.setdefault(obj.moid, Selected(obj, kind))
        paths = kind.readable(call.version) if wanted.all else (wanted.pathSet or ())
        selected.named.update(() if wanted.all else paths)
        selected.paths += [path for path in paths if path not in selected.paths]


def _check_paths(spec: Any) -> None:
    if any(start.obj is None for start in spec.objectSet):
        raise faults.invalid_request("Required property obj is missing from data object of type ObjectSpec.")
    for wanted in spec.propSet:
        if wanted.type is None:
            raise faults.invalid_request("Required property type is missing from data object of type PropertySpec.")
        if not issubclass(wanted.type, VmomiSupport.ManagedObject):
            raise faults.invalid_request(f"{wanted.type.__name__} is no type of managed objects.")
        table = properties_of(wanted.type._wsdlName)
        for path in wanted.pathSet or ():
            if path.partition(".")[0].partition("[")[0] not in table:
                raise faults.invalid_property(path)


def _named_selections(spec: Any) -> dict[str, Any]:
    named: dict[str, Any] = {}
    todo = [selection for o in spec.objectSet for selection in o.selectSet or ()]
    while todo:
        selection = todo.pop()
        if isinstance(selection, PropertyCollector.TraversalSpec):
            if selection.name:
                named.setdefault(selection.name, selection)
            todo += list(selection.selectSet or ())
    return named


def _steps(selections: tuple[Any, ...], named: dict[str, Any]) -> Iterator[Any]:
    for selection in selections:
        if isinstance(selection, PropertyCollector.TraversalSpec):
            if selection.type is None or not selection.path:
                raise faults.invalid_argument("specSet", "A traversal has a type and a path.")
            yield selection
        elif selection.name in named:
            yield named[selection.name]
        else:
            raise faults.invalid_argument("specSet", f"No traversal is named {selection.name}.")


def _targets(call: Call, kind: Kind, obj: Any, path: str) -> list[Any]:
    try:
        value = kind.read(call, obj, path)
    except vim.fault.NoPermission:
        # To go on from an object is to read it: who may not, ends there (2.14).
        return []
    targets = [] if value is None else list(value) if isinstance(value, list) else [value]
    if not all(isinstance(target, VmomiSupport.ManagedObject) for target in targets):
        raise faults.invalid_property(path)
    return [target for target in targets if _seen(call, target)]


def _seen(call: Call, target: Any) -> bool:
    obj = call.world.objects.get(target._moId)
    return obj is None or visible(call, obj)
