"""Some of the default alarms of a vCenter, and the state of each on every object that it watches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...machines import PowerState
from ...world import Datacenter, Datastore, Entity, Folder, Host, Vm
from .._registry import vim
from .._service import Call, Service
from ._managed_entity import MANAGED_ENTITY
from ._service_instance import MORE
from ._storage import used_percent
from ._values import before, created, data, epoch

LONG_AGO = 1
"""Key of an event that nobody remembers: machines that stand there from the beginning were switched on before it."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A default alarm: what it watches, and by what; `of` is the class of the objects that can set it off."""

    name: str
    of: type[Entity]
    expression: Any


def _state(kind: Any, path: str, red: str) -> Any:
    return data(vim.alarm.StateAlarmExpression, operator="isEqual", type=kind, statePath=path, red=red)


def _events(kind: Any, **status: str) -> list[Any]:
    events = ((getattr(vim.event, name), name, color) for name, color in status.items())
    return [
        data(
            vim.alarm.EventAlarmExpression, eventType=of, eventTypeId=f"vim.event.{name}", objectType=kind, status=color
        )
        for of, name, color in events
    ]


_MACHINE, _STORE, _HOST = vim.VirtualMachine, vim.Datastore, vim.HostSystem
FAILOVER, USAGE = "alarm-38", "alarm-7"
YELLOW, RED = 75, 85
"""Percent of a datastore in use from which the default alarm is yellow, and red."""

ALARMS = {
    "alarm-1": Watched(
        "Host connection and power state", Host, [_state(_HOST, "runtime.connectionState", "notResponding")]
    ),
    "alarm-2": Watched("Virtual machine power state", Vm, [_state(_MACHINE, "runtime.powerState", "suspended")]),
    "alarm-3": Watched("Datastore connection state", Datastore, [_state(_STORE, "summary.accessible", "false")]),
    USAGE: Watched(
        "Datastore usage on disk", Datastore,
        [
            data(
                vim.alarm.MetricAlarmExpression, operator="isAbove", type=_STORE,
                metric={"counterId": 280, "instance": ""},
                yellow=YELLOW * 100, red=RED * 100,
            )
        ],
    ),
    FAILOVER: Watched(
        "vSphere HA virtual machine failover failed", Vm,
        _events(_MACHINE, VmFailoverFailed="red", VmPoweredOnEvent="green"),
    ),
}  # fmt: skip
"""The alarms that a vCenter has from the start, as far as anything here can set them off, by id."""


def declare_alarms(service: Service) -> None:
    """Give a service its default alarms, which only a vCenter has."""
    if not service.world.product.standalone:
        for moid in ALARMS:
            service.manager(moid, "Alarm")


MORE.append(declare_alarms)


@MANAGED_ENTITY.provides("declaredAlarmState")
def declared(call: Call, entity: Entity) -> list[Any]:
    if call.world.product.standalone:
        return []
    inner = isinstance(entity, Folder | Datacenter)
    return [_state_of(call, moid, entity) for moid, alarm in ALARMS.items() if inner or isinstance(entity, alarm.of)]


@MANAGED_ENTITY.provides("triggeredAlarmState")
def _triggered(call: Call, entity: Entity) -> list[Any]:
    """What an object's own alarms say that is wrong, and those of what is below it."""
    states = [_state_of(call, USAGE, store) for store in _stores_in(call, entity)]
    return [] if call.world.product.standalone else [s for s in states if s.overallStatus in ("yellow", "red")]


@MANAGED_ENTITY.provides("overallStatus")
def _status(call: Call, entity: Entity) -> str:
    """The worst of an object's own alarms; what lies below it counts for itself."""
    if call.world.product.standalone or not isinstance(entity, Datastore):
        return "green"
    return str(_state_of(call, USAGE, entity).overallStatus)


def _stores_in(call: Call, entity: Entity) -> Iterable[Datastore]:
    for store in call.world.all(Datastore):
        at: Entity | None = store
        while at is not None and at is not entity:
            at = at.parent
        if at is entity:
            yield store


def _state_of(call: Call, moid: str, entity: Entity) -> Any:
    status, event, when = "gray", None, epoch()
    if moid == USAGE and isinstance(entity, Datastore):
        used = used_percent(entity)
        status = "red" if used >= RED else "yellow" if used >= YELLOW else "green"
        when = created(call)
    elif moid == FAILOVER and isinstance(entity, Vm):
        on = _switched_on(call, entity)
        if on is not None:
            status, (event, when) = "green", on
    number = entity.moid.rpartition("-")[2]
    return data(
        vim.alarm.AlarmState,
        key=f"{moid}.{entity.moid}" if before(call, "8.0") else f"{moid.rpartition('-')[2]}.{number}",
        entity=call.ref(entity), alarm=vim.alarm.Alarm(moid, None),
        overallStatus=status, time=when, acknowledged=False, eventKey=event,
    )  # fmt: skip


def _switched_on(call: Call, vm: Vm) -> tuple[int, datetime] | None:
    """Return the key and the time of the event that a machine was switched on with; None where there was none."""
    for posted in reversed(call.service.history.events):
        if posted.about is vm and isinstance(posted.event, vim.event.VmPoweredOnEvent):
            return int(posted.event.key), posted.event.createdTime
    return (LONG_AGO, created(call)) if vm.power is PowerState.ON else None
