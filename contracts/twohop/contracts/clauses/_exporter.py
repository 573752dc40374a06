"""EXPORT: what whoever exports owes the server, and whoever gets the files (vsphere 3, 6, 7, 12)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from twohop.contracts.history import (
    PROBE,
    DiskFetched,
    EndSent,
    ExportRefused,
    History,
    LeaseGranted,
    LeaseRecord,
)
from twohop.runtime.observing import Listing

from ._clause import Case, Clause, broken, kept
from ._vmdk import flaw

TARGET = "target"
"""The observer that lists the directory into which an export goes."""


def _held(history: History) -> Iterator[tuple[LeaseRecord, LeaseGranted, list[EndSent]]]:
    """Yield the leases of clients that mean it, each with the ends that its holder got accepted."""
    for record in history.leases:
        granted = record.granted
        if granted is None or granted.exchange.observer == PROBE:
            continue
        mine = granted.exchange.observer
        yield record, granted, [e for e in record.ends if e.exchange.observer == mine and e.outcome.accepted]


def _renewed_in_time(history: History) -> Iterator[Case]:
    for record, granted, _ in _held(history):
        timeout = record.timeout
        if timeout is None:
            continue
        renewals = [progress.exchange for progress in record.progress if progress.outcome.accepted]
        mine = [end.exchange for end in record.ends if end.exchange.observer == granted.exchange.observer]
        points = [granted.exchange, *renewals, *mine[:1]]
        for since, until in pairwise(points):
            silence = until.t0 - since.t1
            if silence > timeout:
                told = f"{record.name} was left alone for {silence:g} s after exchange {since.id}"
                yield broken(told, f"its timeout is {timeout:g} s", by=(since.id, until.id))
                break
        else:
            held = points[-1].t0 - granted.exchange.t1
            if held > timeout:
                told = f"{record.name} was held for {held:g} s, its timeout is {timeout:g} s"
                yield kept(told, f"{len(renewals)} renewals kept it alive", by=(granted.id, points[-1].id))


def _aborted_on_error(history: History) -> Iterator[Case]:
    for record, _, ends in _held(history):
        if not ends:
            continue
        failed = _unmended(record, ends[0])
        if failed is None:
            continue
        how = f"{failed.end}" if failed.status == 200 else f"{failed.status}"
        told = f"{failed.file} of {record.name} did not come: exchange {failed.id} ended {how}"
        end = f"the lease was ended by {ends[0].how} in exchange {ends[0].id}"
        yield (kept if ends[0].how == "abort" else broken)(told, end, by=(failed.id, ends[0].id))


def _unmended(record: LeaseRecord, end: EndSent) -> DiskFetched | None:
    """Return a GET that failed, where no other brought the same file."""
    before = [fetch for fetch in record.fetches if fetch.id < end.id]
    came = {fetch.file for fetch in before if fetch.answered}
    return next((fetch for fetch in before if not fetch.answered and fetch.file not in came), None)


def _short_refused(history: History) -> Iterator[Case]:
    for record, _, ends in _held(history):
        for fetch in record.fetches:
            device = record.device_of(fetch)
            if not ends or device is None or not device.disk or not fetch.answered or fetch.id > ends[0].id:
                continue
            if fetch.size is None or fetch.head is None or fetch.tail is None:
                continue
            wrong = flaw(fetch.head, fetch.tail, fetch.size)
            if wrong is None or any(f.file == fetch.file and f.id > fetch.id for f in record.fetches):
                continue
            told = f"{fetch.file} ended by its own framing in exchange {fetch.id}, though {wrong}"
            end = f"{record.name} was ended by {ends[0].how} in exchange {ends[0].id}"
            yield (kept if ends[0].how == "abort" else broken)(told, end, by=(fetch.id, ends[0].id))


def _pinned(history: History) -> Iterator[Case]:
    for record, _, _ in _held(history):
        for fetch in record.fetches:
            device, shown = record.device_of(fetch), fetch.exchange.conn.thumbprint
            if device is None or not device.thumbprint or shown is None or fetch.status is None:
                continue
            told = f"{fetch.file} was asked of a host that showed {shown} in exchange {fetch.id}"
            if shown.upper() == device.thumbprint.upper():
                yield kept(told, "as the lease says", by=(fetch.id,))
            else:
                yield broken(told, f"the lease says {device.thumbprint}", by=(fetch.id,))


def _nothing_left(history: History) -> Iterator[Case]:
    looks = [look for look in history.listings if look.observer == TARGET]
    for record, granted, ends in _held(history):
        if not ends or ends[0].how != "abort":
            continue
        after = next((look for look in looks if look.id > ends[0].id), None)
        if after is None or _another_since(history, granted, after):
            continue
        before = next((look for look in reversed(looks) if look.id < granted.id), None)
        left = sorted(set(after.entries) - set(before.entries if before else ()))
        told = f"{record.name} was aborted in exchange {ends[0].id}"
        if left:
            names = ", ".join(name for name, _ in left)
            yield broken(told, f"and left {names}", by=(ends[0].id, after.id))
        else:
            yield kept(told, "and left nothing", by=(ends[0].id, after.id))


def _another_since(history: History, granted: LeaseGranted, look: Listing) -> bool:
    """Tell whether a later lease may have filled the directory by then."""
    mine = granted.exchange.observer
    return any(g.exchange.observer == mine and granted.id < g.id < look.id for g in history.all(LeaseGranted))


def _asked_once(history: History) -> Iterator[Case]:
    asked: list[LeaseGranted | ExportRefused] = [*history.all(LeaseGranted), *history.all(ExportRefused)]
    for lost in history.all(ExportRefused):
        mine = lost.exchange.observer
        if lost.outcome.kind != "unclear" or mine == PROBE:
            continue
        told = f"the answer to a wish for a lease on {lost.entity} was lost in exchange {lost.id}"
        same = (again for again in asked if (again.entity, again.server) == (lost.entity, lost.server))
        again = min((a.id for a in same if a.exchange.observer == mine and a.id > lost.id), default=None)
        later = next((each.id for each in history.exchanges if each.observer == mine and each.id > lost.id), None)
        if again is not None:
            yield broken(told, f"and it was asked for again in exchange {again}", by=(lost.id, again))
        elif later is not None:
            yield kept(told, "and nobody asked again, since a lease may have been granted", by=(lost.id, later))


EXPORTER_CLAUSES = (
    Clause(
        "EXPORT-001", "Who holds a lease renews it before leaseTimeout has passed, however long a download takes.",
        "vsphere 3.1, 3.4, 3.5, 12 rows 1, 19", "V", "vendor", "exporter", _renewed_in_time,
    ),
    Clause(
        "EXPORT-002", "After a file that did not come, the lease is aborted.",
        "vsphere 1.4, 12 rows 8, 11", "O", "vendor", "exporter", _aborted_on_error,
    ),
    Clause(
        "EXPORT-003", "A disk stream that is not whole is refused, even where its answer ended properly.",
        "vsphere 7.6, 12 row 14", "C", "vendor", "exporter", _short_refused,
    ),
    Clause(
        "EXPORT-004", "Files are asked of hosts alone that show the certificate which the lease names.",
        "vsphere 4.7, 6.3", "V", "vendor", "exporter", _pinned,
    ),
    Clause(
        "EXPORT-005", "An export that is aborted leaves no file behind.",
        "vsphere 1.4, 12 row 11", "O", "vendor", "exporter", _nothing_left,
    ),
    Clause(
        "EXPORT-006", "A lease whose grant was lost on the way is not asked for again by itself.",
        "vsphere 2.14a, 12 row 30", "C", "vendor", "exporter", _asked_once,
    ),
)  # fmt: skip
