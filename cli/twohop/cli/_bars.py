"""Bars on a terminal: one for each file, one for all, and a time left that says how sure it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, Task, TaskID, TextColumn, TransferSpeedColumn
from rich.text import Text

from twohop.exporter import (
    BytesMoved,
    Event,
    FileDone,
    FileSent,
    FileStarted,
    LeaseGranted,
    TaskProgress,
)

from ._show import Words
from ._told import plain, told

if TYPE_CHECKING:
    from twohop.exporter.verify import Seen


class _Name(TextColumn):
    """What a bar is of, as it is called: brackets in a name are no markup, nor is anything in it an order."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Task) -> Text:
        return Text(plain(task.description))


class _Amount(DownloadColumn):
    """Bytes, or percent where that is all a cell tells of its own export."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.percentage:.0f} %") if task.fields.get("percent") else super().render(task)


class _Rate(TransferSpeedColumn):
    """Bytes a second, where there are bytes: of late, and of all of it where that is done."""

    def render(self, task: Task) -> Text:
        if task.fields.get("percent"):
            return Text("")
        whole = task.fields.get("rate")
        return super().render(task) if whole is None else Text(f"{decimal(int(whole))}/s", style="progress.data.speed")


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
    columns = (_Name(), BarColumn(), _Amount(), _Rate(), _Left())
    return Progress(*columns, console=Console(stderr=True))


class Bars(Words):
    """Moves a bar for every file, on each hop, and one for all of them; the rest is said above the bars."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress = progress
        self._tasks: dict[tuple[str, str, int], TaskID] = {}
        self._all: TaskID | None = None
        self._capacities: dict[str, int] = {}
        self._done: dict[TaskID, int] = {}
        self._lines: list[str] = []

    def say(self, text: str) -> None:
        """Keep it for the end."""
        self._lines.append(text)

    def warn(self, text: str) -> None:
        """Write it above the bars."""
        self._progress.console.print(plain(text), markup=False, highlight=False, emoji=False, soft_wrap=True)

    def say_all(self) -> None:
        """Write what was kept, once the bars stand still."""
        lines, self._lines = self._lines, []
        for line in lines:
            told(line)

    @property
    def _most(self) -> int:
        return sum(self._capacities.values())

    def _first_hop(self, event: TaskProgress) -> None:
        key = (event.name, "", 1)
        if key not in self._tasks:
            self._tasks[key] = self._progress.add_task(f"hosts → cell ({event.name})", total=100, percent=True)
        self._progress.update(self._tasks[key], completed=100 if event.status == "success" else event.percent)

    def _say(self, event: Event) -> None:
        if isinstance(event, TaskProgress):
            self._first_hop(event)
        elif isinstance(event, LeaseGranted):
            self._begin(event)
            super()._say(event)
        elif isinstance(event, FileStarted):
            label = f"{event.host} → {event.name}" if event.hop == 1 else f"cell → {event.name}"
            key = (event.key, event.name, event.hop)
            if key in self._tasks:
                # From the front, after a cut.
                again = self._tasks.pop(key)
                self._progress.remove_task(again)
                self._done.pop(again, None)
            self._tasks[key] = self._progress.add_task(label, total=event.total)
        elif isinstance(event, BytesMoved):
            self._move((event.key, event.name, event.hop), event.done, event.total)
        elif isinstance(event, FileDone | FileSent):
            key = (event.key, event.name, event.hop)
            self._move(key, event.size, event.size)
            self._progress.update(self._tasks[key], rate=event.size / max(event.seconds, 1e-6))
            super()._say(event)
        else:
            super()._say(event)

    def _begin(self, event: LeaseGranted) -> None:
        """A bar for all files, once there is more than one; under a lease after a cut, from the front."""
        self._capacities[event.vm] = event.total_bytes
        if self._all is None and event.files > 1:
            self._all = self._progress.add_task("all", total=None, most=self._most)

    def end(self) -> None:
        """Fill the bar of all files where each of them has come."""
        if self._all is None or not all(task.finished for task in self._progress.tasks if task.id != self._all):
            return
        task = next(each for each in self._progress.tasks if each.id == self._all)
        done, seconds = sum(self._done.values()), max(task.elapsed or 0.0, 1e-6)
        self._progress.update(self._all, completed=done, total=max(done, 1), rate=done / seconds)

    def _move(self, key: tuple[str, str, int], done: int, total: int | None) -> None:
        task = self._tasks[key]
        self._progress.update(task, completed=done, total=total)
        self._done[task] = done
        if self._all is not None:
            self._progress.update(self._all, completed=sum(self._done.values()), most=self._most)


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
