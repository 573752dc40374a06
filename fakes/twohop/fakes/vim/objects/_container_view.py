"""ViewManager and ContainerView: everything of some types below a container."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...world import Cluster, Datacenter, Entity, Folder, Host, ResourcePool
from .. import _faults as faults
from .._kinds import Kind
from .._service import Call, Service, Singleton
from .._sessions import uuid52
from ._search_index import children

VIEW_MANAGER = Kind("ViewManager")
MANAGED_OBJECT_VIEW = Kind("ManagedObjectView")


@dataclass(eq=False)
class View:
    """A container view of one session."""

    moid: str
    service: Service
    container: Entity
    types: tuple[Any, ...]
    recursive: bool

    def members(self) -> list[Entity]:
        """Return what the view holds now."""
        wanted = self.types
        kind_of = self.service.kind_of
        return [e for e in self._below(self.container, True) if not wanted or issubclass(kind_of(e).vim, wanted)]

    def _below(self, entity: Entity, top: bool) -> Iterator[Entity]:
        # A host is no part of the tree that its machines stand in, but it is a container of them.
        for child in entity.vms if top and isinstance(entity, Host) else children(entity):
            yield child
            # Without recursion a datacenter's own folders still count as one step down from it.
            if self.recursive or (top and isinstance(entity, Datacenter) and isinstance(child, Folder)):
                yield from self._below(child, False)


CONTAINER_VIEW = Kind("ContainerView", MANAGED_OBJECT_VIEW, of=View)


@VIEW_MANAGER.method("CreateContainerView")
def _create(call: Call, _: Singleton, container: Any, type: list[Any] | None, recursive: bool) -> Any:
    assert call.session is not None
    moid = f"session[{call.session.scope}]{uuid52()}"
    below = call.resolve(container)
    if not isinstance(below, Folder | Datacenter | Cluster | ResourcePool | Host):
        raise faults.invalid_argument("container", "A view has a folder, datacenter, cluster, pool or host.")
    view = View(moid, call.service, below, tuple(type or ()), recursive)
    call.session.objects[moid] = view
    return call.ref(view)


@VIEW_MANAGER.provides("viewList")
def _view_list(call: Call, _: Singleton) -> list[Any]:
    held = call.session.objects.values() if call.session else ()
    kind_of = call.service.kind_of
    return call.refs(view for view in held if issubclass(kind_of(view).vim, MANAGED_OBJECT_VIEW.vim))


@MANAGED_OBJECT_VIEW.method("DestroyView")
def _destroy(call: Call, view: Any) -> None:
    assert call.session is not None
    call.session.objects.pop(view.moid, None)


@CONTAINER_VIEW.provides("view")
def _members(call: Call, view: View) -> list[Any]:
    return call.refs(dict.fromkeys(view.members()))


@CONTAINER_VIEW.provides("container")
def _container(call: Call, view: View) -> Any:
    return call.ref(view.container)


@CONTAINER_VIEW.provides("type")
def _type(call: Call, view: View) -> list[Any]:
    return list(view.types)


@CONTAINER_VIEW.provides("recursive")
def _recursive(call: Call, view: View) -> bool:
    return view.recursive
