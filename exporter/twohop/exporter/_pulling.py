"""Fetching the files of one lease, each from the first host that can be reached."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from twohop.runtime import Clock
from twohop.runtime.observing import Observer

from ._cancellation import Cancellation
from ._errors import HostUnreachable
from ._events import BytesMoved, Events, FileDone, FileStarted, HostChosen
from ._placing import Place
from .transfer import Fetched, fetch
from .vsphere import DeviceFile, HeldLease, Source, VCenterAddress


@dataclass(frozen=True, slots=True)
class PulledFile:
    """A file that is whole and safe on disk: device key, name in the package, bytes, SHA-256 in hex, where from.

    `path` is where it lies, `seconds` of real time it took, `writing` of them to store it.
    """

    key: str
    name: str
    size: int
    sha256: str
    disk: bool
    host: str
    seconds: float
    path: Path
    writing: float = 0.0

    def at(self, path: Path) -> PulledFile:
        """Return the same file at another path."""
        return replace(self, path=path)


class Pull:
    """The transfers under one lease, and how far they have come."""

    def __init__(
        self,
        address: VCenterAddress,
        lease: HeldLease,
        clock: Clock,
        events: Events,
        cancelled: Cancellation,
        observer: Observer | None,
    ) -> None:
        self._address = address
        self._capacity = lease.total_kib * 1024
        self._clock = clock
        self._events = events
        self._cancelled = cancelled
        self._observer = observer
        self._before = 0
        self._now = 0

    def percent(self) -> int:
        """Return how much of the capacity has arrived: never more than 99, since streams are no measure of it (4.2)."""
        return min(99, 100 * (self._before + self._now) // self._capacity) if self._capacity > 0 else 0

    def fetch(self, entry: DeviceFile, place: Place) -> PulledFile:
        """Fetch one file; hosts that cannot be reached are passed over while there is another (4.12, 6.9)."""
        failures: list[str] = []
        sources = entry.sources
        for source in sources:
            why = f"instead of {failures[-1]}" if failures else "the lease names it"
            self._events(HostChosen(entry.key, source.host, why))
            try:
                got = self._fetch_from(source, entry, place)
            except HostUnreachable as error:
                failures.append(source.host)
                if source is sources[-1]:
                    raise _unreachable(error, failures) from error
                continue
            self._before += got.size
            self._now = 0
            self._events(FileDone(entry.key, place.name, got.size, got.sha256, got.host, got.seconds))
            return PulledFile(
                entry.key, place.name, got.size, got.sha256, entry.is_disk, got.host, got.seconds, place.path,
                got.writing,
            )  # fmt: skip
        raise AssertionError("a file has one source at least")

    def _fetch_from(self, source: Source, entry: DeviceFile, place: Place) -> Fetched:
        self._events(FileStarted(entry.key, place.name, source.host, entry.file_size))

        def on_bytes(done: int) -> None:
            self._now = done
            self._events(BytesMoved(entry.key, place.name, done, entry.file_size))

        return fetch(
            replace(entry, url=source.url, thumbprint=source.thumbprint, alternatives=()),
            place.path,
            observer=self._observer,
            clock=self._clock,
            on_bytes=on_bytes,
            cancelled=self._cancelled,
            ca_file=self._address.ca_file,
            insecure=self._address.insecure,
        )


def _unreachable(error: HostUnreachable, hosts: list[str]) -> HostUnreachable:
    if len(hosts) == 1:
        return error
    return HostUnreachable(f"none of {', '.join(hosts)} can be reached; of the last: {error}")
