"""The systems of a host, and the browsers of what can be had on it: objects of their own, part of their owner."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ...world import Cluster, Datastore, Host, Vm
from .._kinds import KINDS, Kind
from .._registry import known_type, properties_of, vim
from .._service import Call, Part
from . import _host_config as facts
from . import _host_network as wires
from . import _host_storage as disks
from ._host import HEALTH
from ._parts import part_ref
from ._plain_managers import OPTION_MANAGER
from ._values import data, moment_of

ENVIRONMENT_BROWSER = Kind("EnvironmentBrowser")
DATASTORE_BROWSER = Kind("HostDatastoreBrowser")
NETWORK_SYSTEM = Kind("HostNetworkSystem")
STORAGE_SYSTEM = Kind("HostStorageSystem")
DATASTORE_SYSTEM = Kind("HostDatastoreSystem")
SERVICE_SYSTEM = Kind("HostServiceSystem")
FIREWALL_SYSTEM = Kind("HostFirewallSystem")
DATE_TIME_SYSTEM = Kind("HostDateTimeSystem")
VIRTUAL_NIC_MANAGER = Kind("HostVirtualNicManager")


@ENVIRONMENT_BROWSER.provides("datastoreBrowser")
def _browser(call: Call, part: Part) -> Any:
    owner = part.owner
    host = (
        owner.host if isinstance(owner, Vm) else next(iter(owner.hosts), None) if isinstance(owner, Cluster) else None
    )
    return part_ref("datastoreBrowser", host) if host is not None else None


@DATASTORE_BROWSER.provides("datastore")
def _datastores(call: Call, part: Part) -> list[Any]:
    owner = part.owner
    stores = owner.datastores if isinstance(owner, Host) else [owner] if isinstance(owner, Datastore) else []
    return call.refs(stores)


@DATASTORE_BROWSER.provides("supportedType")
def _supported_types(call: Call, part: Part) -> list[Any]:
    queries = vim.host.DatastoreBrowser
    return [
        queries.FloppyImageQuery(), queries.IsoImageQuery(), queries.VmConfigQuery(), queries.VmDiskQuery(),
        queries.VmLogQuery(), queries.VmNvramQuery(), queries.VmSnapshotQuery(),
    ]  # fmt: skip


def _of_host(kind: Kind, name: str, fact: Any) -> None:
    @kind.provides(name)
    def _read(call: Call, part: Part) -> Any:
        return fact(call, part.owner)


def _plain(of: Any, fields: dict[str, Any]) -> Any:
    return lambda call, host: data(of, **fields)


_of_host(NETWORK_SYSTEM, "networkInfo", wires.network)
_of_host(STORAGE_SYSTEM, "storageDeviceInfo", disks.storage_device)
_of_host(STORAGE_SYSTEM, "fileSystemVolumeInfo", disks.file_system_volume)
_of_host(SERVICE_SYSTEM, "serviceInfo", facts.services)
_of_host(FIREWALL_SYSTEM, "firewallInfo", facts.firewall)
_of_host(DATE_TIME_SYSTEM, "dateTimeInfo", facts.date_time)
_of_host(VIRTUAL_NIC_MANAGER, "info", wires.virtual_nic_manager)
_of_host(STORAGE_SYSTEM, "multipathStateInfo", disks.multipath_state)
_of_host(NETWORK_SYSTEM, "capabilities", _plain(vim.host.NetCapabilities, wires.NET_CAPABILITIES))
_of_host(NETWORK_SYSTEM, "offloadCapabilities", _plain(vim.host.NetOffloadCapabilities, wires.OFFLOAD))
_of_host(NETWORK_SYSTEM, "dnsConfig", lambda call, host: wires.network(call, host).dnsConfig)
_of_host(NETWORK_SYSTEM, "ipRouteConfig", lambda call, host: wires.network(call, host).ipRouteConfig)
for _wsdl, _name, _fact in (
    ("HostCpuSchedulerSystem", "hyperthreadInfo", facts.hyper_thread),
    ("HostVMotionSystem", "netConfig", lambda call, host: wires.vmotion(call, host).netConfig),
    ("HostDiagnosticSystem", "activePartition", facts.diagnostic_partition),
    ("HostAutoStartManager", "config", facts.auto_start),
    ("HostHealthStatusSystem", "runtime", lambda call, host: data(vim.host.HealthStatusSystem.Runtime, **HEALTH)),
    ("HostPciPassthruSystem", "pciPassthruInfo", facts.pci_passthru),
    ("HostAuthenticationManager", "info", facts.authentication),
    ("HostAuthenticationManager", "supportedStore", lambda call, host: []),
    ("HostPowerSystem", "capability", facts.power_capability),
    ("HostPowerSystem", "info", facts.power_info),
    ("HostCacheConfigurationManager", "cacheConfigurationInfo", facts.cache_configuration),
    ("HostVsanSystem", "config", facts.vsan_config),
    ("HostGraphicsManager", "graphicsConfig", _plain(vim.host.GraphicsConfig, facts.GRAPHICS)),
    ("HostAccessManager", "lockdownMode", lambda call, host: "lockdownDisabled"),
):
    if known_type(_wsdl) and _name in properties_of(_wsdl):
        _of_host(KINDS.get(_wsdl) or Kind(_wsdl), _name, _fact)


@NETWORK_SYSTEM.provides("networkConfig")
def _unset(call: Call, part: Part) -> Any:
    return None


@DATE_TIME_SYSTEM.method("QueryDateTime")
def _query_date_time(call: Call, part: Part) -> Any:
    return moment_of(call) + timedelta(seconds=_host(part).clock_ahead)


@DATE_TIME_SYSTEM.method("UpdateDateTime")
def _update_date_time(call: Call, part: Part, dateTime: Any) -> None:
    _host(part).clock_ahead = dateTime.timestamp() - call.world.clock.now()


@NETWORK_SYSTEM.method("RefreshNetworkSystem")
@STORAGE_SYSTEM.method("RefreshStorageSystem")
@STORAGE_SYSTEM.method("RescanAllHba")
@STORAGE_SYSTEM.method("RescanVmfs")
@DATE_TIME_SYSTEM.method("RefreshDateTimeSystem")
def _refresh(call: Call, part: Part) -> None:
    """What is asked to look again sees what it saw: nothing changes here by itself."""


def _host(part: Part) -> Host:
    assert isinstance(part.owner, Host)
    return part.owner


@DATASTORE_SYSTEM.provides("datastore")
def _system_datastores(call: Call, part: Part) -> list[Any]:
    assert isinstance(part.owner, Host)
    return call.refs(part.owner.datastores)


@DATASTORE_SYSTEM.provides("capabilities")
def _datastore_capabilities(call: Call, part: Part) -> Any:
    return data(vim.host.DatastoreSystem.Capabilities, **facts.DATASTORE_CAPABILITIES)


for _kind in (
    NETWORK_SYSTEM,
    STORAGE_SYSTEM,
    FIREWALL_SYSTEM,
    VIRTUAL_NIC_MANAGER,
    SERVICE_SYSTEM,
    OPTION_MANAGER,
):

    @_kind.provides(*(name for name in ("availableField", "value") if hasattr(_kind.vim, name)))
    def _no_fields(call: Call, part: Any) -> list[Any]:
        return []
