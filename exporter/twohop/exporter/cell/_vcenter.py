"""The vCenter behind a cell: one session for questions, one of its own for each export."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import cast

from twohop.exporter._cancellation import Cancellation
from twohop.exporter._errors import ExportError, NotFound
from twohop.exporter._events import BytesMoved, Event, Events, FileDone, FileStarted, LeaseGranted, ignore
from twohop.exporter.direct import pull_vm
from twohop.exporter.engine import HostOrder, registered_first
from twohop.exporter.transfer import fetch
from twohop.exporter.vsphere import DeviceFile, StoredImage, VCenterAddress, VSphere
from twohop.runtime import Clock
from twohop.runtime.observing import Observer

from .engine._catalogue import Image
from .engine._source import NameFile, OnLost, Power, PulledMachine
from .engine._steps import OnStep, Step

DESCRIBE: Mapping[str, tuple[str, ...]] = {"default": (), "identity": ("mac", "uuid")}
"""The two descriptors of a download, by the options with which vCenter writes them (3.6)."""
_KNOWN = ("poweredOn", "poweredOff", "suspended")


class VCenterSource:
    """A vCenter as the engine's source; logs in when it is first asked, and again when that session has ended."""

    def __init__(
        self,
        address: VCenterAddress,
        *,
        clock: Clock,
        observer: Observer | None = None,
        events: Events = ignore,
        order: HostOrder = registered_first,
    ) -> None:
        self._address, self._clock, self._observer, self._events = address, clock, observer, events
        self._order = order
        self._lock = threading.Lock()
        self._open = contextlib.ExitStack()
        self._session: VSphere | None = None

    def power_states(self, vms: Iterable[str]) -> Mapping[str, Power]:
        """Tell what the VMs of these names are doing; `unknown` where vCenter cannot be asked."""
        names = list(dict.fromkeys(vms))
        with self._lock:
            for _ in range(2):
                had = self._session is not None
                try:
                    return dict(self._ask(names))
                except ExportError:
                    self._forget()
                    if not had:
                        break
        return dict.fromkeys(names, "unknown")

    def pull(
        self,
        vm: str,
        directory: Path,
        *,
        name_file: NameFile,
        progress: Callable[[int, int], None],
        on_step: OnStep,
        on_lost: OnLost,
        cancelled: Cancellation,
    ) -> PulledMachine:
        """Export a VM into `directory`; nothing is left at vCenter whatever happens."""
        numbers, meter = count(), _Meter(progress, on_step, on_lost, self._clock, self._events)

        def name(entry: DeviceFile) -> str:
            return name_file(entry.target_id or entry.url_name, next(numbers) if entry.is_disk else None)

        try:
            with VSphere(self._address, observer=self._observer) as vsphere:
                meter.most = vsphere.committed_bytes(vsphere.find_vm(_travelling(vm)))
                pulled = pull_vm(
                    vsphere, _travelling(vm), directory, name_file=name, describe=DESCRIBE, clock=self._clock,
                    events=meter, cancelled=cancelled, observer=self._observer, order=self._order,
                )  # fmt: skip
        except BaseException:
            meter.give_up()
            raise
        files = tuple(
            Stored(f.name, f.size, f.sha256, f.host, f.seconds, f.writing, *meter.times(f.key)) for f in pulled.files
        )
        return PulledMachine(vm, files, pulled.descriptors)

    def bytes_of(self, vms: Iterable[str]) -> int:
        """Tell how many bytes these VMs take on their datastores, more than which a stream of them rarely has."""
        with self._lock:
            try:
                return sum(self._bytes(name) for name in vms)
            except ExportError:
                self._forget()
        return 0

    def size_of(self, image: Image) -> int:
        """Tell how many bytes a medium's file has; 0 where vCenter cannot be asked or has none."""
        with self._lock:
            for _ in range(2):
                had = self._session is not None
                try:
                    return self._logged_in().image(_stored(image))[0].file_size or 0
                except ExportError:
                    self._forget()
                    if not had:
                        break
        return 0

    def copy(
        self,
        image: Image,
        directory: Path,
        name: str,
        *,
        progress: Callable[[int, int], None],
        on_step: OnStep,
        on_lost: OnLost,
        cancelled: Cancellation,
    ) -> Stored:
        """Copy a medium's file from its datastore, by the URL that vCenter has for it."""
        with VSphere(self._address, observer=self._observer) as vsphere:
            entry, cookie = vsphere.image(_stored(image))
            size, attempt = entry.file_size or 0, _Attempt(name, self._address.authority, self._clock.now())

            def moved(done: int) -> None:
                attempt.size = done
                progress(done, size)

            progress(0, size)
            try:
                got = fetch(
                    entry, directory / name, observer=self._observer, clock=self._clock, on_bytes=moved,
                    cancelled=cancelled, ca_file=self._address.ca_file, insecure=self._address.insecure,
                    headers={"Cookie": cookie}, whose="vCenter",
                )  # fmt: skip
            except BaseException:
                attempt.lost(on_lost, self._clock.now())
                raise
        on_step(Step.STORED)
        ended = self._clock.now()
        return Stored(name, got.size, got.sha256, got.host, got.seconds, got.writing, attempt.began, ended)

    def _bytes(self, name: str) -> int:
        session = self._logged_in()
        return session.committed_bytes(session.find_vm(_travelling(name)))

    def close(self) -> None:
        """Log out."""
        with self._lock:
            self._forget()

    def _ask(self, names: Iterable[str]) -> Iterator[tuple[str, Power]]:
        session = self._logged_in()
        for name in names:
            try:
                state = session.power_state(session.find_vm(_travelling(name)))
            except NotFound:
                state = "unknown"
            yield name, cast(Power, state) if state in _KNOWN else "unknown"

    def _logged_in(self) -> VSphere:
        if self._session is None:
            self._session = self._open.enter_context(VSphere(self._address, observer=self._observer))
        return self._session

    def _forget(self) -> None:
        self._session = None
        with contextlib.suppress(ExportError):
            self._open.close()


def _stored(image: Image) -> StoredImage:
    return StoredImage(image.datacenter, image.datastore, image.path)


def _travelling(name: str) -> str:
    """Return a machine's name as vCenter's inventory writes it: a catalogue holds names, never paths."""
    return "name:" + name.replace("%", "%25").replace("/", "%2f").replace("\\", "%5c")


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that has arrived; see the engine's `StoredFile`."""

    name: str
    size: int
    sha256: str
    host: str
    seconds: float
    writing: float
    began: float
    ended: float


@dataclass(slots=True)
class _Attempt:
    """One file on its way from one host: `size` bytes of it have come."""

    name: str
    host: str
    began: float
    ended: float | None = None
    size: int = 0
    started: float = field(default_factory=time.monotonic)
    seconds: float | None = None

    def end(self, now: float) -> None:
        """Stop the time, once."""
        if self.ended is None:
            self.ended, self.seconds = now, time.monotonic() - self.started

    def lost(self, on_lost: OnLost, now: float) -> None:
        """Say that what has come of it is thrown away, if anything has."""
        self.end(now)
        if self.size:
            on_lost(
                Stored(self.name, self.size, "", self.host, self.seconds or 0.0, 0.0, self.began, self.ended or now)
            )


class _Meter:
    """Turns the events of a pull into bytes done and bytes expected at most, times and steps, and passes them on.

    `most` is what the machine takes on its datastores, 0 where that is not known: a stream of it rarely has more.
    `on_lost` hears of what came and has to come again, from another host or under another lease.
    """

    def __init__(
        self, progress: Callable[[int, int], None], on_step: OnStep, on_lost: OnLost, clock: Clock, events: Events
    ) -> None:
        self._progress, self._on_step, self._on_lost = progress, on_step, on_lost
        self._clock, self._events = clock, events
        self._expected = self.most = 0
        self._sizes: dict[str, int] = {}
        self._attempts: dict[str, _Attempt] = {}

    def times(self, key: str) -> tuple[float, float]:
        """Return when a file that is whole began and ended."""
        attempt = self._attempts[key]
        return attempt.began, attempt.ended if attempt.ended is not None else attempt.began

    def give_up(self) -> None:
        """Say that whatever has come is thrown away."""
        attempts, self._attempts = list(self._attempts.values()), {}
        for attempt in attempts:
            attempt.lost(self._on_lost, self._clock.now())

    def __call__(self, event: Event) -> None:
        if isinstance(event, LeaseGranted):
            # After a cut there may be another lease, and what came under the first is fetched again.
            self.give_up()
            self._sizes.clear()
            # Of a thin disk that holds little the capacity would never be reached by half.
            self._expected = min(event.total_bytes, self.most) or event.total_bytes
            self._on_step(Step.LEASED)
        elif isinstance(event, FileStarted):
            earlier = self._attempts.get(event.key)
            if earlier is not None:
                earlier.lost(self._on_lost, self._clock.now())
            self._attempts[event.key] = _Attempt(event.name, event.host, self._clock.now())
        elif isinstance(event, BytesMoved):
            self._sizes[event.key] = self._attempts[event.key].size = event.done
            self._progress(sum(self._sizes.values()), self._expected)
        elif isinstance(event, FileDone):
            self._sizes[event.key] = self._attempts[event.key].size = event.size
            self._attempts[event.key].end(self._clock.now())
            self._on_step(Step.STORED)
        self._events(event)
