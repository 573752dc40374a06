"""An import from the first look at the package to the completed lease: an export's way, the other way round.

The server reads the descriptor and says what it wants; a lease is asked for once; every file is sent to the host that
the lease names for it, judged on the way; what the server says it received has to be what was sent. Only then is the
lease completed. Every other way out gives it up, and the server takes back what it has made (1.5).
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .._device_file import DeviceFile, Source
from .._errors import BadAnswer, BadPackage, BadStream, ExportError, HostBusy, HostUnreachable
from .._events import (
    FileSent,
    FileStarted,
    HostChosen,
    LeaseAborted,
    LeaseCompleted,
    LeaseGranted,
    ManifestCompared,
    PackageRead,
)
from ._actions import (
    Abort,
    Action,
    AskManifest,
    AwaitReady,
    ChooseDigest,
    Complete,
    Report,
    StartRenewing,
    Steps,
    StopRenewing,
    do,
    tell,
    together,
)
from ._files import Hosts
from ._values import Ending, LeaseHandle, ManifestRow, Ready


@dataclass(frozen=True, slots=True)
class ImportItem:
    """A file that the server wants: its key, its name in the package, its bytes; `disk` is posted, all else is put."""

    key: str
    name: str
    size: int
    disk: bool


@dataclass(frozen=True, slots=True)
class ImportSpec:
    """What the server makes of a descriptor: the name of the entity, the files, its warnings; `ref` is its own."""

    name: str
    items: tuple[ImportItem, ...]
    warnings: tuple[str, ...] = ()
    ref: Any = field(default=None, repr=False, compare=False)

    @property
    def bytes(self) -> int:
        """Bytes that have to be sent."""
        return sum(item.size for item in self.items)


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What to import: digests by file as the package's manifest lists them (algorithm, hex), files at one time."""

    listed: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    at_once: int = 1


@dataclass(frozen=True, slots=True)
class Sent:
    """A file that a host took whole: bytes, digests by algorithm, real seconds.

    `bare` says that a disk's stream ends with its end-of-stream marker: a host digests no further (5.4).
    """

    size: int
    digests: Mapping[str, str]
    seconds: float
    bare: bool = True


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file as it was sent: device key, name in the package, bytes, SHA-256 in hex, the host."""

    key: str
    name: str
    size: int
    sha256: str
    host: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What has come of an import; `entity` is the server's object id, where the lease told it."""

    name: str
    entity: str | None
    lease_id: str
    files: tuple[SentFile, ...]


@dataclass(frozen=True)
class MakeSpec(Action[ImportSpec]):
    """Have the server read the descriptor, and see that the package has every file that it wants."""


@dataclass(frozen=True)
class AskImport(Action[LeaseHandle]):
    """Ask the server for an import lease; never said twice, whatever happens (2.14a)."""

    spec: ImportSpec


@dataclass(frozen=True)
class Send(Action[Sent]):
    """Send one file of the package to one host, with a digest of each of `algorithms`; a disk is judged on the way."""

    entry: DeviceFile
    source: Source
    item: ImportItem
    algorithms: tuple[str, ...] = ()


@dataclass(frozen=True)
class AskEntity(Action["str | None"]):
    """Read which object the lease makes."""

    lease: LeaseHandle


def import_package(request: ImportRequest) -> Steps[Imported]:
    """Import what `request` says; raise ExportError, having left nothing at the server."""
    spec = yield from do(MakeSpec())
    yield from tell(PackageRead(spec.name, tuple(item.name for item in spec.items), spec.bytes, spec.warnings))
    held = yield from do(AskImport(spec))
    try:
        done = yield from _under(request, spec, held)
        yield from do(Complete(held))
    except BaseException as error:
        reason = str(error) or type(error).__name__
        ending: Ending = "unknown"
        with contextlib.suppress(ExportError):
            ending = yield from do(Abort(held, reason))
        yield from tell(LeaseAborted(held.id, reason, ending in ("timed out", "gone"), ending != "unknown"))
        raise
    yield from tell(LeaseCompleted(held.id))
    return done


def _under(request: ImportRequest, spec: ImportSpec, held: LeaseHandle) -> Steps[Imported]:
    ready = yield from do(AwaitReady(held))
    yield from tell(LeaseGranted(spec.name, held.id, ready.timeout, ready.total_bytes, len(ready.entries)))
    try:
        yield from do(StartRenewing(held))
        files = yield from _files(request, spec, held, ready)
    except BaseException:
        with contextlib.suppress(ExportError):
            yield from do(StopRenewing(held))
        raise
    yield from do(StopRenewing(held))
    yield from do(Report(held, 100))
    return Imported(spec.name, (yield from do(AskEntity(held))), held.id, files)


def _files(request: ImportRequest, spec: ImportSpec, held: LeaseHandle, ready: Ready) -> Steps[tuple[SentFile, ...]]:
    by_key = {entry.import_key: entry for entry in ready.entries}
    missing = [item for item in spec.items if item.key not in by_key]
    if missing:
        raise BadAnswer(
            f"the lease has no place for {missing[0].name[:120]!r} ({missing[0].key[:120]}), which the server wants;"
            " nothing was sent"
        )
    keys = tuple(by_key[item.key].key for item in spec.items)
    chosen = bool(keys) and (yield from do(ChooseDigest(held, keys)))
    hosts = Hosts()
    pieces = [_send(request, by_key[item.key], item, "SHA256" if chosen else "SHA1", hosts) for item in spec.items]
    sent = yield from together(pieces, request.at_once)
    yield from _compare(held, sent)
    return tuple(file for file, _ in sent)


def _send(
    request: ImportRequest, entry: DeviceFile, item: ImportItem, algorithm: Literal["SHA256", "SHA1"], hosts: Hosts
) -> Steps[tuple[SentFile, Sent]]:
    """Send one file; a host that cannot be reached, or is busy, is passed over while there is another."""
    listed = request.listed.get(item.name)
    algorithms = tuple(dict.fromkeys(("SHA256", algorithm, *((listed[0],) if listed else ()))))
    turns = hosts.in_turn(entry.sources)
    failed: list[str] = []
    for source, why in turns:
        yield from tell(HostChosen(entry.key, source.host, f"instead of {failed[-1]}" if failed else why))
        yield from tell(FileStarted(entry.key, item.name, source.host, item.size))
        try:
            sent = yield from do(Send(entry, source, item, algorithms))
        except (HostUnreachable, HostBusy):
            hosts.pass_over(source)
            failed.append(source.host)
            if source is turns[-1][0]:
                raise
            continue
        if listed is not None and sent.digests[listed[0]] != listed[1]:
            raise BadPackage(
                f"{item.name[:120]!r} has {listed[0]} {sent.digests[listed[0]]}, the package's manifest says"
                f" {listed[1]}; the import was given up: get the package again",
                whose="you",
            )
        digest = sent.digests["SHA256"]
        yield from tell(FileSent(entry.key, item.name, sent.size, digest, source.host, sent.seconds))
        return SentFile(entry.key, item.name, sent.size, digest, source.host), sent
    raise AssertionError("a file has one place at least")


def _compare(held: LeaseHandle, sent: list[tuple[SentFile, Sent]]) -> Steps[None]:
    """Compare what was sent with what the server says it received; one without a manifest says nothing (5.6)."""
    rows = yield from do(AskManifest(held))
    by_key = {row.key: row for row in rows or ()}
    for file, how in sent:
        row = by_key.get(file.key)
        if row is not None:
            yield from tell(ManifestCompared(file.key, file.name, _agree(file, how, row)))


def _agree(file: SentFile, sent: Sent, row: ManifestRow) -> str:
    mine = sent.digests.get(row.algorithm)
    # What stands behind the end of a stream is no part of the disk, and of its digest only with some servers (5.4).
    if not sent.bare or mine is None or not row.digest:
        return "size" if row.size == sent.size else "nothing"
    if row.size != sent.size or mine != row.digest.lower():
        raise BadStream(
            f"{file.name[:120]!r} was sent with {sent.size} bytes and {row.algorithm} {mine}, the server says that"
            f" {row.size} came with {row.digest}; the import was given up: something in between changes bytes"
        )
    return row.algorithm
