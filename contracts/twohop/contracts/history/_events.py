"""What happened, in the words of the field. Events are derived from exchanges each time and never stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from twohop.runtime.observing import End, Exchange

from ._soap import Outcome


@dataclass(frozen=True, slots=True)
class Event:
    """Something an exchange shows."""

    exchange: Exchange

    @property
    def id(self) -> int:
        """The number of the exchange."""
        return self.exchange.id

    @property
    def server(self) -> str:
        """The server it was said to, as `host:port`."""
        return f"{self.exchange.conn.host}:{self.exchange.conn.port}"


# vSphere: sessions, tasks and power


@dataclass(frozen=True, slots=True)
class LoggedIn(Event):
    """A login to a vCenter or a host."""

    user: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class LoggedOut(Event):
    """A logout."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class PowerAsked(Event):
    """A power operation on a machine; where it was accepted, `task` tells what becomes of it."""

    vm: str
    operation: Literal["on", "off"]
    outcome: Outcome
    task: str | None


@dataclass(frozen=True, slots=True)
class TaskSeen(Event):
    """The state of a vSphere task, and the fault where it ended in one."""

    task: str
    state: str
    fault: str | None


# vSphere: leases


@dataclass(frozen=True, slots=True)
class DeviceUrl:
    """One entry of a lease's `deviceUrl` (4.3-4.11), the ticket in its URL as a reference."""

    key: str
    url: str
    thumbprint: str
    disk: bool | None
    target_id: str | None
    file_size: int | None


@dataclass(frozen=True, slots=True)
class LeaseInfo:
    """What a lease's `info` said, as far as it was read: seconds of `leaseTimeout`, the device URLs."""

    timeout: float | None
    devices: tuple[DeviceUrl, ...]
    entity: str | None = None


@dataclass(frozen=True, slots=True)
class LeaseGranted(Event):
    """ExportVm, ExportVApp or ExportSnapshot gave a lease on `entity`."""

    lease: str
    entity: str
    entity_type: str


@dataclass(frozen=True, slots=True)
class ExportRefused(Event):
    """No lease came of asking for one; with an unclear outcome there may be one nobody knows of (2.14a)."""

    entity: str
    entity_type: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class LeaseSeen(Event):
    """A property read of a lease. `state` is None where it was not read; `info_read` tells unread from unset."""

    lease: str
    state: str | None
    info_read: bool
    info: LeaseInfo | None
    error_read: bool
    error: str | None


@dataclass(frozen=True, slots=True)
class LeaseReadRefused(Event):
    """A property read of a lease that was answered by a fault."""

    lease: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class ProgressSent(Event):
    """HttpNfcLeaseProgress."""

    lease: str
    percent: int | None
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class EndSent(Event):
    """HttpNfcLeaseComplete or HttpNfcLeaseAbort."""

    lease: str
    how: Literal["complete", "abort"]
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """One entry of HttpNfcLeaseGetManifest (5.1)."""

    key: str
    size: int
    sha1: str
    checksum: str | None
    checksum_type: str | None


@dataclass(frozen=True, slots=True)
class ManifestSeen(Event):
    """HttpNfcLeaseGetManifest and its entries."""

    lease: str
    entries: tuple[ManifestEntry, ...]
    outcome: Outcome


# Bytes


@dataclass(frozen=True, slots=True)
class DiskFetched(Event):
    """A GET of a device URL. `size`, `sha256`, `head` and `tail` are None where the body was not digested."""

    ticket: str
    file: str
    status: int | None
    size: int | None
    sha256: str | None
    end: End
    head: bytes | None
    tail: bytes | None

    @property
    def thumbprint(self) -> str | None:
        """The SHA-1 thumbprint of the certificate that the host showed."""
        return self.exchange.conn.thumbprint

    @property
    def answered(self) -> bool:
        """Tell whether the host answered 200 and ended the body by its own framing."""
        return self.status == 200 and self.end == "complete"


@dataclass(frozen=True, slots=True)
class FileTransferred(Event):
    """A request for `/transfer/<session>/<file>`; `whole` where the answer is 200 and ended by its own framing."""

    method: str
    session: str
    file: str
    status: int | None
    size: int | None
    sha256: str | None
    end: End
    body: str | None

    @property
    def whole(self) -> bool:
        """Tell whether it is a whole file."""
        return self.method == "GET" and self.status == 200 and self.end == "complete"


# vCloud Director


@dataclass(frozen=True, slots=True)
class SessionOpened(Event):
    """A login to the cell."""

    status: int | None


@dataclass(frozen=True, slots=True)
class SessionClosed(Event):
    """A logout from the cell."""

    status: int | None


@dataclass(frozen=True, slots=True)
class DownloadEnabled(Event):
    """POST action/enableDownload on an entity; `task` is the path of the task that came back."""

    entity: str
    status: int | None
    task: str | None


@dataclass(frozen=True, slots=True)
class DownloadDisabled(Event):
    """POST action/disableDownload on an entity."""

    entity: str
    status: int | None


@dataclass(frozen=True, slots=True)
class CellTaskSeen(Event):
    """The status of a task of the cell, by the path of its href."""

    task: str
    status: str


@dataclass(frozen=True, slots=True)
class LinksSeen(Event):
    """The links of an entity at one look: pairs of rel and path of the href."""

    entity: str
    links: tuple[tuple[str, str], ...]

    def downloads(self) -> tuple[tuple[str, str], ...]:
        """Return the links under which the entity can be downloaded (vcd 3.4, 3.5)."""
        return tuple(link for link in self.links if link[0].startswith("download:"))
