"""CTASK: the tasks of a cell, and what enabling and disabling a download answer (vcd 2.13, 3.1, 3.15)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from urllib.parse import urlsplit

from twohop.contracts.history import CellTaskSeen, DownloadDisabled, DownloadEnabled, History, surely_before

from ._clause import Case, Clause, broken, kept

_RANK = {"queued": 0, "preRunning": 1, "running": 2, "success": 3, "error": 3, "canceled": 3, "aborted": 3}


def _forward(history: History) -> Iterator[Case]:
    sights: dict[str, list[CellTaskSeen]] = {}
    for seen in history.all(CellTaskSeen):
        sights.setdefault(seen.task, []).append(seen)
    for task, states in sights.items():
        for first, second in pairwise(states):
            if not surely_before(first.exchange, second.exchange):
                continue
            told = f"{task} was {first.status} in exchange {first.id} and {second.status} in {second.id}"
            before, after = _RANK.get(first.status), _RANK.get(second.status)
            if before is None or after is None:
                yield broken(told, f"a task is one of {', '.join(_RANK)}", by=(first.id, second.id))
            elif after < before or (before == 3 and second.status != first.status):
                yield broken(told, "a task goes forward, and stays where it ended", by=(first.id, second.id))
            else:
                yield kept(told, by=(first.id, second.id))


def _enabled(history: History) -> Iterator[Case]:
    for enabled in history.all(DownloadEnabled):
        if enabled.status is None or not 200 <= enabled.status < 300:
            continue
        response = enabled.exchange.response
        location = urlsplit((response.header("Location") if response else None) or "").path
        told = f"enabling {enabled.entity} in exchange {enabled.id} was answered {enabled.status}"
        if enabled.status == 202 and enabled.task is not None and location == enabled.task:
            yield kept(told, f"with the task {enabled.task}", by=(enabled.id,))
        else:
            came = f"the task {enabled.task} and the Location {location or 'none'}"
            yield broken(told, f"with {came}; right is 202 with a task, whose path is the Location", by=(enabled.id,))


def _disabled(history: History) -> Iterator[Case]:
    for disabled in history.all(DownloadDisabled):
        if disabled.status is None or disabled.status >= 400:
            continue
        response = disabled.exchange.response
        body = response.body if response else None
        told = f"disabling {disabled.entity} in exchange {disabled.id} was answered {disabled.status}"
        if disabled.status == 204 and not body:
            yield kept(told, "with nothing in it", by=(disabled.id,))
        else:
            yield broken(told, "right is 204 without a body", by=(disabled.id,))


CELL_TASK_CLAUSES = (
    Clause(
        "CTASK-001", "A task goes forward, queued, preRunning, running, to one of four ends, and stays there.",
        "vcd 2.13", "REC", "vendor", "cell", _forward,
    ),
    Clause(
        "CTASK-002", "Enabling a download is answered 202 with a task, whose path is the Location.",
        "vcd 3.1, 2.14", "DOC", "vendor", "cell", _enabled,
    ),
    Clause(
        "CTASK-003", "Disabling a download is answered 204, whether it was enabled or not.",
        "vcd 3.15", "DOC", "vendor", "cell", _disabled,
    ),
)  # fmt: skip
