"""LOCK: a machine that a lease holds does not change its state (vsphere 9)."""

from __future__ import annotations

from collections.abc import Iterator

from twohop.contracts.history import (
    ChangeAsked,
    ExportRefused,
    History,
    LeaseGranted,
    LeaseRecord,
    PowerAsked,
    came_to,
    maybe_before,
    power_at,
    seemingly_before,
    surely_before,
)
from twohop.runtime.observing import Exchange

from ._clause import Case, Clause, broken, kept

_LOCKED = frozenset({"TaskInProgress", "InvalidState"})


def _attempts(history: History) -> Iterator[tuple[PowerAsked, str, int]]:
    for asked in history.all(PowerAsked):
        result = came_to(history.events, asked)
        if asked.operation == "on" and result is not None:
            yield asked, *result


def _leases(history: History, asked: PowerAsked | ChangeAsked | ExportRefused) -> list[LeaseRecord]:
    vm = asked.entity if isinstance(asked, ExportRefused) else asked.vm
    return [record for record in history.leases if record.vm == vm and record.server == asked.server]


def _holding(history: History, asked: PowerAsked | ChangeAsked) -> list[LeaseRecord]:
    """Return the leases on a machine, and those on vApps that offer files of it: they hold it as well (2.11, 9.1)."""
    vapps = [
        record
        for record in history.leases
        if record.server == asked.server and record.granted and record.granted.entity_type == "VirtualApp"
    ]
    inside = [r for r in vapps if r.info and any(d.key.startswith(f"/{asked.vm}/") for d in r.info.devices)]
    return [*_leases(history, asked), *inside]


def _refused(history: History) -> Iterator[Case]:
    for asked, result, shown in _attempts(history):
        for record in _holding(history, asked):
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
        # Of a vApp or a snapshot a history need not know the machines.
        whole = granted.entity_type != "VirtualMachine"
        if whole and granted.server == asked.server and maybe_before(granted.exchange, asked.exchange):
            return True
    changes: list[PowerAsked | ChangeAsked] = [*history.all(PowerAsked), *history.all(ChangeAsked)]
    for other in changes:
        if other.vm != asked.vm or other is asked or other.outcome.kind == "faulted":
            continue
        result = came_to(history.events, other)
        if maybe_before(other.exchange, asked.exchange) and (result is None or result[1] > asked.id):
            return True
    return False


def _unchanged(history: History) -> Iterator[Case]:
    for asked in history.all(ChangeAsked):
        result = came_to(history.events, asked)
        for record in _holding(history, asked):
            held = record.surely_held(asked.exchange)
            if held is None:
                continue
            told = f"{asked.vm} was held by {record.name}, ready in exchange {held.id};"
            answer = f"{asked.operation} in exchange {asked.id} came to: {result[0] if result else 'a task that waits'}"
            if result is None:
                # A Destroy that is taken and waits for the export is claimed to have been seen (9.2).
                if asked.operation == "Destroy_Task" and asked.outcome.accepted:
                    yield kept(told, answer, by=(held.id, asked.id))
            elif result[0] in _LOCKED:
                yield kept(told, answer, by=(held.id, asked.id, result[1]))
            elif result[0] == "done" and record.surely_held(_exchange(history, result[1])) is not None:
                yield broken(told, answer, by=(held.id, asked.id, result[1]))


def _exchange(history: History, number: int) -> Exchange:
    found = history.exchange(number)
    assert found is not None
    return found


def _counted(history: History) -> Iterator[Case]:
    for asked, result, shown in _attempts(history):
        records = _leases(history, asked)
        ended = [number for record in records if (number := _over(record, asked.exchange)) is not None]
        for record in records:
            held = record.surely_held(asked.exchange)
            earlier = [number for number in ended if record.granted is not None and number > record.granted.id]
            if held is None or not earlier:
                continue
            told = f"another lease on {asked.vm} ended in exchange {max(earlier)}, {record.name} still held it;"
            answer = f"power on in exchange {asked.id} came to: {result}"
            by = (max(earlier), held.id, asked.id, shown)
            if result == "done":
                yield broken(told, answer, by=by)
            elif result in _LOCKED:
                yield kept(told, answer, by=by)


def _second(history: History) -> Iterator[Case]:
    for granted in history.all(LeaseGranted):
        for record in history.leases:
            held = record.surely_held(granted.exchange) if record.vm == granted.entity else None
            if held is not None and record.server == granted.server and record.granted is not granted:
                told = f"{granted.entity} was held by {record.name}, ready in exchange {held.id};"
                yield kept(told, f"ExportVm in {granted.id} was granted too", by=(held.id, granted.id))
    for refused in history.all(ExportRefused):
        for record in _leases(history, refused):
            held = record.surely_held(refused.exchange)
            if held is None or refused.outcome.fault not in ("TaskInProgress", "InvalidState", "InvalidPowerState"):
                continue
            told = f"{refused.entity} was held by {record.name}, ready in exchange {held.id};"
            answer = f"ExportVm in {refused.id}: {refused.outcome}"
            if refused.outcome.fault == "TaskInProgress":
                yield kept(told, answer, by=(held.id, refused.id))
            elif record.granted is not None:
                off = power_at(history.events, refused.server, refused.entity, refused.exchange)
                if off is not None and off[0] == "poweredOff":
                    yield broken(told, answer, by=(held.id, off[1], refused.id))


LOCK_CLAUSES = (
    Clause(
        "LOCK-001", "Power on of a machine is refused while a lease holds it, or the vApp that it is in.",
        "vsphere 9.1, 9.2", "V", "vendor", "vcenter", _refused,
    ),
    Clause(
        "LOCK-002", "Power on of a machine is accepted again once its last lease has ended.",
        "vsphere 9.5, 1.3, 1.4, 1.5", "V", "vendor", "vcenter", _accepted,
    ),
    Clause(
        "LOCK-003", "No other change of a machine is made while a lease holds it: refused, or, for Destroy, put off.",
        "vsphere 9.1, 9.2", "V", "vendor", "vcenter", _unchanged,
    ),
    Clause(
        "LOCK-004", "A machine that several leases hold stays locked until the last of them has ended.",
        "vsphere 9.1, 9.3, 9.5", "V", "vendor", "vcenter", _counted,
    ),
    Clause(
        "LOCK-005", "A second ExportVm of a machine that a lease holds is granted, or refused with TaskInProgress.",
        "vsphere 9.3", "O", "vendor", "vcenter", _second,
    ),
)  # fmt: skip
