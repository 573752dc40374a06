"""STREAM: the bytes that come from a device URL (vsphere 7)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from twohop.contracts.history import (
    ChangeAsked,
    DeviceUrl,
    DiskFetched,
    History,
    LeaseRecord,
    PowerAsked,
    disks_at,
    maybe_before,
)

from ._clause import Case, Clause, broken, kept
from ._vmdk import SECTOR, flaw, oddity, read_header

_LEAST = 128 * SECTOR
"""Bytes before the first grain, which is aligned to a grain of 64 KiB."""


def fetched(history: History) -> Iterator[tuple[LeaseRecord, DiskFetched, DeviceUrl]]:
    """Yield every GET of a file of a lease with the device URL it asked for."""
    for record in history.leases:
        for fetch in record.fetches:
            device = record.device_of(fetch)
            if device is not None:
                yield record, fetch, device


def _whole(history: History) -> Iterator[Case]:
    seen_whole: set[tuple[str, str]] = set()
    for fetch in history.all(DiskFetched):
        device = next((d for r in history.leases if (d := r.device_of(fetch)) is not None), None)
        disk = fetch.file.endswith(".vmdk") if device is None or device.disk is None else device.disk
        if not disk or not fetch.answered or fetch.size is None or fetch.head is None or fetch.tail is None:
            continue
        key = (fetch.ticket, fetch.file)
        if fetch.size == 0 and key in seen_whole:
            continue  # a second GET may come back empty, nobody knows (6.6)
        wrong = flaw(fetch.head, fetch.tail, fetch.size)
        told = f"{fetch.file} was answered 200 and ended by its own framing in exchange {fetch.id}, {fetch.size} bytes;"
        if wrong is None:
            seen_whole.add(key)
            yield kept(told, "it is whole", by=(fetch.id,))
        else:
            yield broken(told, wrong, by=(fetch.id,))


def _header(history: History) -> Iterator[Case]:
    for _, fetch, device in fetched(history):
        header = read_header(fetch.head or b"") if device.disk and fetch.answered else None
        if header is not None:
            odd = oddity(header)
            told = f"{fetch.file} begins with {header} in exchange {fetch.id}"
            yield broken(told, odd, by=(fetch.id,)) if odd else kept(told, by=(fetch.id,))


def _capacity(history: History) -> Iterator[Case]:
    for record, fetch, device in fetched(history):
        header = read_header(fetch.head or b"") if device.disk and fetch.answered else None
        if header is None or record.vm is None:
            continue
        known = disks_at(history.events, record.server, record.vm, fetch.exchange)
        disk = next((d for d in known[0] if device.key == f"/{record.vm}/{d.place}"), None) if known else None
        if known is None or disk is None:
            continue
        got = header.capacity * SECTOR
        told = f"{device.key} has {disk.capacity_kb} KB, exchange {known[1]}; its stream says {got} bytes"
        yield (kept if got == disk.capacity_kb << 10 else broken)(told, by=(known[1], fetch.id))


def _never_nothing(history: History) -> Iterator[Case]:
    first: set[tuple[str, str]] = set()
    for _, fetch, device in fetched(history):
        key = (fetch.ticket, fetch.file)
        if not device.disk or not fetch.answered or fetch.size is None or key in first:
            continue
        first.add(key)
        told = f"{fetch.file} was {fetch.size} bytes in exchange {fetch.id}, answered 200 and ended by its framing"
        yield (kept if fetch.size > _LEAST else broken)(told, f"no disk is below {_LEAST}", by=(fetch.id,))


def _same_grains(history: History) -> Iterator[Case]:
    streams: dict[tuple[str, str], list[tuple[LeaseRecord, DiskFetched]]] = defaultdict(list)
    for record, fetch, device in fetched(history):
        if device.disk and fetch.answered and fetch.grains is not None and record.vm is not None:
            streams[record.server, device.key].append((record, fetch))
    for (server, key), found in streams.items():
        for (record, one), (_, other) in pairwise(found):
            if _changed(history, server, str(record.vm), one, other):
                continue
            told = f"{key} was exported in exchanges {one.id} and {other.id} and not changed between them;"
            if one.grains == other.grains:
                yield kept(told, "its grains are the same", by=(one.id, other.id))
            else:
                yield broken(told, "its grains are not the same", by=(one.id, other.id))


def _changed(history: History, server: str, vm: str, one: DiskFetched, other: DiskFetched) -> bool:
    """Tell whether the machine may have run, or have been changed, between two streams."""
    for event in history.events:
        if isinstance(event, PowerAsked | ChangeAsked) and (event.server, event.vm) == (server, vm):
            apart = maybe_before(event.exchange, other.exchange) and event.exchange.t1 >= one.exchange.t0
            if event.outcome.kind != "faulted" and apart:
                return True
    return False


STREAM_CLAUSES = (
    Clause(
        "STREAM-001", "A disk that is answered 200 and ends by its own framing is a whole streamOptimized VMDK.",
        "vsphere 7.1, 7.2, 7.6", "C", "vendor", "host", _whole,
    ),
    Clause(
        "STREAM-002", "Its header says version 3, flags 0x30001, grains of 64 KiB, deflate, and a footer at the end.",
        "vsphere 7.2", "R", "vendor", "host", _header,
    ),
    Clause(
        "STREAM-003", "The capacity in its header is that of the machine's disk.",
        "vsphere 7.1, 4.2", "R", "vendor", "host", _capacity,
    ),
    Clause(
        "STREAM-004", "Even an empty disk has its overhead of 64 KiB: no stream is nothing.",
        "vsphere 7.3", "R", "vendor", "host", _never_nothing,
    ),
    Clause(
        "STREAM-005", "Two exports of an unchanged disk hold the same grains, whatever their bytes.",
        "vsphere 7.5", "O", "vendor", "host", _same_grains,
    ),
)  # fmt: skip
