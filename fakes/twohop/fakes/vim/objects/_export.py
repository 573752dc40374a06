"""ExportVm: a lease with its files, its tickets and its task (1.1, 1.11, 2.11, 4.1 to 4.13)."""

from __future__ import annotations

import secrets
from typing import Any

from ...machines import Lease, LeaseInput
from ...world import Change, DeviceFile, ExportLease, Vm, step_lease
from .._service import Call
from .._sessions import uuid52
from ._lease import arm_timeout
from ._refusals import EXPORT, refuse_export
from ._task import start_task
from ._virtual_machine import VIRTUAL_MACHINE


@VIRTUAL_MACHINE.method("ExportVm")
def _export_vm(call: Call, vm: Vm) -> Any:
    with call.world.change() as tx:
        refuse_export(call, tx, vm)
        return call.ref(_grant(call, tx, vm))


def _grant(call: Call, tx: Change, vm: Vm) -> ExportLease:
    world, profile = call.world, call.world.profile
    assert call.session is not None
    now = world.clock.now()
    task = start_task(call, tx, vm, EXPORT, cancelable=True)
    lease = ExportLease(
        moid=f"session[{call.session.scope}]{uuid52()}",
        name=f"lease of {vm.name}",
        value=Lease(profile.seconds("lease_timeout_s"), now, transfer_renews=profile.flag("transfer_renews")),
        entity=vm,
        vms=(vm,),
        task=task,
        session=call.session.key,
        reads_left=profile.count("lease_initializing_reads"),
    )
    task.lease = lease.moid
    lease.files = _files(call, vm)
    tx.add(lease)
    tx.set(vm, "leases", vm.leases | {lease.moid})
    for file in lease.files:
        world.journal.references.name("ticket", file.ticket)
    world.offer(lease)
    arm_timeout(call, lease)
    if lease.reads_left == 0:
        step_lease(call.world, lease, LeaseInput.PREPARED)
    return lease


def _files(call: Call, vm: Vm) -> list[DeviceFile]:
    ticket = uuid52()
    differ = call.world.profile.text("stream_bytes") == "differ"
    return [
        DeviceFile(
            name=f"disk-{number}.vmdk",
            key=f"/{vm.moid}/{disk.controller.kind}{disk.controller.bus}:{disk.unit}",
            host=vm.host,
            ticket=ticket,
            source=disk,
            cid=secrets.randbits(32) & 0xFFFFFFFE if differ else 0x5EED5EED,
        )
        for number, disk in enumerate(vm.disks)
    ]
