"""Mutants of the lease itself: its states, its properties, its time."""

from __future__ import annotations

from typing import Any

import pytest

from twohop.contracts.targets import FakeTarget
from twohop.fakes.machines import LeaseInput, LeaseState, Refusal, _lease
from twohop.fakes.vim import _app
from twohop.fakes.vim import _faults as faults
from twohop.fakes.vim._registry import newest_known, version_for
from twohop.fakes.vim.objects import _export, _granting

from .mutant import answers, killed_by, reader, rewritten, row

S, IN = LeaseState, LeaseInput


@killed_by("RENEWAL-002")
def never_times_out(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """Silence does not end a lease (3.8)."""
    patch.setattr(_granting, "arm_timeout", lambda call, lease: None)


@killed_by("RENEWAL-001")
def times_out_early(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A lease ends after half its timeout (3.1)."""
    early = lambda lease: lease.renewed_at + lease.timeout / 2 if lease.state.held else None  # noqa: E731
    patch.setattr(_lease.Lease, "deadline", early)


@killed_by("RENEWAL-001")
def progress_does_not_renew(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """Progress is accepted and renews nothing (3.4)."""
    patch.setattr(_lease, "_RENEWS", frozenset({IN.PREPARED}))


@killed_by("LEASE-001", "RENEWAL-002")
def progress_wakes_the_dead(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """Progress makes a lease that has timed out ready again (1.6, 2.4)."""
    row(patch, S.TIMED_OUT, IN.PROGRESS, S.READY)


@killed_by("RENEWAL-003")
def timeout_in_milliseconds(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """leaseTimeout counts milliseconds (3.1, 3.3)."""
    rewritten(patch, r"<leaseTimeout>(\d+)<", r"<leaseTimeout>\g<1>000<")


@killed_by("LEASE-002")
def info_while_initializing(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The device URLs can be read before the lease is ready (1.7)."""

    def early(honest: Any, call: Any, lease: Any) -> Any:
        seen, lease.value = lease.value, lease.value.__class__(lease.value.timeout, 0.0, S.READY)
        try:
            return honest(call, lease)
        finally:
            lease.value = seen

    reader(patch, "HttpNfcLease", "info", early)


@killed_by("LEASE-003")
def complete_twice_accepted(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A lease that is done can be completed again (2.1)."""
    row(patch, S.DONE, IN.COMPLETE, S.DONE)


@killed_by("LEASE-003")
def abort_after_timeout_accepted(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A lease that has timed out can still be aborted (2.3)."""
    row(patch, S.TIMED_OUT, IN.ABORT, S.ABORTED)


@killed_by("LEASE-003")
def timeout_told_as_invalid_state(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """Complete after a timeout is refused with InvalidState (2.2)."""
    row(patch, S.TIMED_OUT, IN.COMPLETE, Refusal.INVALID_STATE)


@killed_by("LEASE-004")
def abort_ends_in_done(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """An aborted lease reads done (1.4)."""
    row(patch, S.READY, IN.ABORT, S.DONE)


@killed_by("LEASE-006")
def timeout_leaves_no_error(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A lease that has timed out does not say why (3.8)."""
    reader(patch, "HttpNfcLease", "error", lambda honest, call, lease: None)


@killed_by("LEASE-006")
def timeout_told_as_a_cancel(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The error of a lease that has timed out is RequestCanceled (3.8)."""

    def other(honest: Any, call: Any, lease: Any) -> Any:
        return None if honest(call, lease) is None else faults.request_canceled()

    reader(patch, "HttpNfcLease", "error", other)


@killed_by("LEASE-007")
def error_while_held(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A lease has an error from its beginning (1.5)."""
    reader(patch, "HttpNfcLease", "error", lambda honest, call, lease: honest(call, lease) or faults.invalid_state())


@killed_by("LEASE-008")
def transfer_progress_in_permille(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """transferProgress is no percentage (1.13)."""
    reader(patch, "HttpNfcLease", "initializeProgress", lambda honest, call, lease: 1000)


@killed_by("LEASE-008")
def mode_of_its_own(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """mode is a word that the API has not (1.14)."""
    rewritten(patch, r">pushOrGet<", ">push<")


@killed_by("LEASE-009")
def newer_fields_for_old_clients(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A client of an older API gets every member that the server knows (1.8)."""
    honest, api = _app.serialize_result, newest_known(target.profile.text("api_version"))
    newest = version_for("", api)
    patch.setattr(_app, "serialize_result", lambda method, value, version: honest(method, value, newest))


@killed_by("LEASE-010")
def info_of_another_machine(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """info.entity is not the machine that is exported (4.1)."""
    rewritten(patch, r"(</lease><entity type=\"VirtualMachine\">)[^<]+", r"\g<1>vm-1")


@killed_by("LEASE-011")
def export_gives_a_task(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """ExportVm gives the lease as if it were a task (1.11)."""

    def change(method: str, text: str) -> str:
        return text.replace('type="HttpNfcLease"', 'type="Task"') if method == "ExportVm" else text

    answers(patch, change)


@killed_by("LEASE-011")
def second_export_gives_the_first_lease(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """Two exports of a machine share one lease (1.1)."""
    honest = _export._export_vm

    def shared(call: Any, vm: Any) -> Any:
        held = next((lease for lease in call.world.leases() if lease.moid in vm.leases), None)
        return honest(call, vm) if held is None else call.ref(held)

    patch.setitem(_export.VIRTUAL_MACHINE.methods, "ExportVm", shared)
