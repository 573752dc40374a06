"""MigrateVM_Task and RelocateVM_Task: another host, pool, folder, or datastore."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...machines import PowerState
from ...world import Datastore, Disk, Folder, Host, ResourcePool, VApp, Vm, enter, leave
from .. import _faults as faults
from .._service import Call
from ._naming import new_name
from ._operation import changing, gap, refuse_template, refuse_unknown, task, vcenter_only
from ._virtual_machine import VIRTUAL_MACHINE

PLACES = frozenset({"datastore", "host", "pool", "folder", "disk", "diskMoveType", "transform"})
"""What is carried out of a RelocateSpec."""

WHOLE_MOVES = (None, "moveAllDiskBackingsAndAllowSharing", "moveAllDiskBackingsAndDisallowSharing")


def target_host(call: Call, vm: Vm, host: Any, pool: ResourcePool, stores: list[Datastore] | None = None) -> Host:
    """Return the host that a machine goes to: the one given, its own, or the pool's first; it sees the datastores."""
    given = call.resolve(host) if host is not None else None
    found = given or (vm.host if vm.host in pool.owner.hosts else pool.owner.hosts[0])
    if found not in pool.owner.hosts:
        raise faults.invalid_argument("host", "The host and the resource pool are not of one compute resource.")
    for store in stores if stores is not None else vm.datastores():
        if found not in store.hosts:
            raise faults.inaccessible_datastore(call.ref(store), store.name, found.name)
    assert isinstance(found, Host)
    return found


def target_pool(call: Call, vm: Vm, pool: Any, host: Any) -> ResourcePool:
    """Return the pool that a machine goes to; without one given it stays, where the host is of its compute resource."""
    if pool is not None:
        into = call.resolve(pool)
        assert isinstance(into, ResourcePool)
        return into
    on = call.resolve(host) if host is not None else vm.host
    if on not in vm.pool.owner.hosts:
        raise faults.invalid_argument("pool", "A host of another compute resource takes a pool of that one.")
    return vm.pool


def parent_for(call: Call, vm: Vm, pool: ResourcePool, folder: Any) -> Folder | VApp:
    """Return where a machine stands once it is in a pool: in the vApp that the pool is, or in a folder."""
    if isinstance(pool, VApp):
        return pool
    if folder is not None:
        found = call.resolve(folder)
        if not isinstance(found, Folder) or "VirtualMachine" not in found.child_types:
            raise faults.invalid_argument("folder")
        return found
    if isinstance(vm.parent, Folder):
        return vm.parent
    datacenter = call.world.datacenter_of(vm)
    assert datacenter is not None
    return datacenter.vm_folder


@VIRTUAL_MACHINE.method("MigrateVM_Task")
def _migrate(call: Call, vm: Vm, pool: Any, host: Any, priority: str, state: str | None) -> Any:
    with changing(call, vm) as tx:
        vcenter_only(call)
        refuse_template(vm)
        if pool is None and host is None:
            raise faults.invalid_argument("host", "A migration has a host, a pool, or both.")
        if state is not None and PowerState(state) is not vm.power:
            raise faults.invalid_power_state(vm.power.value, state)
        into = target_pool(call, vm, pool, host)
        on = target_host(call, vm, host, into)
        parent = parent_for(call, vm, into, None)
        _check_name(call, vm, parent)
        with task(call, tx, vm, "VirtualMachine.migrate") as done:
            leave(tx, vm)
            for path, value in (("host", on), ("pool", into), ("parent", parent)):
                tx.set(vm, path, value)
            enter(tx, vm)
    return call.ref(done)


@VIRTUAL_MACHINE.method("RelocateVM_Task")
def _relocate(call: Call, vm: Vm, spec: Any, priority: str | None) -> Any:
    with changing(call, vm) as tx:
        vcenter_only(call)
        refuse_unknown(call, spec, PLACES, "RelocateVM_Task")
        if spec.diskMoveType not in WHOLE_MOVES:
            raise gap(call, f"RelocateVM_Task with diskMoveType {spec.diskMoveType}")
        into = target_pool(call, vm, spec.pool, spec.host)
        home = call.resolve(spec.datastore) if spec.datastore is not None else vm.datastore
        stores = disk_stores(call, vm, spec, home)
        on = target_host(call, vm, spec.host, into, [home, *stores.values(), *(i.datastore for i in vm.images)])
        parent = parent_for(call, vm, into, spec.folder)
        _check_name(call, vm, parent)
        with task(call, tx, vm, "VirtualMachine.relocate") as done:
            leave(tx, vm)
            for path, value in (("host", on), ("pool", into), ("parent", parent)):
                tx.set(vm, path, value)
            if spec.datastore is not None or spec.disk or spec.transform is not None:
                _move_files(tx, vm, home, stores, spec.transform)
            enter(tx, vm)
    return call.ref(done)


def _check_name(call: Call, vm: Vm, parent: Folder | VApp) -> None:
    if parent is not vm.parent:
        new_name(call, vm.name.replace("%", "%25"), parent, vm)


def disk_stores(call: Call, vm: Vm, spec: Any, home: Datastore) -> Mapping[int, Datastore]:
    """Return the datastore of each disk by key: the one that a locator names, else the one of the machine."""
    known = {disk.key: disk for disk in vm.disks}
    stores = {key: home if spec.datastore is not None else disk.datastore for key, disk in known.items()}
    for number, locator in enumerate(spec.disk or ()):
        refuse_unknown(call, locator, frozenset({"diskId", "datastore"}), "a disk locator")
        if locator.diskId not in known:
            raise faults.invalid_argument(f"spec.disk[{number}].diskId", "The machine has no such disk.")
        stores[locator.diskId] = call.resolve(locator.datastore)
    return stores


def _move_files(tx: Any, vm: Vm, home: Datastore, stores: Mapping[int, Datastore], transform: str | None) -> None:
    own = vm.directory.rpartition("] ")[2]
    thin = {"sparse": True, "flat": False}.get(transform or "")

    def moved(disk: Disk) -> Disk:
        store = stores.get(disk.key, disk.datastore)
        # Files of another machine that a linked clone stands on do not move: what they hold is taken along.
        chain = [name for name in (disk.file_name, *disk.parents) if name.partition("] ")[2].startswith(own)]
        name, *below = (f"[{store.name}] {name.partition('] ')[2]}" for name in chain)
        return replace(
            disk, datastore=store, file_name=name, parents=tuple(below), thin=disk.thin if thin is None else thin
        )

    tx.set(vm, "disks", [moved(disk) for disk in vm.disks])
    for snapshot in vm.all_snapshots():
        snapshot.machine.disks = [moved(disk) for disk in snapshot.machine.disks]
        snapshot.machine.datastore, snapshot.machine.vmx = home, f"[{home.name}] {vm.vmx.partition('] ')[2]}"
    if vm.nvram is not None:
        name = vm.nvram.file_name.partition("] ")[2]
        tx.set(vm, "nvram", replace(vm.nvram, file_name=f"[{home.name}] {name}"))
    tx.set(vm, "vmx", f"[{home.name}] {vm.vmx.partition('] ')[2]}")
    tx.set(vm, "datastore", home)
