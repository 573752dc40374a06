"""AlarmManager, its default alarms, and the state of each on every entity: nothing is ever wrong in a fake."""

from __future__ import annotations

from typing import Any

from ...world import Entity
from .._kinds import Kind
from .._registry import vim
from .._service import Call, Service, Singleton
from ._managed_entity import MANAGED_ENTITY
from ._service_instance import MORE
from ._values import data, epoch

ALARM_MANAGER = Kind("AlarmManager")
ALARM = Kind("Alarm")

ALARMS = {
    "alarm-1": ("Host connection and power state", vim.HostSystem, "runtime.connectionState", "notResponding"),
    "alarm-2": ("Virtual machine power state", vim.VirtualMachine, "runtime.powerState", "suspended"),
    "alarm-3": ("Datastore connection state", vim.Datastore, "summary.accessible", "false"),
}
"""Id, name, and the state that would set off each alarm."""


def declare_alarms(service: Service) -> None:
    """Give a service its default alarms, which only a vCenter has."""
    if not service.world.product.standalone:
        for moid in ALARMS:
            service.manager(moid, "Alarm")


MORE.append(declare_alarms)


@MANAGED_ENTITY.provides("declaredAlarmState")
def _declared(call: Call, entity: Entity) -> list[Any]:
    if call.world.product.standalone:
        return []
    return [
        data(
            vim.alarm.AlarmState, key=f"{moid}.{entity.moid}", entity=call.ref(entity),
            alarm=vim.alarm.Alarm(moid, None),
            overallStatus="gray", time=epoch(),
            acknowledged=False,
        )
        for moid in ALARMS
    ]  # fmt: skip


@ALARM.provides("info")
def _info(call: Call, alarm: Singleton) -> Any:
    name, kind, path, red = ALARMS[alarm.moid]
    state = data(vim.alarm.StateAlarmExpression, operator="isEqual", type=kind, statePath=path, red=red)
    return data(
        vim.alarm.AlarmInfo,
        name=name,
        systemName=f"alarm.{name.replace(' ', '')}",
        description=f"Default alarm: {name.lower()}",
        enabled=True,
        expression=vim.alarm.OrAlarmExpression(expression=[state]),
        setting={"toleranceRange": 0, "reportingFrequency": 300},
        key=alarm.moid,
        alarm=vim.alarm.Alarm(alarm.moid, None),
        entity=call.ref(call.world.root),
        lastModifiedTime=epoch(),
        lastModifiedUser="",
        creationEventId=0,
        actionFrequency=0,
    )


@ALARM.provides("availableField", "value")
def _no_fields(call: Call, alarm: Singleton) -> list[Any]:
    return []


@ALARM_MANAGER.provides("defaultExpression")
def _default_expression(call: Call, _: Singleton) -> list[Any]:
    return []


@ALARM_MANAGER.provides("description")
def _description(call: Call, _: Singleton) -> Any:
    def keyed(*keys: str) -> list[dict[str, str]]:
        return [{"label": key, "summary": key, "key": key} for key in keys]

    def typed(*kinds: Any) -> list[dict[str, Any]]:
        return [{"label": kind._wsdlName, "summary": kind._wsdlName, "key": kind} for kind in kinds]

    return data(
        vim.alarm.AlarmDescription,
        expr=typed(vim.alarm.StateAlarmExpression, vim.alarm.EventAlarmExpression, vim.alarm.MetricAlarmExpression),
        stateOperator=keyed("isEqual", "isUnequal"),
        metricOperator=keyed("isAbove", "isBelow"),
        hostSystemConnectionState=keyed("connected", "notResponding", "disconnected"),
        virtualMachinePowerState=keyed("poweredOn", "poweredOff", "suspended"),
        datastoreConnectionState=keyed("true", "false"),
        hostSystemPowerState=keyed("poweredOn", "poweredOff", "standBy", "unknown"),
        virtualMachineGuestHeartbeatStatus=keyed("gray", "green", "yellow", "red"),
        entityStatus=keyed("gray", "green", "yellow", "red"),
        action=typed(vim.action.SendEmailAction, vim.action.SendSNMPAction, vim.action.RunScriptAction),
    )


@ALARM_MANAGER.method("GetAlarm")
def _get_alarm(call: Call, _: Singleton, entity: Any) -> list[Any]:
    if entity is not None and call.resolve(entity) is not call.world.root:
        return []
    return [vim.alarm.Alarm(moid, None) for moid in ALARMS]


@ALARM_MANAGER.method("GetAlarmState")
def _get_alarm_state(call: Call, _: Singleton, entity: Any) -> list[Any]:
    return list(_declared(call, call.resolve(entity)))
