"""What ExportVm refuses before it grants a lease, and what each refusal leaves behind (2.11, 2.17, 2.19, 9.3)."""

from __future__ import annotations

from ...machines import PowerState, TaskState
from ...world import Change, ExportTask, Vm
from .. import _faults as faults
from .._service import Call
from ._task import start_task

EXPORT = "VirtualMachine.exportVm"


def refuse_export(call: Call, tx: Change, vm: Vm) -> None:
    """Raise the fault with which a machine's export is refused, if it is: by licence, power state, another export."""
    profile = call.world.profile
    if profile.text("license") == "free":
        raise faults.restricted_version()
    busy = _exports(call, vm)
    by_power = {
        PowerState.ON: profile.text("powered_on_export"),
        PowerState.SUSPENDED: profile.text("suspended_export"),
        PowerState.OFF: "granted",
    }[vm.power]
    if by_power == "InvalidPowerState":
        raise faults.invalid_power_state(vm.power.value, PowerState.OFF.value)
    if by_power == "InvalidState":
        # The task is started before the power state is looked at, and nobody ends it but a user (2.17).
        start_task(call, tx, vm, EXPORT, cancelable=True)
        raise faults.task_in_progress(call.ref(busy[0])) if busy else faults.invalid_state()
    if busy and profile.text("second_export") == "TaskInProgress":
        raise faults.task_in_progress(call.ref(busy[0]))


def _exports(call: Call, vm: Vm) -> list[ExportTask]:
    """Return the exports of a machine that run now: those of its leases, and those that a refused call has left."""
    running = (task for task in call.world.tasks() if task.value.state is TaskState.RUNNING)
    return [task for task in running if task.entity is vm and task.description_id == EXPORT]
