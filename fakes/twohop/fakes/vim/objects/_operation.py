"""What operations on machines and vApps have in common: they are refused while a lease holds them, and are tasks.

A fault that can be told at once is raised by the call, before there is a task; what is carried out is a task that has
succeeded when the call returns.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from ...machines import PowerState
from ...world import Change, Entity, VApp, Vm, end_task
from .. import _faults as faults
from .._service import Call
from ._task import start_task


def leases_on(entity: Vm | VApp) -> frozenset[str]:
    """Return the ids of the leases that hold a machine, or a vApp and any machine in it."""
    if isinstance(entity, Vm):
        return entity.leases
    return entity.leases.union(*(vm.leases for vm in entity.machines()), *(leases_on(child) for child in entity.vapps))


def refuse_while_leased(call: Call, entity: Vm | VApp, field: str = "locked_fault") -> None:
    """Refuse a state-changing call on what a lease holds, by the fault that a field of the profile names (9.1, 9.2)."""
    held = leases_on(entity)
    if not held:
        return
    if call.world.profile.text(field) == "InvalidState":
        raise faults.invalid_state()
    raise faults.task_in_progress(call.ref(next(lease.task for lease in call.world.leases() if lease.moid in held)))


@contextlib.contextmanager
def changing(call: Call, entity: Vm | VApp) -> Iterator[Change]:
    """Edit the world for an operation on an object that no lease holds."""
    with call.world.change() as tx:
        refuse_while_leased(call, entity)
        yield tx


@contextlib.contextmanager
def task(call: Call, tx: Change, entity: Entity, description_id: str) -> Iterator[Any]:
    """Run what is done inside as a task of an object; its `result` may be set there."""
    running = start_task(call, tx, entity, description_id)
    yield running
    end_task(tx, running, call.world.clock.now())


def require_power(vm: Vm, *states: PowerState) -> None:
    """Raise InvalidPowerState where a machine is in none of these states; the first is the one asked for (2.13)."""
    if vm.power not in states:
        raise faults.invalid_power_state(vm.power.value, states[0].value)


def refuse_template(vm: Vm) -> None:
    """Raise NotSupported for what no template does."""
    if vm.template:
        raise faults.not_supported()


def vcenter_only(call: Call) -> None:
    """Raise NotSupported at a standalone host for what takes a vCenter."""
    if call.world.product.standalone:
        raise faults.not_supported()


def gap(call: Call, what: str) -> Any:
    """Count what the real server does and the fake does not, and return the fault that says so."""
    call.service.gap(what)
    return faults.not_implemented(what)


def refuse_unknown(call: Call, given: Any, known: frozenset[str], what: str) -> None:
    """Refuse a specification that asks for more than is carried out: nothing of it is ignored."""
    for info in given._GetPropertyList():
        value = getattr(given, info.name)
        asked = value is not None and not (isinstance(value, list) and not value)
        if asked and info.name not in known and not info.name.startswith("dynamic"):
            raise gap(call, f"{what} with {info.name}")
