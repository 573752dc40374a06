"""What an export is going to do, before it does any of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from .engine import Algorithm, Request, Subject
from .vsphere import VSphere


@dataclass(frozen=True, slots=True)
class PlannedDisk:
    """A disk that will come: what the server calls it, its capacity in bytes, the file behind it."""

    label: str
    capacity: int
    backing: str


@dataclass(frozen=True, slots=True)
class Plan:
    """One export as it would be done.

    `target` is where the descriptor or the OVA will stand, `obstacles` are what would refuse it as things are now.
    """

    server: str
    version: str
    source: str
    kind: str
    moid: str
    snapshot: str | None
    power: str | None
    disks: tuple[PlannedDisk, ...]
    target: str
    form: str
    algorithm: Algorithm
    nvram: bool
    images: bool
    at_once: int
    leases: int
    rate: float | None
    silence: float
    obstacles: tuple[str, ...]

    @property
    def capacity(self) -> int:
        """Bytes of all disks: what comes is mostly less, and nobody knows how much (4.2)."""
        return sum(disk.capacity for disk in self.disks)

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain JSON data."""
        return {"event": "Plan", **asdict(self), "capacity": self.capacity, "steps": list(self.steps())}

    def lines(self) -> Iterator[str]:
        """Give the plan as a person reads it."""
        of = f", snapshot {self.snapshot}" if self.snapshot else f", {self.power}" if self.power else ""
        yield f"source    {self.kind} {self.source} ({self.moid}){of}"
        yield f"server    {self.server}, API {self.version}"
        for disk in self.disks:
            yield f"disk      {disk.label}, {disk.capacity} bytes of capacity, {disk.backing}"
        yield f"target    {self.target} ({self.form}), manifest in {self.algorithm}"
        for number, step in enumerate(self.steps(), 1):
            yield f"{number:>4}.     {step}"
        for obstacle in self.obstacles:
            yield f"obstacle  {obstacle}"

    def steps(self) -> Iterator[str]:
        """Give what is done, in order."""
        call = "ExportSnapshot" if self.snapshot else "ExportVApp" if self.kind == "VirtualApp" else "ExportVm"
        yield f"{call}, then wait until the lease is ready; renew it at every third of its timeout, or sooner"
        left = " and ".join(name for name, there in (("nvram", self.nvram), ("images", self.images)) if not there)
        order = "one after the other" if self.at_once == 1 else f"{self.at_once} at a time"
        rate = f", at most {self.rate / 2**20:g} MiB/s" if self.rate else ""
        yield (
            f"fetch every file{f' but {left}' if left else ''} from its host, {order}{rate}, giving up after"
            f" {self.silence:g} s of silence"
        )
        yield "compare bytes and digests with the stream's own end, declared sizes and the server's manifest"
        yield f"have the server write the descriptor; write the manifest in {self.algorithm}; make all safe on disk"
        yield "complete the lease, then give the files their names"
        if self.leases > 1:
            yield f"after a cut: abort, and begin anew under another lease, {self.leases} leases at most"
        yield "on any other failure: abort the lease and leave nothing"


def make_plan(
    vsphere: VSphere,
    request: Request,
    target: str,
    *,
    rate: float | None,
    silence: float,
    obstacles: tuple[str, ...] = (),
) -> Plan:
    """Read what there is to know of the subject, and plan; nothing is changed anywhere."""
    subject: Subject = request.subject
    power = vsphere.power_state(subject.ref) if subject.kind == "VirtualMachine" else None
    if power == "poweredOn" and subject.snapshot is None:
        obstacles = (*obstacles, f"{subject.name} is powered on: shut it down, or export a snapshot of it")
    return Plan(
        vsphere.address.authority, vsphere.version, subject.name, subject.kind, subject.moid, subject.snapshot, power,
        tuple(PlannedDisk(*row) for row in vsphere.disks(subject)), target,
        "OVA" if request.one_stream else "directory", request.algorithm, request.nvram, request.images,
        1 if request.one_stream else request.at_once, request.leases, rate, silence, obstacles,
    )  # fmt: skip
