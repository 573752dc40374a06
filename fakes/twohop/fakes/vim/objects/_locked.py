"""Operations on a machine that the fake does not carry out, but that a lease refuses all the same (9.1).

A client that tries one of these on a leased machine is refused as by the real server; on a free one it is told that the
gap is twohop's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...world import Vm
from .. import _faults as faults
from .._registry import NAMESPACE, VmomiSupport
from .._service import Call
from ._operation import refuse_while_leased
from ._virtual_machine import VIRTUAL_MACHINE

CHANGES = (
    "AttachDisk_Task", "ConsolidateVMDisks_Task", "CustomizeVM_Task", "DetachDisk_Task", "PromoteDisks_Task",
    "UpgradeVM_Task",
)  # fmt: skip
"""State-changing methods without a handler of their own."""

LOCKED = (
    "PowerOnVM_Task", "PowerOffVM_Task", "SuspendVM_Task", "ResetVM_Task", "ShutdownGuest", "RebootGuest",
    "StandbyGuest", "Destroy_Task", "UnregisterVM", "Rename_Task", "MarkAsTemplate", "MarkAsVirtualMachine",
    "MigrateVM_Task", "RelocateVM_Task", "ReconfigVM_Task", "CreateSnapshot_Task", "CreateSnapshotEx_Task",
    "RemoveAllSnapshots_Task", "RevertToCurrentSnapshot_Task", *CHANGES,
)  # fmt: skip
"""Methods of a machine that are refused while a lease holds it (9.1)."""


def _refuse(name: str) -> Callable[..., Any]:
    def handler(call: Call, vm: Vm, **arguments: Any) -> Any:
        with call.world.lock:
            refuse_while_leased(call, vm)
        what = f"the method VirtualMachine.{name}"
        call.service.gap(what)
        raise faults.not_implemented(what)

    return handler


for _name in CHANGES:
    VIRTUAL_MACHINE.method(_name)(_refuse(_name))


@VIRTUAL_MACHINE.provides("disabledMethod")
def _disabled_methods(call: Call, vm: Vm) -> list[Any]:
    # The reply of a real host grows while a lease is held (9.1); which names it grows by is not known to the letter.
    listed = vm.leases and call.world.profile.text("blocked_methods") == "listed"
    if not listed:
        return []
    destroyed = call.world.profile.text("locked_destroy") != "waits"
    cloned = call.world.profile.text("locked_clone") == "refused"
    names = [*(n for n in LOCKED if destroyed or n != "Destroy_Task"), *(["CloneVM_Task"] if cloned else [])]
    return [VmomiSupport.GetWsdlMethod(NAMESPACE, name) for name in names]
