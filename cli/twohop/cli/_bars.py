"""Bars on a terminal: one for each file, one for all, and a time left that says how sure it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, Task, TaskID, TextColumn, TransferSpeedColumn
from rich.text import Text

if TYPE_CHECKING:
    from twohop.exporter.verify import Seen


class _Amount(DownloadColumn):
    """Bytes, or percent where that is all a cell tells of its own export."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.percentage:.0f} %") if task.fields.get("percent") else super().render(task)


class _Rate(TransferSpeedColumn):
    """Bytes a second, where there are bytes."""

    def render(self, task: Task) -> Text:
        return Text("") if task.fields.get("percent") else super().render(task)


class _Left(TextColumn):
    """The time left: of what is declared, else the most that the disks' capacity allows, else nothing."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Task) -> Text:
        most = task.fields.get("most")
        left = None if task.total is None else task.time_remaining
        if left is not None:
            return Text(_clock(left))
        if most and task.speed and task.finished_time is None:
            return Text(f"at most {_clock(max(0.0, most - task.completed) / task.speed)}")
        return Text("size unknown" if task.finished_time is None and task.total is None else "")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def bars() -> Progress:
    """Return a display on standard error, not yet shown."""
    columns = (TextColumn("{task.description}"), BarColumn(), _Amount(), _Rate(), _Left())
    return Progress(*columns, console=Console(stderr=True))


@contextmanager
def verifying() -> Iterator[Callable[[Seen], None]]:
    """Show how far each file has been read."""
    tasks: dict[str, TaskID] = {}
    with bars() as progress:

        def on_seen(seen: Seen) -> None:
            if seen.name not in tasks:
                tasks[seen.name] = progress.add_task(seen.name, total=seen.total)
            progress.update(tasks[seen.name], completed=seen.done)

        yield on_seen
