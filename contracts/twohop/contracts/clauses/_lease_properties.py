"""LEASE: what the properties of a lease say in each state, and to whom (vsphere 1, 3.8, 4.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from twohop.contracts.history import History, LeaseGranted, LeaseInfo, LeaseRecord, spoken_version
from twohop.runtime.observing import Exchange

from ._clause import Case, Clause, broken, kept

_PERCENT = ("initializeProgress", "transferProgress")
_MODES = ("pushOrGet", "pull")
_CAPABILITIES = {"pullModeSupported", "corsSupported"}
_SINCE: Mapping[str, tuple[int, ...]] = {
    "hostMap": (4, 1),
    "deviceUrl.disk": (4, 1),
    "deviceUrl.targetId": (4, 1),
    "deviceUrl.datastoreKey": (4, 1),
    "deviceUrl.fileSize": (4, 1),
    "deviceUrl.sslCertificate": (9, 0),
}
_MANIFEST_SINCE: Mapping[str, tuple[int, ...]] = {"checksum": (6, 7), "checksumType": (6, 7)}


def _timed_out_error(history: History) -> Iterator[Case]:
    for record in history.leases:
        for seen in record.seen:
            since = record.timed_out_before(seen.exchange) if seen.error_read else None
            if since is None or seen.state not in ("error", None) or _failed_before(record, seen.id):
                continue
            told = f"{record.name} had been silent since exchange {since.id}, longer than its {record.timeout:g} s;"
            answer = f"its error in exchange {seen.id} is {seen.error or 'unset'}"
            case = kept if seen.error == "Timedout" else broken
            yield case(told, answer, by=(since.id, seen.id))


def _failed_before(record: LeaseRecord, number: int) -> bool:
    """Tell whether the lease was in error before its time was over, for a reason of its own (1.5)."""
    early = (seen for seen in record.seen if seen.id < number and seen.state == "error")
    return any(record.timed_out_before(seen.exchange) is None for seen in early)


def _no_error_yet(history: History) -> Iterator[Case]:
    for record in history.leases:
        for seen in record.seen:
            if seen.error_read and seen.state in ("initializing", "ready"):
                told = f"{record.name} was {seen.state} in exchange {seen.id}, its error {seen.error or 'unset'}"
                yield (kept if seen.error is None else broken)(told, by=(seen.id,))


def _mandatory(history: History) -> Iterator[Case]:
    for record in history.leases:
        for seen in record.seen:
            for path, value in seen.others:
                told = f"{path} of {record.name} is {value or 'unset'} in exchange {seen.id}"
                if path in _PERCENT:
                    good = value is not None and value.isdigit() and int(value) <= 100
                    yield (kept if good else broken)(told, "it is a percentage", by=(seen.id,))
                elif path == "mode":
                    yield (kept if value in _MODES else broken)(told, f"modes are {_MODES}", by=(seen.id,))
                elif path == "capabilities":
                    good = set((value or "").split()) >= _CAPABILITIES
                    yield (kept if good else broken)(told, f"it holds {sorted(_CAPABILITIES)}", by=(seen.id,))


def _newer(history: History) -> Iterator[Case]:
    for record in history.leases:
        for seen in record.seen:
            if seen.info is not None and seen.info.whole:
                yield from _too_new(record, seen.exchange, seen.info.members, _SINCE)
        for manifest in record.manifests:
            for entry in manifest.entries:
                yield from _too_new(record, manifest.exchange, entry.members, _MANIFEST_SINCE)


def _too_new(
    record: LeaseRecord, exchange: Exchange, members: frozenset[str], since: Mapping[str, tuple[int, ...]]
) -> Iterator[Case]:
    version = spoken_version(exchange)
    if version is None or not any(version < first for first in since.values()):
        return
    spoken = ".".join(map(str, version))
    told = f"exchange {exchange.id} about {record.name} was spoken in version {spoken}"
    newer = sorted(name for name in members if version < since.get(name, version))
    if newer:
        yield broken(told, f"and its answer holds {', '.join(newer)}", by=(exchange.id,))
    else:
        yield kept(told, "and its answer holds nothing newer", by=(exchange.id,))


def _info_when_ready(history: History) -> Iterator[Case]:
    for record in history.leases:
        for seen in record.seen:
            if seen.state != "ready" or not seen.info_read or (seen.info is not None and not seen.info.whole):
                continue
            wrong = "no info" if seen.info is None else _wrong(record, seen.info)
            told = f"{record.name} was ready in exchange {seen.id}"
            if wrong:
                yield broken(told, f"and showed {wrong}", by=(seen.id,))
            else:
                yield kept(told, "and showed its info", by=(seen.id,))


def _wrong(record: LeaseRecord, info: LeaseInfo) -> str | None:
    if info.lease != record.lease:
        return f"the info of lease {info.lease}"
    granted = record.granted
    if granted is not None and granted.entity_type != "VirtualMachineSnapshot" and info.entity != granted.entity:
        return f"the entity {info.entity}, granted on {granted.entity}"
    if info.timeout is None or info.total_kb is None:
        return "no leaseTimeout or no totalDiskCapacityInKB"
    return None


def _own_lease(history: History) -> Iterator[Case]:
    first: dict[tuple[str, str], LeaseGranted] = {}
    for granted in history.all(LeaseGranted):
        told = f"the export of {granted.entity} in exchange {granted.id} gave a {granted.given}"
        earlier = first.setdefault((granted.server, granted.lease), granted)
        if granted.given != "HttpNfcLease":
            yield broken(told, "it gives a lease, not a task", by=(granted.id,))
        elif earlier is not granted:
            yield broken(told, f"that was given already in exchange {earlier.id}", by=(earlier.id, granted.id))
        else:
            yield kept(told, "of its own", by=(granted.id,))


LEASE_PROPERTY_CLAUSES = (
    Clause(
        "LEASE-006", "The error of a lease that has timed out can be read, and is Timedout.",
        "vsphere 3.8, 1.16", "O", "vendor", "vcenter", _timed_out_error,
    ),
    Clause(
        "LEASE-007", "A lease that is initializing or ready has no error.",
        "vsphere 1.5, 1.7", "V", "vendor", "vcenter", _no_error_yet,
    ),
    Clause(
        "LEASE-008", "The progress of a lease is 0 to 100, its mode and its capabilities are always there.",
        "vsphere 1.7, 1.13, 1.14", "V", "vendor", "vcenter", _mandatory,
    ),
    Clause(
        "LEASE-009", "An answer holds no member that is younger than the version of the API that was spoken.",
        "vsphere 1.8", "V", "vendor", "vcenter", _newer,
    ),
    Clause(
        "LEASE-010", "A ready lease shows its info: itself, what it was granted on, capacity and timeout.",
        "vsphere 1.7, 4.1", "V", "vendor", "vcenter", _info_when_ready,
    ),
    Clause(
        "LEASE-011", "An export gives a lease, not a task, and each one a lease of its own.",
        "vsphere 1.1, 1.11", "V", "vendor", "vcenter", _own_lease,
    ),
)  # fmt: skip
