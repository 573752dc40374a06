"""How an export is shown: bars on a terminal, one JSON event a line for machines, a few lines at the end else."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from twohop.exporter import (
    BytesMoved,
    DescriptorWritten,
    Event,
    Failed,
    FileDone,
    FileSent,
    FileUnlisted,
    HostChosen,
    LeaseAborted,
    LeaseAgain,
    LegTold,
    PackageImported,
    PackageRead,
    PackageWritten,
)

from ._told import told

EVERY = 0.2
"""Real seconds between two reports of how far a file has come."""


class Show(Protocol):
    """A listener to the events of one export."""

    def __call__(self, event: Event) -> None: ...

    def say(self, text: str) -> None:
        """Put lines on standard output, in their order, where nothing draws over them."""

    def warn(self, text: str) -> None:
        """Put a line on standard error, at once."""

    def failed(self, whose: str, message: str) -> None:
        """Hear why the export ended without a package."""


@contextmanager
def shown(as_json: bool) -> Iterator[Show]:
    """Give the listener that fits: JSON lines if asked for, bars where standard error is a terminal.

    Beside bars, what is for standard output is kept until they stand still: they draw over what comes in between.
    """
    if as_json:
        yield _Lines()
    elif sys.stderr.isatty():
        # What draws is only loaded where there is somewhere to draw.
        from ._bars import Bars, bars

        progress = bars()
        show = Bars(progress)
        try:
            with progress:
                yield show
                show.end()
        finally:
            show.say_all()
    else:
        yield Words()


class Words:
    """Says what was written, from where and how fast, and what the server warned of."""

    def __init__(self) -> None:
        self._legs: dict[tuple[str, str], tuple[int, float]] = {}
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        with self._lock:
            self._say(event)

    def _say(self, event: Event) -> None:
        if isinstance(event, DescriptorWritten):
            for said in (*event.errors, *event.warnings):
                self.warn(f"twohop: vCenter says of the descriptor: {said}")
        elif isinstance(event, LeaseAgain):
            again = f"lease {event.attempt} of at most {event.of}, everything anew"
            self.warn(f"twohop: {event.vm}: {event.why} ({again})")
        elif isinstance(event, LeaseAborted) and not event.heard:
            locked = "what it locks may stay locked until it times out"
            self.warn(f"twohop: no answer came to giving up lease {event.lease}: {locked}")
        elif isinstance(event, FileUnlisted):
            self.warn(f"twohop: vCenter's descriptor does not name {event.name}, which was kept")
        elif isinstance(event, HostChosen) and event.why not in ("", "the lease names it"):
            self.warn(f"twohop: {event.key} comes from {event.host}, {event.why}")
        elif isinstance(event, FileDone):
            if event.hop == 1:
                # By lease: several packages come side by side, and what came under one that was lost is in none.
                leg = event.lease, event.host
                size, seconds = self._legs.get(leg, (0, 0.0))
                self._legs[leg] = (size + event.size, seconds + event.seconds)
            rate = _rate(event.size, event.seconds)
            self.say(f"{event.name}  {event.size} bytes  {event.sha256}  {event.host}  {rate}")
        elif isinstance(event, LegTold):
            way = f"{event.leg:<12}{event.source} to {event.target}"
            self.say(f"{way}  {event.bytes} bytes  {event.seconds:.3f} s  {_rate(event.bytes, event.seconds)}")
        elif isinstance(event, FileSent):
            rate = _rate(event.size, event.seconds)
            self.say(f"{event.name}  {event.size} bytes  {event.sha256}  {event.host}  {rate}")
        elif isinstance(event, PackageRead):
            for said in event.warnings:
                self.warn(f"twohop: the server says of the package: {said}")
        elif isinstance(event, PackageImported):
            self.say(f"lease {event.lease}  {event.seconds:.1f} s, {event.cpu_seconds:.1f} s of CPU")
            self.say(f"imported {event.name} ({event.entity})")
        elif isinstance(event, PackageWritten):
            for (lease, host), (size, seconds) in self._legs.items():
                if lease == event.lease:
                    self.say(f"from {host}  {size} bytes  {_rate(size, seconds)}")
            if event.lease:
                self.say(f"lease {event.lease}  {event.seconds:.1f} s, {event.cpu_seconds:.1f} s of CPU")
            self.say(f"wrote {event.path}")

    def say(self, text: str) -> None:
        """Write it."""
        told(text)

    def warn(self, text: str) -> None:
        """Write it."""
        told(text, err=True)

    def failed(self, whose: str, message: str) -> None:
        """Leave it to the one line on standard error."""


def _rate(size: int, seconds: float) -> str:
    return f"{size / 2**20 / max(seconds, 1e-6):.1f} MiB/s"


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
            told(json.dumps(event.to_json(), ensure_ascii=False))

    def say(self, text: str) -> None:
        """Write it."""
        told(text)

    def warn(self, text: str) -> None:
        """Write it."""
        told(text, err=True)

    def failed(self, whose: str, message: str) -> None:
        """Write it as the last event."""
        self(Failed(whose, message))
