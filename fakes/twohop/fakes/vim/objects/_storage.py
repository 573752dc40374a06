"""Datastore and Network."""

from __future__ import annotations

from typing import Any

from ...world import Datastore, Network
from .._kinds import Kind
from .._registry import vim
from .._service import Call
from ._managed_entity import MANAGED_ENTITY

DATASTORE = Kind("Datastore", MANAGED_ENTITY, of=Datastore)
NETWORK = Kind("Network", MANAGED_ENTITY, of=Network)


def _free(store: Datastore) -> int:
    disks = (disk for vm in store.vms for disk in vm.disks if disk.datastore is store)
    taken = sum(disk.content.populated if disk.thin else disk.capacity for disk in disks)
    # A world may promise more than its datastores hold; a server shows no less than nothing.
    return max(0, store.capacity - taken)


def _url(store: Datastore) -> str:
    return f"ds:///vmfs/volumes/{store.uuid}/"


@DATASTORE.provides("summary")
def _summary(call: Call, store: Datastore) -> Any:
    return vim.Datastore.Summary(
        datastore=call.ref(store),
        name=store.name,
        url=_url(store),
        capacity=store.capacity,
        freeSpace=_free(store),
        uncommitted=0,
        accessible=True,
        multipleHostAccess=len(store.hosts) > 1,
        type="VMFS",
        maintenanceMode="normal",
    )


@DATASTORE.provides("info")
def _info(call: Call, store: Datastore) -> Any:
    return vim.host.VmfsDatastoreInfo(
        name=store.name, url=_url(store), freeSpace=_free(store), maxFileSize=62 << 40, maxVirtualDiskCapacity=62 << 40
    )


@DATASTORE.provides("capability")
def _capability(call: Call, store: Datastore) -> Any:
    return vim.Datastore.Capability(
        directoryHierarchySupported=True,
        rawDiskMappingsSupported=True,
        perFileThinProvisioningSupported=True,
        storageIORMSupported=True,
        nativeSnapshotSupported=False,
        topLevelDirectoryCreateSupported=True,
        seSparseSupported=True,
    )


@DATASTORE.provides("host")
def _host(call: Call, store: Datastore) -> list[Any]:
    mount = vim.host.MountInfo(accessMode="readWrite", mounted=True, accessible=True, path=_url(store)[5:])
    return [vim.Datastore.HostMount(key=call.ref(host), mountInfo=mount) for host in store.hosts]


@DATASTORE.provides("vm")
def _vm(call: Call, store: Datastore) -> list[Any]:
    return call.refs(store.vms)


@NETWORK.provides("summary")
def _network_summary(call: Call, network: Network) -> Any:
    return vim.Network.Summary(network=call.ref(network), name=network.name, accessible=True, ipPoolName="")


@NETWORK.provides("host")
def _network_host(call: Call, network: Network) -> list[Any]:
    return call.refs(network.hosts)


@NETWORK.provides("vm")
def _network_vm(call: Call, network: Network) -> list[Any]:
    return call.refs(network.vms)
