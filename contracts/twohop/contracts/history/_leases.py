"""One lease as all observers together saw it, and what may be concluded about its life at a moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from twohop.runtime.observing import Exchange

from ._bytes import NFC_PATH
from ._events import (
    ChecksumTypeSet,
    DeviceUrl,
    DiskFetched,
    EndSent,
    Event,
    ImportGranted,
    LeaseGranted,
    LeaseInfo,
    LeaseReadRefused,
    LeaseSeen,
    ManifestSeen,
    NfcAsked,
    ProgressSent,
    Uploaded,
)
from ._order import maybe_before, surely_before
from ._sessions import other_ends

LEAST_TIMEOUT = 30.0
"""Seconds that a lease surely lives where nobody read its `leaseTimeout` (3.2)."""


@dataclass(slots=True)
class LeaseRecord:
    """Everything the history holds on one lease."""

    server: str
    lease: str
    granted: LeaseGranted | None = None
    imported: ImportGranted | None = None
    seen: list[LeaseSeen] = field(default_factory=list)
    refused_reads: list[LeaseReadRefused] = field(default_factory=list)
    progress: list[ProgressSent] = field(default_factory=list)
    ends: list[EndSent] = field(default_factory=list)
    manifests: list[ManifestSeen] = field(default_factory=list)
    checksum_types: list[ChecksumTypeSet] = field(default_factory=list)
    asked: list[NfcAsked] = field(default_factory=list)
    other_ends: list[Exchange] = field(default_factory=list)
    """Exchanges since which something else may have ended it: a logout (1.10), the end of a session, CancelTask."""
    fetches: list[DiskFetched] = field(default_factory=list)
    uploads: list[Uploaded] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What to call the lease in a story: its moid is long, the end of it tells it apart."""
        return f"lease …{self.lease[-12:]}"

    @property
    def info(self) -> LeaseInfo | None:
        """The `info` of the lease, from the first read that showed it."""
        return next((seen.info for seen in self.seen if seen.info is not None and seen.info.devices), None) or next(
            (seen.info for seen in self.seen if seen.info is not None), None
        )

    @property
    def timeout(self) -> float | None:
        """Seconds of `leaseTimeout`, where it was read."""
        return next((s.info.timeout for s in self.seen if s.info is not None and s.info.timeout is not None), None)

    @property
    def vm(self) -> str | None:
        """The moid of the machine, where the lease is one on a machine."""
        if self.granted is not None and self.granted.entity_type == "VirtualMachine":
            return self.granted.entity
        return None

    def device_of(self, fetch: DiskFetched | NfcAsked | Uploaded) -> DeviceUrl | None:
        """Return the device URL that a request was for."""
        for device in self.info.devices if self.info else ():
            place = NFC_PATH.search(urlsplit(device.url).path)
            if place and (place["ticket"], place["file"]) == (fetch.ticket, fetch.file):
                return device
        return None

    def end_before(self, moment: Exchange) -> EndSent | None:
        """Return an accepted complete or abort that surely lies before `moment`."""
        return next((end for end in self.ends if end.outcome.accepted and surely_before(end.exchange, moment)), None)

    def may_have_been_ended(self, moment: Exchange) -> bool:
        """Tell whether a complete or abort, accepted or unanswered, can have taken effect by `moment`.

        So may the end of the session that holds the lease, since nobody knows what vCenter does then (1.10).
        """
        given = [end.exchange for end in self.ends if end.outcome.kind != "faulted"]
        return any(end is not moment and maybe_before(end, moment) for end in (*given, *self.other_ends))

    def last_renewal(self, moment: Exchange) -> ProgressSent | None:
        """Return the last accepted Progress that surely lies before `moment`."""
        renewals = [p for p in self.progress if p.outcome.accepted and surely_before(p.exchange, moment)]
        return renewals[-1] if renewals else None

    def maybe_renewed(self, moment: Exchange) -> Exchange | None:
        """Return the latest exchange by `moment` that can have renewed the lease or begun its time.

        Its time may begin at the grant or when it gets ready, so the first sight of that counts. What can renew it is
        Progress and, since nobody knows whether data alone renews (3.5), a GET of its disks; neither wakes it up again
        once it has been silent for longer than its timeout.
        """
        ready = next((s.exchange for s in self.seen if s.state == "ready" or s.info is not None), None)
        starts = [self.granted.exchange] if self.granted else []
        starts += [ready] if ready is not None and maybe_before(ready, moment) else []
        if not starts:
            return None
        since = max(starts, key=_when)
        renewals = [p.exchange for p in self.progress if p.outcome.kind != "faulted"]
        renewals += [f.exchange for f in self.fetches if f.status in (200, None)]
        for renewal in sorted(renewals, key=lambda e: e.t0):
            dead = self.timeout is not None and renewal.t0 > since.t1 + self.timeout
            if renewal is not moment and not dead and maybe_before(renewal, moment):
                since = max(since, renewal, key=_when)
        return since

    def timed_out_before(self, moment: Exchange) -> Exchange | None:
        """Return the exchange since which the lease had been silent for longer than its timeout at `moment`."""
        since = self.maybe_renewed(moment)
        if since is None or self.timeout is None or self.granted is None or self.may_have_been_ended(moment):
            return None
        return since if moment.t0 > since.t1 + self.timeout else None

    def surely_held(self, moment: Exchange) -> Exchange | None:
        """Return an exchange that shows the lease ready before `moment`, if it surely still was at `moment`."""
        ready = [s for s in self.seen if s.state == "ready" and surely_before(s.exchange, moment)]
        began = self.granted or self.imported
        if began is None or not ready or self.may_have_been_ended(moment):
            return None
        renewal = self.last_renewal(moment)
        start = max(began.exchange.t0, renewal.exchange.t0 if renewal else float("-inf"))
        if moment.t1 < start + (self.timeout if self.timeout is not None else LEAST_TIMEOUT):
            return ready[-1].exchange
        return None

    def fell_ill(self) -> bool:
        """Tell whether the lease was seen in error for another reason than its timeout or an abort."""
        aborted = any(end.how == "abort" and end.outcome.kind != "faulted" for end in self.ends)
        return not aborted and any(s.error not in (None, "Timedout") for s in self.seen)


def _when(exchange: Exchange) -> tuple[float, int]:
    return exchange.t1, exchange.id


def lease_records(events: Sequence[Event]) -> dict[tuple[str, str], LeaseRecord]:
    """Gather the events of each lease, by server and moid."""
    records: dict[tuple[str, str], LeaseRecord] = {}
    fetches: list[DiskFetched | NfcAsked | Uploaded] = []

    def record(event: Event, lease: str) -> LeaseRecord:
        key = (event.server, lease)
        return records.setdefault(key, LeaseRecord(*key))

    for event in events:
        match event:
            case LeaseGranted():
                record(event, event.lease).granted = event
            case ImportGranted():
                record(event, event.lease).imported = event
            case LeaseSeen():
                record(event, event.lease).seen.append(event)
            case LeaseReadRefused():
                record(event, event.lease).refused_reads.append(event)
            case ProgressSent():
                record(event, event.lease).progress.append(event)
            case EndSent():
                record(event, event.lease).ends.append(event)
            case ManifestSeen():
                record(event, event.lease).manifests.append(event)
            case ChecksumTypeSet():
                record(event, event.lease).checksum_types.append(event)
            case DiskFetched() | NfcAsked() | Uploaded():
                fetches.append(event)
            case _:
                pass
    for known in records.values():
        known.other_ends.extend(other_ends(known.granted, events) if known.granted else ())
    owners = dict(_owners(records.values()))
    for fetch in fetches:
        owner = owners.get((fetch.ticket, fetch.file))
        if owner is not None and isinstance(fetch, DiskFetched):
            owner.fetches.append(fetch)
        elif owner is not None and isinstance(fetch, Uploaded):
            owner.uploads.append(fetch)
        elif owner is not None and isinstance(fetch, NfcAsked):
            owner.asked.append(fetch)
    return records


def _owners(records: Iterable[LeaseRecord]) -> Iterator[tuple[tuple[str, str], LeaseRecord]]:
    for record in records:
        for device in record.info.devices if record.info else ():
            place = NFC_PATH.search(urlsplit(device.url).path)
            if place:
                yield (place["ticket"], place["file"]), record
