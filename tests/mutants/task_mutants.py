"""Mutants of the task behind a lease."""

from __future__ import annotations

from typing import Any

import pytest

from twohop.contracts.targets import FakeTarget
from twohop.fakes.vim.objects import _granting
from twohop.fakes.world import _leasing

from .mutant import killed_by, method, reader


def _ends(patch: pytest.MonkeyPatch, failed: bool) -> None:
    honest = _leasing.end_task

    def ended(tx: Any, task: Any, now: float, **more: Any) -> None:
        honest(tx, task, now, **{**more, "failed": failed})

    patch.setattr(_leasing, "end_task", ended)


@killed_by("TASK-001")
def task_ends_when_the_lease_begins(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The export's task is a success as soon as the lease is granted (1.11)."""
    honest = _granting.start_task

    def hasty(call: Any, tx: Any, *given: Any, **more: Any) -> Any:
        task = honest(call, tx, *given, **more)
        _leasing.end_task(tx, task, call.world.clock.now())
        return task

    patch.setattr(_granting, "start_task", hasty)


@killed_by("TASK-002")
def complete_fails_the_task(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The task of a completed lease ends in error (1.3)."""
    _ends(patch, failed=True)


@killed_by("TASK-003")
def abort_is_a_success(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The task of an aborted lease ends in success (1.4)."""
    _ends(patch, failed=False)


@killed_by("TASK-004")
def abort_cancels_the_task(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The task of an aborted lease says that somebody has cancelled it (1.4)."""

    def cancelled(honest: Any, call: Any, lease: Any, **given: Any) -> None:
        honest(call, lease, **given)
        lease.task.cancelled = True

    method(patch, "HttpNfcLease", "HttpNfcLeaseAbort", cancelled)


@killed_by("TASK-005")
def export_by_another_name(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The descriptionId of the task is not that of an export (1.11)."""

    def renamed(honest: Any, call: Any, task: Any) -> Any:
        info = honest(call, task)
        info.descriptionId = info.descriptionId.replace("VirtualMachine.exportVm", "ExportVmLRO")
        return info

    reader(patch, "Task", "info", renamed)


@killed_by("TASK-006")
def exports_are_not_recent(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The task of an export is not among those of the task manager (1.11)."""

    def without(honest: Any, call: Any, manager: Any) -> Any:
        ids = {task.moid for task in call.world.tasks() if "xport" in task.description_id}
        return [task for task in honest(call, manager) if task._moId not in ids]

    reader(patch, "TaskManager", "recentTask", without)


@killed_by("TASK-007")
def task_beyond_100(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The progress of the task is whatever the client has said (2.6)."""

    def unclamped(honest: Any, call: Any, lease: Any, percent: int) -> None:
        honest(call, lease, percent=percent)
        lease.task.progress = percent

    method(patch, "HttpNfcLease", "HttpNfcLeaseProgress", unclamped)


@killed_by("TASK-008")
def fault_of_the_abort_forgotten(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The fault that an abort names is not what the task shows (1.4)."""
    method(
        patch, "HttpNfcLease", "HttpNfcLeaseAbort", lambda honest, call, lease, fault: honest(call, lease, fault=None)
    )
