"""Destroying machines and vApps, and taking machines out of the inventory."""

from __future__ import annotations

from typing import Any

from ...machines import PowerState, TaskInput, TaskValue
from ...world import Change, ExportTask, VApp, Vm, discard, end_task, wait_until_free
from .. import _faults as faults
from .._registry import vmodl
from .._service import Call
from ._inventory import VIRTUAL_APP
from ._operation import changing, leases_on, refuse_while_leased, require_power, task
from ._task import start_task
from ._virtual_machine import VIRTUAL_MACHINE


@VIRTUAL_MACHINE.method("Destroy_Task")
def _destroy(call: Call, vm: Vm) -> Any:
    return _remove(call, vm, "VirtualMachine.destroy")


@VIRTUAL_APP.method("Destroy_Task")
def _destroy_vapp(call: Call, vapp: VApp) -> Any:
    return _remove(call, vapp, "VirtualApp.destroy")


@VIRTUAL_MACHINE.method("UnregisterVM")
def _unregister(call: Call, vm: Vm) -> None:
    with changing(call, vm) as tx:
        require_power(vm, PowerState.OFF, PowerState.SUSPENDED)
        with task(call, tx, vm, "VirtualMachine.unregister"):
            discard(tx, vm)


def _remove(call: Call, entity: Vm | VApp, description: str) -> Any:
    with call.world.change() as tx:
        if leases_on(entity) and call.world.profile.text("locked_destroy") == "waits":
            return call.ref(_remove_later(call, tx, entity, description))
        refuse_while_leased(call, entity, "locked_destroy")
        _require_stopped(entity)
        with task(call, tx, entity, description) as done:
            discard(tx, entity)
    return call.ref(done)


def _remove_later(call: Call, tx: Change, entity: Vm | VApp, description: str) -> ExportTask:
    """Accept a Destroy whose task stays pending behind the export (9.2)."""
    world = call.world
    waiting = start_task(call, tx, entity, description)
    tx.set(waiting, "value", TaskValue(world.clock.now()))

    def begin() -> None:
        with world.change() as later:
            holder = _held(entity)
            if holder is not None:
                wait_until_free(later, holder, begin)
                return
            now = world.clock.now()
            later.set(waiting, "value", waiting.value.step(TaskInput.START, now))
            try:
                if world.objects.get(entity.moid) is not entity:
                    raise faults.not_found(call.ref(entity))
                _require_stopped(entity)
                discard(later, entity)
            except vmodl.MethodFault as fault:
                end_task(later, waiting, now, failed=True, error=fault)
            else:
                end_task(later, waiting, now)

    holder = _held(entity)
    assert holder is not None
    wait_until_free(tx, holder, begin)
    return waiting


def _held(entity: Vm | VApp) -> Vm | VApp | None:
    """Return what a lease holds of an object, itself or something in it."""
    if entity.leases:
        return entity
    inside = entity.members() if isinstance(entity, VApp) else []
    return next((found for found in map(_held, inside) if found is not None), None)


def _require_stopped(entity: Vm | VApp) -> None:
    if isinstance(entity, Vm):
        require_power(entity, PowerState.OFF)
    elif entity.started:
        raise faults.invalid_state()
