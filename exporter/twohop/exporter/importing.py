"""A package put back: read as a stream, judged on the way, and imported whole or not at all."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import singledispatchmethod
from pathlib import Path
from typing import Any

from twohop.runtime import Clock

from ._cancellation import Cancellation
from ._events import BytesMoved, Events, LoggedIn, PackageImported
from ._events import ignore as _ignore
from ._foreground import foreground
from ._imported import Package, ReadAlong
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
from .transfer import Line
from .transfer._connection import SILENCE
from .transfer._send import send_to
from .transfer._throttle import Throttle
from .verify._source import opened
from .vsphere import VCenterAddress, VSphere
from .vsphere._import import Place, Wanted, ask_import, entity_of, make_spec, place


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
            contents = Package(source)
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
        spec = _spec(vsphere, Package(source), chosen, where)
        return ImportPlan(
            address.authority, vsphere.version, str(package), spec.name, where.shown, dict(chosen.where.networks),
            spec.items, spec.warnings,
        )  # fmt: skip


def _spec(vsphere: VSphere, package: Package, options: ImportOptions, where: Place) -> ImportSpec:
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
        self, vsphere: VSphere, package: Package, options: ImportOptions, clock: Clock, events: Events,
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
        along = ReadAlong(item, action.algorithms)
        pieces = along.watched(self._package.source.pieces(item.name))
        send_to(action.source, pieces, item.size, line, disk=item.disk, on_bytes=on_bytes)
        return Sent(item.size, along.digests(), time.monotonic() - started, along.bare)


def _no_target() -> Any:
    # The engine of imports asks for nothing that has one.
    return None
