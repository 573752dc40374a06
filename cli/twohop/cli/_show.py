"""How an export is shown: bars on a terminal, one JSON event a line for machines, a few lines at the end else."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, Task, TaskID, TextColumn, TransferSpeedColumn
from rich.text import Text

from twohop.exporter import BytesMoved, DescriptorWritten, Event, Failed, FileDone, FileStarted, PackageWritten
from twohop.exporter.via import LegTold, TaskProgress

EVERY = 0.2
"""Real seconds between two reports of how far a file has come."""


class Show(Protocol):
    """A listener to the events of one export."""

    def __call__(self, event: Event) -> None: ...

    def failed(self, whose: str, message: str) -> None:
        """Hear why the export ended without a package."""


@contextmanager
def shown(as_json: bool) -> Iterator[Show]:
    """Give the listener that fits: JSON lines if asked for, bars where standard error is a terminal."""
    if as_json:
        yield _Lines()
    elif sys.stderr.isatty():
        with _progress() as progress:
            yield _Bars(progress)
    else:
        yield _Words()


class _Words:
    """Says what was written, and what the server warned of."""

    def __call__(self, event: Event) -> None:
        if isinstance(event, DescriptorWritten):
            for said in (*event.errors, *event.warnings):
                click.echo(f"twohop: vCenter says of the descriptor: {said}", err=True)
        elif isinstance(event, FileDone):
            rate = event.size / 2**20 / max(event.seconds, 1e-6)
            click.echo(f"{event.name}  {event.size} bytes  {event.sha256}  {event.host}  {rate:.1f} MiB/s")
        elif isinstance(event, LegTold):
            rate = event.bytes / 2**20 / max(event.seconds, 1e-6)
            way = f"{event.leg:<12}{event.source} to {event.target}"
            click.echo(f"{way}  {event.bytes} bytes  {event.seconds:.3f} s  {rate:.1f} MiB/s")
        elif isinstance(event, PackageWritten):
            click.echo(f"wrote {event.path}")

    def failed(self, whose: str, message: str) -> None:
        """Leave it to the one line on standard error."""


class _Bars(_Words):
    """Moves a bar for every file, on each hop."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[tuple[str, int], TaskID] = {}

    def _first_hop(self, event: TaskProgress) -> None:
        key = (event.name, 1)
        if key not in self._tasks:
            self._tasks[key] = self._progress.add_task(f"hosts → cell ({event.name})", total=100, percent=True)
        self._progress.update(self._tasks[key], completed=100 if event.status == "success" else event.percent)

    def __call__(self, event: Event) -> None:
        if isinstance(event, TaskProgress):
            self._first_hop(event)
        elif isinstance(event, FileStarted):
            label = f"{event.host} → {event.name}" if event.hop == 1 else f"cell → {event.name}"
            self._tasks[event.key, event.hop] = self._progress.add_task(label, total=event.total)
        elif isinstance(event, BytesMoved):
            self._progress.update(self._tasks[event.key, event.hop], completed=event.done, total=event.total)
        elif isinstance(event, FileDone):
            self._progress.update(self._tasks[event.key, event.hop], completed=event.size, total=event.size)
        else:
            super().__call__(event)


class _Lines:
    """Writes one JSON document a line; how far a file has come not more often than every fifth of a second."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0.0

    def __call__(self, event: Event) -> None:
        with self._lock:
            if isinstance(event, BytesMoved):
                now = time.monotonic()
                if now - self._last < EVERY:
                    return
                self._last = now
            click.echo(json.dumps(event.to_json(), ensure_ascii=False))

    def failed(self, whose: str, message: str) -> None:
        """Write it as the last event."""
        self(Failed(whose, message))


class _Amount(DownloadColumn):
    """Bytes, or percent where that is all a cell tells of its own export."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.percentage:.0f} %") if task.fields.get("percent") else super().render(task)


class _Rate(TransferSpeedColumn):
    """Bytes a second, where there are bytes."""

    def render(self, task: Task) -> Text:
        return Text("") if task.fields.get("percent") else super().render(task)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), _Amount(), _Rate())
    return Progress(*columns, console=Console(stderr=True))
