"""The systems of a host, and the browsers of what can be had on it: objects of their own, part of their owner."""

from __future__ import annotations

from typing import Any

from ...world import Cluster, Datastore, Host, Vm
from .._kinds import Kind
from .._registry import vim
from .._service import Call, Part
from . import _host_config as facts
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


_of_host(NETWORK_SYSTEM, "networkInfo", facts.network)
_of_host(STORAGE_SYSTEM, "storageDeviceInfo", facts.storage_device)
_of_host(STORAGE_SYSTEM, "fileSystemVolumeInfo", facts.file_system_volume)
_of_host(SERVICE_SYSTEM, "serviceInfo", facts.services)
_of_host(FIREWALL_SYSTEM, "firewallInfo", facts.firewall)
_of_host(DATE_TIME_SYSTEM, "dateTimeInfo", facts.date_time)
_of_host(VIRTUAL_NIC_MANAGER, "info", facts.virtual_nic_manager)


@NETWORK_SYSTEM.provides("capabilities", "dnsConfig", "ipRouteConfig", "networkConfig", "offloadCapabilities")
def _unset(call: Call, part: Part) -> Any:
    return None


@DATE_TIME_SYSTEM.method("QueryDateTime")
def _query_date_time(call: Call, part: Part) -> Any:
    return moment_of(call)


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
