"""What clients are shown of tasks and links, which may lag behind what is (3.15, F5).

A real cell tells the end of a task some time after it, and the links of a download some time after that; a client that
looks but once is wrong about it. On a clock that stands still that time would never pass, so it is counted in looks.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace

from ._task import TaskState
from ._tasks import TaskView
from ._transfers import Linked


class Veil:
    """Hides the end of a task from its first `waits` looks, and a change of links from the first `lag` looks at it."""

    def __init__(self, *, waits: int, lag: int) -> None:
        self._waits, self._lag = waits, lag
        self._lock = threading.Lock()
        self._looks: dict[str, int] = {}
        self._behind: Counter[str] = Counter()
        self._shown: dict[str, Linked | None] = {}

    def begun(self, task: TaskView) -> TaskView:
        """Return a new task as it is shown first; of one that an earlier process began the end may be known already."""
        if not self._waits:
            return task
        with self._lock:
            self._looks[task.id] = 0
        return _running(task) if task.value.state.ended else task

    def task(self, task: TaskView) -> TaskView:
        """Return a task as this look at it shows it."""
        with self._lock:
            looks = self._looks.get(task.id)
            if looks is None:
                return task
            self._looks[task.id] = looks + 1
            if not task.value.state.ended:
                return task
            if looks < self._waits:
                return _running(task)
            del self._looks[task.id]
            return task

    def unended(self, tasks: list[TaskView]) -> list[TaskView]:
        """Return those of an entity's tasks that this look shows as not ended."""
        return [shown for task in tasks if not (shown := self.task(task)).value.state.ended]

    def link(self, entity_id: str, linked: Linked | None, tasks: list[TaskView]) -> Linked | None:
        """Return the download that this look at an entity shows, given the one it has and its tasks as shown."""
        if not self._waits and not self._lag:
            return linked
        with self._lock:
            shown = self._shown.get(entity_id)
            if shown == linked:
                self._behind.pop(entity_id, None)
            elif tasks and linked is not None:
                return shown
            elif self._behind[entity_id] < self._lag:
                self._behind[entity_id] += 1
            else:
                self._behind.pop(entity_id, None)
                self._shown[entity_id] = shown = linked
            return shown


def _running(task: TaskView) -> TaskView:
    value = replace(task.value, state=TaskState.RUNNING, ended_at=None)
    return replace(task, value=value, progress=min(task.progress, 99), error=None, details="")
