"""A package put back: read as a stream, judged on the way, and imported whole or not at all."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import singledispatchmethod
from hashlib import new as new_hash
from pathlib import Path, PurePosixPath
from typing import Any

from twohop.runtime import Clock

from ._cancellation import Cancellation
from ._errors import BadPackage
from ._events import BytesMoved, Events, LoggedIn, PackageImported
from ._events import ignore as _ignore
from ._foreground import foreground
from ._perform import Performer, _HeldHere
from .direct import _clock
from .engine import _actions as do
from .engine._import import (
    AskEntity,
    AskImport,
    Imported,
    ImportItem,
    ImportRequest,
    ImportSpec,
    MakeSpec,
    Send,
    Sent,
    import_package,
)
from .engine._values import Ready
from .package._descriptor import FileEntry, envelope, ovf, read_descriptor
from .package._manifest import parse_manifest
from .package._vmdk import StreamChecker, StreamFault
from .transfer import Line
from .transfer._connection import SILENCE
from .transfer._send import send_to
from .transfer._throttle import Throttle
from .verify._source import Source, opened
from .vsphere import VCenterAddress, VSphere
from .vsphere._import import Place, Wanted, ask_import, entity_of, make_spec, place

MOST_TEXT = 16 << 20
"""Bytes of a descriptor or a manifest that are read at all."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How to import, and where to.

    `name` is that of the new VM or vApp, by default the package's. `properties` by their keys, `provisioning` as the
    API has it, `deployment` one of the package's options. `at_once` files are sent at one time, at `rate` bytes a
    second together; `silence` is the longest wait for a host in real seconds.
    """

    name: str | None = None
    where: Wanted = field(default_factory=Wanted)
    properties: Mapping[str, str] = field(default_factory=dict)
    provisioning: str = "thin"
    deployment: str = ""
    at_once: int = 1
    rate: float | None = None
    silence: float = SILENCE


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """One import as it would be done."""

    server: str
    version: str
    package: str
    name: str
    where: Mapping[str, str]
    networks: Mapping[str, str]
    files: tuple[ImportItem, ...]
    warnings: tuple[str, ...]

    @property
    def bytes(self) -> int:
        """Bytes that would be sent."""
        return sum(item.size for item in self.files)

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain JSON data."""
        return {"event": "ImportPlan", **asdict(self), "bytes": self.bytes}

    def lines(self) -> Iterator[str]:
        """Give the plan as a person reads it."""
        yield f"package   {self.package}"
        yield f"server    {self.server}, API {self.version}"
        yield f"name      {self.name}"
        for what, name in self.where.items():
            yield f"{what:<10}{name}"
        for name, other in self.networks.items():
            yield f"network   {name} becomes {other}"
        for item in self.files:
            yield f"{'POST' if item.disk else 'PUT':<10}{item.name}  {item.size} bytes"
        for warning in self.warnings:
            yield f"warning   {warning}"


def import_ovf(
    address: VCenterAddress,
    package: Path,
    *,
    options: ImportOptions | None = None,
    clock: Clock | None = None,
    events: Events = _ignore,
    cancelled: Cancellation | None = None,
) -> Imported:
    """Import the package at `package`, a directory, a descriptor or an OVA, and return what has come of it.

    Names, sizes and the manifest are checked, every disk is read grain by grain as it is sent, and what the server
    says it received is compared with it, all before the lease is completed. On any failure the lease is given up, and
    the server keeps nothing. Raises ExportError.
    """
    chosen, stop = options or ImportOptions(), cancelled or Cancellation()

    def work() -> Imported:
        started, cpu = time.monotonic(), time.process_time()
        with (
            opened(package) as source,
            VSphere(address, cancelled=stop) as vsphere,
            _clock(clock) as mine,
            stop.child() as own,
        ):
            events(LoggedIn(address.authority, vsphere.version))
            contents = _Package(source)
            importer = _Importer(vsphere, contents, chosen, mine, events, own)
            done: Imported = importer.drive(import_package(ImportRequest(contents.listed, chosen.at_once)))
            events(
                PackageImported(
                    done.name, done.entity or "", sum(file.size for file in done.files), time.monotonic() - started,
                    done.lease_id, time.process_time() - cpu,
                )
            )  # fmt: skip
            return done

    return foreground(work, stop)


def plan_import(address: VCenterAddress, package: Path, *, options: ImportOptions | None = None) -> ImportPlan:
    """Return what an import would do: the package and the server are read, nothing is asked for or changed."""
    chosen = options or ImportOptions()
    with opened(package) as source, VSphere(address) as vsphere:
        where = place(vsphere, chosen.where)
        spec = _spec(vsphere, _Package(source), chosen, where)
        return ImportPlan(
            address.authority, vsphere.version, str(package), spec.name, where.shown, dict(chosen.where.networks),
            spec.items, spec.warnings,
        )  # fmt: skip


class _Package:
    """The package as it lies there: its descriptor, its files, what its manifest lists (algorithm and hex)."""

    def __init__(self, source: Source) -> None:
        self.source = source
        text = self._text(source.descriptor)
        root = envelope(text)
        self.text = text.decode("utf-8")
        self.files: dict[str, FileEntry] = {}
        for file in read_descriptor(text).files:
            self.files[_safe(file.href)] = file
        top = next((row for row in root if row.tag in (ovf("VirtualSystem"), ovf("VirtualSystemCollection"))), None)
        if top is None:
            raise BadPackage(f"{source.descriptor} describes no machine and no vApp", whose="you")
        self.name = str(top.findtext(ovf("Name")) or top.get(ovf("id")) or "imported")
        manifest = str(PurePosixPath(source.descriptor).with_suffix(".mf"))
        rows = parse_manifest(self._text(manifest)) if source.size(manifest) is not None else ()
        self.listed = {row.name: (row.algorithm, row.digest) for row in rows}
        own = self.listed.get(source.descriptor)
        if own is not None and new_hash(own[0], text).hexdigest() != own[1]:
            raise BadPackage(
                f"{source.descriptor} is not as the manifest says ({own[0]}); nothing was imported, get it again",
                whose="you",
            )

    def item(self, key: str, path: str, disk: bool) -> ImportItem:
        """Return a file that the server wants; only the descriptor says which there are."""
        if path not in self.files:
            raise BadPackage(f"the server wants a file {path[:120]!r}, which the descriptor does not name")
        size, said = self.source.size(path), self.files[path].size
        if size is None:
            raise BadPackage(f"the package lacks {path[:120]!r}, which its descriptor names", whose="you")
        if said is not None and said != size:
            raise BadPackage(f"{path[:120]!r} has {size} bytes, the descriptor says {said}", whose="you")
        return ImportItem(key, path, size, disk)

    def _text(self, name: str) -> bytes:
        size = self.source.size(name) or 0
        if size > MOST_TEXT:
            raise BadPackage(f"{name[:120]!r} has {size} bytes, at most {MOST_TEXT} are read", whose="you")
        return b"".join(self.source.pieces(name))


def _safe(href: str) -> str:
    """Return the name of a file of the package; what leads out of it is refused, or a stranger could have it sent."""
    parts = href.split("/")
    if not href or href.startswith("/") or "\\" in href or ":" in parts[0] or any(p in ("", ".", "..") for p in parts):
        raise BadPackage(f"the descriptor names a file {href[:120]!r}, which is not within the package", whose="you")
    return href


def _spec(vsphere: VSphere, package: _Package, options: ImportOptions, where: Place) -> ImportSpec:
    name = options.name or package.name
    made = make_spec(
        vsphere, package.text, where, name=name, properties=options.properties, provisioning=options.provisioning,
        deployment=options.deployment,
    )  # fmt: skip
    items = tuple(package.item(item.deviceId, item.path, not item.create) for item in made.fileItem or ())
    warnings = tuple(str(warning.msg or type(warning).__name__) for warning in made.warning or ())
    return ImportSpec(name, items, warnings, made.importSpec)


class _Importer(Performer):
    """The world of one import: what it has in common with that of an export, and a package instead of a target."""

    def __init__(
        self, vsphere: VSphere, package: _Package, options: ImportOptions, clock: Clock, events: Events,
        cancelled: Cancellation,
    ) -> None:  # fmt: skip
        super().__init__(
            vsphere, _no_target(), clock, events, cancelled, silence=options.silence,
            throttle=Throttle(options.rate) if options.rate else None, loopback=vsphere.on_this_machine(),
        )  # fmt: skip
        self._package, self._options = package, options
        self._where: Place | None = None
        self._total = 0

    @singledispatchmethod
    def _do(self, action: Any) -> Any:
        return super()._do(action)

    @_do.register
    def _(self, action: MakeSpec) -> ImportSpec:
        self._where = place(self._vsphere, self._options.where)
        return _spec(self._vsphere, self._package, self._options, self._where)

    @_do.register
    def _(self, action: AskImport) -> Any:
        assert self._where is not None
        self._total = action.spec.bytes
        grant = ask_import(self._vsphere, action.spec.ref, self._where)
        self._lease = _HeldHere(grant, self._cancelled)
        return grant

    @_do.register
    def _(self, action: do.AwaitReady) -> Ready:
        ready: Ready = super()._do(action)
        # What is to be sent is known, unlike what an export will send.
        self._held().ready = Ready(ready.timeout, self._total, ready.entries)
        return ready

    @_do.register
    def _(self, action: AskEntity) -> str | None:
        return entity_of(self._vsphere, self._held().grant)

    @_do.register
    def _(self, action: Send) -> Sent:
        item, held, address = action.item, self._held(), self._vsphere.address
        started = time.monotonic()

        def on_bytes(done: int) -> None:
            held.moved(action.entry.key, done)
            self._events(BytesMoved(action.entry.key, item.name, done, item.size))

        line = Line(
            None, held.stop, address.ca_file, address.insecure, self._silence, loopback=self._loopback,
            throttle=None if self._throttle is None else self._throttle.waiting(held.stop),
        )  # fmt: skip
        judge = _Judge(item, action.algorithms)
        pieces = judge.watched(self._package.source.pieces(item.name))
        send_to(action.source, pieces, item.size, line, disk=item.disk, on_bytes=on_bytes)
        return Sent(item.size, judge.digests(), time.monotonic() - started, judge.bare)


class _Judge:
    """Reads along while a file is sent: its length, its digests, and for a disk its stream, grain by grain."""

    def __init__(self, item: ImportItem, algorithms: tuple[str, ...]) -> None:
        self._item = item
        self._checker = StreamChecker(inflate=True) if item.disk else None
        self._digests = {name: new_hash(name) for name in algorithms}
        self._size = 0
        self._tail = b""

    def watched(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Give the pieces on; BadPackage, before the last of them is out, where the file is not what it should be."""
        last = b""
        for piece in pieces:
            if last:
                yield last
            self._take(piece)
            last = piece
        name = self._item.name[:120]
        if self._size != self._item.size:
            raise BadPackage(f"{name!r} ends after {self._size} bytes of {self._item.size}", whose="you")
        if self._checker is not None:
            try:
                self._checker.close()
            except StreamFault as fault:
                raise self._no_disk(fault) from fault
        if last:
            yield last

    @property
    def bare(self) -> bool:
        """Whether nothing stands behind the end-of-stream marker."""
        return self._checker is None or bool(self._tail[:512].strip(b"\0"))

    def digests(self) -> dict[str, str]:
        """Return the digests in hex, by algorithm."""
        return {name: made.hexdigest() for name, made in self._digests.items()}

    def _take(self, piece: bytes) -> None:
        self._size += len(piece)
        self._tail = (self._tail + piece)[-1024:]
        for made in self._digests.values():
            made.update(piece)
        if self._checker is not None:
            try:
                self._checker.feed(piece)
            except StreamFault as fault:
                raise self._no_disk(fault) from fault

    def _no_disk(self, fault: StreamFault) -> BadPackage:
        return BadPackage(f"{self._item.name[:120]!r} is no whole disk: {fault}; the import was given up", whose="you")


def _no_target() -> Any:
    # The engine of imports asks for nothing that has one.
    return None
