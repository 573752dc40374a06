"""LEASE: the four states of a lease, and which call is legal when (vsphere 1, 2)."""

from __future__ import annotations

from collections.abc import Iterator

from twohop.contracts.history import (
    PROBE,
    DiskFetched,
    History,
    LeaseRecord,
    LeaseSeen,
    LoggedOut,
    ProgressSent,
    surely_before,
)

from ._clause import Case, Clause, broken, kept

_ORDER = {"initializing": 0, "ready": 1, "done": 2, "error": 2}
_TERMINAL = frozenset({"done", "error"})
_GONE = "ManagedObjectNotFound"
_NO_ANSWER_TO_IT = frozenset({"NotAuthenticated", "NoPermission", "NotSupported", "RequestCanceled"})


def _forward(history: History) -> Iterator[Case]:
    for record in history.leases:
        sightings = [seen for seen in record.seen if seen.state is not None]
        for later in sightings:
            earlier = next((s for s in reversed(sightings) if surely_before(s.exchange, later.exchange)), None)
            if earlier is None:
                continue
            was, now = str(earlier.state), str(later.state)
            told = f"{record.name} was {was} in exchange {earlier.id} and {now} in {later.id}"
            if now not in _ORDER or was not in _ORDER:
                yield broken(told, f"the states are {', '.join(_ORDER)}", by=(earlier.id, later.id))
            elif was == now and was not in _TERMINAL:
                continue
            elif _ORDER[now] < _ORDER[was] or (was in _TERMINAL and now != was):
                yield broken(told, "no transition leads back or out of a final state", by=(earlier.id, later.id))
            else:
                yield kept(told, by=(earlier.id, later.id))


def _state_during(record: LeaseRecord, read: LeaseSeen) -> tuple[str, tuple[int, ...]] | None:
    """Tell in which state a lease was during a read, where that is certain, and which exchanges say so."""
    if read.state is not None:
        return read.state, (read.id,)
    for seen in record.seen:
        if seen.state == "initializing" and surely_before(read.exchange, seen.exchange):
            return "initializing", (read.id, seen.id)
    return None


def _info(history: History) -> Iterator[Case]:
    for record in history.leases:
        for read in record.seen:
            during = _state_during(record, read) if read.info_read else None
            if during is None or during[0] != "initializing":
                continue
            if read.info is not None:
                yield broken(
                    f"{record.name} showed its info in exchange {read.id} while it was initializing",
                    "info is valid only once the lease is ready",
                    by=during[1],
                )
            else:
                yield kept(f"{record.name} kept its info unset while initializing, exchange {read.id}", by=during[1])


def _ended(history: History) -> Iterator[Case]:
    for record in history.leases:
        for attempt in record.ends:
            fault = attempt.outcome.fault
            if attempt.outcome.kind == "unclear" or fault in _NO_ANSWER_TO_IT:
                continue
            end = record.end_before(attempt.exchange)
            since = record.timed_out_before(attempt.exchange)
            if end is not None:
                by, right = (end.id, attempt.id), ("InvalidState", _GONE)
                told = f"{record.name} had accepted {end.how} in exchange {end.id}"
            elif since is not None:
                by, right = (since.id, attempt.id), ("Timedout", _GONE)
                told = f"{record.name} had been silent since exchange {since.id}, longer than its {record.timeout:g} s"
            else:
                continue
            answer = f"{attempt.how} in exchange {attempt.id} was answered {attempt.outcome}"
            if fault in right:
                yield kept(told, answer, by=by)
            else:
                yield broken(told, answer, f"right are {' and '.join(right)}", by=by)


def _outcome(history: History) -> Iterator[Case]:
    wanted = {"complete": "done", "abort": "error"}
    for record in history.leases:
        for seen in record.seen:
            end = record.end_before(seen.exchange)
            if end is None or seen.state is None:
                continue
            told = f"{record.name} accepted {end.how} in exchange {end.id} and was {seen.state} in {seen.id}"
            if seen.state == wanted[end.how]:
                yield kept(told, by=(end.id, seen.id))
            else:
                yield broken(told, f"after {end.how} a lease is {wanted[end.how]}", by=(end.id, seen.id))


def _released(history: History) -> Iterator[Case]:
    for record in history.leases:
        if record.granted is None or record.granted.exchange.observer == PROBE:
            continue
        granted = record.granted
        mine = [end for end in record.ends if end.exchange.observer == granted.exchange.observer]
        done = [end for end in mine if end.outcome.accepted]
        if not done:
            yield from _never_ended(history, record)
            continue
        end = done[0]
        told = f"{record.name}, granted in exchange {granted.id}, was ended by {end.how} in {end.id}"
        for again in mine:
            if surely_before(end.exchange, again.exchange):
                yield broken(told, f"and once more by {again.how} in {again.id}", by=(end.id, again.id))
        for late in _after(record, end.exchange.id, granted.exchange.observer):
            if surely_before(end.exchange, late.exchange):
                what = "asked for bytes" if isinstance(late, DiskFetched) else "reported progress"
                yield broken(told, f"and still {what} in exchange {late.id}", by=(end.id, late.id))
        if end.how == "complete":
            yield from _completed(record, end.id, told)
        else:
            yield kept(told, by=(granted.id, end.id))


def _completed(record: LeaseRecord, end: int, told: str) -> Iterator[Case]:
    late = [fetch for fetch in record.fetches if fetch.id > end and fetch.status == 200]
    for fetch in late:
        yield broken(told, f"before the stream of exchange {fetch.id} had ended", by=(end, fetch.id))
    cut = [fetch for fetch in record.fetches if fetch.id < end and not fetch.answered]
    whole = {(f.ticket, f.file): f.id for f in record.fetches if f.id < end and f.answered}
    for fetch in cut:
        if (fetch.ticket, fetch.file) not in whole:
            never = f"though {fetch.file} never came whole: exchange {fetch.id} ended {fetch.end}"
            yield broken(told, never, by=(fetch.id, end))
    if whole:
        last = max(whole.values())
        yield kept(told, f"after the last byte, exchange {last}", by=(last, end))


def _after(record: LeaseRecord, end: int, observer: str) -> Iterator[ProgressSent | DiskFetched]:
    events: list[ProgressSent | DiskFetched] = [*record.progress, *record.fetches]
    return (event for event in events if event.id > end and event.exchange.observer == observer)


def _never_ended(history: History, record: LeaseRecord) -> Iterator[Case]:
    """Accuse only where the exporter has left, or let the timeout pass: a history may stop in the middle of a run."""
    granted = record.granted
    assert granted is not None
    if any(end.outcome.kind == "unclear" for end in record.ends):
        return
    mine = [e for e in history.all(LoggedOut) if e.exchange.observer == granted.exchange.observer]
    left = next((e for e in mine if e.server == record.server and surely_before(granted.exchange, e.exchange)), None)
    told = f"{record.name}, granted in exchange {granted.id}, was neither completed nor aborted"
    if left is not None:
        yield broken(told, f"when its holder logged out in exchange {left.id}", by=(granted.id, left.id))
        return
    last = history.exchanges[-1]
    if record.timed_out_before(last) is not None:
        yield broken(told, "and its timeout has passed", by=(granted.id, last.id))


LEASE_CLAUSES = (
    Clause(
        "LEASE-001", "A lease moves only forward, initializing to ready to done or error, and stays where it ended.",
        "vsphere 1.1, 1.6", "V", "vendor", "vcenter", _forward,
    ),
    Clause(
        "LEASE-002", "A lease gives no info before it is ready.",
        "vsphere 1.7", "V", "vendor", "vcenter", _info,
    ),
    Clause(
        "LEASE-003", "Complete or abort of an ended lease is refused: InvalidState, or Timedout after a timeout.",
        "vsphere 2.1, 2.2, 2.3", "V", "vendor", "vcenter", _ended,
    ),
    Clause(
        "LEASE-004", "Complete makes a lease done, abort makes it error.",
        "vsphere 1.3, 1.4", "V", "vendor", "vcenter", _outcome,
    ),
    Clause(
        "LEASE-005", "Who exports ends every lease exactly once, and completes it after the last byte.",
        "vsphere 1.3, 12 rows 11, 12", "O", "vendor", "exporter", _released,
    ),
)  # fmt: skip
