"""ExportVm, ExportVApp and ExportSnapshot: a lease with its files, its tickets and its task (1.1, 1.11, 2.11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...machines import Lease
from ...world import Change, ExportLease, Snapshot, VApp, Vm, device_files, missing_image, prepare
from .. import _faults as faults
from .._service import Call
from .._sessions import uuid52
from ._inventory import VIRTUAL_APP
from ._lease import arm_timeout
from ._refusals import EXPORT, refuse_export, refuse_snapshot, refuse_vapp
from ._snapshot import SNAPSHOT
from ._task import start_task
from ._virtual_machine import VIRTUAL_MACHINE


@dataclass(frozen=True, slots=True)
class Export:
    """What is asked for; `machines` are pairs of one that is held and what is sent of it."""

    entity: Vm | VApp
    description_id: str
    machines: tuple[tuple[Vm, Vm], ...]
    vapps: tuple[VApp, ...] = ()

    @property
    def held(self) -> tuple[Vm, ...]:
        """The machines that the lease holds."""
        return tuple(vm for vm, _ in self.machines)


@VIRTUAL_MACHINE.method("ExportVm")
def _export_vm(call: Call, vm: Vm) -> Any:
    with call.world.change() as tx:
        refuse_export(call, tx, vm)
        return call.ref(_grant(call, tx, Export(vm, EXPORT, ((vm, vm),))))


@VIRTUAL_APP.method("ExportVApp")
def _export_vapp(call: Call, vapp: VApp) -> Any:
    with call.world.change() as tx:
        refuse_vapp(call, vapp)
        pairs = tuple((vm, vm) for vm in vapp.machines())
        wanted = Export(vapp, "VirtualApp.exportVApp", pairs, tuple(_nested(vapp)))
        return call.ref(_grant(call, tx, wanted))


@SNAPSHOT.method("ExportSnapshot")
def _export_snapshot(call: Call, snapshot: Snapshot) -> Any:
    with call.world.change() as tx:
        refuse_snapshot(call, snapshot)
        vm = snapshot.vm
        # info.entity is declared a ManagedEntity, which a snapshot is not: so the machine it must be (4.1).
        wanted = Export(vm, "vm.Snapshot.exportSnapshot", ((vm, snapshot.machine),))
        return call.ref(_grant(call, tx, wanted))


def _nested(vapp: VApp) -> list[VApp]:
    return [vapp, *(below for child in vapp.vapps for below in _nested(child))]


def _missing_file(call: Call, machines: Sequence[Vm]) -> Any:
    """Return the fault for an image that is gone, where it is the lease that reports it (2.16)."""
    image = missing_image(machines)
    where = call.world.profile.text("missing_image")
    if image is None or where == "CreateDescriptor":
        return None
    fault = faults.file_not_found(image.file_name)
    if where == "export":
        raise fault
    return fault


def _grant(call: Call, tx: Change, wanted: Export) -> ExportLease:
    world, profile = call.world, call.world.profile
    assert call.session is not None
    failure = _missing_file(call, [shown for _, shown in wanted.machines])
    now = world.clock.now()
    task = start_task(call, tx, wanted.entity, wanted.description_id, cancelable=True)
    reads = profile.count("lease_initializing_reads")
    files, tickets = device_files(profile, wanted.machines, uuid52)
    lease = ExportLease(
        moid=f"session[{call.session.scope}]{uuid52()}",
        name=f"lease of {wanted.entity.name}",
        value=Lease(
            profile.seconds("lease_timeout_s"),
            now,
            transfer_renews=profile.flag("transfer_renews"),
            require_transfer=profile.seconds("require_transfer_s"),
        ),
        entity=wanted.entity,
        vms=wanted.held,
        vapps=wanted.vapps,
        task=task,
        session=call.session.key,
        files=files,
        tickets=tickets,
        reads=reads,
        reads_left=reads,
        failure=failure,
    )
    task.lease = lease.moid
    tx.add(lease)
    for held in lease.held:
        tx.set(held, "leases", held.leases | {lease.moid})
    for ticket in tickets:
        world.journal.references.name("ticket", ticket.secret)
    world.offer(lease)
    arm_timeout(call, lease)
    if reads == 0:
        prepare(world, lease)
    return lease
