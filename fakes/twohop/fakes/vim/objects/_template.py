"""Templates: MarkAsTemplate and MarkAsVirtualMachine."""

from __future__ import annotations

from typing import Any

from ...machines import PowerState
from ...world import ResourcePool, VApp, Vm, enter, leave
from .. import _faults as faults
from .._service import Call
from ._operation import changing, require_power, task, vcenter_only
from ._placement import target_host
from ._virtual_machine import VIRTUAL_MACHINE


@VIRTUAL_MACHINE.method("MarkAsTemplate")
def _mark_as_template(call: Call, vm: Vm) -> None:
    with changing(call, vm) as tx:
        vcenter_only(call)
        if vm.template or isinstance(vm.parent, VApp):
            raise faults.not_supported()
        require_power(vm, PowerState.OFF)
        with task(call, tx, vm, "VirtualMachine.markAsTemplate"):
            tx.set(vm, "template", True)


@VIRTUAL_MACHINE.method("MarkAsVirtualMachine")
def _mark_as_machine(call: Call, vm: Vm, pool: Any, host: Any) -> None:
    with changing(call, vm) as tx:
        vcenter_only(call)
        if not vm.template:
            raise faults.not_supported()
        into = call.resolve(pool)
        if not isinstance(into, ResourcePool) or isinstance(into, VApp):
            raise faults.invalid_argument("pool")
        on = target_host(call, vm, host, into)
        with task(call, tx, vm, "VirtualMachine.markAsVirtualMachine"):
            leave(tx, vm)
            tx.set(vm, "pool", into)
            tx.set(vm, "host", on)
            tx.set(vm, "template", False)
            enter(tx, vm)
