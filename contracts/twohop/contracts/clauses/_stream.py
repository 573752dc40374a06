"""URL and STREAM: the device URL's host, and the bytes that come from it (vsphere 4, 6, 7)."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from twohop.contracts.history import DeviceUrl, DiskFetched, History

from ._clause import Case, Clause, broken, kept
from ._vmdk import flaw


def _fetched(history: History) -> Iterator[tuple[DiskFetched, DeviceUrl]]:
    for record in history.leases:
        for fetch in record.fetches:
            device = record.device_of(fetch)
            if device is not None:
                yield fetch, device


def _thumbprint(history: History) -> Iterator[Case]:
    for fetch, device in _fetched(history):
        if fetch.thumbprint is None or not device.thumbprint or not _same_host(fetch, device):
            continue
        told = f"the lease names {device.thumbprint} for {device.url};"
        answer = f"{fetch.server} showed {fetch.thumbprint} in exchange {fetch.id}"
        if fetch.thumbprint.upper() == device.thumbprint.upper():
            yield kept(told, answer, by=(fetch.id,))
        else:
            yield broken(told, answer, by=(fetch.id,))


def _same_host(fetch: DiskFetched, device: DeviceUrl) -> bool:
    parts = urlsplit(device.url)
    if parts.hostname == "*":
        return True
    return (parts.hostname, parts.port or 443) == (fetch.exchange.conn.host, fetch.exchange.conn.port)


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


STREAM_CLAUSES = (
    Clause(
        "URL-001", "The thumbprint of a device URL is that of the certificate which its host shows.",
        "vsphere 4.7, 6.3", "V", "vendor", "host", _thumbprint,
    ),
    Clause(
        "STREAM-001", "A disk that is answered 200 and ends by its own framing is a whole streamOptimized VMDK.",
        "vsphere 7.1, 7.2, 7.6", "C", "vendor", "host", _whole,
    ),
)  # fmt: skip
