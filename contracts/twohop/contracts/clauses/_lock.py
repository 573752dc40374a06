"""LOCK: a machine that a lease holds does not change its state (vsphere 9)."""

from __future__ import annotations

from collections.abc import Iterator

from twohop.contracts.history import (
    ExportRefused,
    History,
    LeaseGranted,
    LeaseRecord,
    PowerAsked,
    TaskSeen,
    maybe_before,
    seemingly_before,
    surely_before,
)
from twohop.runtime.observing import Exchange

from ._clause import Case, Clause, broken, kept

_LOCKED = frozenset({"TaskInProgress", "InvalidState"})


def _result(history: History, asked: PowerAsked) -> tuple[str, int] | None:
    """Return `done` or the fault of a power operation and the exchange that shows it; None while nobody knows."""
    if asked.outcome.kind == "faulted":
        return str(asked.outcome.fault), asked.id
    if asked.outcome.kind == "unclear" or asked.task is None:
        return None
    for seen in history.all(TaskSeen):
        if (seen.server, seen.task) == (asked.server, asked.task) and seen.state in ("success", "error"):
            return ("done" if seen.state == "success" else seen.fault or "an error"), seen.id
    return None


def _attempts(history: History) -> Iterator[tuple[PowerAsked, str, int]]:
    for asked in history.all(PowerAsked):
        result = _result(history, asked)
        if asked.operation == "on" and result is not None:
            yield asked, *result


def _leases(history: History, asked: PowerAsked) -> list[LeaseRecord]:
    return [record for record in history.leases if record.vm == asked.vm and record.server == asked.server]


def _refused(history: History) -> Iterator[Case]:
    for asked, result, shown in _attempts(history):
        for record in _leases(history, asked):
            held = record.surely_held(asked.exchange)
            if held is None:
                continue
            told = f"{asked.vm} was held by {record.name}, ready in exchange {held.id};"
            answer = f"power on in exchange {asked.id} came to: {result}"
            if result == "done":
                yield broken(told, answer, by=(held.id, asked.id, shown))
            elif result in _LOCKED:
                yield kept(told, answer, by=(held.id, asked.id, shown))


def _accepted(history: History) -> Iterator[Case]:
    for asked, result, shown in _attempts(history):
        records = _leases(history, asked)
        if not records or _busy_otherwise(history, asked):
            continue
        ends = [_over(record, asked.exchange) for record in records if not _later(record, asked.exchange)]
        known = [end for end in ends if end is not None]
        if not known or len(known) < len(ends):
            continue
        last = max(known)
        told = f"the last lease on {asked.vm} was over by exchange {last};"
        answer = f"power on in exchange {asked.id} came to: {result}"
        if result == "done":
            yield kept(told, answer, by=(last, asked.id, shown))
        elif result in _LOCKED:
            yield broken(told, answer, by=(last, asked.id, shown))


def _later(record: LeaseRecord, moment: Exchange) -> bool:
    return record.granted is not None and surely_before(moment, record.granted.exchange)


def _over(record: LeaseRecord, moment: Exchange) -> int | None:
    """Return the exchange by which a lease was over, in good order or by its timeout."""
    for end in record.ends:
        if end.outcome.accepted and seemingly_before(end.exchange, moment):
            return end.id
    for seen in record.seen:
        if seen.state in ("done", "error") and seemingly_before(seen.exchange, moment):
            return seen.id
    silent = record.timed_out_before(moment)
    return silent.id if silent is not None else None


def _busy_otherwise(history: History, asked: PowerAsked) -> bool:
    """Tell whether something else than a lease in the history can hold the machine.

    A refused ExportVm can leave its task running (2.17), an unanswered one can have made a lease; another power
    operation holds the machine until its task has ended.
    """
    for refused in history.all(ExportRefused):
        if refused.entity == asked.vm and maybe_before(refused.exchange, asked.exchange):
            return True
    for granted in history.all(LeaseGranted):
        whole = granted.entity_type == "VirtualApp"
        if whole and granted.server == asked.server and maybe_before(granted.exchange, asked.exchange):
            return True
    others = [p for p in history.all(PowerAsked) if p.vm == asked.vm and p is not asked and p.outcome.kind != "faulted"]
    for other in others:
        result = _result(history, other)
        if maybe_before(other.exchange, asked.exchange) and (result is None or result[1] > asked.id):
            return True
    return False


LOCK_CLAUSES = (
    Clause(
        "LOCK-001", "Power on of a machine is refused while a lease holds it.",
        "vsphere 9.1, 9.2", "V", "vendor", "vcenter", _refused,
    ),
    Clause(
        "LOCK-002", "Power on of a machine is accepted again once its last lease has ended.",
        "vsphere 9.5, 1.3, 1.4, 1.5", "V", "vendor", "vcenter", _accepted,
    ),
)  # fmt: skip
