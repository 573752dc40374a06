"""One hop: a lease, every file straight from the hosts, descriptor, manifest; all of it whole, or nothing."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from twohop.runtime import Clock
from twohop.runtime.observing import Observer

from ._cancellation import Cancellation
from ._errors import ExportError
from ._events import DescriptorWritten, Events, LeaseAborted, LeaseCompleted, LeaseGranted, LoggedIn, PackageWritten
from ._events import ignore as _ignore
from ._placing import Place, Placing
from ._pulling import Pull, PulledFile
from ._shield import shielded
from .package import ManifestEntry, safe_name, write_manifest
from .vsphere import DeviceFile, HeldLease, KeepAlive, OvfFile, VCenterAddress, VSphere

PART = ".part"
"""What stands behind the name of a file that is not whole yet."""

NameFile = Callable[[DeviceFile], str]
"""Chooses a file's name in the package; what it returns is made safe and kept apart from the others."""


@dataclass(frozen=True, slots=True)
class PulledVm:
    """A VM whose files have all arrived; `descriptors` by the names that were asked for, in that order."""

    name: str
    files: tuple[PulledFile, ...]
    descriptors: Mapping[str, bytes]
    lease_id: str

    @property
    def descriptor(self) -> bytes:
        """The first descriptor."""
        return next(iter(self.descriptors.values()))


@dataclass(frozen=True, slots=True)
class Export:
    """A package on disk: its descriptor, its manifest, its files in the order of the lease; `seconds` of real time."""

    name: str
    descriptor: Path
    manifest: Path
    files: tuple[PulledFile, ...]
    lease_id: str
    seconds: float


def pull_vm(
    vsphere: VSphere,
    vm_name: str,
    directory: Path,
    *,
    name_file: NameFile | None = None,
    describe: Mapping[str, Sequence[str]] | None = None,
    clock: Clock | None = None,
    events: Events = _ignore,
    cancelled: Cancellation | None = None,
    observer: Observer | None = None,
) -> PulledVm:
    """Fetch every file of a VM into `directory` and have the server describe them.

    The lease is kept alive by a thread on `clock` (default: real time), completed when everything is safe on disk, and
    aborted on every other way out; then nothing that was fetched is left. `describe` names the descriptors wanted and
    the export options of each (8.8). Raises ExportError.
    """
    with Placing(directory) as placing:
        vm = vsphere.find_vm(vm_name)
        pulled = _pull(vsphere, vm, placing, _unsealed, name_file, describe, clock, events, cancelled, observer)
        placing.publish()
    return pulled


def export_vm(
    address: VCenterAddress,
    name: str,
    output: Path,
    *,
    force: bool = False,
    clock: Clock | None = None,
    events: Events = _ignore,
    cancelled: Cancellation | None = None,
    observer: Observer | None = None,
) -> Export:
    """Export one VM into the directory `output` as an OVF package: disks, manifest, descriptor.

    Files carry `.part` behind their names until all of them are whole; the descriptor gets its final name last. On any
    failure nothing of this export is left. Raises ExportError; AlreadyThere where a file would be overwritten without
    `force`.
    """
    started = time.monotonic()
    with Placing(output, suffix=PART, force=force) as placing, VSphere(address, observer=observer) as vsphere:
        events(LoggedIn(address.authority, vsphere.version))
        vm = vsphere.find_vm(name)
        base = safe_name(vsphere.name_of(vm), "vm")
        descriptor, manifest = f"{base}.ovf", f"{base}.mf"
        placing.reserve(descriptor)
        placing.reserve(manifest)
        written: list[Place] = []

        def seal(pulled: PulledVm) -> None:
            written.append(placing.write(manifest, _manifest(pulled, descriptor)))
            written.append(placing.write(descriptor, pulled.descriptor))

        pulled = _pull(vsphere, vm, placing, seal, None, None, clock, events, cancelled, observer)
        placing.publish()
    files = tuple(each.at(output / each.name) for each in pulled.files)
    seconds = time.monotonic() - started
    made, listed = written[1].final, written[0].final
    names = (*(each.name for each in files), manifest, descriptor)
    events(PackageWritten(str(made), names, sum(each.size for each in files), seconds))
    return Export(pulled.name, made, listed, files, pulled.lease_id, seconds)


def _pull(
    vsphere: VSphere,
    vm: Any,
    placing: Placing,
    seal: Callable[[PulledVm], None],
    name_file: NameFile | None,
    describe: Mapping[str, Sequence[str]] | None,
    clock: Clock | None,
    events: Events,
    cancelled: Cancellation | None,
    observer: Observer | None,
) -> PulledVm:
    """Hold a lease, fetch, describe, `seal` what came, complete."""
    name = vsphere.name_of(vm)
    with contextlib.ExitStack() as stack:
        if clock is None:
            clock = Clock(running=True)
            stack.callback(clock.close)
        stop = stack.enter_context((cancelled or Cancellation()).child())
        stop.check()
        lease = stack.enter_context(vsphere.export(vm, cancelled=stop))
        stack.enter_context(_announced(lease, events))
        events(LeaseGranted(name, lease.id, lease.timeout, lease.total_kib * 1024, len(lease.entries)))
        pull = Pull(vsphere.address, lease, clock, events, stop, observer)
        with KeepAlive(lease, clock, cancelled=stop, events=events, percent=pull.percent):
            places = [
                placing.claim(name_file(entry) if name_file else _name(name, entry), f"file-{number}")
                for number, entry in enumerate(lease.entries, 1)
            ]
            files = tuple(pull.fetch(entry, place) for entry, place in zip(lease.entries, places, strict=True))
            descriptors = _describe(vsphere, vm, name, files, describe or {"default": ()}, events)
            pulled = PulledVm(name, files, descriptors, lease.id)
            seal(pulled)
            stop.check()
        stop.check()
        lease.progress(100)
        shielded(lease.complete)
        return pulled


def _unsealed(pulled: PulledVm) -> None:
    """Add nothing to what was fetched."""


@contextlib.contextmanager
def _announced(lease: HeldLease, events: Events) -> Iterator[None]:
    """Abort the lease on every way out but success, and say how it ended."""
    try:
        yield
    except BaseException as error:
        if not lease.ended:
            reason = str(error) or type(error).__name__
            had = False
            with contextlib.suppress(ExportError):
                had = shielded(lambda: lease.abort(reason))
            events(LeaseAborted(lease.id, reason, not had))
        raise
    events(LeaseCompleted(lease.id))


def _describe(
    vsphere: VSphere,
    vm: Any,
    name: str,
    files: Sequence[PulledFile],
    wanted: Mapping[str, Sequence[str]],
    events: Events,
) -> dict[str, bytes]:
    ovf_files = [OvfFile(each.key, each.name, each.size, disk=each.disk) for each in files]
    found: dict[str, bytes] = {}
    for label, options in wanted.items():
        descriptor = vsphere.describe(vm, ovf_files, options=options, name=name)
        found[label] = descriptor.xml
        events(DescriptorWritten(label, len(descriptor.xml), descriptor.warnings, descriptor.errors))
    return found


def _name(vm: str, entry: DeviceFile) -> str:
    """Return the name that govc gives too: the VM's, then what the server calls the file (4.6, 4.9)."""
    own = entry.target_id or entry.url_name or entry.key.rpartition("/")[2]
    return own if own.startswith(vm) else f"{vm}-{own}"


def _manifest(pulled: PulledVm, descriptor: str) -> bytes:
    own = ManifestEntry(descriptor, sha256(pulled.descriptor).hexdigest())
    return write_manifest([own, *(ManifestEntry(each.name, each.sha256) for each in pulled.files)])
