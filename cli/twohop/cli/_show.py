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
from rich.progress import Progress, TaskID

from twohop.exporter import (
    BytesMoved,
    DescriptorWritten,
    Event,
    Failed,
    FileDone,
    FileStarted,
    FileUnlisted,
    HostChosen,
    LeaseAgain,
    LeaseGranted,
    PackageWritten,
)
from twohop.exporter.via import LegTold, TaskProgress

from ._bars import bars

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
        with bars() as progress:
            yield _Bars(progress)
    else:
        yield _Words()


class _Words:
    """Says what was written, from where and how fast, and what the server warned of."""

    def __init__(self) -> None:
        self._legs: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        with self._lock:
            self._say(event)

    def _say(self, event: Event) -> None:
        if isinstance(event, DescriptorWritten):
            for said in (*event.errors, *event.warnings):
                click.echo(f"twohop: vCenter says of the descriptor: {said}", err=True)
        elif isinstance(event, LeaseAgain):
            again = f"lease {event.attempt} of at most {event.of}, everything anew"
            click.echo(f"twohop: {event.vm}: {event.why} ({again})", err=True)
        elif isinstance(event, FileUnlisted):
            click.echo(f"twohop: vCenter's descriptor does not name {event.name}, which was kept", err=True)
        elif isinstance(event, HostChosen) and event.why != "the lease names it":
            click.echo(f"twohop: {event.key} comes from {event.host}, {event.why}", err=True)
        elif isinstance(event, FileDone):
            if event.hop == 1:
                size, seconds = self._legs.get(event.host, (0, 0.0))
                self._legs[event.host] = (size + event.size, seconds + event.seconds)
            rate = _rate(event.size, event.seconds)
            click.echo(f"{event.name}  {event.size} bytes  {event.sha256}  {event.host}  {rate}")
        elif isinstance(event, LegTold):
            way = f"{event.leg:<12}{event.source} to {event.target}"
            click.echo(f"{way}  {event.bytes} bytes  {event.seconds:.3f} s  {_rate(event.bytes, event.seconds)}")
        elif isinstance(event, PackageWritten):
            for host, (size, seconds) in self._legs.items():
                click.echo(f"from {host}  {size} bytes  {_rate(size, seconds)}")
            self._legs.clear()
            if event.lease:
                click.echo(f"lease {event.lease}  {event.seconds:.1f} s, {event.cpu_seconds:.1f} s of CPU")
            click.echo(f"wrote {event.path}")

    def failed(self, whose: str, message: str) -> None:
        """Leave it to the one line on standard error."""


def _rate(size: int, seconds: float) -> str:
    return f"{size / 2**20 / max(seconds, 1e-6):.1f} MiB/s"


class _Bars(_Words):
    """Moves a bar for every file, on each hop, and one for all of them; the rest is said above the bars."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress = progress
        self._tasks: dict[tuple[str, str, int], TaskID] = {}
        self._all: TaskID | None = None
        self._most = 0
        self._done: dict[TaskID, int] = {}

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
                self._progress.remove_task(self._tasks.pop(key))
            self._tasks[key] = self._progress.add_task(label, total=event.total)
        elif isinstance(event, BytesMoved):
            self._move((event.key, event.name, event.hop), event.done, event.total)
        elif isinstance(event, FileDone):
            self._move((event.key, event.name, event.hop), event.size, event.size)
        else:
            super()._say(event)

    def _begin(self, event: LeaseGranted) -> None:
        """A bar for all files, once there is more than one; under a lease after a cut, from the front."""
        self._most += event.total_bytes
        if self._all is None and event.files > 1:
            self._all = self._progress.add_task("all", total=None, most=self._most)

    def _move(self, key: tuple[str, str, int], done: int, total: int | None) -> None:
        task = self._tasks[key]
        self._progress.update(task, completed=done, total=total)
        self._done[task] = done
        if self._all is not None:
            self._progress.update(self._all, completed=sum(self._done.values()), most=self._most)


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
