"""AlarmManager and Alarm."""

from __future__ import annotations

from typing import Any

from .._kinds import Kind
from .._registry import vim
from .._service import Call, Singleton
from ._alarms import ALARMS, declared
from ._values import data, epoch

ALARM_MANAGER = Kind("AlarmManager")
ALARM = Kind("Alarm")


@ALARM.provides("info")
def _info(call: Call, alarm: Singleton) -> Any:
    watched = ALARMS[alarm.moid]
    return data(
        vim.alarm.AlarmInfo,
        name=watched.name,
        systemName=f"alarm.{watched.name.replace(' ', '')}",
        description=f"Default alarm: {watched.name.lower()}",
        enabled=True,
        expression=vim.alarm.OrAlarmExpression(expression=watched.expression),
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
    return list(declared(call, call.resolve(entity)))
