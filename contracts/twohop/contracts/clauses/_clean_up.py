"""CLEAN: what an export leaves behind when it is over: no file, no half package, no locked machine."""

from __future__ import annotations

from collections.abc import Iterator

from twohop.contracts.history import (
    CellTaskSeen,
    DownloadDisabled,
    DownloadEnabled,
    History,
    LinksSeen,
    PowerAsked,
    TaskSeen,
)

from ._clause import Case, Clause, broken, kept

_ENDED = frozenset({"success", "error", "canceled", "aborted"})
_LOCKED = frozenset({"TaskInProgress", "InvalidState"})


def _at_once(history: History) -> Iterator[Case]:
    if history.declared["cell"].get("disable_removes") != "at-once":
        return
    for disabled in history.all(DownloadDisabled):
        looks = [k for k in history.all(LinksSeen) if k.entity == disabled.entity and k.id < disabled.id]
        sessions = {path.split("/")[2] for look in looks for _, path in look.downloads()}
        late = next((listing for listing in history.listings if listing.id > disabled.id), None)
        if disabled.status != 204 or not sessions or late is None:
            continue
        left = [path for path, _ in late.entries if path.split("/")[0] in sessions]
        told = f"{disabled.entity} was disabled in exchange {disabled.id}, having shown {', '.join(sorted(sessions))};"
        if left:
            yield broken(told, f"listing {late.id} still holds {', '.join(left)}", by=(disabled.id, late.id))
        else:
            yield kept(told, f"listing {late.id} holds nothing of it", by=(disabled.id, late.id))


def _no_half(history: History) -> Iterator[Case]:
    reaper = float(history.declared["cell"]["reaper_s"])
    tasks = list(history.all(CellTaskSeen))
    for failed in tasks:
        if failed.status not in _ENDED - {"success"}:
            continue
        for late in history.listings:
            begun = [e for e in history.all(DownloadEnabled) if failed.id < e.id < late.id]
            if late.id < failed.id or late.t - failed.exchange.t1 <= reaper or begun:
                continue
            half = sorted({path.split("/")[0] for path, _ in late.entries if path.startswith(".")})
            told = f"{failed.task} was {failed.status} in exchange {failed.id}, and the reaper comes each {reaper:g} s;"
            if half:
                yield broken(told, f"listing {late.id} still holds {', '.join(half)}", by=(failed.id, late.id))
            else:
                yield kept(told, f"listing {late.id} holds nothing unfinished", by=(failed.id, late.id))


def _unlocked(history: History) -> Iterator[Case]:
    downloads = [d for d in history.all(DownloadEnabled) if d.task is not None]
    for asked in history.all(PowerAsked):
        result = _result(history, asked)
        leases = [r for r in history.leases if r.vm == asked.vm and r.server == asked.server and r.granted is not None]
        if asked.operation != "on" or result is None or not leases:
            continue
        granted = [record.granted for record in leases if record.granted is not None]
        before = [lease for lease in granted if lease.id < asked.id]
        if not before or any(lease.exchange.observer == asked.exchange.observer for lease in before):
            continue
        last = max(before, key=lambda lease: lease.id)
        began = [d for d in downloads if d.id < asked.id]
        ends = [_end(history, d) for d in began]
        if not began or any(end is None or end.id > asked.id for end in ends):
            continue  # some export may still be under way
        ended = max((end for end in ends if end is not None), key=lambda end: end.id)
        if ended.id < last.id:
            continue
        told = f"{ended.task} was {ended.status} in exchange {ended.id}, its lease on {asked.vm} from {last.id};"
        answer = f"power on in exchange {asked.id}: {result[0]}"
        if result[0] in _LOCKED:
            yield broken(told, answer, "the machine is free when the task has ended", by=(last.id, ended.id, asked.id))
        elif result[0] == "done":
            yield kept(told, answer, by=(last.id, ended.id, asked.id))


def _end(history: History, enabled: DownloadEnabled) -> CellTaskSeen | None:
    ends = (seen for seen in history.all(CellTaskSeen) if seen.task == enabled.task and seen.status in _ENDED)
    return next(ends, None)


def _result(history: History, asked: PowerAsked) -> tuple[str, int] | None:
    if asked.outcome.kind == "faulted":
        return str(asked.outcome.fault), asked.id
    for seen in history.all(TaskSeen):
        if (seen.server, seen.task) == (asked.server, asked.task) and seen.state in ("success", "error"):
            return ("done" if seen.state == "success" else seen.fault or "an error"), seen.id
    return None


CLEAN_CLAUSES = (
    Clause(
        "CLEAN-001", "A download that is disabled has no file any more.",
        "vcd 3.15", "DOC", "profile", "cell", _at_once,
    ),
    Clause(
        "CLEAN-002", "Of an export that has failed nothing is left on the share, once the reaper has come round.",
        "vcd 3.20, 6.8", "DOC", "profile", "cell", _no_half,
    ),
    Clause(
        "CLEAN-003", "When the task that enables a download has ended, however it did, its machines can be powered on.",
        "vcd 3.26", "CLI", "vendor", "cell", _unlocked,
    ),
)  # fmt: skip
