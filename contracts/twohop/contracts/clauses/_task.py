"""TASK: the task that runs behind a lease (vsphere 1.3, 1.4, 1.11, 3.8)."""

from __future__ import annotations

from collections.abc import Iterator

from twohop.contracts.history import (
    ExportRefused,
    History,
    LeaseGranted,
    LeaseRecord,
    OwnTask,
    RecentTasksRead,
    TaskCancelled,
    TaskSeen,
    maybe_before,
    surely_before,
)

from ._clause import Case, Clause, broken, kept

_RUNNING = ("queued", "running")
_DESCRIBED = {
    "VirtualMachine": "VirtualMachine.exportVm",
    "VirtualApp": "VirtualApp.exportVApp",
    "VirtualMachineSnapshot": "vm.Snapshot.exportSnapshot",
}


def _seen(history: History) -> Iterator[tuple[OwnTask, TaskSeen]]:
    for own in history.own_tasks:
        for seen in history.all(TaskSeen):
            if (seen.server, seen.task) == (own.record.server, own.task):
                yield own, seen


def _told(own: OwnTask) -> str:
    return f"{own.task} is the task of {own.record.name}, new in exchange {own.after.id}"


def _runs(history: History) -> Iterator[Case]:
    for own, seen in _seen(history):
        held = own.record.surely_held(seen.exchange)
        if held is not None:
            answer = f"the lease was ready in exchange {held.id}, the task {seen.state} in {seen.id}"
            by = (own.after.id, held.id, seen.id)
            yield (kept if seen.state in _RUNNING else broken)(_told(own), answer, by=by)


def _succeeds(history: History) -> Iterator[Case]:
    for own, seen in _seen(history):
        end = own.record.end_before(seen.exchange)
        if end is not None and end.how == "complete":
            answer = f"the lease was completed in exchange {end.id}, the task {seen.state} in {seen.id}"
            by = (own.after.id, end.id, seen.id)
            yield (kept if seen.state == "success" else broken)(_told(own), answer, by=by)


def _fails(history: History) -> Iterator[Case]:
    for own, seen in _seen(history):
        over = _failed(own.record, seen)
        if over is not None:
            answer = f"{over[0]}, the task {seen.state} in {seen.id}"
            by = (own.after.id, over[1], seen.id)
            yield (kept if seen.state == "error" else broken)(_told(own), answer, by=by)


def _failed(record: LeaseRecord, seen: TaskSeen) -> tuple[str, int] | None:
    end = record.end_before(seen.exchange)
    if end is not None:
        return (f"the lease was aborted in exchange {end.id}", end.id) if end.how == "abort" else None
    since = record.timed_out_before(seen.exchange)
    return (f"the lease had been silent since exchange {since.id} for too long", since.id) if since else None


def _uncancelled(history: History) -> Iterator[Case]:
    cancels = [c for c in history.all(TaskCancelled) if c.outcome.kind != "faulted"]
    for own, seen in _seen(history):
        cancelled = any(c.task == own.task and maybe_before(c.exchange, seen.exchange) for c in cancels)
        if seen.cancelled is not None and not cancelled and seen.state in ("success", "error"):
            answer = f"nobody has cancelled it; in exchange {seen.id} it is {seen.state}, cancelled: {seen.cancelled}"
            yield (broken if seen.cancelled else kept)(_told(own), answer, by=(own.after.id, seen.id))


def _described(history: History) -> Iterator[Case]:
    for own, seen in _seen(history):
        wanted = _DESCRIBED.get(own.record.granted.entity_type if own.record.granted else "")
        if seen.description is not None and wanted is not None:
            answer = f"its descriptionId is {seen.description} in exchange {seen.id}"
            by = (own.after.id, seen.id)
            yield (kept if seen.description == wanted else broken)(_told(own), answer, by=by)


def _listed(history: History) -> Iterator[Case]:
    about = {(seen.server, seen.task): seen for seen in history.all(TaskSeen) if seen.entity is not None}
    for record in history.leases:
        granted = record.granted
        if granted is None or granted.entity_type == "VirtualMachineSnapshot":
            continue  # its task is on the machine
        for read in history.all(RecentTasksRead):
            mine = read.owner == granted.entity or read.owner.lower().endswith("taskmanager")
            held = record.surely_held(read.exchange) if mine and read.server == record.server else None
            known = [about.get((read.server, task)) for task in read.tasks]
            if held is None or any(task is None for task in known) or _others(history, record, read):
                continue
            exports = [t for t in known if t and t.entity == granted.entity and "xport" in (t.description or "")]
            told = f"{record.name} was held on {granted.entity}, ready in exchange {held.id};"
            answer = f"the recent tasks of {read.owner} in exchange {read.id} hold {len(exports)} export tasks on it"
            yield (kept if exports else broken)(told, answer, by=(granted.id, held.id, read.id))


def _others(history: History, record: LeaseRecord, read: RecentTasksRead) -> bool:
    """Tell whether another export of the entity may have left a task, which says nothing about this one."""
    granted = record.granted
    assert granted is not None
    others: list[LeaseGranted | ExportRefused] = [
        r.granted for r in history.leases if r is not record and r.granted is not None
    ]
    others += [e for e in history.all(ExportRefused) if e.outcome.fault != "NotAuthenticated"]
    return any(e.entity == granted.entity and maybe_before(e.exchange, read.exchange) for e in others)


def _percent(history: History) -> Iterator[Case]:
    for own, seen in _seen(history):
        if seen.progress is not None:
            answer = f"its progress is {seen.progress} in exchange {seen.id}"
            good = 0 <= seen.progress <= 100
            yield (kept if good else broken)(_told(own), answer, by=(own.after.id, seen.id))


def _given_fault(history: History) -> Iterator[Case]:
    for own, seen in _seen(history):
        aborts = [end for end in own.record.ends if end.how == "abort" and end.outcome.accepted]
        if len(aborts) != 1 or aborts[0].fault is None:
            continue
        if seen.state == "error" and surely_before(aborts[0].exchange, seen.exchange):
            answer = f"the abort in exchange {aborts[0].id} named {aborts[0].fault}, the task in {seen.id} {seen.fault}"
            by = (own.after.id, aborts[0].id, seen.id)
            yield (kept if seen.fault == aborts[0].fault else broken)(_told(own), answer, by=by)


TASK_CLAUSES = (
    Clause(
        "TASK-001", "The task of an export runs for as long as its lease is held.",
        "vsphere 1.11", "V", "vendor", "vcenter", _runs,
    ),
    Clause(
        "TASK-002", "Complete makes the task a success.",
        "vsphere 1.3", "V", "vendor", "vcenter", _succeeds,
    ),
    Clause(
        "TASK-003", "Abort, or the timeout, makes the task an error.",
        "vsphere 1.4, 3.8", "V", "vendor", "vcenter", _fails,
    ),
    Clause(
        "TASK-004", "A task is cancelled only where somebody has cancelled it.",
        "vsphere 1.4, 1.10, 3.8", "O", "vendor", "vcenter", _uncancelled,
    ),
    Clause(
        "TASK-005", "The task's descriptionId says which export it is.",
        "vsphere 1.11", "R", "vendor", "vcenter", _described,
    ),
    Clause(
        "TASK-006", "The task of a lease that is held stands among the recent tasks, of its entity and of all.",
        "vsphere 1.11", "V", "vendor", "vcenter", _listed,
    ),
    Clause(
        "TASK-007", "The progress of the task is 0 to 100, whatever a client has reported.",
        "vsphere 1.13, 2.6", "V", "vendor", "vcenter", _percent,
    ),
    Clause(
        "TASK-008", "The fault that an abort names is what others see on the task.",
        "vsphere 1.4", "V", "vendor", "vcenter", _given_fault,
    ),
)  # fmt: skip
