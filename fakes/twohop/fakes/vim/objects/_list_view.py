"""ListView and InventoryView: objects that a client picks, and branches of the tree that it opens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .._guard import visible
from .._kinds import Kind
from .._registry import vmodl
from .._service import Call, Singleton
from .._sessions import uuid52
from ._container_view import MANAGED_OBJECT_VIEW, VIEW_MANAGER, View
from ._search_index import children


@dataclass(eq=False)
class ListView:
    """References that a client has put together, each once."""

    moid: str
    picked: dict[str, Any] = field(default_factory=dict)

    def add(self, call: Call, references: Any) -> list[Any]:
        """Take what there is; return what there is not."""
        unresolved = []
        for reference in references or ():
            try:
                call.resolve(reference)
            except vmodl.fault.ManagedObjectNotFound:
                unresolved.append(reference)
            else:
                self.picked[reference._moId] = reference
        return unresolved


@dataclass(eq=False)
class InventoryView(ListView):
    """Entities that were opened, and what stands right below them."""


LIST_VIEW = Kind("ListView", MANAGED_OBJECT_VIEW, of=ListView)
INVENTORY_VIEW = Kind("InventoryView", MANAGED_OBJECT_VIEW, of=InventoryView)


def _kept(call: Call, view: ListView | InventoryView) -> list[Any]:
    found = []
    for reference in view.picked.values():
        try:
            call.resolve(reference)
        except vmodl.fault.ManagedObjectNotFound:
            continue
        found.append(reference)
    return found


def _members(call: Call, view: Any) -> list[Any]:
    """Return what a view of any sort holds now."""
    return call.refs(dict.fromkeys(view.members())) if isinstance(view, View) else _kept(call, view)


def _hold(call: Call, view: ListView) -> Any:
    assert call.session is not None
    call.session.objects[view.moid] = view
    return call.ref(view)


def _new_id(call: Call) -> str:
    assert call.session is not None
    return f"session[{call.session.scope}]{uuid52()}"


@VIEW_MANAGER.method("CreateListView")
def _create_list(call: Call, _: Singleton, obj: list[Any] | None) -> Any:
    view = ListView(_new_id(call))
    for unresolved in view.add(call, obj):
        call.resolve(unresolved)
    return _hold(call, view)


@VIEW_MANAGER.method("CreateListViewFromView")
def _create_from(call: Call, _: Singleton, view: Any) -> Any:
    new = ListView(_new_id(call))
    new.add(call, _members(call, call.resolve(view)))
    return _hold(call, new)


@LIST_VIEW.method("ModifyListView")
def _modify(call: Call, view: ListView, add: list[Any] | None, remove: list[Any] | None) -> list[Any]:
    with call.world.lock:
        unresolved = view.add(call, add)
        for reference in remove or ():
            if view.picked.pop(reference._moId, None) is None:
                unresolved.append(reference)
    call.world.stir()
    return unresolved


@LIST_VIEW.method("ResetListView")
def _reset(call: Call, view: ListView, obj: list[Any] | None) -> list[Any]:
    with call.world.lock:
        view.picked.clear()
        unresolved = view.add(call, obj)
    call.world.stir()
    return unresolved


@LIST_VIEW.method("ResetListViewFromView")
def _reset_from(call: Call, this: ListView, view: Any) -> None:
    with call.world.lock:
        members = _members(call, call.resolve(view))
        this.picked.clear()
        this.add(call, members)
    call.world.stir()


@VIEW_MANAGER.method("CreateInventoryView")
def _create_inventory(call: Call, _: Singleton) -> Any:
    view = InventoryView(_new_id(call))
    view.add(call, [call.ref(call.world.root)])
    return _hold(call, view)


def _below(call: Call, entity: list[Any]) -> tuple[list[Any], list[Any]]:
    """Return references to what stands right below some entities, and those that there are not."""
    found: list[Any] = []
    unresolved: list[Any] = []
    for reference in entity:
        try:
            opened = call.resolve(reference)
        except vmodl.fault.ManagedObjectNotFound:
            unresolved.append(reference)
        else:
            found += call.refs(child for child in children(opened) if visible(call, child))
    return found, unresolved


@INVENTORY_VIEW.method("OpenInventoryViewFolder")
def _open(call: Call, view: InventoryView, entity: list[Any]) -> list[Any]:
    with call.world.lock:
        found, unresolved = _below(call, entity)
        view.add(call, found)
    call.world.stir()
    return unresolved


@INVENTORY_VIEW.method("CloseInventoryViewFolder")
def _close(call: Call, view: InventoryView, entity: list[Any]) -> list[Any]:
    with call.world.lock:
        found, unresolved = _below(call, entity)
        while found:
            closed = found.pop()
            if view.picked.pop(closed._moId, None) is not None:
                found += _below(call, [closed])[0]
    call.world.stir()
    return unresolved


def _view(call: Call, view: ListView) -> list[Any]:
    return _kept(call, view)


LIST_VIEW.provides("view")(_view)
INVENTORY_VIEW.provides("view")(_view)
