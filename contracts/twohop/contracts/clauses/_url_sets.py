"""URL: the device URLs of a lease together, and what they have to do with the machine (vsphere 4.2, 4.3, 4.5)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from urllib.parse import urlsplit

from twohop.contracts.history import NFC_PATH, DeviceUrl, History, LeaseRecord, disks_at

from ._clause import Case, Clause, broken, kept
from ._url import shown


def _capacity(history: History) -> Iterator[Case]:
    for record, seen in shown(history):
        assert seen.info is not None
        known = _hardware(history, record)
        if known is None or seen.info.total_kb is None:
            continue
        disks, read = known
        total = sum(disk for _, disk in disks)
        told = f"{record.vm} has disks of {total} KB in all, exchange {read};"
        answer = f"totalDiskCapacityInKB is {seen.info.total_kb} in exchange {seen.id}"
        yield (kept if total == seen.info.total_kb else broken)(told, answer, by=(read, seen.id))


def _every_disk(history: History) -> Iterator[Case]:
    for record, seen in shown(history):
        assert seen.info is not None
        known = _hardware(history, record)
        if known is None or any(device.disk is None for device in seen.info.devices):
            continue
        wanted = {f"/{record.vm}/{place}" for place, _ in known[0]}
        got = {device.key for device in seen.info.devices if device.disk}
        told = f"{record.vm} has the disks {', '.join(sorted(wanted))}, exchange {known[1]};"
        answer = f"device URLs of disks in exchange {seen.id}: {', '.join(sorted(got))}"
        yield (kept if got == wanted else broken)(told, answer, by=(known[1], seen.id))


def _hardware(history: History, record: LeaseRecord) -> tuple[list[tuple[str, int]], int] | None:
    if record.vm is None or record.granted is None:
        return None
    known = disks_at(history.events, record.server, record.vm, record.granted.exchange)
    return None if known is None else ([(disk.place, disk.capacity_kb) for disk in known[0]], known[1])


def _place(device: DeviceUrl) -> tuple[str, str] | None:
    parts = urlsplit(device.url)
    found = NFC_PATH.search(parts.path)
    return (parts.netloc, found["ticket"]) if found else None


def _shared(history: History) -> Iterator[Case]:
    for record, seen in shown(history):
        assert seen.info is not None
        tickets: dict[str, set[str]] = defaultdict(set)
        places = [place for device in seen.info.devices if (place := _place(device))]
        for host, ticket in places:
            tickets[host].add(ticket)
        for host, held in tickets.items():
            if len([place for place in places if place[0] == host]) > 1:
                told = f"{record.name} gives for {host} in exchange {seen.id}: {', '.join(sorted(held))}"
                yield (kept if len(held) == 1 else broken)(told, by=(seen.id,))


def _own(history: History) -> Iterator[Case]:
    owner: dict[str, tuple[LeaseRecord, int]] = {}
    for record, seen in shown(history):
        assert seen.info is not None
        for ticket in sorted({place[1] for device in seen.info.devices if (place := _place(device))}):
            first, number = owner.setdefault(ticket, (record, seen.id))
            if ticket == "ticket:?":
                continue
            told = f"{record.name} gives {ticket} in exchange {seen.id}"
            if first is not record:
                yield broken(told, f"which {first.name} had given in {number}", by=(number, seen.id))
            elif len(owner) > 1:
                yield kept(told, "which no other lease gives", by=(seen.id,))


URL_SET_CLAUSES = (
    Clause(
        "URL-010", "totalDiskCapacityInKB is the sum of the capacities of the machine's disks.",
        "vsphere 4.2", "V", "vendor", "vcenter", _capacity,
    ),
    Clause(
        "URL-011", "Every disk of the machine has its device URL, the key by its controller, bus and unit.",
        "vsphere 4.3, 4.14", "O", "vendor", "vcenter", _every_disk,
    ),
    Clause(
        "URL-012", "The files of a lease on one host share one ticket.",
        "vsphere 4.5", "O", "vendor", "vcenter", _shared,
    ),
    Clause(
        "URL-013", "No two leases share a ticket.",
        "vsphere 6.1, 4.5", "O", "vendor", "vcenter", _own,
    ),
)  # fmt: skip
