"""ManagedEntity: what every object of the inventory has."""

from __future__ import annotations

from typing import Any

from ...world import Entity
from .._kinds import Kind
from .._service import Call

MANAGED_ENTITY = Kind("ManagedEntity")


def travelling_name(entity: Entity) -> str:
    """Return a name as it travels: with %, / and \\ escaped, so that it can stand in an inventory path."""
    return entity.name.replace("%", "%25").replace("/", "%2f").replace("\\", "%5c")


@MANAGED_ENTITY.provides("name")
def _name(call: Call, entity: Entity) -> str:
    return travelling_name(entity)


@MANAGED_ENTITY.provides("parent")
def _parent(call: Call, entity: Entity) -> Any:
    return call.ref(entity.parent)


@MANAGED_ENTITY.provides("configStatus")
def _config_status(call: Call, entity: Entity) -> str:
    return "green"


@MANAGED_ENTITY.provides("alarmActionsEnabled")
def _alarm_actions(call: Call, entity: Entity) -> bool:
    return True


@MANAGED_ENTITY.provides(
    "availableField", "configIssue", "customValue", "disabledMethod", "tag", "value",
)  # fmt: skip
def _none_of_these(call: Call, entity: Entity) -> list[Any]:
    return []
