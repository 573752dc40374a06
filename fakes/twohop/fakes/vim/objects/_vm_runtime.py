"""VirtualMachine.runtime and capability."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ...machines import PowerState
from ...world import Vm
from .._registry import vim
from .._service import Call
from ._host_facts import HOST_MHZ
from ._values import before, data

CPU_FEATURES = ("cpuid.cmpxchg16b", "cpuid.lm", "cpuid.NX", "cpuid.SSE3", "cpuid.SSSE3")


UPTIME = 3600
"""Seconds that what runs from the first has run when the server begins."""


def runtime(call: Call, vm: Vm) -> Any:
    """Return VirtualMachineRuntimeInfo."""
    running = vm.power is PowerState.ON
    # When a machine that somebody switched on has begun to run is told no better than that.
    booted = call.service.began - UPTIME
    return data(
        vim.vm.RuntimeInfo,
        device=[_ethernet(nic.key) for nic in vm.nics] if running else None,
        host=call.ref(vm.host),
        connectionState="connected",
        powerState=vm.power.value,
        faultToleranceState="notConfigured",
        toolsInstallerMounted=False,
        bootTime=datetime.fromtimestamp(booted, UTC) if running else None,
        suspendInterval=0,
        maxCpuUsage=vm.cpus * HOST_MHZ if running else None,
        maxMemoryUsage=vm.memory_mib if running else None,
        numMksConnections=0,
        recordReplayState="inactive",
        cleanPowerOff=None if running else True,
        onlineStandby=False,
        minRequiredEVCModeKey="intel-merom" if running else None,
        consolidationNeeded=False,
        offlineFeatureRequirement=[_feature(name, "Bool:Min:1") for name in CPU_FEATURES[:2]],
        featureRequirement=[_feature(name, "Bool:Min:1") for name in CPU_FEATURES] if running else None,
        featureMask=[_feature("cpuid.STEPPING", "Val:1")] if running and not before(call, "7.0") else None,
        vFlashCacheAllocation=0 if before(call, "7.0") else None,
        paused=False,
        snapshotInBackground=False,
        instantCloneFrozen=False,
    )


def _feature(name: str, value: str) -> dict[str, str]:
    return {"key": name, "featureName": name, "value": value}


def _ethernet(key: int) -> Any:
    state = vim.vm.DeviceRuntimeInfo.VirtualEthernetCardRuntimeState
    return data(
        vim.vm.DeviceRuntimeInfo,
        runtimeState=data(
            state, vmDirectPathGen2Active=False, vmDirectPathGen2InactiveReasonOther=["vmNptIncompatibleNetwork"],
            attachmentStatus="",
        ),
        key=key,
    )  # fmt: skip


_LACKING = (
    "disableSnapshotsSupported", "consolePreferencesSupported", "settingScreenResolutionSupported",
    "toolsAutoUpdateSupported", "settingDisplayTopologySupported", "recordReplaySupported", "secureBootSupported",
    "perVmEvcSupported", "sevSupported", "pmemFailoverSupported", "requireSgxAttestationSupported",
    "vendorDeviceGroupSupported", "virtualMmuUsageIgnored", "virtualExecUsageIgnored", "sevSnpSupported",
    "tdxSupported",
)  # fmt: skip
"""What a machine of an ordinary hardware version cannot do; the rest it can."""


def capability(call: Call, vm: Vm) -> Any:
    """Return VirtualMachineCapability."""
    able = {info.name: True for info in vim.vm.Capability._GetPropertyList() if info.type is bool}
    able |= dict.fromkeys(_LACKING, False)
    if not before(call, "7.0"):
        # Choosing how pages and instructions are virtualised is ignored since.
        able |= {"virtualMmuUsageSupported": False, "virtualMmuUsageIgnored": True, "virtualExecUsageIgnored": True}
    return data(vim.vm.Capability, **able)
