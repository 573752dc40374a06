"""Fakes with one rule broken each. What is wrong with a mutant is its docstring."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Any

import pytest

from twohop.contracts.targets import FakeTarget
from twohop.fakes.machines import LeaseInput, LeaseState, PowerState, Refusal, _lease
from twohop.fakes.nfc import _app
from twohop.fakes.vim.objects import _export, _virtual_machine
from twohop.fakes.vim.objects import _lease as lease_object

Mutant = Callable[[pytest.MonkeyPatch, FakeTarget], None]
MUTANTS: dict[str, Mutant] = {}

S, IN = LeaseState, LeaseInput
WRONG_PRINT = ":".join(["00"] * 20)


def mutant(breaks: Mutant) -> Mutant:
    MUTANTS[breaks.__name__] = breaks
    return breaks


def _row(patch: pytest.MonkeyPatch, state: LeaseState, given: LeaseInput, target: Any) -> None:
    patch.setattr(_lease, "TABLE", MappingProxyType({**_lease.TABLE, (state, given): target}))


@mutant
def never_times_out(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """Silence does not end a lease (3.8)."""
    patch.setattr(_export, "arm_timeout", lambda call, lease: None)


@mutant
def times_out_early(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A lease ends after half its timeout (3.1)."""
    early = lambda lease: lease.renewed_at + lease.timeout / 2 if lease.state.held else None  # noqa: E731
    patch.setattr(_lease.Lease, "deadline", early)


@mutant
def progress_does_not_renew(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """Progress is accepted and renews nothing (3.4)."""
    patch.setattr(_lease, "_RENEWS", frozenset({IN.PREPARED}))


@mutant
def progress_wakes_the_dead(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """Progress makes a lease that has timed out ready again (1.6, 2.4)."""
    _row(patch, S.TIMED_OUT, IN.PROGRESS, S.READY)


@mutant
def info_while_initializing(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The device URLs can be read before the lease is ready (1.7)."""
    honest = lease_object.LEASE.readers["info"]

    def early(call: Any, lease: Any) -> Any:
        seen, lease.value = lease.value, lease.value.__class__(lease.value.timeout, 0.0, S.READY)
        try:
            return honest(call, lease)
        finally:
            lease.value = seen

    patch.setitem(lease_object.LEASE.readers, "info", early)


@mutant
def complete_twice_accepted(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A lease that is done can be completed again (2.1)."""
    _row(patch, S.DONE, IN.COMPLETE, S.DONE)


@mutant
def abort_after_timeout_accepted(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A lease that has timed out can still be aborted (2.3)."""
    _row(patch, S.TIMED_OUT, IN.ABORT, S.ABORTED)


@mutant
def timeout_told_as_invalid_state(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """Complete after a timeout is refused with InvalidState (2.2)."""
    _row(patch, S.TIMED_OUT, IN.COMPLETE, Refusal.INVALID_STATE)


@mutant
def abort_ends_in_done(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """An aborted lease reads done (1.4)."""
    _row(patch, S.READY, IN.ABORT, S.DONE)


@mutant
def lock_not_kept(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A machine can be powered on under a lease (9.1)."""
    patch.setattr(_virtual_machine, "refuse_while_leased", lambda call, vm: None)


@mutant
def lock_not_released_at_abort(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """An aborted lease goes on holding its machine (9.5)."""
    honest = lease_object.step_lease

    def sticky(world: Any, lease: Any, given: LeaseInput, error: Any = None) -> Any:
        refusal = honest(world, lease, given, error)
        if refusal is None and given is IN.ABORT:
            with world.change() as tx:
                for vm in lease.vms:
                    tx.set(vm, "leases", vm.leases | {lease.moid})
        return refusal

    patch.setattr(lease_object, "step_lease", sticky)


@mutant
def stream_truncated_but_ended_cleanly(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A disk loses its last KiB, and the answer ends as if it were whole (7.6)."""
    honest = _app.send

    def short(world: Any, lease: Any, file: Any) -> Iterator[bytes]:
        pieces = list(honest(world, lease, file))
        yield from pieces[:-1]
        yield pieces[-1][:-1024]

    patch.setattr(_app, "send", short)


@mutant
def wrong_thumbprint_advertised(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The device URLs name the thumbprint of another certificate (4.7)."""
    honest = target.vcenter.reset

    def reset() -> None:
        honest()
        with target.vcenter.world.change() as tx:
            for host in target.vcenter.world.hosts():
                tx.set(host, "thumbprint", WRONG_PRINT)

    patch.setattr(target.vcenter, "reset", reset)


@mutant
def exports_a_running_machine(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """ExportVm is granted on a machine that is powered on (2.11)."""
    honest = _virtual_machine.VIRTUAL_MACHINE.methods["ExportVm"]

    def careless(call: Any, vm: Any) -> Any:
        power, vm.power = vm.power, PowerState.OFF
        try:
            return honest.handler(call, vm)
        finally:
            vm.power = power

    patch.setitem(_virtual_machine.VIRTUAL_MACHINE.methods, "ExportVm", dataclasses.replace(honest, handler=careless))
