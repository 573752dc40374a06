"""Power of a machine, by the host and through its guest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...machines import PowerInput, PowerState, required_state, step_power
from ...world import Change, Vm
from .. import _faults as faults
from .._service import Call
from ._operation import changing, gap, refuse_template, require_power, task
from ._virtual_machine import VIRTUAL_MACHINE


def switch(call: Call, tx: Change, vm: Vm, input: PowerInput, description: str) -> Any:
    """Carry out a power operation on a machine that may have it, and return its task."""
    after = step_power(vm.power, input)
    if after is None:
        raise faults.invalid_power_state(vm.power.value, required_state(input).value)
    with task(call, tx, vm, description) as done:
        tx.set(vm, "power", after)
        if after is PowerState.ON:
            tx.set(vm, "slots", True)
    return done


def _power(call: Call, vm: Vm, input: PowerInput, description: str) -> Any:
    with changing(call, vm) as tx:
        refuse_template(vm)
        return call.ref(switch(call, tx, vm, input, description))


@VIRTUAL_MACHINE.method("PowerOnVM_Task")
def _power_on(call: Call, vm: Vm, host: Any) -> Any:
    if host is not None and call.resolve(host) is not vm.host:
        with changing(call, vm):
            raise gap(call, "powering a machine on elsewhere than on its host")
    return _power(call, vm, PowerInput.POWER_ON, "VirtualMachine.powerOn")


@VIRTUAL_MACHINE.method("PowerOffVM_Task")
def _power_off(call: Call, vm: Vm) -> Any:
    return _power(call, vm, PowerInput.POWER_OFF, "VirtualMachine.powerOff")


@VIRTUAL_MACHINE.method("SuspendVM_Task")
def _suspend(call: Call, vm: Vm) -> Any:
    return _power(call, vm, PowerInput.SUSPEND, "VirtualMachine.suspend")


@VIRTUAL_MACHINE.method("ResetVM_Task")
def _reset(call: Call, vm: Vm) -> Any:
    return _power(call, vm, PowerInput.RESET, "VirtualMachine.reset")


def _through_guest(name: str, after: PowerState, description: str) -> Callable[..., None]:
    def handler(call: Call, vm: Vm) -> None:
        with changing(call, vm) as tx:
            refuse_template(vm)
            require_power(vm, PowerState.ON)
            if not vm.tools:
                raise faults.tools_unavailable()
            with task(call, tx, vm, description):
                # The guest does it in its own time, of which it takes none here.
                tx.set(vm, "power", after)

    VIRTUAL_MACHINE.method(name)(handler)
    return handler


_through_guest("ShutdownGuest", PowerState.OFF, "VirtualMachine.shutdownGuest")
_through_guest("RebootGuest", PowerState.ON, "VirtualMachine.rebootGuest")
_through_guest("StandbyGuest", PowerState.SUSPENDED, "VirtualMachine.standbyGuest")
