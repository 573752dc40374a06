"""CloneVM_Task: a machine of its own, or one whose disks stand on a snapshot's."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from ...machines import PowerState
from ...world import Folder, Nic, Snapshot, Vm, copied_disks, enter
from .. import _faults as faults
from .._service import Call
from ._naming import new_name
from ._operation import gap, refuse_unknown, refuse_while_leased, task, vcenter_only
from ._placement import PLACES, WHOLE_MOVES, disk_stores, parent_for, target_host, target_pool
from ._reconfigure import plan
from ._virtual_machine import VIRTUAL_MACHINE

KNOWN = frozenset({"location", "template", "powerOn", "snapshot", "config", "memory"})
LINKED = "createNewChildDiskBacking"


@VIRTUAL_MACHINE.method("CloneVM_Task")
def _clone(call: Call, vm: Vm, folder: Any, name: str, spec: Any) -> Any:
    with call.world.change() as tx:
        if call.world.profile.text("locked_clone") == "refused":
            refuse_while_leased(call, vm)
        vcenter_only(call)
        refuse_unknown(call, spec, KNOWN, "CloneVM_Task")
        refuse_unknown(call, spec.location, PLACES - {"folder"}, "CloneVM_Task to a location")
        place = call.resolve(folder)
        if not isinstance(place, Folder) or "VirtualMachine" not in place.child_types:
            raise faults.invalid_argument("folder")
        chosen = new_name(call, name, place)
        source = _source(call, vm, spec)
        if vm.template and not spec.template and spec.location.pool is None:
            raise faults.invalid_argument("spec.location.pool", "A machine made from a template needs a pool.")
        if spec.template and spec.powerOn:
            raise faults.invalid_argument("spec.powerOn", "A template is not powered on.")
        pool = target_pool(call, vm, spec.location.pool, spec.location.host)
        home = call.resolve(spec.location.datastore) if spec.location.datastore is not None else vm.datastore
        stores = disk_stores(call, source, spec.location, home)
        host = target_host(call, vm, spec.location.host, pool, [home, *stores.values()])
        clone = replace(
            source, moid=call.world.next_moid("vm-"), name=chosen, parent=parent_for(call, vm, pool, folder),
            host=host, pool=pool, datastore=home, template=spec.template, tags=(),
        )  # fmt: skip
        _make_own(call, clone, source)
        clone.disks = copied_disks(
            clone, source.disks, stores, linked=spec.location.diskMoveType == LINKED,
            thin={"sparse": True, "flat": False}.get(spec.location.transform or ""),
        )  # fmt: skip
        for path, value in (plan(call, clone, spec.config) if spec.config is not None else {}).items():
            setattr(clone, path, value)
        with task(call, tx, vm, "VirtualMachine.clone") as done:
            clone.power = PowerState.ON if spec.powerOn else PowerState.OFF
            tx.add(clone)
            enter(tx, clone)
            done.result = clone
    return call.ref(done)


def _make_own(call: Call, clone: Vm, source: Vm) -> None:
    """Give a clone its own ids, files and devices, and nothing of what its source has gone through."""
    stem = clone.name.replace("/", "_")
    clone.vmx = f"[{clone.datastore.name}] {stem}/{stem}.vmx"
    clone.uuid, clone.instance_uuid = _uuid(call, "bios"), _uuid(call, "instance")
    clone.power, clone.changed_at = PowerState.OFF, call.world.clock.now()
    clone.snapshots, clone.current_snapshot = [], None
    clone.leases, clone.waiting = frozenset(), ()
    clone.controllers = [replace(controller) for controller in source.controllers]
    clone.images, clone.drives, clone.nics = list(source.images), list(source.drives), _own_nics(call, source)
    if source.nvram is not None:
        clone.nvram = replace(source.nvram, file_name=f"{clone.directory}{stem}.nvram")


def _uuid(call: Call, what: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"twohop clone {call.world.seed} {call.world.next_moid('')} {what}"))


def _source(call: Call, vm: Vm, spec: Any) -> Vm:
    """Return the machine whose disks the clone gets: as it is, or as it was at a snapshot."""
    move = spec.location.diskMoveType
    if move not in (*WHOLE_MOVES, LINKED):
        raise gap(call, f"CloneVM_Task with diskMoveType {move}")
    if spec.memory:
        raise gap(call, "CloneVM_Task with memory")
    if spec.snapshot is None:
        if move == LINKED:
            raise gap(call, "a linked clone without a snapshot")
        return vm
    snapshot = call.resolve(spec.snapshot)
    if not isinstance(snapshot, Snapshot) or snapshot.vm is not vm:
        raise faults.invalid_argument("spec.snapshot", "It is no snapshot of this machine.")
    return snapshot.machine


def _own_nics(call: Call, source: Vm) -> list[Nic]:
    # MAC addresses follow from how many machines there have been, so that no two cards have one.
    made = []
    for nic in source.nics:
        number = int(call.world.next_moid(""))
        made.append(replace(nic, mac=f"00:50:56:bf:{number >> 8 & 0xFF:02x}:{number & 0xFF:02x}"))
    return made
