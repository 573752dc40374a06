"""The user's side of the two-hop path: ask, wait, download, check (3.1-3.9)."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from twohop.runtime import Clock
from twohop.runtime.observing import Observer

from .._cancellation import Cancellation
from .._errors import ExportError, Refused
from .._events import DescriptorWritten, Events, LegTold, LoggedIn, PackageWritten, TaskProgress, ignore
from .._placing import Place, Placing
from .._shield import shielded
from ..engine import PulledFile
from ..package import ManifestEntry, safe_name, write_manifest
from ._client import CloudClient, Found, Gone, Task
from ._download import Descriptor, Download, digest, fetch_descriptor
from ._ledger import read_ledger, since
from ._wire import Trust, Wire

PART = ".part"
ENDED = ("success", "error", "canceled", "aborted")
FIRST_POLL, LAST_POLL = 0.05, 1.0
"""Real seconds between two looks at the task: the first, and what they grow to."""
LOOKS = 8
"""Looks at the entity for a link that does not appear, in some two seconds (3.15)."""
STUCK = 7200.0
"""Real seconds without any progress of the task after which nobody waits on (F5)."""
CLEAN_UP = 15.0
"""Real seconds that a cancelled task is given to clean up at the cell."""


@dataclass(frozen=True, slots=True)
class CellExport:
    """A package on disk that came through a cell.

    `files` in the order of the descriptor; `link` is the URL of the descriptor, with which anybody may download while
    it lives (3.10); `waited` is how long the cell's export took and `seconds` everything, in real seconds. `legs` is
    the cell's own ledger of the whole download, empty for a cell that tells none. `already` tells that the cell had the
    package from an earlier export (3.14); `moved` is then what this one added to the ledger, else the ledger.
    """

    name: str
    descriptor: Path
    manifest: Path
    files: tuple[PulledFile, ...]
    link: str
    waited: float
    seconds: float
    legs: tuple[LegTold, ...] = ()
    already: bool = False
    moved: tuple[LegTold, ...] = ()

    def __repr__(self) -> str:
        return f"CellExport(name={self.name!r}, descriptor={self.descriptor!r}, files={len(self.files)})"


def export_via_cell(
    cell_url: str,
    user: str,
    password: str,
    name: str,
    output: Path,
    *,
    ca_file: Path | None = None,
    thumbprint: str | None = None,
    insecure: bool = False,
    identity: bool = False,
    finish: Literal["keep", "disable"] = "keep",
    force: bool = False,
    stuck: float = STUCK,
    clock: Clock | None = None,
    events: Events = ignore,
    cancelled: Cancellation | None = None,
    observer: Observer | None = None,
) -> CellExport:
    """Export the vApp `name`, or the template `CATALOG/ITEM`, through a cell into the directory `output`.

    `user` is USER@ORG. `identity` takes the descriptor with MAC addresses, BIOS UUIDs and the vApp's own sections
    (3.6).
    `finish="disable"` ends the download at the cell afterwards, whatever became of it; else it lives on.
    The descriptor is kept as it was served. Files carry `.part` behind their names until all of them are whole; on any
    failure nothing of this export is left here, and a task of the cell that still runs is cancelled there. Raises
    ExportError.
    """
    started = time.monotonic()
    trust, cancelled = Trust(ca_file, thumbprint, insecure), cancelled or Cancellation()
    with Placing(output, suffix=PART, force=force) as placing, Wire(cell_url, trust, observer) as wire:
        base = safe_name(name.rpartition("/")[2], "vapp")
        for reserved in (f"{base}.ovf", f"{base}.mf"):
            placing.reserve(reserved)
        with CloudClient(wire, user, password) as client:
            events(LoggedIn(wire.host, client.version))
            found = client.find(name)
            with _finishing(client, found, finish):
                request = _Asking(client, found, identity, trust, wire.url, stuck, events, cancelled, observer)
                descriptor = request.descriptor()
                waited = time.monotonic() - started
                events(DescriptorWritten(f"{base}.ovf", len(descriptor.xml), (), ()))
                files = Download(
                    descriptor, placing, trust, wire.url, clock=clock, events=events, cancelled=cancelled,
                    observer=observer,
                ).run()  # fmt: skip
                legs, already = request.ledger(), request.already
                moved = since(request.before, legs) if already else legs
        entries = [
            ManifestEntry(f"{base}.ovf", digest(descriptor.xml)),
            *(ManifestEntry(f.name, f.sha256) for f in files),
        ]
        listed: Place = placing.write(f"{base}.mf", write_manifest(entries))
        made: Place = placing.write(f"{base}.ovf", descriptor.xml)
        cancelled.check()
        placing.publish()
    seconds = time.monotonic() - started
    files = tuple(file.at(output / file.name) for file in files)
    names = (*(file.name for file in files), listed.name, made.name)
    events(PackageWritten(str(made.final), names, sum(file.size for file in files), seconds))
    return CellExport(
        found.name, made.final, listed.final, files, descriptor.url, waited, seconds, legs, already, moved
    )


@contextlib.contextmanager
def _finishing(client: CloudClient, found: Found, finish: Literal["keep", "disable"]) -> Iterator[None]:
    try:
        yield
    finally:
        if finish == "disable":
            client.disable(found)


class _Asking:
    """Getting from an entity to its descriptor."""

    def __init__(
        self,
        client: CloudClient,
        found: Found,
        identity: bool,
        trust: Trust,
        own: str,
        stuck: float,
        events: Events,
        cancelled: Cancellation,
        observer: Observer | None,
    ) -> None:
        self._client, self._found = client, found
        self._rel = "download:identity" if identity else "download:default"
        self._trust, self._own, self._stuck = trust, own, stuck
        self._events, self._cancelled, self._observer = events, cancelled, observer
        self._ended: Task | None = None

    @property
    def before(self) -> tuple[LegTold, ...]:
        """What the cell said of its legs when its task had ended."""
        return tuple(read_ledger(self._ended.details)) if self._ended is not None else ()

    @property
    def already(self) -> bool:
        """Whether the cell had the package before it was asked for, as far as can be told from outside."""
        if self._ended is None or not self._ended.linked:
            return False
        came = next((leg.began for leg in self.before if leg.leg == "host->cell"), None)
        # A cell may make a new package all the same (3.14), and one that keeps a ledger says when.
        return came is None or came < self._ended.started

    def ledger(self) -> tuple[LegTold, ...]:
        """Return what the cell says by now of its legs, and tell it to whoever listens."""
        legs: tuple[LegTold, ...] = ()
        if self._ended is not None:
            # What the cell does not tell is no reason to lose a package that is here.
            with contextlib.suppress(ExportError):
                legs = tuple(read_ledger(self._client.task(self._ended).details))
        for leg in legs:
            self._events(leg)
        return legs

    def descriptor(self) -> Descriptor:
        """Enable, wait, fetch the descriptor; all of it once more where its files are gone behind a link (F6)."""
        try:
            return self._once()
        except Gone:
            self._client.disable(self._found)
            return self._once()

    def _once(self) -> Descriptor:
        self._cancelled.check()
        begun: list[Task] = []
        try:
            shielded(lambda: begun.append(self._client.enable(self._found)))
            ended = self._await(begun[0])
        except BaseException:
            for task in begun:
                self._stop(task)
            raise
        if ended.status != "success":
            raise self._failed(f"ended as {ended.status}: {ended.message or 'the cell does not say why'}")
        self._ended = ended
        url = self._link()
        return fetch_descriptor(url, self._trust, self._client.token, self._own, self._observer)

    def _link(self) -> str:
        """Return the link, which nothing says is there as soon as the task has ended (3.15)."""
        pause, wake = FIRST_POLL, threading.Event()
        with self._cancelled.on_cancel(lambda _: wake.set()):
            for _ in range(LOOKS - 1):
                with contextlib.suppress(Gone):
                    return self._client.link(self._found, self._rel)
                wake.wait(pause)
                self._cancelled.check()
                pause = min(pause * 1.5, LAST_POLL)
        return self._client.link(self._found, self._rel)

    def _await(self, task: Task) -> Task:
        """Wait until a task has ended; canceled and aborted are failures as error is (3.13)."""
        pause, moved, wake = FIRST_POLL, time.monotonic(), threading.Event()
        seen = None
        with self._cancelled.on_cancel(lambda _: wake.set()):
            while task.status not in ENDED:
                if (task.status, task.percent) != seen:
                    seen, moved = (task.status, task.percent), time.monotonic()
                    self._events(TaskProgress(self._found.name, task.status, task.percent))
                if time.monotonic() - moved > self._stuck:
                    raise self._failed(
                        f"has not moved for {self._stuck:.0f} s (status {task.status}, {task.percent} %);"
                        " look at the cell's tasks"
                    )
                wake.wait(pause)
                self._cancelled.check()
                pause = min(pause * 1.5, LAST_POLL)
                task = self._client.task(task)
        self._events(TaskProgress(self._found.name, task.status, task.percent))
        return task

    def _failed(self, how: str) -> Refused:
        return Refused(f"the cell's export of {self._found.name} {how}", whose="cell")

    def _stop(self, task: Task) -> None:
        """Have the cell give up, and wait until it has, so that no VM stays locked behind us."""
        until = time.monotonic() + CLEAN_UP
        with contextlib.suppress(ExportError):
            self._client.cancel(task)
            while self._client.task(task).status not in ENDED and time.monotonic() < until:
                time.sleep(FIRST_POLL)
