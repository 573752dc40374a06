"""Operations on a machine that the fake does not carry out, but that a lease refuses all the same (9.1).

A client that tries one of these on a leased machine is refused as by the real server; on a free one it is told that the
gap is twohop's.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from ...machines import PowerState
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
        return _by_power(vm)
    destroyed = call.world.profile.text("locked_destroy") != "waits"
    cloned = call.world.profile.text("locked_clone") == "refused"
    names = [*(n for n in LOCKED if destroyed or n != "Destroy_Task"), *(["CloneVM_Task"] if cloned else [])]
    mine = _by_power(vm)
    return [*mine, *(method for name in names if (method := VmomiSupport.GetWsdlMethod(NAMESPACE, name)) not in mine)]


_ALWAYS = (
    "UnmountToolsInstaller", "AnswerVM", "UpgradeTools_Task", "UpgradeToolsFromImage_Task", "ApplyEvcModeVM_Task",
    "StartRecording_Task", "StopRecording_Task", "StartReplaying_Task", "StopReplaying_Task",
    "TurnOffFaultToleranceForVM_Task", "MakePrimaryVM_Task", "TerminateFaultTolerantVM_Task", "DisableSecondaryVM_Task",
    "EnableSecondaryVM_Task", "CreateSecondaryVM_Task", "CreateSecondaryVMEx_Task", "ResetGuestInformation",
    "MarkAsVirtualMachine",
)  # fmt: skip
_WHILE = {
    PowerState.ON: (
        "Destroy_Task", "UnregisterVM", "UpgradeVM_Task", "CustomizeVM_Task", "MarkAsTemplate", "ExportVm",
        "PowerOnVM_Task",
    ),
    PowerState.OFF: (
        "PowerOffVM_Task", "SuspendVM_Task", "ResetVM_Task", "RebootGuest", "ShutdownGuest", "StandbyGuest",
    ),
    PowerState.SUSPENDED: ("SuspendVM_Task", "ResetVM_Task", "RebootGuest", "ShutdownGuest", "StandbyGuest",
                           "ExportVm"),
}  # fmt: skip
"""Methods that a machine's power state rules out, as the recorded servers list them."""


def _by_power(vm: Vm) -> list[Any]:
    found = []
    for name in (*_WHILE[vm.power], *_ALWAYS):
        # A pyVmomi that knows a later vocabulary has dropped some of the names.
        with contextlib.suppress(KeyError):
            found.append(VmomiSupport.GetWsdlMethod(NAMESPACE, name))
    return found
