"""RENEWAL: what keeps a lease alive, and what silence does to it (vsphere 3)."""

from __future__ import annotations

from collections.abc import Iterator

from twohop.contracts.history import (
    LEAST_TIMEOUT,
    EndSent,
    History,
    LeaseReadRefused,
    LeaseRecord,
    LeaseSeen,
    ProgressSent,
)
from twohop.runtime.observing import Exchange

from ._clause import Case, Clause, broken, kept

_DEATHS = frozenset({"Timedout", "ManagedObjectNotFound"})
"""Faults that only a dead lease gives; InvalidState comes from one that is initializing too (2.9)."""

MOST_TIMEOUT = 3600.0
"""Seconds of the longest timeout that any source has (3.2)."""

Sign = LeaseSeen | LeaseReadRefused | ProgressSent | EndSent


def _signs(record: LeaseRecord) -> list[Sign]:
    """Return everything that shows whether a lease lives, in order."""
    signs: list[Sign] = [*record.seen, *record.refused_reads, *record.progress, *record.ends]
    return sorted(signs, key=lambda sign: sign.id)


def _alive(sign: Sign) -> bool | None:
    """Tell whether a sign shows a live lease, a dead one, or neither."""
    if isinstance(sign, LeaseSeen):
        return None if sign.state is None else sign.state in ("initializing", "ready")
    if sign.outcome.accepted:
        return True
    return False if sign.outcome.fault in _DEATHS else None


def _told(sign: Sign) -> str:
    if isinstance(sign, LeaseSeen):
        return f"it was {sign.state}" + (f" with {sign.error}" if sign.error else "") + f" in exchange {sign.id}"
    what = {LeaseReadRefused: "a read", ProgressSent: "Progress"}.get(type(sign)) or getattr(sign, "how", "a call")
    return f"{what} was answered {sign.outcome} in exchange {sign.id}"


def _renewed(history: History) -> Iterator[Case]:
    for record in history.leases:
        granted, timeout = record.granted, record.timeout
        if granted is None or timeout is None or record.fell_ill():
            continue
        for sign in _signs(record):
            moment, alive = sign.exchange, _alive(sign)
            renewal = record.last_renewal(moment)
            start = renewal or granted
            if alive is None or moment.t1 - start.exchange.t0 >= timeout or record.may_have_been_ended(moment):
                continue
            since = moment.t0 - start.exchange.t1
            what = "accepted Progress" if renewal else "was granted"
            told = f"{record.name} {what} in exchange {start.id}; {since:g} s of {timeout:g} s later"
            if alive and renewal and moment.t0 > granted.exchange.t1 + timeout:
                yield kept(told, _told(sign), by=(granted.id, renewal.id, sign.id))
            elif not alive and (fetch := _data_since(record, start.exchange, sign)):
                yield broken(told, _told(sign), by=(granted.id, start.id, fetch, sign.id))


def _data_since(record: LeaseRecord, start: Exchange, sign: Sign) -> int | None:
    """Return a GET that moved bytes no earlier than the lease was last renewed.

    A server may refuse Progress when it has not detected that data moves (2.4, 3.6): without bytes nobody is accused.
    """
    for fetch in record.fetches:
        moved = fetch.status == 200 and (fetch.size or 0) > 0
        if moved and fetch.exchange.t1 >= start.t0 and fetch.exchange.t0 <= sign.exchange.t1:
            return fetch.id
    return None


def _silent(history: History) -> Iterator[Case]:
    for record in history.leases:
        for sign in _signs(record):
            since, alive = record.timed_out_before(sign.exchange), _alive(sign)
            if since is None or alive is None:
                continue
            silence = sign.exchange.t0 - since.t1
            limit = f"its timeout {record.timeout:g} s"
            told = f"{record.name} had been silent for {silence:g} s since exchange {since.id}, {limit};"
            if alive:
                yield broken(told, _told(sign), by=(since.id, sign.id))
            else:
                yield kept(told, _told(sign), by=(since.id, sign.id))


def _sane(history: History) -> Iterator[Case]:
    for record in history.leases:
        for seen in record.seen:
            if seen.info is not None and seen.info.timeout is not None:
                told = f"leaseTimeout of {record.name} is {seen.info.timeout:g} in exchange {seen.id}"
                good = LEAST_TIMEOUT <= seen.info.timeout <= MOST_TIMEOUT
                answer = f"known servers give {LEAST_TIMEOUT:g} to {MOST_TIMEOUT:g} seconds"
                yield (kept if good else broken)(told, answer, by=(seen.id,))


RENEWAL_CLAUSES = (
    Clause(
        "RENEWAL-001", "A lease whose data moves lives for leaseTimeout from its grant, and from each Progress anew.",
        "vsphere 3.1, 3.4, 2.4", "V", "vendor", "vcenter", _renewed,
    ),
    Clause(
        "RENEWAL-002", "A lease silent for longer than leaseTimeout ends in error and serves no call any more.",
        "vsphere 3.1, 3.8", "V", "vendor", "vcenter", _silent,
    ),
    Clause(
        "RENEWAL-003", "leaseTimeout counts seconds, 30 to 3600 of them.",
        "vsphere 3.2, 3.3", "O", "vendor", "vcenter", _sane,
    ),
)  # fmt: skip
