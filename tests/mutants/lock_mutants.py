"""Mutants of the lock that a lease puts on its machines."""

from __future__ import annotations

from typing import Any

import pytest

from twohop.contracts.targets import FakeTarget
from twohop.fakes.machines import LeaseInput
from twohop.fakes.vim import _faults as faults
from twohop.fakes.vim.objects import _export, _operation
from twohop.fakes.vim.objects import _lease as lease_object

from .mutant import killed_by, method


@killed_by("LOCK-001")
def lock_not_kept(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A machine can be powered on under a lease (9.1)."""
    patch.setattr(_operation, "refuse_while_leased", lambda call, entity, field="": None)


@killed_by("LOCK-001")
def vapp_leaves_its_machines_free(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A lease on a vApp holds the vApp alone, and none of the machines in it (2.11, 9.1)."""
    honest = _export.Export.held.fget
    assert honest is not None

    def held(self: Any) -> Any:
        return () if self.vapps else honest(self)

    patch.setattr(_export.Export, "held", property(held))


def _after(patch: pytest.MonkeyPatch, given: tuple[LeaseInput, ...], change: Any) -> None:
    honest = lease_object.step_lease

    def changed(world: Any, lease: Any, input: LeaseInput, error: Any = None) -> Any:
        refusal = honest(world, lease, input, error)
        if refusal is None and input in given:
            with world.change() as tx:
                for vm in lease.vms:
                    tx.set(vm, "leases", change(lease, vm))
        return refusal

    patch.setattr(lease_object, "step_lease", changed)


@killed_by("LOCK-002")
def lock_not_released_at_abort(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """An aborted lease goes on holding its machine (9.5)."""
    _after(patch, (LeaseInput.ABORT,), lambda lease, vm: vm.leases | {lease.moid})


@killed_by("LOCK-003")
def destroys_a_leased_machine(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A machine can be destroyed under a lease (9.1)."""

    def careless(honest: Any, call: Any, vm: Any) -> Any:
        vm.leases = frozenset()
        return honest(call, vm)

    method(patch, "VirtualMachine", "Destroy_Task", careless)


@killed_by("LOCK-004")
def first_end_unlocks(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A machine that two leases hold is free when the first of them ends (9.1)."""
    _after(patch, (LeaseInput.ABORT, LeaseInput.COMPLETE), lambda lease, vm: frozenset())


@killed_by("LOCK-005")
def second_export_is_an_invalid_state(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A second ExportVm of a machine that is held is refused with InvalidState (9.3)."""
    honest = _export.refuse_export

    def strict(call: Any, tx: Any, vm: Any) -> None:
        if vm.leases:
            raise faults.invalid_state()
        honest(call, tx, vm)

    patch.setattr(_export, "refuse_export", strict)
