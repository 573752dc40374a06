"""Tasks as they live: rows stepped through the machine, and the switches with which a running one is stopped."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from twohop.exporter._cancellation import Cancellation
from twohop.runtime import Clock, Journal

from ._catalogue import Entity
from ._rows import TaskRow
from ._store import Store
from ._task import TaskInput, TaskState, TaskValue

KEPT_S = 90 * 86400.0
"""Seconds after its start at which a task expires (2.13)."""
DEAD_CELL = "the cell that ran this task ended before it; ask again"


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task as it stands: `progress` in percent, times in seconds, `error` the message of a failed one."""

    id: str
    org_id: str
    entity_id: str
    user: str
    operation: str
    operation_name: str
    value: TaskValue
    progress: int
    details: str
    error: str | None
    error_request: str | None


class Tasks:
    """The tasks of one cell."""

    def __init__(self, store: Store, clock: Clock, journal: Journal, *, cell: str) -> None:
        self._store, self._clock, self._journal, self._cell = store, clock, journal, cell
        self._lock = threading.Lock()
        self._switches: dict[str, Cancellation] = {}

    def recover(self, *, fail: bool) -> None:
        """Fail the tasks that an earlier process of this cell left running, or leave them so (6.7)."""
        if not fail:
            return
        with self._store.change() as db:
            query = select(TaskRow.id).where(
                TaskRow.cell == self._cell, TaskRow.state.in_((TaskState.QUEUED.value, TaskState.RUNNING.value))
            )
            left = list(db.scalars(query))
            for task_id in left:
                self.step(db, task_id, TaskInput.FAIL, error=DEAD_CELL)

    def create(self, db: Session, entity: Entity, user: str, operation: str, operation_name: str) -> str:
        """Write down a new task, queued."""
        task_id = str(uuid.uuid4())
        row = TaskRow(
            id=task_id, cell=self._cell, org_id=entity.org_id, entity_id=entity.id, user=user, operation=operation,
            operation_name=operation_name, progress=0, details="", error=None, error_request=None,
        )  # fmt: skip
        row.take(TaskValue(self._clock.now()))
        db.add(row)
        db.flush()
        with self._lock:
            self._switches[task_id] = Cancellation()
        self._tell(task_id, None, TaskState.QUEUED, operation_name)
        return task_id

    def switch(self, task_id: str) -> Cancellation:
        """Return what stops the task's worker; one that nobody set where no worker of this cell runs it."""
        with self._lock:
            return self._switches.get(task_id) or Cancellation()

    def step(
        self, db: Session, task_id: str, input: TaskInput, *, error: str | None = None, details: str | None = None
    ) -> bool:
        """Take a task through one input in the caller's transaction; False where that is no event in its state."""
        row = db.get(TaskRow, task_id, with_for_update=True)
        if row is None:
            return False
        before = row.value()
        after = before.step(input, self._clock.now())
        if after is None:
            return False
        row.take(after)
        row.details = row.details if details is None else details
        if error is not None:
            row.error, row.error_request = error, str(uuid.uuid4())
        if after.state is TaskState.SUCCESS:
            row.progress = 100
        if after.state is not before.state:
            self._tell(task_id, before.state, after.state, input.value)
        return True

    def progress(self, task_id: str, percent: int) -> None:
        """Show how far a running task is."""
        with self._store.change() as db:
            row = db.get(TaskRow, task_id, with_for_update=True)
            if row is not None and row.state == TaskState.RUNNING.value:
                row.progress = max(row.progress, min(percent, 99))

    def on_percent(self, task_id: str) -> Callable[[int], None]:
        """Return what shows how far a task is; a database that is locked for a while is no reason to end it."""

        def show(percent: int) -> None:
            with contextlib.suppress(SQLAlchemyError):
                self.progress(task_id, percent)

        return show

    def ask_cancel(self, task_id: str) -> bool:
        """Ask a task to stop; False where it has ended."""
        with self._store.change() as db:
            asked = self.step(db, task_id, TaskInput.ASK_CANCEL)
        if asked:
            self.switch(task_id).cancel()
        return asked

    def forget(self, task_id: str) -> None:
        """Drop the switch of a task whose worker has gone."""
        with self._lock:
            self._switches.pop(task_id, None)

    def stop_all(self) -> None:
        """Ask every worker of this cell to stop."""
        with self._lock:
            switches = list(self._switches.values())
        for switch in switches:
            switch.cancel()

    def get(self, task_id: str) -> TaskView | None:
        """Return a task by id."""
        with self._store.change() as db:
            row = db.get(TaskRow, task_id)
            return _view(row) if row is not None else None

    def running(self, entity_id: str) -> list[TaskView]:
        """Return the tasks of an entity that have not ended (2.15)."""
        with self._store.change() as db:
            query = select(TaskRow).where(
                TaskRow.entity_id == entity_id,
                TaskRow.state.in_((TaskState.QUEUED.value, TaskState.RUNNING.value)),
            )
            return [_view(row) for row in db.scalars(query)]

    def of_entity(self, entity_id: str) -> list[TaskView]:
        """Return every task of an entity."""
        with self._store.change() as db:
            return [_view(row) for row in db.scalars(select(TaskRow).where(TaskRow.entity_id == entity_id))]

    def _tell(self, task_id: str, before: TaskState | None, after: TaskState, why: str) -> None:
        self._journal.record(
            "transition", server=self._cell, machine="task", id=task_id, why=why,
            before=before.value if before else None, after=after.value,
        )  # fmt: skip


def _view(row: TaskRow) -> TaskView:
    return TaskView(
        row.id, row.org_id, row.entity_id, row.user, row.operation, row.operation_name, row.value(), row.progress,
        row.details, row.error, row.error_request,
    )  # fmt: skip
