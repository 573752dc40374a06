"""The task: queued, running, then success or error, once. An export's task runs as long as its lease is held (1.11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType


class TaskState(Enum):
    """States of TaskInfo."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    ERROR = "error"


class TaskInput(Enum):
    """What can happen to a task."""

    START = "start"
    SUCCEED = "succeed"
    FAIL = "fail"


TABLE: Mapping[tuple[TaskState, TaskInput], TaskState | None] = MappingProxyType(
    {
        (TaskState.QUEUED, TaskInput.START): TaskState.RUNNING,
        (TaskState.QUEUED, TaskInput.SUCCEED): None,
        (TaskState.QUEUED, TaskInput.FAIL): TaskState.ERROR,
        (TaskState.RUNNING, TaskInput.START): None,
        (TaskState.RUNNING, TaskInput.SUCCEED): TaskState.SUCCESS,
        (TaskState.RUNNING, TaskInput.FAIL): TaskState.ERROR,
        # ends
        (TaskState.SUCCESS, TaskInput.START): None,
        (TaskState.SUCCESS, TaskInput.SUCCEED): None,
        (TaskState.SUCCESS, TaskInput.FAIL): None,
        (TaskState.ERROR, TaskInput.START): None,
        (TaskState.ERROR, TaskInput.SUCCEED): None,
        (TaskState.ERROR, TaskInput.FAIL): None,
    }
)
"""Every state with every input; None leaves the task as it is."""


@dataclass(frozen=True, slots=True)
class TaskValue:
    """A task's state and the moments (seconds) at which it was queued, started and completed."""

    queued_at: float
    state: TaskState = TaskState.QUEUED
    started_at: float | None = None
    completed_at: float | None = None

    def step(self, input: TaskInput, now: float) -> TaskValue:
        """Return the task after `input`."""
        target = TABLE[self.state, input]
        if target is None:
            return self
        if target is TaskState.RUNNING:
            return replace(self, state=target, started_at=now)
        return replace(self, state=target, completed_at=now)

    def deadline(self) -> float | None:
        """A task has no deadline of its own."""
        return None
