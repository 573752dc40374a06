"""An export from the first lease to the last byte: the order of things, and the way out of each of them.

A lease is asked for, its files are fetched, compared with what the server says it sent, described and sealed; all of it
is safe on disk before the lease is completed, and only then does anything get its final name. Every other way out gives
the lease up, takes back what was written, and says why.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from hashlib import new as new_hash
from typing import TYPE_CHECKING

from .._errors import BadPackage, ExportError, HostRefused, LeaseLost, ShortStream
from .._events import DescriptorWritten, LeaseAborted, LeaseAgain, LeaseCompleted, LeaseGranted
from ..package._descriptor import read_descriptor
from ..package._manifest import ManifestEntry, write_manifest
from ._actions import (
    Abort,
    AskLease,
    AwaitReady,
    ChooseDigest,
    Claim,
    Clear,
    Complete,
    Describe,
    Discard,
    OpenTarget,
    Pause,
    Publish,
    Report,
    Reserve,
    StartRenewing,
    Steps,
    StopRenewing,
    Sync,
    Write,
    do,
    tell,
    together,
)
from ._agreement import check_descriptor, compare_manifest
from ._files import Hosts, fetch_file
from ._request import Exported, Request
from ._values import Ending, LeaseHandle, PulledFile, Ready, WantedFile

if TYPE_CHECKING:
    from .._device_file import DeviceFile
    from .._paths import Where

LARGEST = (1 << 62) - 1
"""Stands for a size that is not known yet, with as many digits as any."""
SLACK = 512
"""Bytes that a descriptor may grow between its first and its last writing, beside its sizes."""


def export(request: Request) -> Steps[Exported]:
    """Export what `request` says; raise ExportError, having left neither a lease nor a file."""
    try:
        yield from do(OpenTarget())
        if request.package is not None and not request.one_stream:
            # What stands in the way already is no reason to lock a machine, and leaves no failed task there.
            yield from _Seal(request).reserve({})
        done = yield from _leases(request)
        yield from do(Publish())
    except BaseException as error:
        # Why it failed matters more than that something is left.
        with contextlib.suppress(ExportError):
            yield from do(Discard(error))
        raise
    return done


def _leases(request: Request) -> Steps[Exported]:
    """Ask for a lease, and after a cut for another one, `request.leases` in all."""
    for number in range(1, request.leases + 1):
        endings: list[Ending] = []
        try:
            return (yield from _lease(request, endings))
        except (ShortStream, LeaseLost, HostRefused) as error:
            if number == request.leases or not _worth_another(error, endings):
                raise
            yield from do(Clear())
            yield from tell(LeaseAgain(request.subject.name, number + 1, request.leases, str(error)))
            if request.pause:
                yield from do(Pause(request.pause))
    raise AssertionError("the last lease either gives the package or raises")


def _worth_another(error: ExportError, endings: list[Ending]) -> bool:
    """Tell whether another lease may mend what went wrong under one that stood so when it was given up."""
    if isinstance(error, HostRefused):
        # A host that no longer knows the ticket says what the lease says (3.10).
        return endings == ["timed out"]
    # Who ended the lease on purpose does not want it asked for again.
    return getattr(error, "again", False) and endings in (["aborted"], ["timed out"])


def _lease(request: Request, endings: list[Ending]) -> Steps[Exported]:
    """Hold one lease from its grant to its one end."""
    held = yield from do(AskLease(request.subject))
    try:
        done = yield from _under(request, held)
        yield from do(Complete(held))
    except BaseException as error:
        reason = str(error) or type(error).__name__
        ending: Ending = "unknown"
        with contextlib.suppress(ExportError):
            ending = yield from do(Abort(held, reason))
        endings.append(ending)
        yield from tell(LeaseAborted(held.id, reason, ending in ("timed out", "gone"), ending != "unknown"))
        raise
    yield from tell(LeaseCompleted(held.id))
    return done


def _under(request: Request, held: LeaseHandle) -> Steps[Exported]:
    ready = yield from do(AwaitReady(held))
    yield from tell(
        LeaseGranted(request.subject.name, held.id, ready.timeout, ready.total_bytes, len(ready.entries)),
    )
    try:
        yield from do(StartRenewing(held))
        done = yield from _files(request, held, ready)
        yield from do(Sync())
    except BaseException:
        with contextlib.suppress(ExportError):
            yield from do(StopRenewing(held))
        raise
    yield from do(StopRenewing(held))
    yield from do(Report(held, 100))
    return done


def _files(request: Request, held: LeaseHandle, ready: Ready) -> Steps[Exported]:
    entries = [entry for entry in ready.entries if _wanted(entry, request)]
    keys = tuple(entry.key for entry in entries)
    chosen = bool(keys) and (yield from do(ChooseDigest(held, keys)))
    seal = _Seal(request) if request.package is not None else None
    if seal is not None and not request.one_stream:
        yield from seal.reserve({})
    names = []
    for number, entry in enumerate(entries, 1):
        names.append((yield from do(Claim(request.name_file(entry), f"file-{number}"))))
    if seal is not None and request.one_stream:
        # DSP0243 wants the files in the order of the descriptor, and nobody can put them so afterwards.
        order = yield from seal.reserve(dict(zip(names, entries, strict=True)))
        turns = sorted(zip(names, entries, strict=True), key=lambda pair: order.get(pair[0], len(order)))
        names, entries = [name for name, _ in turns], [entry for _, entry in turns]
    hosts = Hosts(request.order)
    # A server that does not digest with SHA-256 does so with SHA-1 (5.5).
    algorithms = tuple(dict.fromkeys((request.algorithm, "SHA256" if chosen else "SHA1")))
    pieces = [
        fetch_file(entry, name, algorithms, hosts, ready.total_bytes, held.id)
        for entry, name in zip(entries, names, strict=True)
    ]
    files = tuple((yield from together(pieces, 1 if request.one_stream else request.at_once)))
    yield from compare_manifest(held, files)
    descriptors = yield from _describe(request, files)
    if seal is None:
        return Exported(request.subject, held.id, files, descriptors)
    descriptor, manifest = yield from seal.write(next(iter(descriptors.values())), files)
    return Exported(request.subject, held.id, files, descriptors, descriptor, manifest)


def _wanted(entry: DeviceFile, request: Request) -> bool:
    if entry.is_disk:
        return True
    return request.nvram if entry.is_nvram else request.images


def _describe(request: Request, files: tuple[PulledFile, ...]) -> Steps[dict[str, bytes]]:
    wanted = tuple(WantedFile(each.key, each.name, each.size, each.disk) for each in files)
    found: dict[str, bytes] = {}
    for label, options in request.describe.items():
        described = yield from do(Describe(request.subject, wanted, options))
        yield from tell(DescriptorWritten(label, len(described.xml), described.warnings, described.errors))
        yield from check_descriptor(described.xml, files)
        found[label] = described.xml
    return found


class _Seal:
    """The two files that close a package: the descriptor, and the manifest over it and everything else."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self.descriptor, self.manifest = f"{request.package}.ovf", f"{request.package}.mf"
        self._room: int | None = None

    def reserve(self, files: Mapping[str, DeviceFile]) -> Steps[Mapping[str, int]]:
        """Keep both names; for one stream also their room, which the largest sizes and the longest digests need.

        Gives the place of each file in the descriptor, as far as that is known by now.
        """
        if not self._request.one_stream:
            yield from do(Reserve(self.descriptor))
            yield from do(Reserve(self.manifest))
            return {}
        wanted = tuple(WantedFile(each.key, name, LARGEST, each.is_disk) for name, each in files.items())
        options = next(iter(self._request.describe.values()))
        early = yield from do(Describe(self._request.subject, wanted, options))
        self._room = len(early.xml) + SLACK
        digest = new_hash(self._request.algorithm).hexdigest()
        rows = [ManifestEntry(name, digest, self._request.algorithm) for name in (self.descriptor, *files)]
        yield from do(Reserve(self.descriptor, self._room))
        yield from do(Reserve(self.manifest, len(write_manifest(rows))))
        return {file.href: place for place, file in enumerate(read_descriptor(early.xml).files)}

    def write(self, xml: bytes, files: tuple[PulledFile, ...]) -> Steps[tuple[Where, Where]]:
        """Write the manifest, then the descriptor, where whoever looks for a package looks first."""
        if self._room is not None:
            if len(xml) > self._room:
                raise BadPackage(
                    f"the server's descriptor grew from {self._room - SLACK} to {len(xml)} bytes while the disks came,"
                    " and has no room at the front of the OVA; export again, or into a directory"
                )
            # White space behind the root element is XML.
            xml = xml.ljust(self._room, b"\n")
        algorithm = self._request.algorithm
        own = ManifestEntry(self.descriptor, new_hash(algorithm, xml).hexdigest(), algorithm)
        rows = [own, *(ManifestEntry(each.name, each.digests[algorithm], algorithm) for each in files)]
        manifest = yield from do(Write(self.manifest, write_manifest(rows)))
        descriptor = yield from do(Write(self.descriptor, xml))
        return descriptor, manifest
