"""HttpNfcLease: the machine of `machines._lease` on a world, with its faults, its properties and its clock."""

from __future__ import annotations

from typing import Any

from ...machines import LeaseInput, LeaseState, Refusal
from ...nfc import size_of
from ...world import ExportLease, ExportTask, ImportLease, step_lease
from .. import _faults as faults
from .._kinds import BY_CLASS, Kind
from .._registry import vim, vmodl
from .._service import Call
from ._lease_info import lease_info

LEASE = Kind("HttpNfcLease", of=ExportLease)
BY_CLASS[ImportLease] = LEASE


def arm_timeout(call: Call, lease: ExportLease) -> None:
    """Let the lease end by its deadline, which every renewal moves (3.1, 3.8)."""
    world = call.world

    def due() -> None:
        with world.lock:
            deadline = lease.value.deadline()
            if deadline is None or lease.moid not in world.objects:
                return
            if world.clock.now() < deadline:
                world.clock.call_at(deadline, due)
                return
            step_lease(world, lease, LeaseInput.DEADLINE, faults.timed_out())

    deadline = lease.value.deadline()
    assert deadline is not None
    world.clock.call_at(deadline, due)


def cancel_export(call: Call, task: ExportTask) -> None:
    """Cancel an export's task: its lease ends in error, and the task says who did it (2.17)."""
    lease = call.world.objects.get(task.lease or "")
    if isinstance(lease, ExportLease):
        with call.world.change() as tx:
            tx.set(task, "cancelled", True)
            step_lease(call.world, lease, LeaseInput.ABORT, faults.request_canceled())


def require(call: Call, lease: ExportLease, input: LeaseInput, error: Any = None) -> None:
    """Put an input to a lease; raise the fault that its state, or the profile, answers with (2.1 to 2.9)."""
    refusal = step_lease(call.world, lease, input, error)
    if refusal is None:
        return
    profile = call.world.profile
    name = {
        Refusal.INVALID_STATE: "InvalidState",
        Refusal.TIMED_OUT: "Timedout",
        Refusal.PROGRESS_AFTER_END: profile.text("progress_after_end"),
        Refusal.ABORT_AFTER_COMPLETE: profile.text("abort_after_complete"),
        Refusal.WHILE_INITIALIZING: profile.text("complete_while_initializing"),
        Refusal.NOTHING: "InvalidState",
    }[refusal]
    if name == "ManagedObjectNotFound":
        raise faults.not_found(call.ref(lease))
    raise faults.timed_out() if name == "Timedout" else faults.invalid_state()


@LEASE.provides("state")
def _state(call: Call, lease: ExportLease) -> str:
    return lease.state.seen


@LEASE.provides("error")
def _error(call: Call, lease: ExportLease) -> Any:
    return lease.error


@LEASE.provides("initializeProgress")
def _initialize_progress(call: Call, lease: ExportLease) -> int:
    # A lease that initialises gets on by being looked at.
    done = lease.reads - max(0, lease.reads_left)
    return 100 if done >= lease.reads else 100 * done // lease.reads


@LEASE.provides("transferProgress")
def _transfer_progress(call: Call, lease: ExportLease) -> int:
    # What an import will send in all, no server is told.
    if isinstance(lease, ImportLease) or call.world.profile.text("transfer_progress") == "progress":
        return max(0, min(100, lease.percent))
    moved, total = lease.moved, sum(size_of(file) for file in lease.files if file.there)
    if call.world.profile.text("transfer_progress") == "file":
        # Reset with each file, as the wording of the reference lets one think (1.13).
        moved, total = (lease.moving.moved, size_of(lease.moving)) if lease.moving is not None else (0, 0)
    return min(100, 100 * moved // total) if total else 0


@LEASE.provides("mode")
def _mode(call: Call, lease: ExportLease) -> str:
    return "pushOrGet"


@LEASE.provides("capabilities")
def _capabilities(call: Call, lease: ExportLease) -> Any:
    profile = call.world.profile
    return vim.HttpNfcLease.Capabilities(
        pullModeSupported=profile.flag("pull_mode"), corsSupported=profile.flag("cors")
    )


@LEASE.provides("info")
def _info(call: Call, lease: ExportLease) -> Any:
    return lease_info(call, lease) if lease.state is LeaseState.READY else None


@LEASE.method("HttpNfcLeaseProgress")
def _progress(call: Call, lease: ExportLease, percent: int) -> None:
    if call.world.profile.text("progress_out_of_range") == "InvalidArgument" and not 0 <= percent <= 100:
        raise faults.invalid_argument("percent")
    with call.world.change() as tx:
        require(call, lease, LeaseInput.PROGRESS)
        tx.set(lease, "percent", percent)
        tx.set(lease.task, "progress", max(0, min(100, percent)))


@LEASE.method("HttpNfcLeaseComplete")
def _complete(call: Call, lease: ExportLease) -> None:
    missing = isinstance(lease, ImportLease) and any(file.disk and not file.arrived for file in lease.files)
    refused = missing and call.world.profile.text("import_incomplete") == "InvalidState"
    if refused and lease.state is LeaseState.READY:
        raise faults.invalid_state()
    require(call, lease, LeaseInput.COMPLETE)


@LEASE.method("HttpNfcLeaseAbort")
def _abort(call: Call, lease: ExportLease, fault: Any) -> None:
    # The fault given is what other listeners see on the task (1.4).
    silent = call.world.profile.text("abort_without_fault") == "unset"
    seen = fault if isinstance(fault, vmodl.MethodFault) else None if silent else faults.request_canceled()
    require(call, lease, LeaseInput.ABORT, seen)
