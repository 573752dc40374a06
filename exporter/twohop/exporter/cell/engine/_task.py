"""The task that a client polls: queued, running, then one of four ends (2.13).

Cancelling is a request: the task says so and goes on until its worker has seen it and cleaned up; only then is it
*canceled*. A worker that finishes first wins. *Aborted* is a task whose cell was stopped under it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType


class TaskState(Enum):
    """States of a task as its `status` attribute spells them."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    ERROR = "error"
    CANCELED = "canceled"
    ABORTED = "aborted"

    @property
    def ended(self) -> bool:
        """Whether nothing more can happen to the task."""
        return self in TERMINAL


TERMINAL = frozenset({TaskState.SUCCESS, TaskState.ERROR, TaskState.CANCELED, TaskState.ABORTED})


class TaskInput(Enum):
    """What can happen to a task."""

    START = "its worker begins"
    ASK_CANCEL = "task:cancel"
    SUCCEED = "its worker is done"
    FAIL = "its worker failed"
    CANCEL = "its worker has stopped and cleaned up"
    ABORT = "its cell stopped"


S, In = TaskState, TaskInput

TABLE: Mapping[tuple[TaskState, TaskInput], TaskState | None] = MappingProxyType(
    {
        (S.QUEUED, In.START): S.RUNNING,
        (S.QUEUED, In.ASK_CANCEL): S.QUEUED,
        (S.QUEUED, In.SUCCEED): None,
        (S.QUEUED, In.FAIL): S.ERROR,
        (S.QUEUED, In.CANCEL): S.CANCELED,
        (S.QUEUED, In.ABORT): S.ABORTED,
        (S.RUNNING, In.START): None,
        (S.RUNNING, In.ASK_CANCEL): S.RUNNING,
        (S.RUNNING, In.SUCCEED): S.SUCCESS,
        (S.RUNNING, In.FAIL): S.ERROR,
        (S.RUNNING, In.CANCEL): S.CANCELED,
        (S.RUNNING, In.ABORT): S.ABORTED,
        **{(end, input): None for end in (S.SUCCESS, S.ERROR, S.CANCELED, S.ABORTED) for input in In},
    }
)
"""Every state with every input; None leaves the task as it is."""


@dataclass(frozen=True, slots=True)
class TaskValue:
    """A task's state, and the moments (seconds) at which it was queued, started and ended."""

    queued_at: float
    state: TaskState = TaskState.QUEUED
    started_at: float | None = None
    ended_at: float | None = None
    cancel_requested: bool = False

    def step(self, input: TaskInput, now: float) -> TaskValue | None:
        """Return the task after `input`, or None where that is no event in its state."""
        target = TABLE[self.state, input]
        if target is None:
            return None
        if input is In.ASK_CANCEL:
            return replace(self, cancel_requested=True)
        if target is S.RUNNING:
            return replace(self, state=target, started_at=now)
        return replace(self, state=target, ended_at=now)

    def deadline(self) -> float | None:
        """A task has no deadline of its own."""
        return None
