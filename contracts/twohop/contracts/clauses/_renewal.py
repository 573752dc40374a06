"""RENEWAL: what keeps a lease alive, and what silence does to it (vsphere 3)."""

from __future__ import annotations

from collections.abc import Iterator

from twohop.contracts.history import (
    EndSent,
    History,
    LeaseReadRefused,
    LeaseRecord,
    LeaseSeen,
    ProgressSent,
)

from ._clause import Case, Clause, broken, kept

_DEATHS = frozenset({"Timedout", "InvalidState", "ManagedObjectNotFound"})

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
            moment = sign.exchange
            renewal, alive = record.last_renewal(moment), _alive(sign)
            if renewal is None or alive is None or record.may_have_been_ended(moment):
                continue
            within = moment.t1 - renewal.exchange.t0 < timeout
            without = moment.t0 > granted.exchange.t1 + timeout
            if not (within and without):
                continue
            since = moment.t0 - renewal.exchange.t1
            told = f"{record.name} accepted Progress in exchange {renewal.id}; {since:g} s of {timeout:g} s later"
            if alive:
                yield kept(told, _told(sign), by=(granted.id, renewal.id, sign.id))
            elif fetch := _data_since(record, renewal, sign):
                yield broken(told, _told(sign), by=(granted.id, renewal.id, fetch, sign.id))


def _data_since(record: LeaseRecord, renewal: ProgressSent, sign: Sign) -> int | None:
    """Return a GET that moved bytes no earlier than the renewal.

    A server may refuse Progress when it has not detected that data moves (2.4, 3.6): without bytes nobody is accused.
    """
    for fetch in record.fetches:
        moved = fetch.status == 200 and (fetch.size or 0) > 0
        if moved and fetch.exchange.t1 >= renewal.exchange.t0 and fetch.exchange.t0 <= sign.exchange.t1:
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


RENEWAL_CLAUSES = (
    Clause(
        "RENEWAL-001", "Progress within leaseTimeout keeps a lease alive while its data moves.",
        "vsphere 3.1, 3.4, 2.4", "V", "vendor", "vcenter", _renewed,
    ),
    Clause(
        "RENEWAL-002", "A lease silent for longer than leaseTimeout ends in error and serves no call any more.",
        "vsphere 3.1, 3.8", "V", "vendor", "vcenter", _silent,
    ),
)  # fmt: skip
