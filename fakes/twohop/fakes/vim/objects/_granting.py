"""A lease comes into the world: with its task, its tickets, its lock and its deadline (1.1, 1.11, 3.1, 9.1)."""

from __future__ import annotations

from typing import Any, TypeVar

from ...machines import Lease
from ...world import Change, Entity, ExportLease, VApp, Vm, prepare
from .._planned import grant_planned
from .._service import Call
from .._sessions import uuid52
from ._lease import arm_timeout
from ._task import start_task

L = TypeVar("L", bound=ExportLease)


def grant(
    call: Call, tx: Change, of: type[L], *, about: Entity, entity: Vm | VApp, description_id: str, **more: Any
) -> L:
    """Return a new lease of a kind on `entity`, whose task is `about` an object; `more` are fields of the lease."""
    world, profile = call.world, call.world.profile
    assert call.session is not None
    task = start_task(call, tx, about, description_id, cancelable=True)
    reads = profile.count("lease_initializing_reads")
    lease = of(
        moid=f"session[{call.session.scope}]{uuid52()}",
        name=f"lease of {entity.name}",
        value=Lease(
            profile.seconds("lease_timeout_s"),
            world.clock.now(),
            transfer_renews=profile.flag("transfer_renews"),
            require_transfer=profile.seconds("require_transfer_s"),
        ),
        entity=entity,
        task=task,
        session=call.session.key,
        reads=reads,
        reads_left=reads,
        number=world.count_lease(),
        **more,
    )
    task.lease = lease.moid
    tx.add(lease)
    for held in lease.held:
        tx.set(held, "leases", held.leases | {lease.moid})
    for ticket in lease.tickets:
        world.journal.references.name("ticket", ticket.secret)
    world.offer(lease)
    arm_timeout(call, lease)
    if call.service.faults.rules:
        grant_planned(call, lease)
    if lease.reads == 0:
        prepare(world, lease)
    return lease
