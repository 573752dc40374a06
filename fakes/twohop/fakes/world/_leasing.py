"""What follows from a step of a lease: its task ends, its machines unlock, its tickets die, its streams are cut."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..machines import LeaseInput, LeaseState, Refusal, TaskInput
from ._entities import Entity, VApp, Vm
from ._moving import discard
from ._operations import DeviceFile, ExportLease, ExportTask, ImportLease
from ._world import Change, World


def end_task(tx: Change, task: ExportTask, now: float, *, failed: bool = False, error: Any = None) -> None:
    """Let a task succeed or fail, with a fault where one is known."""
    tx.set(task, "error", error)
    tx.set(task, "value", task.value.step(TaskInput.FAIL if failed else TaskInput.SUCCEED, now))


def step_lease(world: World, lease: ExportLease, input: LeaseInput, error: Any = None) -> Refusal | None:
    """Put an input to a lease and let the world follow (1.3 to 1.5, 9.5). Returns why it was refused."""
    with world.change() as tx:
        now = world.clock.now()
        before = lease.state
        after = lease.value.step(input, now)
        if isinstance(after, Refusal):
            return after
        if error is not None:
            tx.set(lease, "error", error)
        tx.set(lease, "value", after)
        if before.held and not after.state.held:
            end_task(tx, lease.task, now, failed=after.state is not LeaseState.DONE, error=lease.error)
            for held in lease.held:
                tx.set(held, "leases", held.leases - {lease.moid})
            if isinstance(lease, ImportLease) and after.state is not LeaseState.DONE:
                # What an import has made goes with it, objects and files alike (1.5).
                discard(tx, lease.created)
            for held in lease.held:
                _let_wait_end(tx, held)
            world.withdraw(lease)
            lease.ended.set()
            if isinstance(lease, ImportLease):
                lease.files.clear()
                lease.tickets.clear()
            _forget_later(world, lease)
    return None


def _let_wait_end(tx: Change, held: Entity) -> None:
    """Begin what waits for a machine or a vApp that no lease holds any more."""
    if isinstance(held, Vm | VApp) and not held.leases and held.waiting:
        waiting = held.waiting
        tx.set(held, "waiting", ())
        for begin in waiting:
            begin()


def look(world: World, seen: Iterable[Entity]) -> bool:
    """Note that a client has looked at objects; tell whether one of them is a lease that is, or was, initializing.

    A lease becomes ready by being looked at, as often as the profile says (1.12); a wait for its next state is a look
    each time it finds nothing new, or it would never end on a clock that stands still.
    """
    initializing = [
        e
        for e in dict.fromkeys(seen)
        if isinstance(e, ExportLease) and e.state is LeaseState.INITIALIZING and not e.timed
    ]
    if not initializing:
        return False
    with world.change():
        for lease in initializing:
            lease.reads_left -= 1
            if lease.reads_left <= 0:
                prepare(world, lease)
    return True


def prepare(world: World, lease: ExportLease) -> None:
    """End the server's own preparing: the lease is ready, or failed with what was found missing (1.2, 1.5)."""
    step_lease(world, lease, LeaseInput.UNPREPARED if lease.failure is not None else LeaseInput.PREPARED, lease.failure)


def note_bytes(world: World, lease: ExportLease, file: DeviceFile, count: int) -> None:
    """Note that bytes of a file left a host; only where the profile lets something depend on it (1.13, 3.5, 3.6)."""
    driven = world.profile.text("transfer_progress") != "progress"
    if not (driven or lease.value.transfer_renews or lease.value.require_transfer):
        return
    with world.change() as tx:
        file.moved += count
        tx.set(lease, "moving", file)
        tx.set(lease, "moved", lease.moved + count)
        step_lease(world, lease, LeaseInput.MOVED)


def _forget_later(world: World, lease: ExportLease) -> None:
    """An ended lease answers for a while, or not at all; afterwards it is ManagedObjectNotFound (1.15, 1.16)."""
    linger = world.profile.seconds("done_lingers_s" if lease.state is LeaseState.DONE else "error_lingers_s")

    def forget() -> None:
        with world.change() as tx:
            if world.objects.get(lease.moid) is lease:
                tx.remove(lease)

    if linger > 0:
        world.clock.call_at(world.clock.now() + linger, forget)
    else:
        forget()
