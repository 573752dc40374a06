"""Finding things in the inventory: by name, by path, by UUID, by managed object id."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pyVmomi import vim, vmodl

from .._errors import Ambiguous, NotFound

_ESCAPES = (("%2f", "/"), ("%5c", "\\"), ("%25", "%"))
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_MOID = re.compile(r"vm-\d+|resgroup-v\d+|\d+")
"""How vCenter and hosts write the object ids of VMs and vApps (4.3)."""
_WAYS = ("name", "path", "uuid", "moid")


def find(content: Any, kinds: tuple[Any, ...], what: str, wanted: str) -> Any:
    """Return the one object of `kinds` that `wanted` names; raise NotFound and Ambiguous.

    `wanted` is a name, an inventory path (`/DC0/vm/DC0_C0_RP0_VM0`: whatever has a slash), a UUID or a managed object
    id, or one of them with `name:`, `path:`, `uuid:` or `moid:` in front. Where it could be several of them and they
    are different objects, it is ambiguous. `what` names the kinds in messages.
    """
    way, _, rest = wanted.partition(":")
    if way in _WAYS and rest:
        found = list(_LOOKUPS[way](content, kinds, rest))
    elif "/" in wanted:
        found = list(_by_path(content, kinds, wanted))
    else:
        found = list(_by_name(content, kinds, wanted))
        if _UUID.fullmatch(wanted):
            found += _by_uuid(content, kinds, wanted)
        if _MOID.fullmatch(wanted):
            found += _by_moid(content, kinds, wanted)
    matches = list({ref._moId: ref for ref in found}.values())
    if len(matches) == 1:
        return matches[0]
    if not matches:
        raise NotFound(f"no {what} {_missing(content, kinds, wanted)}")
    shown = ", ".join(sorted(f"{path_of(content, ref)} (moid:{ref._moId})" for ref in matches))
    raise Ambiguous(f"{len(matches)} objects are called {wanted!r}; give the inventory path or the id of one: {shown}")


def find_snapshot(tree: Any, vm: str, wanted: str) -> Any:
    """Return the row of the snapshot tree that `wanted` names: a name, a path of names, or a managed object id."""
    rows = list(_rows(tree.rootSnapshotList or (), "")) if tree is not None else []
    if not rows:
        raise NotFound(f"{vm} has no snapshots, expected one called {wanted!r}; take one first")
    path = wanted if wanted.startswith("/") else f"/{wanted}"
    found = [row for at, row in rows if wanted in (row.name, row.snapshot._moId) or at == path]
    if len(found) == 1:
        return found[0]
    known = ", ".join(at for at, _ in rows)
    if not found:
        raise NotFound(f"{vm} has no snapshot {wanted!r}; it has {known}")
    raise Ambiguous(f"{vm} has {len(found)} snapshots called {wanted!r}; give the path of one: {known}")


def read(content: Any, ref: Any, *paths: str) -> Mapping[str, Any]:
    """Return the properties of one object that the server gives; what it leaves out is not in the result."""
    spec = vmodl.query.PropertyCollector.FilterSpec(
        objectSet=[vmodl.query.PropertyCollector.ObjectSpec(obj=ref)],
        propSet=[vmodl.query.PropertyCollector.PropertySpec(type=type(ref), pathSet=list(paths))],
    )
    for found in _retrieve(content.propertyCollector, spec):
        return {change.name: change.val for change in found.propSet or ()}
    return {}


def path_of(content: Any, ref: Any) -> str:
    """Return the inventory path of an object, or its id where the user may not see its parents."""
    parts: list[str] = []
    at = ref
    while at is not None and at._moId != content.rootFolder._moId:
        seen = read(content, at, "name", "parent")
        if "name" not in seen:
            return str(ref._moId)
        parts.append(seen["name"])
        at = seen.get("parent") or (read(content, at, "parentVApp").get("parentVApp") if _is_vm(at) else None)
    return "/" + "/".join(reversed(parts))


def plain_name(name: str) -> str:
    """Return a name as a person gave it: the inventory writes its slash, backslash and percent as escapes."""
    for escape, character in _ESCAPES:
        name = name.replace(escape, character).replace(escape.upper(), character)
    return name


def _rows(rows: Iterable[Any], above: str) -> Iterator[tuple[str, Any]]:
    for row in rows:
        at = f"{above}/{row.name}"
        yield at, row
        yield from _rows(row.childSnapshotList or (), at)


def _by_name(content: Any, kinds: tuple[Any, ...], wanted: str) -> Iterator[Any]:
    for ref, seen in _names(content, kinds):
        if wanted in (seen, plain_name(seen)):
            yield ref


def _by_path(content: Any, kinds: tuple[Any, ...], wanted: str) -> Iterator[Any]:
    found = content.searchIndex.FindByInventoryPath(inventoryPath=wanted.strip("/"))
    if isinstance(found, kinds):
        yield found
        return
    came = "there is nothing" if found is None else f"there is a {type(found).__name__.rsplit('.', 1)[-1]}"
    raise NotFound(f"nothing to export at the inventory path {wanted!r}: {came}; check the path, as in /DC0/vm/NAME")


def _by_uuid(content: Any, kinds: tuple[Any, ...], wanted: str) -> Iterator[Any]:
    for instance in (True, False):
        for ref in content.searchIndex.FindAllByUuid(uuid=wanted, vmSearch=True, instanceUuid=instance) or ():
            if isinstance(ref, kinds):
                yield ref


def _by_moid(content: Any, kinds: tuple[Any, ...], wanted: str) -> Iterator[Any]:
    for ref, _ in _names(content, kinds):
        if ref._moId == wanted:
            yield ref


_LOOKUPS = {"name": _by_name, "path": _by_path, "uuid": _by_uuid, "moid": _by_moid}


def _names(content: Any, kinds: tuple[Any, ...]) -> list[tuple[Any, str]]:
    view = content.viewManager.CreateContainerView(container=content.rootFolder, type=list(kinds), recursive=True)
    try:
        spec = vmodl.query.PropertyCollector.FilterSpec(
            objectSet=[
                vmodl.query.PropertyCollector.ObjectSpec(
                    obj=view,
                    skip=True,
                    selectSet=[
                        vmodl.query.PropertyCollector.TraversalSpec(
                            name="view", type=vim.view.ContainerView, path="view", skip=False
                        )
                    ],
                )
            ],
            propSet=[vmodl.query.PropertyCollector.PropertySpec(type=kind, pathSet=["name"]) for kind in kinds],
        )
        found = list(_retrieve(content.propertyCollector, spec))
    finally:
        view.DestroyView()
    return [(each.obj, change.val) for each in found for change in each.propSet or () if change.name == "name"]


def _retrieve(collector: Any, spec: Any) -> Iterable[Any]:
    options = vmodl.query.PropertyCollector.RetrieveOptions()
    page = collector.RetrievePropertiesEx(specSet=[spec], options=options)
    while page is not None:
        yield from page.objects or ()
        page = collector.ContinueRetrievePropertiesEx(token=page.token) if page.token else None


def _missing(content: Any, kinds: tuple[Any, ...], wanted: str) -> str:
    known = [plain_name(seen) for _, seen in _names(content, kinds)]
    near = difflib.get_close_matches(wanted, known, n=3)
    if near:
        return f"is called {wanted!r}; did you mean {' or '.join(near)}?"
    seen = f"this user sees {len(known)} in this inventory"
    return f"is called {wanted!r}; {seen}, check the name and the user's permissions"


def _is_vm(ref: Any) -> bool:
    return isinstance(ref, vim.VirtualMachine)
