"""Task and TaskManager. What runs long here is the export, whose task lives as long as its lease (1.11)."""

from __future__ import annotations

from typing import Any

from ...machines import TaskInput, TaskState, TaskValue
from ...world import Change, Entity, ExportTask, Vm, end_task
from .. import _faults as faults
from .._kinds import Kind
from .._registry import vim
from .._service import Call, Singleton
from ._service_instance import moment

TASK = Kind("Task", of=ExportTask)
TASK_MANAGER = Kind("TaskManager")
RECENT = 20
"""Tasks that the task manager calls recent."""


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
    tx.add(task)
    if isinstance(entity, Vm):
        tx.set(entity, "recent_tasks", (*entity.recent_tasks, moid)[-5:])
    return task


@TASK.provides("info")
def _info(call: Call, task: ExportTask) -> Any:
    error = task.error
    return vim.TaskInfo(
        key=task.key,
        task=call.ref(task),
        descriptionId=task.description_id,
        entity=call.ref(task.entity),
        entityName=task.entity.name,
        state=task.value.state.value,
        cancelled=task.cancelled,
        cancelable=task.cancelable,
        error=error,
        progress=task.progress if task.value.state is TaskState.RUNNING else None,
        reason=vim.TaskReasonUser(userName=task.user),
        queueTime=moment(task.value.queued_at),
        startTime=moment(task.value.started_at),
        completeTime=moment(task.value.completed_at),
        eventChainId=int(task.key.rpartition("-")[2]),
    )


@TASK.method("CancelTask")
def _cancel(call: Call, task: ExportTask) -> None:
    from ._lease import cancel_export

    if task.value.state is not TaskState.RUNNING:
        raise faults.invalid_state()
    if not task.cancelable:
        raise faults.not_implemented("cancelling this task")
    if task.lease is not None:
        cancel_export(call, task)
        return
    with call.world.change() as tx:
        tx.set(task, "cancelled", True)
        end_task(tx, task, call.world.clock.now(), failed=True, error=faults.request_canceled())


@TASK_MANAGER.provides("recentTask")
def _recent(call: Call, _: Singleton) -> list[Any]:
    return call.refs(call.world.tasks()[-RECENT:])


@TASK_MANAGER.provides("maxCollector")
def _max_collector(call: Call, _: Singleton) -> int:
    return 32
