"""Mutants of faults: their form on the wire, and which call is refused with which."""

from __future__ import annotations

import re
from typing import Any

import pytest

from twohop.contracts.targets import FakeTarget
from twohop.fakes.machines import LeaseInput, LeaseState, PowerState, Refusal
from twohop.fakes.vim import _app, _service
from twohop.fakes.vim import _faults as faults
from twohop.fakes.vim._registry import vim
from twohop.fakes.vim.objects import _lease as lease_object

from .mutant import killed_by, method, row


def _fault_text(patch: pytest.MonkeyPatch, pattern: str, by: str) -> None:
    honest = _app.serialize_fault

    def changed(fault: Any, version: str) -> bytes:
        return re.sub(pattern, by, honest(fault, version).decode()).encode()

    patch.setattr(_app, "serialize_fault", changed)


@killed_by("FAULT-001")
def faults_with_status_200(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A fault comes with status 200 (2.12)."""
    honest = _app.VimApp._answer

    def polite(self: Any, *given: Any) -> tuple[str, bytes]:
        return "200 OK", honest(self, *given)[1]

    patch.setattr(_app.VimApp, "_answer", polite)


@killed_by("FAULT-001")
def faults_without_a_type(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The element in a fault's detail has no xsi:type (2.12)."""
    _fault_text(patch, r'(<\w+Fault xmlns="urn:vim25") xsi:type="\w+"', r"\1")


@killed_by("FAULT-002")
def task_in_progress_without_its_task(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """TaskInProgress does not say which task (2.15)."""
    _fault_text(patch, r"<task type=\"Task\">[^<]*</task>", "")


@killed_by("FAULT-003")
def invalid_power_state_says_nothing(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """InvalidPowerState names the wanted state as the one there is (2.13)."""
    honest = faults.invalid_power_state
    patch.setattr(faults, "invalid_power_state", lambda existing, requested: honest(requested or existing, requested))


@killed_by("FAULT-004", "model")
def exports_a_running_machine(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """ExportVm is granted on a machine that is powered on (2.11)."""

    def careless(honest: Any, call: Any, vm: Any) -> Any:
        power, vm.power = vm.power, PowerState.OFF
        try:
            return honest(call, vm)
        finally:
            vm.power = power

    method(patch, "VirtualMachine", "ExportVm", careless)


@killed_by("FAULT-005")
def complete_refused_with_another_fault(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """Complete of an ended lease is refused with a fault that it does not declare (2)."""
    honest = lease_object.require

    def other(call: Any, lease: Any, given: LeaseInput, error: Any = None) -> None:
        try:
            honest(call, lease, given, error)
        except vim.fault.InvalidState:
            raise vim.fault.ConcurrentAccess(msg="Somebody else was faster.") from None

    patch.setattr(lease_object, "require", other)


@killed_by("FAULT-006")
def no_progress_before_ready(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """Progress is refused while the lease is initializing (2.8)."""
    row(patch, LeaseState.INITIALIZING, LeaseInput.PROGRESS, Refusal.INVALID_STATE)


@killed_by("FAULT-007")
def progress_has_to_grow(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """Progress that does not grow is refused (2.7)."""

    def strict(honest: Any, call: Any, lease: Any, percent: int) -> None:
        if percent <= lease.percent:
            raise faults.invalid_argument("percent")
        honest(call, lease, percent=percent)

    method(patch, "HttpNfcLease", "HttpNfcLeaseProgress", strict)


@killed_by("FAULT-007")
def progress_100_means_complete(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """Progress(100) is refused, since only Complete may say so (2.8a)."""

    def strict(honest: Any, call: Any, lease: Any, percent: int) -> None:
        if percent == 100:
            raise faults.invalid_state()
        honest(call, lease, percent=percent)

    method(patch, "HttpNfcLease", "HttpNfcLeaseProgress", strict)


@killed_by("FAULT-008")
def anybody_may_call(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """Calls need no session (2.14)."""
    patch.setattr(_service, "check_session", lambda call, this, name: None)
    patch.setattr(_service, "check_call", lambda call, obj, name, given: None)


@killed_by("FAULT-009")
def exports_an_encrypted_machine(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """ExportVm is granted on a machine with a virtual TPM (2.18)."""

    def careless(honest: Any, call: Any, vm: Any) -> Any:
        sealed, vm.encrypted, vm.vtpm = (vm.encrypted, vm.vtpm), False, False
        try:
            return honest(call, vm)
        finally:
            vm.encrypted, vm.vtpm = sealed

    method(patch, "VirtualMachine", "ExportVm", careless)


@killed_by("FAULT-005", "FAULT-010")
def snapshots_of_machines_that_are_off(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """ExportSnapshot is refused with InvalidPowerState while the machine runs (2.11)."""

    def strict(honest: Any, call: Any, snapshot: Any) -> Any:
        if snapshot.vm.power is PowerState.ON:
            raise faults.invalid_power_state(snapshot.vm.power.value, PowerState.OFF.value)
        return honest(call, snapshot)

    method(patch, "VirtualMachineSnapshot", "ExportSnapshot", strict)


@killed_by("FAULT-011")
def somebody_elses_answer_to_complete(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """Complete is answered with what somebody else has read (10.9)."""
    target.server.faults.begin([{"match": {"method": "HttpNfcLeaseComplete"}, "action": {"kind": "foreign"}}])


@killed_by("FAULT-012")
def readers_may_export(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """Whoever sees a machine may export it (2.11)."""
    honest: Any = _service.check_call

    def lenient(call: Any, obj: Any, name: Any, given: Any) -> None:
        if name.name != "ExportVm":
            honest(call, obj, name, given)

    patch.setattr(_service, "check_call", lenient)
