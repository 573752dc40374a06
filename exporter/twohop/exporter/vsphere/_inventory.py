"""Finding things in the inventory by name or by path."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from pyVmomi import vim, vmodl

from .._errors import Ambiguous, NotFound

_ESCAPES = (("%2f", "/"), ("%5c", "\\"), ("%25", "%"))


def find(content: Any, kind: Any, what: str, name: str) -> Any:
    """Return the one object of type `kind` called `name`, or at the inventory path `name`.

    A name that contains a slash is an inventory path (`/DC0/vm/DC0_C0_RP0_VM0`). Raises NotFound and Ambiguous; `what`
    names the kind in their messages.
    """
    if "/" in name:
        found = content.searchIndex.FindByInventoryPath(inventoryPath=name.strip("/"))
        if isinstance(found, kind):
            return found
        came = "there is nothing" if found is None else f"there is a {type(found).__name__.rsplit('.', 1)[-1]}"
        raise NotFound(f"no {what} at the inventory path {name!r}: {came}; check the path, as in /DC0/vm/NAME")
    names = _names(content, kind)
    matches = [ref for ref, seen in names if name in (seen, _plain(seen))]
    if len(matches) == 1:
        return matches[0]
    if not matches:
        raise NotFound(f"no {what} is called {name!r}{_hint(name, [_plain(seen) for _, seen in names])}")
    paths = ", ".join(sorted(path_of(content, match) for match in matches))
    raise Ambiguous(f"{len(matches)} objects are called {name!r}; give the inventory path of one: {paths}")


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


def _names(content: Any, kind: Any) -> list[tuple[Any, str]]:
    view = content.viewManager.CreateContainerView(container=content.rootFolder, type=[kind], recursive=True)
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
            propSet=[vmodl.query.PropertyCollector.PropertySpec(type=kind, pathSet=["name"])],
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


def _plain(name: str) -> str:
    # The inventory writes slash, backslash and percent of a name as escapes.
    for escape, character in _ESCAPES:
        name = name.replace(escape, character).replace(escape.upper(), character)
    return name


def _hint(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=3)
    if near:
        return f"; did you mean {' or '.join(near)}?"
    return f"; this user sees {len(known)} in this inventory, check the name and the user's permissions"


def _is_vm(ref: Any) -> bool:
    return isinstance(ref, vim.VirtualMachine)
