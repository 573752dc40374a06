"""What happened to leases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ._event import Event
from ._soap import Outcome


@dataclass(frozen=True, slots=True)
class DeviceUrl:
    """One entry of a lease's `deviceUrl` (4.3-4.11), the ticket in its URL as a reference; unset members are None."""

    key: str
    url: str
    thumbprint: str | None
    disk: bool | None
    target_id: str | None
    file_size: int | None
    import_key: str | None = ""
    datastore_key: str | None = None


@dataclass(frozen=True, slots=True)
class LeaseInfo:
    """What a lease's `info` said, as far as it was read: seconds of `leaseTimeout`, the device URLs.

    `whole` tells that the property was read as one; `members` are the names of all elements in it, such as
    `deviceUrl.disk`.
    """

    timeout: float | None
    devices: tuple[DeviceUrl, ...]
    entity: str | None = None
    lease: str | None = None
    total_kb: int | None = None
    whole: bool = False
    members: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LeaseGranted(Event):
    """ExportVm, ExportVApp or ExportSnapshot gave a lease on `entity`; `given` is the type of what came back (1.11)."""

    lease: str
    entity: str
    entity_type: str
    given: str = "HttpNfcLease"


@dataclass(frozen=True, slots=True)
class ImportGranted(Event):
    """ImportVApp gave a lease (1.5)."""

    lease: str
    pool: str


@dataclass(frozen=True, slots=True)
class ExportRefused(Event):
    """No lease came of asking for one; with an unclear outcome there may be one nobody knows of (2.14a)."""

    entity: str
    entity_type: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class LeaseSeen(Event):
    """A property read of a lease. `state` is None where it was not read; `info_read` tells unread from unset.

    `others` are the remaining properties that were asked for, by path, with their text or None where they are unset;
    `mode` and the numbers are told apart from `capabilities`, whose text is the names of its members.
    """

    lease: str
    state: str | None
    info_read: bool
    info: LeaseInfo | None
    error_read: bool
    error: str | None
    others: tuple[tuple[str, str | None], ...] = ()


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
    """HttpNfcLeaseComplete or HttpNfcLeaseAbort; `fault` is the type of the fault that an abort named (1.4)."""

    lease: str
    how: Literal["complete", "abort"]
    outcome: Outcome
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """One entry of HttpNfcLeaseGetManifest (5.1), with the names of its members."""

    key: str
    size: int
    sha1: str
    checksum: str | None
    checksum_type: str | None
    disk: bool | None = None
    capacity: int | None = None
    members: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ManifestSeen(Event):
    """HttpNfcLeaseGetManifest and its entries."""

    lease: str
    entries: tuple[ManifestEntry, ...]
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class ChecksumTypeSet(Event):
    """HttpNfcLeaseSetManifestChecksumType with its pairs of key and algorithm."""

    lease: str
    types: tuple[tuple[str, str], ...]
    outcome: Outcome
