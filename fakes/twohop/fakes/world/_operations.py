"""What runs in a world: export leases with their files and tickets, and tasks."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from typing import Any

from ..machines import Lease, LeaseState, TaskValue
from ._entities import Entity, Host, VApp, Vm
from ._hardware import Disk, Image, Nvram


@dataclass(eq=False, kw_only=True, repr=False)
class ExportTask(Entity):
    """A task as the task manager shows it; `error` is the fault (a pyVmomi value) once it has failed, `result`
    what it has made once it has succeeded."""

    key: str
    description_id: str
    entity: Entity
    user: str
    value: TaskValue
    cancelable: bool = False
    cancelled: bool = False
    progress: int | None = None
    error: Any = None
    result: Entity | None = None
    lease: str | None = None


@dataclass(frozen=True, slots=True)
class Arrived:
    """What came in for a file of an import: bytes of the request's body, digests of the stream (5.2, 5.4)."""

    size: int
    sha1: str
    sha256: str


@dataclass(eq=False, kw_only=True)
class DeviceFile:
    """A file that a lease offers: its device key, its name in the URL, the content id of its stream.

    Its `source` is a disk, sent as a streamOptimized VMDK, or another file, sent as it is (4.15). `started` is set once
    a transfer of it has, whatever became of it (5.4); `sent` once it has been sent whole, which puts it into the
    manifest (5.5), and `times` counts how often that was. `moved` counts the bytes of its last transfer, where the
    profile lets anything depend on them. A file of an import has an `import_key` (4.4) and a `vm` that it becomes a
    part of; `arrived` is set once it has come in whole, and what comes for a `hollow` disk is taken and not kept.
    """

    key: str
    name: str
    host: Host
    ticket: str
    source: Disk | Image | Nvram
    cid: int
    open_streams: int = 0
    started: bool = False
    sent: bool = False
    times: int = 0
    moved: int = 0
    import_key: str = ""
    vm: Vm | None = None
    arrived: Arrived | None = None
    hollow: bool = False

    @property
    def disk(self) -> Disk | None:
        """The disk behind it; None for any other file."""
        return self.source if isinstance(self.source, Disk) else None

    @property
    def there(self) -> bool:
        """Whether there is anything to send; an image may have been deleted (2.16)."""
        return self.source.content is not None


@dataclass(frozen=True, slots=True)
class HostTicket:
    """What a ticket opens at one host: the files of the host itself, or those of another one, `whose`, since both see
    the datastore that they lie on (4.12).
    """

    host: Host
    secret: str
    files: tuple[DeviceFile, ...]
    whose: Host


@dataclass(eq=False, kw_only=True, repr=False)
class ExportLease(Entity):
    """An export lease: its value in the table, what it holds, what it offers.

    `reads_left` counts how often a client may still see it as initializing (1.12), of `reads` in all. `failure` is the
    fault with which preparing it will end, where it will (1.5). `moved` counts bytes that left a host, and `moving` is
    the file that the last of them belong to, where the profile lets anything depend on them. `ended` is set once it
    holds nothing any more, so that a stream in flight notices. `number` is the how-manieth lease of its world it is,
    from 1; `timed` says that it becomes ready by the clock, not by being looked at.
    """

    value: Lease
    entity: Entity
    vms: tuple[Vm, ...]
    vapps: tuple[VApp, ...] = ()
    task: ExportTask
    session: str
    files: list[DeviceFile] = field(default_factory=list)
    tickets: list[HostTicket] = field(default_factory=list)
    reads: int = 0
    reads_left: int = 0
    percent: int = 0
    moved: int = 0
    moving: DeviceFile | None = None
    failure: Any = None
    error: Any = None
    number: int = 0
    timed: bool = False
    checksum_types: dict[str, str] = field(default_factory=dict)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def held(self) -> tuple[Vm | VApp, ...]:
        """Everything that it locks (9.1)."""
        return (*self.vms, *self.vapps)

    @property
    def state(self) -> LeaseState:
        """The state in the table."""
        return self.value.state


@dataclass(eq=False, kw_only=True, repr=False)
class ImportLease(ExportLease):
    """A lease of ImportVApp. `created` are the objects that it has made: they go where it does not end well (1.5)."""

    created: Vm | VApp


def ticket_key(ticket: str) -> bytes:
    """Return what a ticket is looked up by: its digest, so that the look-up tells nothing by its time."""
    return hashlib.sha256(ticket.encode()).digest()
