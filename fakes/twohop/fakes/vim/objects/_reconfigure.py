"""ReconfigVM_Task: what of a machine's configuration is changed; what is not carried out is refused by name."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from ...machines import PowerState
from ...world import Change, Vm, enter, leave
from .. import _faults as faults
from .._service import Call
from ._device_changes import DeviceChanges
from ._naming import new_name
from ._operation import changing, refuse_unknown, require_power, task
from ._virtual_machine import VIRTUAL_MACHINE, change_version

KNOWN = frozenset(
    {
        "changeVersion",
        "name",
        "annotation",
        "numCPUs",
        "memoryMB",
        "guestId",
        "uuid",
        "instanceUuid",
        "firmware",
        "deviceChange",
        "extraConfig",
        "numCoresPerSocket",
        "cpuHotAddEnabled",
        "cpuHotRemoveEnabled",
        "memoryHotAddEnabled",
        "nestedHVEnabled",
    }
)
"""What is carried out of a ConfigSpec."""

_SETTINGS = {
    "numCoresPerSocket": "cores_per_socket", "cpuHotAddEnabled": "cpu_hot_add", "cpuHotRemoveEnabled": "cpu_hot_remove",
    "memoryHotAddEnabled": "memory_hot_add", "nestedHVEnabled": "nested_hv",
}  # fmt: skip
_COLD = ("numCPUs", "memoryMB", "guestId", "uuid", "instanceUuid", "firmware", *_SETTINGS)
"""What takes a machine that is off: the fake knows no hot-add of CPUs and memory (2.13)."""


@VIRTUAL_MACHINE.method("ReconfigVM_Task")
def _reconfig(call: Call, vm: Vm, spec: Any) -> Any:
    with changing(call, vm) as tx:
        if spec.changeVersion and spec.changeVersion != change_version(vm):
            raise faults.concurrent_access()
        if any(getattr(spec, name) is not None for name in _COLD):
            require_power(vm, PowerState.OFF)
        if vm.template and any(getattr(spec, name) for name in (*_COLD, "deviceChange")):
            raise faults.not_supported()
        edits = plan(call, vm, spec)
        with task(call, tx, vm, "VirtualMachine.reconfigure") as done:
            leave(tx, vm)
            _apply(call, tx, vm, edits)
            enter(tx, vm)
    return call.ref(done)


def plan(call: Call, vm: Vm, spec: Any) -> dict[str, Any]:
    """Return attributes of a machine and what they become; a fault is raised before anything has changed."""
    refuse_unknown(call, spec, KNOWN, "ReconfigVM_Task")
    edits: dict[str, Any] = {}
    if spec.name is not None:
        edits["name"] = new_name(call, spec.name, vm.parent, vm)
    if spec.annotation is not None:
        edits["annotation"] = spec.annotation
    if spec.guestId:
        edits["guest_id"] = spec.guestId
    if spec.numCPUs is not None:
        if spec.numCPUs < 1:
            raise faults.invalid_argument("spec.numCPUs")
        edits["cpus"] = spec.numCPUs
    if spec.memoryMB is not None:
        if spec.memoryMB < 4 or spec.memoryMB % 4:
            raise faults.invalid_argument("spec.memoryMB", "Memory is a multiple of 4 MB.")
        edits["memory_mib"] = spec.memoryMB
    if spec.firmware is not None:
        if spec.firmware not in ("bios", "efi"):
            raise faults.invalid_argument("spec.firmware")
        edits["firmware"] = spec.firmware
    for path, given in (("uuid", spec.uuid), ("instance_uuid", spec.instanceUuid)):
        if given is not None:
            edits[path] = _uuid(given, "spec.uuid" if path == "uuid" else "spec.instanceUuid")
    said = {word: getattr(spec, name) for name, word in _SETTINGS.items() if getattr(spec, name) is not None}
    if said:
        edits["settings"] = replace(vm.settings, **said)
    cores = edits.get("settings", vm.settings).cores_per_socket
    if cores < 1 or edits.get("cpus", vm.cpus) % cores:
        raise faults.invalid_argument("spec.numCoresPerSocket" if "settings" in edits else "spec.numCPUs")
    if spec.extraConfig:
        edits["extra_config"] = _options(vm, spec.extraConfig)
    if spec.deviceChange:
        edits |= DeviceChanges(call, vm).apply(spec.deviceChange)
    return edits


def _options(vm: Vm, given: list[Any]) -> dict[str, str]:
    """Return the options of a machine's configuration file with others in their place; an empty value removes one."""
    options = {**vm.extra_config, **{each.key: str(each.value) for each in given}}
    return {key: value for key, value in options.items() if value}


def _uuid(given: str, where: str) -> str:
    try:
        return str(uuid.UUID(given))
    except ValueError:
        raise faults.invalid_argument(where) from None


def _apply(call: Call, tx: Change, vm: Vm, edits: dict[str, Any]) -> None:
    for path, value in edits.items():
        tx.set(vm, path, value)
    # No two configurations have one changeVersion, though the clock may stand.
    tx.set(vm, "changed_at", max(call.world.clock.now(), vm.changed_at + 1e-6))
