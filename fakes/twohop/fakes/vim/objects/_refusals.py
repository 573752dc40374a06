"""What exports are refused for before a lease is granted, and what a refusal leaves behind (2.11, 2.17 to 2.19, 9.3).

No source tells the order in which a server judges, but that the licence goes before the power state: here it is
licence, encryption, power, what is busy.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...machines import PowerState, TaskState
from ...world import Change, ExportTask, ImportLease, Snapshot, VApp, Vm
from .. import _faults as faults
from .._service import Call
from ._operation import leases_on
from ._task import start_task

EXPORT = "VirtualMachine.exportVm"


def refuse_export(call: Call, tx: Change, vm: Vm) -> None:
    """Raise the fault with which ExportVm of a machine is refused, if it is."""
    _refuse_always(call, [vm])
    busy = _exports(call, vm)
    by_power = _by_power(call, vm)
    if by_power == "InvalidPowerState":
        raise faults.invalid_power_state(vm.power.value, PowerState.OFF.value)
    if by_power == "InvalidState":
        # The task is started before the power state is looked at, and nobody ends it but a user (2.17).
        start_task(call, tx, vm, EXPORT, cancelable=True)
        raise faults.task_in_progress(call.ref(busy[0])) if busy else faults.invalid_state()
    _refuse_snapshots(call, [vm])
    _refuse_second(call, busy)


def refuse_vapp(call: Call, vapp: VApp) -> None:
    """Raise the fault with which ExportVApp is refused, if it is: while any of its machines runs, for one."""
    machines = vapp.machines()
    _refuse_always(call, machines)
    running = next((vm for vm in machines if _by_power(call, vm) != "granted"), None)
    if running is not None:
        if call.world.profile.text("running_vapp_export") == "InvalidState":
            raise faults.invalid_state()
        raise faults.invalid_power_state(running.power.value, PowerState.OFF.value)
    _refuse_snapshots(call, machines)
    _refuse_second(call, _exports(call, vapp))


def refuse_snapshot(call: Call, snapshot: Snapshot) -> None:
    """Raise the fault with which ExportSnapshot is refused, if it is. Its machine may run (2.11)."""
    _refuse_always(call, [snapshot.vm])
    _refuse_second(call, _exports(call, snapshot.vm))


def _refuse_always(call: Call, machines: Sequence[Vm]) -> None:
    for lease in call.world.leases():
        if isinstance(lease, ImportLease) and any(lease.moid in vm.leases for vm in machines):
            # Nothing is there yet that could be exported.
            raise faults.task_in_progress(call.ref(lease.task))
    if call.world.profile.text("license") == "free":
        raise faults.restricted_version()
    if any(vm.encrypted or vm.vtpm for vm in machines):
        raise faults.encrypted()


def _by_power(call: Call, vm: Vm) -> str:
    profile = call.world.profile
    return {
        PowerState.ON: profile.text("powered_on_export"),
        PowerState.SUSPENDED: profile.text("suspended_export"),
        PowerState.OFF: "granted",
    }[vm.power]


def _refuse_snapshots(call: Call, machines: Sequence[Vm]) -> None:
    if call.world.profile.text("snapshots_export") == "InvalidState" and any(vm.snapshots for vm in machines):
        raise faults.invalid_state()


def _refuse_second(call: Call, busy: Sequence[ExportTask]) -> None:
    if busy and call.world.profile.text("second_export") == "TaskInProgress":
        raise faults.task_in_progress(call.ref(busy[0]))


def _exports(call: Call, entity: Vm | VApp) -> list[ExportTask]:
    """Return the exports that run now: those whose leases hold an object, and those that a refused call has left."""
    held = leases_on(entity)
    machines = [entity] if isinstance(entity, Vm) else entity.machines()
    return [
        task
        for task in call.world.tasks()
        if task.value.state is TaskState.RUNNING
        and (task.lease in held or (task.entity in machines and task.description_id == EXPORT))
    ]
