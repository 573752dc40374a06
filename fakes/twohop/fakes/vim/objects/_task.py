"""Task and TaskManager. What runs long here is the export, whose task lives as long as its lease (1.11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...machines import TaskInput, TaskState, TaskValue
from ...world import Change, Entity, ExportTask, end_task
from .. import _faults as faults
from .._descriptions import STATES, TASKS
from .._guard import visible
from .._history import begun
from .._kinds import Kind
from .._registry import vim
from .._service import Call, Singleton
from ._event_manager import by_user, concerns, within
from ._history_collector import COLLECTORS, TaskCollected, collect
from ._managed_entity import MANAGED_ENTITY
from ._service_instance import moment

TASK = Kind("Task", of=ExportTask)
TASK_MANAGER = Kind("TaskManager")


def start_task(call: Call, tx: Change, entity: Entity, description_id: str, *, cancelable: bool = False) -> ExportTask:
    """Bring a task into the world, already running."""
    now = call.world.clock.now()
    moid = call.world.ids.task(entity.moid, description_id)
    task = ExportTask(
        moid=moid,
        name=description_id,
        key=moid,
        description_id=description_id,
        entity=entity,
        user=call.user,
        value=TaskValue(now).step(TaskInput.START, now),
        cancelable=cancelable,
    )
    return tx.add(task)


def task_info(call: Call, task: ExportTask) -> Any:
    """Return TaskInfo of a task as it stands."""
    info = begun(call.service, task)
    info.state = task.value.state.value
    info.cancelled = task.cancelled
    info.error = task.error
    info.result = call.ref(task.result)
    info.progress = task.progress if task.value.state is TaskState.RUNNING else None
    info.startTime = moment(task.value.started_at)
    info.completeTime = moment(task.value.completed_at)
    return info


def recent(call: Call, entity: Entity | None = None) -> list[ExportTask]:
    """Return the tasks that are queued, running or ended not long ago: all of them, or those of one object."""
    profile = call.world.profile
    since = call.world.clock.now() - profile.seconds("recent_task_s")
    found = [
        task
        for task in call.world.tasks()
        if entity in (None, task.entity) and (task.value.completed_at is None or task.value.completed_at >= since)
    ]
    return found if profile.text("recent_task_order") == "oldest-first" else found[::-1]


@TASK.provides("info")
def _info(call: Call, task: ExportTask) -> Any:
    return task_info(call, task)


@TASK.method("CancelTask")
def _cancel(call: Call, task: ExportTask) -> None:
    from ._lease import cancel_export

    if task.value.state is not TaskState.RUNNING:
        raise faults.invalid_state()
    if not task.cancelable:
        raise faults.not_supported()
    if task.lease is not None:
        cancel_export(call, task)
        return
    with call.world.change() as tx:
        tx.set(task, "cancelled", True)
        end_task(tx, task, call.world.clock.now(), failed=True, error=faults.request_canceled())


@TASK_MANAGER.provides("recentTask")
def _recent(call: Call, _: Singleton) -> list[Any]:
    return call.refs(recent(call))


@MANAGED_ENTITY.provides("recentTask")
def _recent_of(call: Call, entity: Entity) -> list[Any]:
    return call.refs(recent(call, entity))


@TASK_MANAGER.provides("maxCollector")
def _max_collector(call: Call, _: Singleton) -> int:
    return COLLECTORS


@TASK_MANAGER.provides("description")
def _description(call: Call, _: Singleton) -> Any:
    def elements(table: Mapping[str, str]) -> list[Any]:
        return [vim.ElementDescription(key=key, label=label, summary=label) for key, label in table.items()]

    reasons = {vim.TaskReasonUser: "User", vim.TaskReasonSystem: "System", vim.TaskReasonSchedule: "Scheduled"}
    return vim.TaskDescription(
        methodInfo=elements(TASKS),
        state=elements(STATES),
        reason=[vim.TypeDescription(key=key, label=label, summary=label) for key, label in reasons.items()],
    )


def _let_through(call: Call, task: ExportTask, wanted: Any) -> bool:
    place, time = wanted.entity, wanted.time
    moments = {
        "queuedTime": task.value.queued_at,
        "startedTime": task.value.started_at,
        "completedTime": task.value.completed_at,
    }
    return (
        visible(call, task)
        and (place is None or concerns(call, task.entity, place.entity, place.recursion))
        and (time is None or within(moment(moments[time.timeType]), time.beginTime, time.endTime))
        and (wanted.userName is None or by_user(task.user, wanted.userName))
        and (not wanted.state or task.value.state.value in wanted.state)
        and (not wanted.eventChainId or call.service.history.chain_of(task) in wanted.eventChainId)
        and wanted.alarm is None
        and wanted.scheduledTask is None
        and not wanted.tag
        and not wanted.activationId
        and not wanted.parentTaskKey
        and (not wanted.rootTaskKey or task.key in wanted.rootTaskKey)
    )


@TASK_MANAGER.method("CreateCollectorForTasks")
def _create_collector(call: Call, _: Singleton, filter: Any) -> Any:
    if call.world.profile.text("task_history") == "NotSupported":
        raise faults.not_supported()

    def items(later: Call) -> list[Any]:
        return [task_info(later, task) for task in later.world.tasks() if _let_through(later, task, filter)]

    return collect(call, TaskCollected, filter, items)
