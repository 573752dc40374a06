"""NFC: the host's endpoint behind device URLs (vsphere 6, 3.10)."""

from __future__ import annotations

from collections.abc import Iterator

from twohop.contracts.history import PROBE, History, LeaseRecord, NfcAsked, maybe_before, surely_before
from twohop.runtime.observing import Exchange

from ._clause import Case, Clause, broken, kept

DISK_TYPE = "application/x-vnd.vmware-streamVmdk"
_DEAD = (403, 404, 500, 503)
_FULL = 503
"""A host that serves as many streams as it can answers so, whatever the ticket (12 row 9); or by 500, for no source has
a word on which it is (6.8)."""


def _requests(history: History) -> Iterator[tuple[LeaseRecord, NfcAsked]]:
    for record in history.leases:
        for asked in record.asked:
            if asked.status is not None:
                yield record, asked


def _turned_away(history: History, asked: NfcAsked) -> bool:
    """Tell whether a host may have been full: 500 says so only where something else can have been under way there."""
    if asked.status != 500:
        return asked.status == _FULL
    others = (other for other in history.all(NfcAsked) if other is not asked and other.server == asked.server)
    return any(maybe_before(o.exchange, asked.exchange) and maybe_before(asked.exchange, o.exchange) for o in others)


def _suffices(history: History) -> Iterator[Case]:
    for record, asked in _requests(history):
        held = record.surely_held(asked.exchange) if asked.method == "GET" and not asked.ranged else None
        if held is None or _turned_away(history, asked):
            continue
        with_cookie = "with a cookie that is none of its own" if asked.cookie else "without a cookie"
        told = f"{record.name} was ready in exchange {held.id};"
        answer = f"GET of {asked.file} {with_cookie} in exchange {asked.id} was answered {asked.status}"
        yield (kept if asked.status == 200 else broken)(told, answer, by=(held.id, asked.id))


def _unknown(history: History) -> Iterator[Case]:
    """Judge tickets that the probe has made up: it has them from no answer that was seen."""
    given = {asked.ticket for _, asked in _requests(history)}
    files = {place for record in (*history.leases, *history.imports) for place in _places(record)}
    for asked in history.all(NfcAsked):
        known = asked.ticket in given or any(ticket == asked.ticket for ticket, _ in files)
        if known or asked.exchange.observer != PROBE or asked.status is None or asked.ticket == "ticket:?":
            continue
        told = f"no lease has given {asked.ticket}; {asked.method} in exchange {asked.id} was answered {asked.status}"
        yield (broken if asked.status < 400 else kept)(told, by=(asked.id,))


def _places(record: LeaseRecord) -> Iterator[tuple[str, str]]:
    for seen in record.seen:
        for device in seen.info.devices if seen.info else ():
            yield device.url.split("/")[-2], device.url


def _dead(history: History) -> Iterator[Case]:
    for record, asked in _requests(history):
        over = _over(record, asked.exchange) if asked.method == "GET" else None
        if over is None:
            continue
        told = f"{record.name} had ended by exchange {over};"
        answer = f"GET of {asked.file} in exchange {asked.id} was answered {asked.status}"
        yield (kept if asked.status in _DEAD else broken)(told, answer, by=(over, asked.id))


def _over(record: LeaseRecord, moment: Exchange) -> int | None:
    end = record.end_before(moment)
    if end is not None:
        return end.id
    for seen in record.seen:
        if seen.state in ("done", "error") and surely_before(seen.exchange, moment):
            return seen.id
    return None


def _type(history: History) -> Iterator[Case]:
    for record, asked in _requests(history):
        device = record.device_of(asked)
        of_vcenter = device is not None and device.disk and "/ha-nfc/" not in device.url
        if asked.exchange.response is None or not asked.exchange.response.headers:
            continue  # nobody wrote them down
        if asked.method == "GET" and asked.status == 200 and of_vcenter:
            told = f"{asked.file} came as {asked.type} in exchange {asked.id}"
            yield (kept if asked.type == DISK_TYPE else broken)(told, f"a disk is {DISK_TYPE}", by=(asked.id,))


def _methods(history: History) -> Iterator[Case]:
    for record, asked in _requests(history):
        held = record.surely_held(asked.exchange) if asked.method in ("PUT", "POST", "DELETE") else None
        if held is not None and asked.status != _FULL:
            told = f"{asked.method} to {asked.file} of an export in exchange {asked.id} was answered {asked.status}"
            yield (kept if asked.status == 405 else broken)(told, by=(held.id, asked.id))


def _lengths(history: History) -> Iterator[Case]:
    for record, asked in _requests(history):
        if asked.status != 200 or asked.length is None or asked.method not in ("GET", "HEAD") or asked.ranged:
            continue
        told = f"{asked.method} of {asked.file} in exchange {asked.id} declared {asked.length} bytes;"
        if asked.chunked:
            yield broken(told, "and chunks, which exclude each other", by=(asked.id,))
            continue
        same = [f for f in record.fetches if (f.ticket, f.file) == (asked.ticket, asked.file)]
        whole = [f for f in same if f.answered and f.size is not None and (asked.method == "HEAD" or f.id == asked.id)]
        # A second GET may come back empty, nobody knows (6.6).
        for fetch in [f for f in whole if f.size or f.id == asked.id]:
            answer = f"{fetch.size} came in exchange {fetch.id}"
            yield (kept if fetch.size == asked.length else broken)(told, answer, by=(asked.id, fetch.id))


NFC_CLAUSES = (
    Clause(
        "NFC-001", "The ticket suffices: GET of a device URL of a ready lease is answered 200, whatever the cookie.",
        "vsphere 6.1, 6.2", "O", "vendor", "host", _suffices,
    ),
    Clause(
        "NFC-002", "A ticket that no lease has given opens nothing.",
        "vsphere 6.1", "V", "vendor", "host", _unknown,
    ),
    Clause(
        "NFC-003", "A ticket is dead once its lease has ended: 403, 404, 500 or 503.",
        "vsphere 3.10, 1.3, 1.4", "V", "vendor", "host", _dead,
    ),
    Clause(
        "NFC-004", f"A disk of a vCenter's lease comes as {DISK_TYPE}.",
        "vsphere 6.5", "O", "vendor", "host", _type,
    ),
    Clause(
        "NFC-005", "PUT, POST and DELETE of a device URL of an export are answered 405.",
        "vsphere 6.6", "O", "vendor", "host", _methods,
    ),
    Clause(
        "NFC-006", "A length that is declared, by GET or HEAD, is that of the stream, and never stands beside chunks.",
        "vsphere 6.4, 12 row 7", "F", "vendor", "host", _lengths,
    ),
)  # fmt: skip
