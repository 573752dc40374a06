"""One file of a lease: from the first host that can be reached, the others in turn (4.12, 6.9)."""

from __future__ import annotations

from collections.abc import Iterable

from .._device_file import DeviceFile, Source
from .._errors import BadStream, ExportError, HostBusy, HostUnreachable
from .._events import FileDone, FileStarted, HostChosen
from ._actions import Fetch, Steps, do, tell
from ._order import HostOrder, ordered, registered_first
from ._values import PulledFile


class Hosts:
    """What the files of one lease have learnt of its hosts: one that was not reached is asked last from then on."""

    def __init__(self, order: HostOrder = registered_first) -> None:
        self._order = order
        self._passed: set[str] = set()

    def in_turn(self, sources: Iterable[Source]) -> list[tuple[Source, str]]:
        """Return the places to fetch a file from in the order to try them, and why each."""
        every = list(sources)
        given = ordered(self._order, every)
        good = [source for source in given if source.host not in self._passed]
        late = [source for source in given if source.host in self._passed]
        first = "the lease names it" if given[0] == every[0] else "the strategy puts it first"
        first = first if not late or not good else f"{late[0].host} was not to be had before"
        return [(source, first if source is (good or late)[0] else "") for source in (*good, *late)]

    def pass_over(self, source: Source) -> None:
        """Remember that a host was not to be had."""
        self._passed.add(source.host)


def fetch_file(
    entry: DeviceFile, name: str, algorithms: tuple[str, ...], hosts: Hosts, total_bytes: int, lease: str = ""
) -> Steps[PulledFile]:
    """Fetch one file; a host that cannot be reached, or is busy, is passed over while there is another."""
    failed: list[str] = []
    turns = hosts.in_turn(entry.sources)
    for source, why in turns:
        yield from tell(HostChosen(entry.key, source.host, f"instead of {failed[-1]}" if failed else why))
        yield from tell(FileStarted(entry.key, name, source.host, entry.file_size))
        try:
            got = yield from do(Fetch(entry, source, name, algorithms))
        except (HostUnreachable, HostBusy) as error:
            hosts.pass_over(source)
            failed.append(source.host)
            if source is turns[-1][0]:
                raise _none_of(error, failed) from error
            continue
        if got.capacity is not None and 0 < total_bytes < got.capacity:
            raise BadStream(
                f"{source.host} sent a disk of {got.capacity} bytes for {entry.key}, all disks of the lease have"
                f" {total_bytes}; nothing was kept"
            )
        digest = got.digests["SHA256"]
        yield from tell(FileDone(entry.key, name, got.size, digest, source.host, got.seconds, lease=lease))
        assert got.path is not None
        return PulledFile(
            entry.key,
            name,
            got.size,
            digest,
            entry.is_disk,
            source.host,
            got.seconds,
            got.path,
            got.writing,
            dict(got.digests),
        )
    raise AssertionError("a file has one source at least")


def _none_of(error: ExportError, hosts: list[str]) -> ExportError:
    if len(hosts) == 1:
        return error
    return HostUnreachable(f"none of {', '.join(hosts)} can be reached; of the last: {error}")
