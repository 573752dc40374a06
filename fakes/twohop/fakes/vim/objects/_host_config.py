"""HostSystem.config: network, storage, services, policies and options of a host, as ESXi tells them."""

from __future__ import annotations

from typing import Any

from ...world import Host
from .._registry import VmomiSupport, vim
from .._service import Call
from ._about import host_about
from ._host_hardware import pci_devices
from ._host_network import NET_CAPABILITIES, OFFLOAD, network, virtual_nic_manager, vmotion
from ._host_storage import file_system_volume, multipath_state, storage_device
from ._values import data


def config(call: Call, host: Host) -> Any:
    """Return HostConfigInfo."""
    managed = not call.world.product.standalone
    return data(
        vim.host.ConfigInfo,
        host=call.ref(host),
        product=host_about(call),
        deploymentInfo={"bootedFromStatelessCache": False},
        hyperThread=hyper_thread(call, host),
        storageDevice=storage_device(call, host),
        multipathState=multipath_state(call, host),
        fileSystemVolume=file_system_volume(call, host),
        network=network(call, host),
        vmotion=vmotion(call, host),
        virtualNicManagerInfo=virtual_nic_manager(call, host),
        capabilities=NET_CAPABILITIES,
        datastoreCapabilities=DATASTORE_CAPABILITIES,
        offloadCapabilities=OFFLOAD,
        service=services(call, host),
        firewall=firewall(call, host),
        autoStart=auto_start(call, host),
        activeDiagnosticPartition=diagnostic_partition(call, host),
        option=[vim.option.OptionValue(key="UserVars.SuppressShellWarning", value=0)] if managed else None,
        dateTimeInfo=date_time(call, host),
        flags={},
        adminDisabled=False if managed else None,
        lockdownMode="lockdownDisabled",
        certificate=certificate(host),
        pciPassthruInfo=pci_passthru(call, host),
        authenticationManagerInfo=authentication(call, host),
        powerSystemCapability=power_capability(call, host),
        powerSystemInfo=power_info(call, host),
        cacheConfigurationInfo=cache_configuration(call, host),
        wakeOnLanCapable=False,
        featureCapability=_FEATURES if managed else None,
        maskedFeatureCapability=_FEATURES if managed else None,
        vsanHostConfig=vsan_config(call, host),
        graphicsConfig=GRAPHICS,
        ioFilterInfo=_IO_FILTERS,
    )


def hyper_thread(call: Call, host: Host) -> Any:
    """Return HostHyperThreadScheduleInfo."""
    return data(vim.host.CpuSchedulerSystem.HyperThreadScheduleInfo, available=False, active=False, config=True)


_SERVICES = (
    ("DCUI", "Direct Console UI", True, ()),
    ("TSM", "ESXi Shell", False, ()),
    ("TSM-SSH", "SSH", False, ()),
    ("lbtd", "Load-Based Teaming Daemon", True, ()),
    ("ntpd", "NTP Daemon", True, ("ntpClient",)),
    ("sfcbd-watchdog", "CIM Server", False, ("CIMHttpServer", "CIMHttpsServer")),
    ("snmpd", "SNMP Server", False, ("snmp",)),
    ("vmsyslogd", "Syslog Server", True, ()),
    ("vpxa", "VMware vCenter Agent", True, ("vpxHeartbeats",)),
)


def services(call: Call, host: Host) -> Any:
    """Return HostServiceInfo."""
    package = {
        "sourcePackageName": "esx-base", "description": "The base functionality of vSphere ESXi.",
    }  # fmt: skip
    return data(
        vim.host.ServiceInfo,
        service=[
            {
                "key": key, "label": label, "required": key == "vmsyslogd", "uninstallable": False,
                "running": running, "policy": "on" if running else "off", "ruleset": list(rules),
                "sourcePackage": package,
            }
            for key, label, running, rules in _SERVICES
            if key != "vpxa" or not call.world.product.standalone
        ],
    )  # fmt: skip


def firewall(call: Call, host: Host) -> Any:
    """Return HostFirewallInfo."""
    rule = {"port": 443, "direction": "inbound", "portType": "dst", "protocol": "tcp"}
    return data(
        vim.host.FirewallInfo,
        defaultPolicy={"incomingBlocked": True, "outgoingBlocked": True},
        ruleset=[
            {
                "key": "vSphereClient", "label": "vSphere Web Client", "required": True,
                "rule": [rule], "enabled": True,
                "allowedHosts": {"allIp": True},
            }
        ],
    )  # fmt: skip


def date_time(call: Call, host: Host) -> Any:
    """Return HostDateTimeInfo."""
    zone = {"key": "UTC", "name": "UTC", "description": "UTC", "gmtOffset": 0}
    return data(vim.host.DateTimeInfo, timeZone=zone, ntpConfig={"server": []})


def auto_start(call: Call, host: Host) -> Any:
    """Return HostAutoStartManagerConfig: no machine starts by itself."""
    defaults = {"startDelay": 120, "stopDelay": 120, "waitForHeartbeat": False, "stopAction": "PowerOff"}
    return data(vim.host.AutoStartManager.Config, defaults=defaults)


def diagnostic_partition(call: Call, host: Host) -> Any:
    """Return HostDiagnosticPartition; None for a host without a disk."""
    store = next((store for store in host.datastores if store.type == "vmfs"), None)
    if store is None:
        return None
    return data(
        vim.host.DiagnosticPartition, storageType="directAttached", diagnosticType="singleHost", slots=-15,
        id={"diskName": f"naa.{store.uuid}", "partition": 9},
    )  # fmt: skip


def certificate(host: Host) -> list[Any] | None:
    """Return the host's certificate in PEM, byte by byte; None until it has one."""
    return [VmomiSupport.byte(each) for each in host.certificate.encode()] or None


def pci_passthru(call: Call, host: Host) -> list[Any]:
    """Return HostPciPassthruInfo of each device: none can be given to a machine."""
    return [
        data(
            vim.host.PciPassthruInfo, id=device["id"], dependentDevice=device["id"], passthruEnabled=False,
            passthruCapable=False, passthruActive=False,
        )
        for device in pci_devices()
    ]  # fmt: skip


def authentication(call: Call, host: Host) -> Any:
    """Return HostAuthenticationManagerInfo: users of the host's own, no directory."""
    local = vim.host.LocalAuthenticationInfo(enabled=True)
    directory = vim.host.ActiveDirectoryInfo(enabled=False, smartCardAuthenticationEnabled=False)
    return data(vim.host.AuthenticationManagerInfo, authConfig=[local, directory])


def _power_policy(key: int, name: str) -> dict[str, Any]:
    label = f"PowerPolicy.{name}"
    return {"key": key, "name": f"{label}.name", "shortName": name, "description": f"{label}.description"}


def power_capability(call: Call, host: Host) -> Any:
    """Return PowerSystemCapability."""
    names = ("static", "dynamic", "low", "custom")
    return data(vim.host.PowerSystem.Capability, availablePolicy=[_power_policy(n, s) for n, s in enumerate(names, 1)])


def power_info(call: Call, host: Host) -> Any:
    """Return PowerSystemInfo."""
    return data(vim.host.PowerSystem.Info, currentPolicy=_power_policy(2, "dynamic"))


def cache_configuration(call: Call, host: Host) -> list[Any]:
    """Return HostCacheConfigurationInfo of each VMFS: nothing is swapped to it."""
    return [
        data(vim.host.CacheConfigurationManager.CacheConfigurationInfo, key=call.ref(store), swapSize=0)
        for store in host.datastores
        if store.type == "vmfs"
    ]


def vsan_config(call: Call, host: Host) -> Any:
    """Return VsanHostConfigInfo: the host is in a vSAN where it sees one."""
    on = any(store.type == "vsan" for store in host.datastores)
    return data(
        vim.vsan.host.ConfigInfo, enabled=on, hostSystem=call.ref(host), clusterInfo={},
        storageInfo={"autoClaimStorage": False}, networkInfo={}, faultDomainInfo={"name": ""},
    )  # fmt: skip


GRAPHICS = {"hostDefaultGraphicsType": "shared", "sharedPassthruAssignmentPolicy": "performance"}
_FEATURES = [
    {"key": f"cpuid.{name}", "featureName": f"cpuid.{name}", "value": "1"} for name in ("SSE3", "SSSE3", "SSE41", "AES")
]
_IO_FILTERS = [
    {
        "id": f"VMW_{name}_1.0.0", "name": name, "vendor": "VMW", "version": "1.0.0", "type": kind,
        "summary": summary, "releaseDate": "2016-07-21", "available": True,
    }
    for name, kind, summary in (
        ("spm", "datastoreIoControl", "VMware Storage I/O Control"),
        ("vmwarevmcrypt", "encryption", "VMcrypt IO Filter"),
    )
]  # fmt: skip
DATASTORE_CAPABILITIES = {
    "nfsMountCreationRequired": True,
    "nfsMountCreationSupported": True,
    "localDatastoreSupported": True,
    "vmfsExtentExpansionSupported": True,
}
