"""Everything that happens in an export, as plain data for progress bars, `--json`, tests and logs alike.

No event carries a secret: device URLs are not in them, since the path of one is the ticket (6.1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened."""

    def to_json(self) -> dict[str, Any]:
        """Return the event as plain JSON data; `event` names its kind."""
        return {"event": type(self).__name__, **asdict(self)}


Events = Callable[[Event], None]
"""Whoever listens; called from several threads, and never for long."""


def ignore(event: Event) -> None:
    """Listen to nothing."""


@dataclass(frozen=True, slots=True)
class LoggedIn(Event):
    """A session with vCenter or ESXi stands; `version` is the API version spoken."""

    server: str
    version: str


@dataclass(frozen=True, slots=True)
class LeaseGranted(Event):
    """The lease is ready: `timeout` in seconds, `total_bytes` the capacity of all disks (4.2), `files` to fetch."""

    vm: str
    lease: str
    timeout: int
    total_bytes: int
    files: int


@dataclass(frozen=True, slots=True)
class HostChosen(Event):
    """A file will be fetched from `host`, and `why` from this one."""

    key: str
    host: str
    why: str


@dataclass(frozen=True, slots=True)
class FileStarted(Event):
    """A download begins; `total` in bytes where somebody declared it, `hop` 1 from a host, 2 from a cell."""

    key: str
    name: str
    host: str
    total: int | None
    hop: int = 1


@dataclass(frozen=True, slots=True)
class BytesMoved(Event):
    """`done` bytes of a file have arrived so far."""

    key: str
    name: str
    done: int
    total: int | None
    hop: int = 1


@dataclass(frozen=True, slots=True)
class FileDone(Event):
    """A file is whole, checked and safe on disk; `seconds` of real time, `lease` that under which a host sent it."""

    key: str
    name: str
    size: int
    sha256: str
    host: str
    seconds: float
    hop: int = 1
    lease: str = ""


@dataclass(frozen=True, slots=True)
class LeaseRenewed(Event):
    """The keep-alive renewed the lease (3.4)."""

    lease: str
    percent: int


@dataclass(frozen=True, slots=True)
class LeaseCompleted(Event):
    """The lease was completed: the VM is free again (1.3)."""

    lease: str


@dataclass(frozen=True, slots=True)
class LeaseAborted(Event):
    """The lease was given up for `reason`; `gone` where the server had ended it before (2.3).

    `heard` is False where the server did not answer that: then it may hold the VM until it times out.
    """

    lease: str
    reason: str
    gone: bool
    heard: bool = True


@dataclass(frozen=True, slots=True)
class LeaseAgain(Event):
    """After a cut everything begins anew under another lease, number `attempt` of at most `of`."""

    vm: str
    attempt: int
    of: int
    why: str


@dataclass(frozen=True, slots=True)
class ManifestCompared(Event):
    """The server's manifest agrees with what came, by `by`: an algorithm, or `size` alone (5.5)."""

    key: str
    name: str
    by: str


@dataclass(frozen=True, slots=True)
class FileUnlisted(Event):
    """A file came that the server's descriptor does not name; it is kept."""

    name: str


@dataclass(frozen=True, slots=True)
class DescriptorWritten(Event):
    """The server wrote a descriptor of `size` bytes; warnings and errors are the server's own words (8.9)."""

    name: str
    size: int
    warnings: tuple[str, ...]
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PackageWritten(Event):
    """Every file of the package stands under its final name; `path` is the descriptor's, or the OVA's.

    `seconds` of wall time and `cpu_seconds` of this process, from the first wish for a lease on.
    """

    path: str
    files: tuple[str, ...]
    bytes: int
    seconds: float
    lease: str = ""
    cpu_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class PackageRead(Event):
    """The server has read a package's descriptor: what it will be called, the files it wants, `bytes` to send."""

    name: str
    files: tuple[str, ...]
    bytes: int
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileSent(Event):
    """A host has taken a file of a package whole, and the file is what it should be; `seconds` of real time."""

    key: str
    name: str
    size: int
    sha256: str
    host: str
    seconds: float
    hop: int = 1


@dataclass(frozen=True, slots=True)
class PackageImported(Event):
    """An import is done: the new object's name and id, `seconds` of wall time and `cpu_seconds` of this process."""

    name: str
    entity: str
    bytes: int
    seconds: float
    lease: str = ""
    cpu_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class TaskProgress(Event):
    """The cell's own export, the first of the two hops, as its task tells it: status and percent (2.13)."""

    name: str
    status: str
    percent: int


@dataclass(frozen=True, slots=True)
class LegTold(Event):
    """One of the four legs, as the cell's ledger has it: bytes in how many passages, between which addresses.

    `began` and `ended` are times of the cell's clock, `seconds` of real time in which the leg was busy.
    """

    leg: str
    source: str
    target: str
    bytes: int
    passages: int
    began: str
    ended: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Failed(Event):
    """The export ended without a package: who has to act, the one line that says why, and of several, which."""

    whose: str
    message: str
    name: str = ""
