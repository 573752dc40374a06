"""One hop: a lease, every file straight from the hosts, descriptor, manifest; all of it whole, or nothing."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from twohop.runtime import Clock
from twohop.runtime.observing import Observer

from ._cancellation import Cancellation
from ._events import Events, LoggedIn, PackageWritten
from ._events import ignore as _ignore
from ._foreground import foreground
from ._ova import OvaTarget
from ._perform import Performer
from ._plan import Plan, make_plan
from ._target import DirectoryTarget, Target
from .engine import Algorithm, Exported, HostOrder, NameFile, PulledFile, Request, Subject, export, registered_first
from .package import safe_name
from .transfer._connection import SILENCE
from .transfer._throttle import Throttle
from .vsphere import DeviceFile, VCenterAddress, VSphere

PART = ".part"
"""What stands behind the name of a file that is not whole yet."""
LEASES = 3
"""Leases that an export asks for at most; all but the first only after a cut."""
PAUSE = 2.0
"""Real seconds between a cut and the next lease."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to export.

    `snapshot` names one of the VM's snapshots, which may be exported while the VM runs (2.11). `algorithm` is the
    manifest's. `nvram` and `images` False leave these files out. `at_once` files are fetched at one time, at `rate`
    bytes a second together. `silence` is the longest wait between two bytes in real seconds. After a cut there is
    another lease, `leases` in all, `pause` real seconds later. `force` overwrites what stands there.
    """

    snapshot: str | None = None
    algorithm: Algorithm = "SHA256"
    nvram: bool = True
    images: bool = True
    at_once: int = 1
    rate: float | None = None
    silence: float = SILENCE
    leases: int = LEASES
    pause: float = PAUSE
    force: bool = False
    export_options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for name, good in (
            ("at_once", self.at_once >= 1),
            ("leases", self.leases >= 1),
            ("silence", self.silence > 0),
            ("pause", self.pause >= 0),
            ("rate", self.rate is None or self.rate > 0),
        ):
            if not good:
                raise ValueError(f"{name} cannot be {getattr(self, name)}")


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
    """A package on disk: its descriptor, its manifest, its files in the order of the lease; `seconds` of real time.

    In an OVA all of them lie in one file, which each path names.
    """

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
    order: HostOrder = registered_first,
) -> PulledVm:
    """Fetch every file of a VM into `directory` under one lease, and have the server describe them.

    The lease is kept alive by a thread on `clock` (default: real time), completed when everything is safe on disk, and
    aborted on every other way out; then nothing that was fetched is left. `describe` names the descriptors wanted and
    the export options of each (8.8), `order` which host is asked first (4.12). Raises ExportError.
    """
    subject = vsphere.find(vm_name)
    wanted = {label: tuple(options) for label, options in (describe or {"default": ()}).items()}
    request = Request(subject, name_file or _name(subject), None, wanted, order=order)
    job = _Job(request, DirectoryTarget(directory), Options(), cancelled or Cancellation())
    done = foreground(lambda: job.run(vsphere, clock, events, observer), job.cancelled)
    return PulledVm(done.name, done.files, done.descriptors, done.lease_id)


def export_vm(
    address: VCenterAddress,
    name: str,
    output: Path,
    *,
    options: Options | None = None,
    force: bool = False,
    clock: Clock | None = None,
    events: Events = _ignore,
    cancelled: Cancellation | None = None,
    observer: Observer | None = None,
) -> Export:
    """Export one VM, vApp or snapshot as an OVF package: into the directory `output`, or the file where it is `*.ova`.

    `name` as VSphere.find takes it. Files carry `.part` behind their names until all of them are whole; the descriptor
    gets its final name last. On any failure nothing of this export is left. Raises ExportError; AlreadyThere where a
    file would be overwritten without `force`.
    """
    options = replace(options or Options(), force=force or (options is not None and options.force))
    stop = cancelled or Cancellation()

    def work() -> Export:
        with VSphere(address, observer=observer, cancelled=stop) as vsphere:
            events(LoggedIn(address.authority, vsphere.version))
            stop.check()
            subject = vsphere.find(name, snapshot=options.snapshot)
            return export_subject(
                vsphere, subject, output, options=options, clock=clock, events=events, cancelled=stop, observer=observer
            )

    return foreground(work, stop)


def export_subject(
    vsphere: VSphere,
    subject: Subject,
    output: Path,
    *,
    options: Options,
    clock: Clock | None = None,
    events: Events = _ignore,
    cancelled: Cancellation | None = None,
    observer: Observer | None = None,
) -> Export:
    """Export what was found in a session that stands; else as `export_vm`."""
    started, cpu = time.monotonic(), time.process_time()
    job = _job(subject, output, options, cancelled or Cancellation())
    done = job.run(vsphere, clock, events, observer)
    files = tuple(each.at(job.target.final(each.name)) for each in done.files)
    assert done.descriptor is not None and done.manifest is not None
    seconds = time.monotonic() - started
    package = str(job.request.package)
    names = (*(each.name for each in files), f"{package}.mf", f"{package}.ovf")
    events(
        PackageWritten(
            str(done.descriptor), names, sum(each.size for each in files), seconds, done.lease_id,
            time.process_time() - cpu,
        )
    )  # fmt: skip
    return Export(done.name, done.descriptor, done.manifest, files, done.lease_id, seconds)


def plan_export(vsphere: VSphere, subject: Subject, output: Path, *, options: Options) -> Plan:
    """Return what an export would do; nothing is asked for, written or changed. Raises ExportError."""
    job = _job(subject, output, options, Cancellation())
    return make_plan(
        vsphere, job.request, str(job.target.final(f"{job.request.package}.ovf")), rate=options.rate,
        silence=options.silence, obstacles=tuple(job.target.obstacles(f"{job.request.package}.ovf")),
    )  # fmt: skip


@dataclass(frozen=True)
class _Job:
    """One export that is about to be done."""

    request: Request
    target: Target
    options: Options
    cancelled: Cancellation

    def run(self, vsphere: VSphere, clock: Clock | None, events: Events, observer: Observer | None) -> Exported:
        """Do it; a wish to stop that others have reaches this job, but its own failure reaches nobody."""
        rate = self.options.rate
        with _clock(clock) as mine, self.cancelled.child() as stop:
            stop.check()
            performer = Performer(
                vsphere, self.target, mine, events, stop, observer=observer, silence=self.options.silence,
                throttle=Throttle(rate) if rate else None, loopback=vsphere.on_this_machine(),
            )  # fmt: skip
            done: Exported = performer.drive(export(self.request))
            return done


def _job(subject: Subject, output: Path, options: Options, cancelled: Cancellation) -> _Job:
    # A directory may be called so as well.
    ova = output.suffix.lower() == ".ova" and not output.is_dir()
    target: Target = (
        OvaTarget(output, suffix=PART, force=options.force)
        if ova
        else DirectoryTarget(output, suffix=PART, force=options.force)
    )
    request = Request(
        subject, _name(subject), safe_name(output.stem if ova else subject.name, "vm"),
        {"default": options.export_options}, options.algorithm, options.nvram, options.images, target.one_stream,
        options.at_once, options.leases, options.pause,
    )  # fmt: skip
    return _Job(request, target, options, cancelled)


@contextlib.contextmanager
def _clock(clock: Clock | None) -> Iterator[Clock]:
    if clock is not None:
        yield clock
        return
    with contextlib.closing(Clock(running=True)) as mine:
        yield mine


def _name(subject: Subject) -> NameFile:
    """Name files as govc does too: the VM's name, then what the server calls the file (4.6, 4.9)."""

    def name(entry: DeviceFile) -> str:
        own = entry.target_id or entry.url_name or entry.key.rpartition("/")[2]
        return own if own.startswith(subject.name) else f"{subject.name}-{own}"

    return name
