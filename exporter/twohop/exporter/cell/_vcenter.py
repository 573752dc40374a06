"""The vCenter behind a cell: one session for questions, one of its own for each export."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
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
from .engine._source import NameFile, Power, PulledMachine
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
        cancelled: Cancellation,
    ) -> PulledMachine:
        """Export a VM into `directory`; nothing is left at vCenter whatever happens."""
        numbers, meter = count(), _Meter(progress, on_step, self._clock, self._events)

        def name(entry: DeviceFile) -> str:
            return name_file(entry.target_id or entry.url_name, next(numbers) if entry.is_disk else None)

        with VSphere(self._address, observer=self._observer) as vsphere:
            meter.most = vsphere.committed_bytes(vsphere.find_vm(_travelling(vm)))
            pulled = pull_vm(
                vsphere, _travelling(vm), directory, name_file=name, describe=DESCRIBE, clock=self._clock, events=meter,
                cancelled=cancelled, observer=self._observer, order=self._order,
            )  # fmt: skip
        files = tuple(
            Stored(f.name, f.size, f.sha256, f.host, f.seconds, f.writing, *meter.times[f.key]) for f in pulled.files
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
        cancelled: Cancellation,
    ) -> Stored:
        """Copy a medium's file from its datastore, by the URL that vCenter has for it."""
        with VSphere(self._address, observer=self._observer) as vsphere:
            entry, cookie = vsphere.image(_stored(image))
            size, began = entry.file_size or 0, self._clock.now()
            progress(0, size)
            got = fetch(
                entry, directory / name, observer=self._observer, clock=self._clock,
                on_bytes=lambda done: progress(done, size), cancelled=cancelled, ca_file=self._address.ca_file,
                insecure=self._address.insecure, headers={"Cookie": cookie}, whose="vCenter",
            )  # fmt: skip
        on_step(Step.STORED)
        return Stored(name, got.size, got.sha256, got.host, got.seconds, got.writing, began, self._clock.now())

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


class _Meter:
    """Turns the events of a pull into bytes done and bytes expected at most, times and steps, and passes them on.

    `most` is what the machine takes on its datastores, 0 where that is not known: a stream of it rarely has more.
    """

    def __init__(self, progress: Callable[[int, int], None], on_step: OnStep, clock: Clock, events: Events) -> None:
        self._progress, self._on_step, self._clock, self._events = progress, on_step, clock, events
        self._expected = self.most = 0
        self._sizes: dict[str, int] = {}
        self.times: dict[str, tuple[float, float]] = {}

    def __call__(self, event: Event) -> None:
        if isinstance(event, LeaseGranted):
            # After a cut there may be another lease, and what came under the first is fetched again.
            self._sizes.clear()
            # Of a thin disk that holds little the capacity would never be reached by half.
            self._expected = min(event.total_bytes, self.most) or event.total_bytes
            self._on_step(Step.LEASED)
        elif isinstance(event, FileStarted):
            self.times[event.key] = (self._clock.now(), self._clock.now())
        elif isinstance(event, BytesMoved):
            self._sizes[event.key] = event.done
            self._progress(sum(self._sizes.values()), self._expected)
        elif isinstance(event, FileDone):
            self._sizes[event.key] = event.size
            self.times[event.key] = (self.times[event.key][0], self._clock.now())
            self._on_step(Step.STORED)
        self._events(event)
