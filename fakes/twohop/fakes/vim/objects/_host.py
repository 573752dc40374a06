"""HostSystem: an ESXi host as vCenter, or as it itself, shows it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ...world import Host
from .._kinds import Kind
from .._registry import VmomiSupport, vim
from .._service import Call
from ._about import host_about
from ._host_config import config
from ._host_facts import HOST_CORES, HOST_MEMORY, HOST_MHZ
from ._host_hardware import CPU_MODEL, capability, hardware, identifying
from ._host_network import VNIC
from ._managed_entity import MANAGED_ENTITY
from ._parts import has_part, part_ref
from ._values import data
from ._vm_runtime import UPTIME

HOST = Kind("HostSystem", MANAGED_ENTITY, of=Host)

for _name, _read in (("hardware", hardware), ("capability", capability), ("config", config)):
    HOST.provides(_name)(_read)


@HOST.provides("vm")
def _vm(call: Call, host: Host) -> list[Any]:
    return call.refs(host.vms)


@HOST.provides("datastore")
def _datastore(call: Call, host: Host) -> list[Any]:
    return call.refs(host.datastores)


@HOST.provides("network")
def _network(call: Call, host: Host) -> list[Any]:
    return call.refs(host.networks)


@HOST.provides("datastoreBrowser")
def _browser(call: Call, host: Host) -> Any:
    return part_ref("datastoreBrowser", host)


SYSTEMS = {
    "cpuScheduler": "cpuSchedulerSystem",
    "datastoreSystem": "datastoreSystem",
    "memoryManager": "memoryManagerSystem",
    "storageSystem": "storageSystem",
    "networkSystem": "networkSystem",
    "vmotionSystem": "vmotionSystem",
    "virtualNicManager": "virtualNicManager",
    "serviceSystem": "serviceSystem",
    "firewallSystem": "firewallSystem",
    "advancedOption": "EsxHostAdvSettings",
    "diagnosticSystem": "diagnosticSystem",
    "autoStartManager": "autoStartManager",
    "dateTimeSystem": "dateTimeSystem",
    "patchManager": "patchManager",
    "firmwareSystem": "firmwareSystem",
    "healthStatusSystem": "healthStatusSystem",
    "pciPassthruSystem": "pciPassthruSystem",
    "kernelModuleSystem": "kernelModuleSystem",
    "authenticationManager": "authenticationManager",
    "powerSystem": "powerSystem",
    "cacheConfigurationManager": "cacheConfigManager",
    "imageConfigManager": "imageConfigManager",
    "iscsiManager": "iscsiManager",
    "vsanSystem": "vsanSystem",
    "messageBusProxy": "messageBusProxy",
    "graphicsManager": "graphicsManager",
    "hostAccessManager": "hostAccessManager",
    "vsanInternalSystem": "vsanInternalSystem",
}
"""Field of HostConfigManager and what the id of that system begins with."""


@HOST.provides("configManager")
def _config_manager(call: Call, host: Host) -> Any:
    known = {field: part_ref(prefix, host) for field, prefix in SYSTEMS.items() if has_part(prefix)}
    return data(vim.host.ConfigManager, **known)


@HOST.provides("licensableResource")
def _licensable(call: Call, host: Host) -> Any:
    resources = {"numCpuPackages": 1, "numCpuCores": HOST_CORES, "memorySize": HOST_MEMORY}
    entries = [{"key": key, "value": VmomiSupport.long(value)} for key, value in resources.items()]
    return data(vim.LicenseManager.LicensableResourceInfo, resource=entries)


@HOST.provides("systemResources")
def _system_resources(call: Call, host: Host) -> Any:
    shares = {"shares": 1000, "level": "normal"}
    part = {"reservation": 0, "expandableReservation": True, "limit": -1, "shares": shares}
    given = {"cpuAllocation": part, "memoryAllocation": part}
    return data(vim.host.SystemResourceInfo, key="host", config=given)


@HOST.provides("runtime")
def _runtime(call: Call, host: Host) -> Any:
    return data(
        vim.host.RuntimeInfo,
        connectionState="connected",
        powerState="poweredOn",
        standbyMode="none",
        inMaintenanceMode=False,
        inQuarantineMode=False,
        bootTime=datetime.fromtimestamp(call.service.began - UPTIME, UTC),
        healthSystemRuntime=HEALTH,
        vsanRuntimeInfo={},
        networkRuntimeInfo={
            "netStackInstanceRuntimeInfo": [
                {
                    "netStackInstanceKey": "defaultTcpipStack",
                    "state": "active",
                    "vmknicKeys": [VNIC],
                    "maxNumberOfConnections": 11000,
                    "currentIpV6Enabled": True,
                }
            ]
        },
        hostMaxVirtualDiskCapacity=62 << 40,
        cryptoState="incapable",
        statelessNvdsMigrationReady="unknown",
    )


HEALTH = {
    "systemHealthInfo": {
        "numericSensorInfo": [
            {
                "name": "VMware Rollup Health State",
                "currentReading": 0,
                "unitModifier": 0,
                "baseUnits": "",
                "sensorType": "system",
                "healthState": {
                    "label": "Green",
                    "summary": "Sensor is operating under normal conditions",
                    "key": "green",
                },
            }
        ]
    },
    "hardwareStatusInfo": {
        "cpuStatusInfo": [
            {
                "name": "Proc 1",
                "status": {"label": "Green", "summary": "Physical element is functioning", "key": "Green"},
            }
        ]
    },
}


@HOST.provides("summary")
def _summary(call: Call, host: Host) -> Any:
    port = host.authority.rpartition(":")[2]
    return data(
        vim.host.Summary,
        host=call.ref(host),
        hardware={
            "vendor": "twohop",
            "model": "fake ESXi host",
            "uuid": host.uuid,
            "otherIdentifyingInfo": identifying(host),
            "memorySize": HOST_MEMORY,
            "cpuModel": CPU_MODEL,
            "cpuMhz": HOST_MHZ,
            "numCpuPkgs": 1,
            "numCpuCores": HOST_CORES,
            "numCpuThreads": HOST_CORES,
            "numNics": 1,
            "numHBAs": 1,
        },
        runtime=_runtime(call, host),
        config={
            "name": host.name,
            "port": int(port or 443),
            "sslThumbprint": host.thumbprint or None,
            "product": host_about(call),
            "vmotionEnabled": False,
            "faultToleranceEnabled": False,
            "agentVmDatastore": None,
        },
        quickStats={
            "overallCpuUsage": 0,
            "overallMemoryUsage": 0,
            "distributedCpuFairness": 0,
            "distributedMemoryFairness": 0,
            "uptime": UPTIME,
        },
        overallStatus="green",
        rebootRequired=False,
        customValue=[],
        managementServerIp=None if call.world.product.standalone else "127.0.0.1",
        maxEVCModeKey=None,
        currentEVCModeKey=None,
    )
