"""ExportVm, ExportVApp and ExportSnapshot: a lease with its files, its tickets and its task (1.1, 1.11, 2.11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...world import Change, ExportLease, Snapshot, VApp, Vm, device_files, missing_image
from .. import _faults as faults
from .._service import Call
from .._sessions import uuid52
from ._granting import grant
from ._inventory import VIRTUAL_APP
from ._refusals import EXPORT, refuse_export, refuse_snapshot, refuse_vapp
from ._snapshot import SNAPSHOT
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
    profile = call.world.profile
    failure = _missing_file(call, [shown for _, shown in wanted.machines])
    files, tickets = device_files(profile, wanted.machines, uuid52)
    return grant(
        call, tx, ExportLease, about=wanted.entity, entity=wanted.entity, description_id=wanted.description_id,
        vms=wanted.held, vapps=wanted.vapps, files=files, tickets=tickets, failure=failure,
    )  # fmt: skip
