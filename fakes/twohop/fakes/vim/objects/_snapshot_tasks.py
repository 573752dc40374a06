"""Taking snapshots, going back to them, removing them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...machines import PowerState
from ...world import Change, Snapshot, Vm, child_disks, enter, frozen, leave, merged, next_number
from .. import _faults as faults
from .._service import Call
from ._operation import changing, gap, refuse_template, task
from ._snapshot import SNAPSHOT
from ._virtual_machine import VIRTUAL_MACHINE

OF_A_SNAPSHOT = (
    "cpus", "memory_mib", "guest_id", "hardware", "annotation", "firmware", "nvram", "vtpm", "encrypted", "tools",
)  # fmt: skip
"""What a machine is given back when it reverts, besides its devices; its name stays."""


@VIRTUAL_MACHINE.method("CreateSnapshot_Task")
def _create(call: Call, vm: Vm, name: str, description: str | None, memory: bool, quiesce: bool) -> Any:
    return _take(call, vm, name, description, memory, quiesce)


@VIRTUAL_MACHINE.method("CreateSnapshotEx_Task")
def _create_ex(call: Call, vm: Vm, name: str, description: str | None, memory: bool, quiesceSpec: Any) -> Any:
    return _take(call, vm, name, description, memory, quiesceSpec is not None)


def _check_name(call: Call, vm: Vm, name: str) -> None:
    if not name.strip() or not name.isprintable():
        raise faults.invalid_name(name, call.ref(vm))


def _take(call: Call, vm: Vm, name: str, description: str | None, memory: bool, quiesce: bool) -> Any:
    with changing(call, vm) as tx:
        refuse_template(vm)
        _check_name(call, vm, name)
        with task(call, tx, vm, "VirtualMachine.createSnapshot") as done:
            # Without its memory a running machine is found switched off when somebody goes back.
            power = PowerState.OFF if vm.power is PowerState.ON and not memory else vm.power
            above = vm.current_snapshot
            snapshot = Snapshot(
                moid=call.world.next_moid("snapshot-", vm.moid), name=name, parent=vm, vm=vm, machine=frozen(vm, power),
                number=next_number(vm), created_at=call.world.clock.now(), description=description or "",
                # Where no tools run in the guest, the wish is ignored.
                quiesced=quiesce and vm.power is PowerState.ON and vm.tools, above=above,
            )  # fmt: skip
            disks = child_disks(vm, vm.disks)
            if above is None:
                tx.set(vm, "snapshots", [*vm.snapshots, tx.add(snapshot)])
            else:
                above.children.append(tx.add(snapshot))
            tx.set(vm, "current_snapshot", snapshot)
            tx.set(vm, "disks", disks)
            done.result = snapshot
    return call.ref(done)


@SNAPSHOT.method("RenameSnapshot")
def _rename(call: Call, snapshot: Snapshot, name: str | None, description: str | None) -> None:
    with changing(call, snapshot.vm) as tx:
        if name is not None:
            _check_name(call, snapshot.vm, name)
        with task(call, tx, snapshot.vm, "vm.Snapshot.rename"):
            tx.set(snapshot, "name", snapshot.name if name is None else name)
            tx.set(snapshot, "description", snapshot.description if description is None else description)


@SNAPSHOT.method("RemoveSnapshot_Task")
def _remove(call: Call, snapshot: Snapshot, removeChildren: bool, consolidate: bool | None) -> Any:
    with changing(call, snapshot.vm) as tx:
        _require_consolidation(call, consolidate)
        with task(call, tx, snapshot.vm, "vm.Snapshot.remove") as done:
            gone = _with_children(snapshot) if removeChildren else [snapshot]
            _forget(tx, snapshot.vm, gone)
    return call.ref(done)


@VIRTUAL_MACHINE.method("RemoveAllSnapshots_Task")
def _remove_all(call: Call, vm: Vm, consolidate: bool | None, spec: Any = None) -> Any:
    with changing(call, vm) as tx:
        _require_consolidation(call, consolidate)
        if spec is not None:
            raise gap(call, "RemoveAllSnapshots_Task with spec")
        with task(call, tx, vm, "VirtualMachine.removeAllSnapshots") as done:
            _forget(tx, vm, vm.all_snapshots())
    return call.ref(done)


def _require_consolidation(call: Call, consolidate: bool | None) -> None:
    if consolidate is False:
        raise gap(call, "removing snapshots without consolidation")


def _with_children(snapshot: Snapshot) -> list[Snapshot]:
    return [snapshot, *(below for child in snapshot.children for below in _with_children(child))]


def _forget(tx: Change, vm: Vm, gone: Iterable[Snapshot]) -> None:
    """Take snapshots out of the tree, the lowest first: those below one move up to where it stood."""
    order = list(gone)
    for snapshot in reversed(order):
        above = snapshot.above
        siblings = vm.snapshots if above is None else above.children
        at = siblings.index(snapshot)
        left = [*siblings[:at], *snapshot.children, *siblings[at + 1 :]]
        for child in snapshot.children:
            child.above = above
        if above is None:
            tx.set(vm, "snapshots", left)
        else:
            above.children = left
        if vm.current_snapshot is snapshot:
            tx.set(vm, "current_snapshot", above)
        tx.remove(snapshot)
    tx.set(vm, "disks", merged(vm, order))


@SNAPSHOT.method("RevertToSnapshot_Task")
def _revert(call: Call, snapshot: Snapshot, host: Any, suppressPowerOn: bool | None) -> Any:
    return _go_back(call, snapshot.vm, snapshot, "vm.Snapshot.revert", host, suppressPowerOn)


@VIRTUAL_MACHINE.method("RevertToCurrentSnapshot_Task")
def _revert_to_current(call: Call, vm: Vm, host: Any, suppressPowerOn: bool | None) -> Any:
    return _go_back(call, vm, vm.current_snapshot, "VirtualMachine.revertToCurrentSnapshot", host, suppressPowerOn)


def _go_back(call: Call, vm: Vm, snapshot: Snapshot | None, description: str, host: Any, suppress: bool | None) -> Any:
    with changing(call, vm) as tx:
        refuse_template(vm)
        if snapshot is None:
            raise faults.not_there()
        if host is not None and call.resolve(host) is not vm.host:
            raise gap(call, "reverting a machine on another host")
        with task(call, tx, vm, description) as done:
            then = snapshot.machine
            leave(tx, vm)
            for path in OF_A_SNAPSHOT:
                tx.set(vm, path, getattr(then, path))
            for path in ("controllers", "images", "drives"):
                tx.set(vm, path, list(getattr(then, path)))
            power = PowerState.OFF if suppress and then.power is PowerState.ON else then.power
            tx.set(vm, "power", power)
            tx.set(vm, "disks", child_disks(vm, then.disks))
            tx.set(vm, "current_snapshot", snapshot)
            tx.set(vm, "changed_at", max(call.world.clock.now(), vm.changed_at + 1e-6))
            enter(tx, vm)
    return call.ref(done)
