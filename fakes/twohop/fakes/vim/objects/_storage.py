"""Datastore and Network."""

from __future__ import annotations

from typing import Any

from ...world import STORE_TYPES, Datastore, Network
from .._kinds import Kind
from .._registry import vim
from .._service import Call
from ._managed_entity import MANAGED_ENTITY
from ._parts import part_ref
from ._values import before, data, epoch

DATASTORE = Kind("Datastore", MANAGED_ENTITY, of=Datastore)
NETWORK = Kind("Network", MANAGED_ENTITY, of=Network)
NFS_SERVER = "192.0.2.20"


def _free(store: Datastore) -> int:
    disks = (disk for vm in store.vms for disk in vm.disks if disk.datastore is store)
    taken = sum(disk.content.populated if disk.thin else disk.capacity for disk in disks)
    # A world may promise more than its datastores hold; a server shows no less than nothing.
    return max(0, store.capacity - taken)


def used_percent(store: Datastore) -> float:
    """Return how much of a datastore is taken."""
    return 100 * (1 - _free(store) / store.capacity)


def _uncommitted(store: Datastore) -> int | None:
    """Return what the thin disks may grow by; a datastore that holds no disk promises nothing, and says nothing."""
    disks = [disk for vm in store.vms for disk in vm.disks if disk.thin]
    return sum(disk.capacity - disk.content.populated for disk in disks) if disks else None


def store_path(store: Datastore) -> str:
    """Return where a host has a datastore mounted."""
    return f"/vmfs/volumes/{store.uuid}"


def _url(store: Datastore) -> str:
    return f"ds://{store_path(store)}/"


@DATASTORE.provides("summary")
def _summary(call: Call, store: Datastore) -> Any:
    return data(
        vim.Datastore.Summary,
        datastore=call.ref(store),
        name=store.name,
        url=_url(store),
        capacity=store.capacity,
        freeSpace=_free(store),
        uncommitted=_uncommitted(store),
        accessible=True,
        multipleHostAccess=len(store.hosts) > 1,
        type=STORE_TYPES[store.type],
        maintenanceMode="normal",
    )


@DATASTORE.provides("info")
def _info(call: Call, store: Datastore) -> Any:
    most = 62 << 40
    common: dict[str, Any] = {
        "name": store.name, "url": _url(store), "freeSpace": _free(store), "maxFileSize": most,
        "maxVirtualDiskCapacity": most, "maxMemoryFileSize": most, "timestamp": epoch(), "containerId": "",
    }  # fmt: skip
    if store.type == "nfs":
        return data(vim.host.NasDatastoreInfo, **common, nas=volume(call, store))
    if store.type == "vsan":
        return data(vim.host.VsanDatastoreInfo, **common, membershipUuid=_membership(store))
    limits = {"maxPhysicalRDMFileSize": most, "maxVirtualRDMFileSize": most}
    return data(vim.host.VmfsDatastoreInfo, **common, **limits, vmfs=volume(call, store))


def _membership(store: Datastore) -> str:
    digits = store.uuid.removeprefix("vsan:").replace("-", "")
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def volume(call: Call, store: Datastore) -> Any:
    """Return the volume of a datastore: a VMFS of one extent on one disk, an NFS share, or what a vSAN shows."""
    common = {"type": STORE_TYPES[store.type], "name": store.name, "capacity": store.capacity}
    if store.type == "nfs":
        return data(
            vim.host.NasVolume, **common, remoteHost=NFS_SERVER, remotePath=f"/export/{store.name}", userName="",
            remoteHostNames=[NFS_SERVER], protocolEndpoint=False,
        )  # fmt: skip
    if store.type == "vsan":
        return data(vim.host.FileSystemVolume, **common)
    major = 5 if before(call, "6.5") else 6
    extent = {"diskName": f"naa.{store.uuid.replace('-', '')}", "partition": 1}
    return data(
        vim.host.VmfsVolume, **common, blockSizeMb=1, blockSize=1024,
        unmapGranularity=1024, unmapPriority="low", maxBlocks=63963136, majorVersion=major, version=f"{major}.82",
        uuid=store.uuid, extent=[extent], vmfsUpgradable=False, ssd=True, local=len(store.hosts) < 2,
        scsiDiskType="native512",
    )  # fmt: skip


@DATASTORE.provides("capability")
def _capability(call: Call, store: Datastore) -> Any:
    return data(
        vim.Datastore.Capability,
        directoryHierarchySupported=True,
        rawDiskMappingsSupported=store.type == "vmfs",
        perFileThinProvisioningSupported=True,
        storageIORMSupported=True,
        nativeSnapshotSupported=False,
        topLevelDirectoryCreateSupported=store.type != "vsan",
        seSparseSupported=True,
        vmfsSparseSupported=True,
        vsanSparseSupported=store.type == "vsan",
        upitSupported=False,
        vmdkExpandSupported=True,
        clusteredVmdkSupported=False,
    )


@DATASTORE.provides("browser")
def _browser(call: Call, store: Datastore) -> Any:
    return part_ref("datastoreBrowser", store)


@DATASTORE.provides("iormConfiguration")
def _iorm(call: Call, store: Datastore) -> Any:
    return data(
        vim.StorageResourceManager.IORMConfigInfo, enabled=False, congestionThresholdMode="automatic",
        congestionThreshold=30, percentOfPeakThroughput=90, statsCollectionEnabled=False, reservationEnabled=True,
        statsAggregationDisabled=False, reservableIopsThreshold=0,
    )  # fmt: skip


@DATASTORE.provides("host")
def _host(call: Call, store: Datastore) -> list[Any]:
    mount = data(
        vim.host.MountInfo, accessMode="readWrite", mounted=True, accessible=True, path=store_path(store),
    )  # fmt: skip
    return [vim.Datastore.HostMount(key=call.ref(host), mountInfo=mount) for host in store.hosts]


@DATASTORE.method("RefreshDatastore")
@DATASTORE.method("RefreshDatastoreStorageInfo")
def _refresh(call: Call, store: Datastore) -> None:
    """What is told of a datastore is never old here."""


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
