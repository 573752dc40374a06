"""VirtualMachine.guest: what VMware Tools tell, or what is known without them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ...machines import PowerState
from ...world import Nic, Vm
from .._registry import vim
from .._service import Call
from ._guests import guest_family, guest_name
from ._values import before, created, data

TOOLS_VERSION = "12389"


def tools_run(vm: Vm) -> bool:
    """Tell whether VMware Tools run in a machine now."""
    return vm.tools and vm.power is PowerState.ON


def tools_states(vm: Vm) -> dict[str, str]:
    """Return the states of VMware Tools that guest and summary both tell."""
    if not vm.tools:
        version = "guestToolsNotInstalled"
        return {"toolsStatus": "toolsNotInstalled", "toolsVersionStatus": version, "toolsVersionStatus2": version,
                "toolsRunningStatus": "guestToolsNotRunning"}  # fmt: skip
    running = tools_run(vm)
    return {
        "toolsStatus": "toolsOk" if running else "toolsNotRunning",
        "toolsVersionStatus": "guestToolsUnmanaged",
        "toolsVersionStatus2": "guestToolsUnmanaged",
        "toolsRunningStatus": "guestToolsRunning" if running else "guestToolsNotRunning",
    }


def host_name(vm: Vm) -> str:
    """Return the name that a guest gives itself."""
    return vm.name.lower().replace("_", "-").replace(" ", "-")


def address(nic: Nic) -> str:
    """Return the address of a card: of the range for documentation, made from its MAC."""
    return f"192.0.2.{int(nic.mac[-2:], 16) % 250 + 2}"


def guest(call: Call, vm: Vm) -> Any:
    """Return GuestInfo."""
    known = {
        **tools_states(vm),
        "toolsVersion": TOOLS_VERSION if vm.tools else "0",
        "toolsInstallType": "guestToolsTypeOpenVMTools" if vm.tools else None,
        "guestState": "running" if tools_run(vm) else "notRunning",
        "appHeartbeatStatus": "appStatusGray",
        "guestKernelCrashed": False,
        "appState": "none",
        "guestOperationsReady": tools_run(vm),
        "interactiveGuestOperationsReady": False,
        "guestStateChangeSupported": tools_run(vm),
        "hwVersion": None if before(call, "7.0") else vm.hardware,
    }
    return data(vim.vm.GuestInfo, **known, **(_told_by_tools(call, vm) if tools_run(vm) else {}))


def _told_by_tools(call: Call, vm: Vm) -> dict[str, Any]:
    told: dict[str, Any] = {
        "guestId": vm.guest_id,
        "guestFamily": guest_family(vm.guest_id),
        "guestFullName": guest_name(vm.guest_id),
        "guestDetailedData": None
        if before(call, "7.0")
        else f"familyName='Other' prettyName='{guest_name(vm.guest_id)}'",
        "hostName": host_name(vm),
        "ipAddress": address(vm.nics[0]) if vm.nics else None,
        "net": [_net(nic) for nic in vm.nics],
        "ipStack": [_stack(vm)],
        "disk": [_disk(call, disk.key, disk.capacity, disk.content.populated) for disk in vm.disks[:1]],
        "screen": {"width": 800, "height": 600},
    }
    if not before(call, "7.0.2"):
        told["customizationInfo"] = _customization(call, vm)
    return told


def _customization(call: Call, vm: Vm) -> dict[str, Any]:
    if not vm.customized:
        return {"customizationStatus": "TOOLSDEPLOYPKG_IDLE"}
    begun = created(call)
    return {
        "customizationStatus": "TOOLSDEPLOYPKG_SUCCEEDED",
        "startTime": begun + timedelta(minutes=2),
        "endTime": begun + timedelta(minutes=3),
    }


def _net(nic: Nic) -> dict[str, Any]:
    entry = {"ipAddress": address(nic), "prefixLength": 24, "state": "preferred"}
    return {
        "network": nic.network.name,
        "ipAddress": [address(nic)],
        "macAddress": nic.mac,
        "connected": True,
        "deviceConfigId": nic.key,
        "ipConfig": {"ipAddress": [entry]},
    }


def _stack(vm: Vm) -> dict[str, Any]:
    dns = {
        "dhcp": False, "hostName": host_name(vm), "domainName": "example.com", "ipAddress": ["192.0.2.1"],
        "searchDomain": ["example.com"],
    }  # fmt: skip
    # The network that a card is in needs no router, so that route has a device alone.
    routes = [
        {"network": "0.0.0.0", "prefixLength": 0, "gateway": {"ipAddress": "192.0.2.1", "device": "0"}},
        {"network": "192.0.2.0", "prefixLength": 24, "gateway": {"device": "0"}},
    ]
    return {"dnsConfig": dns, "ipRouteConfig": {"ipRoute": routes if vm.nics else []}}


def _disk(call: Call, key: int, capacity: int, used: int) -> dict[str, Any]:
    disk: dict[str, Any] = {"diskPath": "/", "capacity": capacity, "freeSpace": capacity - used}
    if not before(call, "7.0"):
        disk |= {"filesystemType": "ext4", "mappings": [{"key": key}]}
    return disk
