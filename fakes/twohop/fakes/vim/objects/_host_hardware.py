"""HostSystem.hardware and capability."""

from __future__ import annotations

from typing import Any

from ...world import Host
from .._registry import vim
from .._service import Call
from ._host_facts import HOST_CORES, HOST_MEMORY, HOST_MHZ
from ._values import data, epoch

CPU_MODEL = "twohop CPU @ 2.40GHz"
HZ = HOST_MHZ * 1_000_000


def hardware(call: Call, host: Host) -> Any:
    """Return HostHardwareInfo."""
    threads = list(range(HOST_CORES))
    return data(
        vim.host.HardwareInfo,
        systemInfo={
            "vendor": "twohop", "model": "fake ESXi host", "uuid": host.uuid, "serialNumber": host.uuid[:8],
            "otherIdentifyingInfo": identifying(host),
        },
        cpuPowerManagementInfo={"currentPolicy": "Balanced", "hardwareSupport": "ACPI C-states"},
        cpuInfo={"numCpuPackages": 1, "numCpuCores": HOST_CORES, "numCpuThreads": HOST_CORES, "hz": HZ},
        cpuPkg=[
            {
                "index": 0, "vendor": "intel", "hz": HZ, "busHz": 100_000_000, "description": CPU_MODEL,
                "threadId": threads, "cpuFeature": _CPU_FEATURES,
            }
        ],
        memorySize=HOST_MEMORY,
        numaInfo={
            "type": "NUMA", "numNodes": 1,
            "numaNode": [
                {"typeId": 0, "cpuID": threads, "memoryRangeBegin": 0, "memoryRangeLength": HOST_MEMORY, "pciId": []}
            ],
        },
        smcPresent=False,
        pciDevice=_PCI_DEVICES,
        cpuFeature=_CPU_FEATURES,
        biosInfo={"biosVersion": "1.0", "releaseDate": epoch(), "vendor": "twohop",
            "majorRelease": 1, "minorRelease": 0},
        reliableMemoryInfo={"memorySize": 0},
    )  # fmt: skip


def pci_devices() -> list[dict[str, Any]]:
    """Return the fields of HostPciDevice of each device that every host has."""
    return _PCI_DEVICES


def identifying(host: Host) -> list[dict[str, Any]]:
    """Return the fields of HostSystemIdentificationInfo: the tags of the machine that the host is."""
    return [_identifying(host.uuid[:8]), _identifying(" No Asset Tag", "AssetTag", "Asset Tag", "Asset tag")]


def _identifying(
    tag: str, key: str = "ServiceTag", label: str = "Service tag", what: str = "Service tag"
) -> dict[str, Any]:
    kind = {"label": label, "summary": f"{what} of the system", "key": key}
    return {"identifierValue": tag, "identifierType": kind}


def _word(bits: str) -> str:
    return ":".join(bits[at : at + 4] for at in range(0, 32, 4))


_CPU_FEATURES = [
    {
        "level": level,
        "eax": _word("0000000000000011000001101010000" + "1"),
        "ebx": _word("0" * 32),
        "ecx": _word("11110111111110100011001000000011"),
        "edx": _word("00001111101010111111101111111111"),
    }
    for level in (0, 1, -2147483648, -2147483647, -2147483640)
]
_PCI_DEVICES = [
    {
        "id": "0000:00:00.0", "classId": 1536, "bus": 0, "slot": 0, "function": 0, "vendorId": -32634,
        "subVendorId": 5549, "vendorName": "Intel Corporation", "deviceId": 28944, "subDeviceId": 6518,
        "deviceName": "Host bridge",
    },
    {
        "id": "0000:03:00.0", "classId": 512, "bus": 3, "slot": 0, "function": 0, "vendorId": 5549,
        "subVendorId": 5549, "vendorName": "VMware Inc.", "deviceId": 1968, "subDeviceId": 1968,
        "deviceName": "vmxnet3 Virtual Ethernet Controller", "parentBridge": "0000:00:00.0",
    },
]  # fmt: skip
_LACKING = (
    "standbySupported", "ipmiSupported", "ftSupported",
    "interVMCommunicationThroughVMCISupported",
    "smpFtSupported", "vsanSupported", "encryptedFaultToleranceSupported",
)  # fmt: skip


def capability(call: Call, host: Host) -> Any:
    """Return HostCapability."""
    known = vim.host.Capability._GetPropertyList()
    able: dict[str, Any] = {info.name: info.name not in _LACKING for info in known if info.type is bool}
    counts = {
        "maxSupportedVMs": 1024, "maxRunningVMs": 1024, "maxSupportedVcpus": 512, "maxRegisteredVMs": 4096,
        "maxHostRunningVms": 1024, "maxHostSupportedVcpus": 4096, "maxSupportedVmMemory": 6128 << 10,
        "maxSupportedSimultaneousThreads": 2, "maxVirtualDiskDescVersionSupported": 23,
    }  # fmt: skip
    return data(vim.host.Capability, **able, **counts, supportedVmfsMajorVersion=[5, 6])
