"""VirtualMachine: what it is; the values are in `_vm_*` by topic. What is done to it is in files of its own."""

from __future__ import annotations

from functools import cache
from typing import Any

from ...world import VApp, Vm
from .._kinds import Kind
from .._registry import vim
from .._service import Call
from ._managed_entity import MANAGED_ENTITY
from ._parts import part_ref
from ._values import data
from ._vm_config import change_version, config_info, cpu_allocation, memory_allocation
from ._vm_guest import guest
from ._vm_layout import layout, layout_ex, storage
from ._vm_runtime import capability, runtime
from ._vm_summary import heartbeat, summary

__all__ = ["VIRTUAL_MACHINE", "change_version", "config_info"]

VIRTUAL_MACHINE = Kind("VirtualMachine", MANAGED_ENTITY, of=Vm)


@VIRTUAL_MACHINE.method("RefreshStorageInfo")
def _refresh(call: Call, vm: Vm) -> None:
    """What is told of a machine's storage is never old here."""


for _name, _read in (
    ("config", config_info),
    ("runtime", runtime),
    ("summary", summary),
    ("guest", guest),
    ("capability", capability),
    ("layoutEx", layout_ex),
    ("storage", storage),
):
    VIRTUAL_MACHINE.provides(_name)(_read)


@VIRTUAL_MACHINE.shortens("runtime.powerState")
def _power(call: Call, vm: Vm) -> Any:
    return _power_state(vm.power.value)


@cache
def _power_state(value: str) -> Any:
    return vim.VirtualMachine.PowerState(value)


@VIRTUAL_MACHINE.provides("layout")
def _layout(call: Call, vm: Vm) -> Any:
    return layout(vm)


@VIRTUAL_MACHINE.provides("guestHeartbeatStatus")
def _heartbeat(call: Call, vm: Vm) -> str:
    return heartbeat(vm)


@VIRTUAL_MACHINE.provides("environmentBrowser")
def _environment(call: Call, vm: Vm) -> Any:
    return part_ref("envbrowser", vm)


@VIRTUAL_MACHINE.provides("resourceConfig")
def _resource_config(call: Call, vm: Vm) -> Any:
    return data(
        vim.ResourceConfigSpec,
        entity=call.ref(vm),
        cpuAllocation=cpu_allocation(call, vm),
        memoryAllocation=memory_allocation(call, vm),
    )


@VIRTUAL_MACHINE.provides("datastore")
def _datastore(call: Call, vm: Vm) -> list[Any]:
    return call.refs(vm.datastores())


@VIRTUAL_MACHINE.provides("network")
def _network(call: Call, vm: Vm) -> list[Any]:
    return call.refs(dict.fromkeys(nic.network for nic in vm.nics))


@VIRTUAL_MACHINE.provides("tag")
def _tags(call: Call, vm: Vm) -> list[Any]:
    return [vim.Tag(key=key) for key in vm.tags]


@VIRTUAL_MACHINE.provides("parent")
def _parent(call: Call, vm: Vm) -> Any:
    # A machine in a vApp has no parent of its own, but parentVApp.
    return None if isinstance(vm.parent, VApp) else call.ref(vm.parent)


@VIRTUAL_MACHINE.provides("parentVApp")
def _parent_vapp(call: Call, vm: Vm) -> Any:
    return call.ref(vm.parent) if isinstance(vm.parent, VApp) else None


@VIRTUAL_MACHINE.provides("resourcePool")
def _pool(call: Call, vm: Vm) -> Any:
    # A template runs nowhere, so it is in no pool.
    return None if vm.template else call.ref(vm.pool)
