"""VirtualMachine.summary."""

from __future__ import annotations

from typing import Any

from ...machines import PowerState
from ...world import Vm
from .._registry import vim
from .._service import Call
from ._guests import guest_name
from ._values import before, data, epoch
from ._vm_config import managed_by, product
from ._vm_guest import address, host_name, tools_run, tools_states
from ._vm_layout import storage_bytes
from ._vm_runtime import UPTIME, runtime


def heartbeat(vm: Vm) -> str:
    """Return what is heard of the guest."""
    return "green" if tools_run(vm) else "gray"


def summary(call: Call, vm: Vm) -> Any:
    """Return VirtualMachineSummary."""
    committed, uncommitted = storage_bytes(vm)
    return data(
        vim.vm.Summary,
        vm=call.ref(vm),
        runtime=runtime(call, vm),
        guest=_guest(call, vm),
        config=_config(call, vm),
        storage={"committed": committed, "uncommitted": uncommitted, "unshared": committed, "timestamp": epoch()},
        quickStats=_quick_stats(call, vm),
        overallStatus="green",
    )


def _guest(call: Call, vm: Vm) -> dict[str, Any]:
    known: dict[str, Any] = {**tools_states(vm), "hwVersion": None if before(call, "7.0") else vm.hardware}
    if tools_run(vm):
        known |= {
            "guestId": vm.guest_id,
            "guestFullName": guest_name(vm.guest_id),
            "hostName": host_name(vm),
            "ipAddress": address(vm.nics[0]) if vm.nics else None,
        }
    return known


def _config(call: Call, vm: Vm) -> dict[str, Any]:
    return {
        "name": vm.name,
        "template": vm.template,
        "vmPathName": vm.vmx,
        "memorySizeMB": vm.memory_mib,
        "cpuReservation": vm.settings.cpu_reservation,
        "memoryReservation": vm.settings.memory_reservation,
        "numCpu": vm.cpus,
        "numEthernetCards": len(vm.nics),
        "numVirtualDisks": len(vm.disks),
        "uuid": vm.uuid,
        "instanceUuid": vm.instance_uuid,
        "guestId": vm.guest_id,
        "guestFullName": guest_name(vm.guest_id),
        "annotation": vm.annotation,
        "product": product(vm),
        "installBootRequired": vm.vapp is not None and vm.vapp.install_delay is not None,
        "managedBy": managed_by(vm),
        "tpmPresent": vm.vtpm,
        "numVmiopBackings": 0,
        "hwVersion": None if before(call, "7.0") else vm.hardware,
    }


def _quick_stats(call: Call, vm: Vm) -> dict[str, Any]:
    running = vm.power is PowerState.ON
    used = vm.memory_mib if running else 0
    stats: dict[str, Any] = {
        "overallCpuUsage": 20 if running else 0,
        "overallCpuDemand": 20 if running else 0,
        "guestMemoryUsage": used // 4,
        "hostMemoryUsage": used,
        "guestHeartbeatStatus": heartbeat(vm),
        "distributedCpuEntitlement": 0,
        "distributedMemoryEntitlement": 0,
        "staticCpuEntitlement": 0,
        "staticMemoryEntitlement": 0,
        "privateMemory": used,
        "sharedMemory": 0,
        "swappedMemory": 0,
        "balloonedMemory": 0,
        "consumedOverheadMemory": 40 if running else 0,
        "ftLogBandwidth": -1,
        "ftSecondaryLatency": -1,
        "ftLatencyStatus": "gray",
        "compressedMemory": 0,
        # A figure that moved with the clock would be an update at every wait.
        "uptimeSeconds": UPTIME if running else 0,
        "ssdSwappedMemory": 0,
    }
    if not before(call, "7.0"):
        stats |= {"overallCpuReadiness": 0, "grantedMemory": used, "activeMemory": used // 4}
    return stats
