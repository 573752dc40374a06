"""Where a machine is listed: at its host, its datastores, its pool, its folder or vApp, its networks."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ._entities import Datastore, Folder, Host, Network, ResourcePool, VApp, Vm
from ._world import Change


def leave(tx: Change, vm: Vm) -> None:
    """Take a machine off every list, before it moves or goes."""
    for holder in _holders(vm):
        tx.set(holder, "vms", [other for other in holder.vms if other is not vm])
    if isinstance(vm.parent, Folder):
        tx.set(vm.parent, "children", [other for other in vm.parent.children if other is not vm])
    elif isinstance(vm.parent, VApp):
        order = {moid: place for moid, place in vm.parent.start_order.items() if moid != vm.moid}
        tx.set(vm.parent, "start_order", order)


def enter(tx: Change, vm: Vm) -> None:
    """Put a machine on every list that it belongs to, once it stands where it says."""
    for holder in _holders(vm):
        tx.set(holder, "vms", [*holder.vms, vm])
    if isinstance(vm.parent, Folder):
        tx.set(vm.parent, "children", [*vm.parent.children, vm])
    elif isinstance(vm.parent, VApp):
        order = vm.parent.start_order
        tx.set(vm.parent, "start_order", order | {vm.moid: max(order.values(), default=0) + 1})


def discard(tx: Change, entity: Vm | VApp) -> None:
    """Take a machine with its snapshots, or a vApp with all that is in it, out of the world."""
    if isinstance(entity, Vm):
        leave(tx, entity)
        for snapshot in entity.all_snapshots():
            tx.remove(snapshot)
        tx.remove(entity)
        # Its tasks and leases remember it for long, but what its disks hold may be files that take room.
        entity.disks, entity.images, entity.nvram, entity.snapshots = [], [], None, []
        return
    for inside in entity.members():
        discard(tx, inside)
    above = entity.parent
    assert isinstance(above, ResourcePool)
    tx.set(above, "vapps", [other for other in above.vapps if other is not entity])
    if isinstance(above, VApp):
        tx.set(above, "start_order", {k: v for k, v in above.start_order.items() if k != entity.moid})
    if entity.folder is not None:
        tx.set(entity.folder, "children", [other for other in entity.folder.children if other is not entity])
    tx.remove(entity)


def _holders(vm: Vm) -> Iterable[Host | Datastore | ResourcePool | Network]:
    return dict.fromkeys((vm.host, *vm.datastores(), vm.pool, *(nic.network for nic in vm.nics)))


def wait_until_free(tx: Change, held: Vm | VApp, begin: Callable[[], None]) -> None:
    """Let something begin when the last lease that holds a machine or a vApp ends (9.2)."""
    tx.set(held, "waiting", (*held.waiting, begin))
