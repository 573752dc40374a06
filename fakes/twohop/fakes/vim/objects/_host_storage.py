"""The storage of a host: one adapter with a disk for each VMFS, the paths to them, and what is mounted where."""

from __future__ import annotations

from typing import Any

from ...world import Datastore, Host
from .._registry import VmomiSupport, vim
from .._service import Call
from ._storage import store_path, volume
from ._values import data

HBA = "vmhba0"
ADAPTER = f"key-vim.host.ParallelScsiHba-{HBA}"


def _disks(host: Host) -> list[Datastore]:
    return [store for store in host.datastores if store.type == "vmfs"]


def _id(store: Datastore) -> str:
    return store.uuid.replace("-", "")


def _disk_key(store: Datastore) -> str:
    return f"key-vim.host.ScsiDisk-{_id(store)}"


def path_name(number: int) -> str:
    """Return what the path to a disk is called, from 0."""
    return f"{HBA}:C0:T{number}:L0"


def _bytes(*values: int) -> list[Any]:
    return [VmomiSupport.byte(value) for value in values]


def storage_device(call: Call, host: Host) -> Any:
    """Return HostStorageDeviceInfo."""
    stores = _disks(host)
    return data(
        vim.host.StorageDeviceInfo,
        hostBusAdapter=[
            data(
                vim.host.ParallelScsiHba, key=ADAPTER, device=HBA, bus=3, status="unknown",
                model="PVSCSI SCSI Controller", driver="pvscsi", pci="0000:03:00.0",
            )
        ],
        scsiLun=[_disk(store) for store in stores],
        scsiTopology={"adapter": [_topology(stores)]},
        multipathInfo={"lun": [_logical_unit(n, store) for n, store in enumerate(stores)]},
        plugStoreTopology=_plug_store(stores),
        softwareInternetScsiEnabled=False,
    )  # fmt: skip


def _disk(store: Datastore) -> Any:
    name = f"naa.{store.uuid}"
    ids = (("highQuality", name), ("highQuality", f"vml.{_id(store)}"), ("lowQuality", _id(store)))
    return data(
        vim.host.ScsiDisk, deviceName=f"/vmfs/devices/disks/{name}", deviceType="disk",
        key=_disk_key(store), uuid=store.uuid, descriptor=[{"quality": quality, "id": id} for quality, id in ids],
        canonicalName=name, displayName=f"Local Disk ({name})", lunType="disk",
        vendor="VMware  ", model="Virtual disk    ", revision="2.0 ", scsiLevel=6, serialNumber="unavailable",
        alternateName=[{"namespace": "GENERIC_VPD", "namespaceId": 5, "data": _bytes(45, 55, 57)}],
        standardInquiry=_bytes(0, 0, 6, 2, 31, 0, 0, 2), queueDepth=1024,
        capabilities={"updateDisplayNameSupported": True},
        operationalState=["ok"], vStorageSupport="vStorageUnsupported", protocolEndpoint=False,
        capacity={"blockSize": 512, "block": store.capacity // 512},
        devicePath=f"/vmfs/devices/disks/{name}", ssd=True, localDisk=len(store.hosts) < 2,
        emulatedDIXDIFEnabled=False, scsiDiskType="native512",
    )  # fmt: skip


def _transport() -> Any:
    return vim.host.ParallelScsiTargetTransport()


def _topology(stores: list[Datastore]) -> dict[str, Any]:
    return {
        "key": f"key-vim.host.ScsiTopology.Interface-{HBA}", "adapter": ADAPTER,
        "target": [
            {
                "key": f"key-vim.host.ScsiTopology.Target-{HBA}:0:{n}", "target": n, "transport": _transport(),
                "lun": [
                    {"key": f"key-vim.host.ScsiTopology.Lun-{_id(store)}", "lun": 0, "scsiLun": _disk_key(store)}
                ],
            }
            for n, store in enumerate(stores)
        ],
    }  # fmt: skip


def _logical_unit(number: int, store: Datastore) -> dict[str, Any]:
    name, unit = path_name(number), f"key-vim.host.MultipathInfo.LogicalUnit-{_id(store)}"
    policy = data(vim.host.MultipathInfo.FixedLogicalUnitPolicy, policy="VMW_PSP_FIXED", prefer=name)
    return {
        "key": unit, "id": _id(store), "lun": _disk_key(store), "policy": policy,
        "path": [
            {
                "key": f"key-vim.host.MultipathInfo.Path-{name}", "name": name, "pathState": "active",
                "state": "active", "isWorkingPath": True, "adapter": ADAPTER, "lun": unit, "transport": _transport(),
            }
        ],
        "storageArrayTypePolicy": {"policy": "VMW_SATP_LOCAL"},
    }  # fmt: skip


def _plug_store(stores: list[Datastore]) -> dict[str, Any]:
    root = "key-vim.host.PlugStoreTopology"
    numbered = list(enumerate(stores))
    paths = [f"{root}.Path-{path_name(n)}" for n, _ in numbered]
    devices = [f"{root}.Device-{_id(store)}" for store in stores]
    return {
        "adapter": [{"key": f"{root}.Adapter-{HBA}", "adapter": ADAPTER, "path": paths}],
        "path": [
            {
                "key": paths[n], "name": path_name(n), "channelNumber": 0, "targetNumber": n, "lunNumber": 0,
                "adapter": f"{root}.Adapter-{HBA}", "target": f"{root}.Target-pscsi.0:{n}", "device": devices[n],
            }
            for n, _ in numbered
        ],
        "target": [{"key": f"{root}.Target-pscsi.0:{n}", "transport": _transport()} for n, _ in numbered],
        "device": [{"key": devices[n], "lun": _disk_key(store), "path": [paths[n]]} for n, store in numbered],
        "plugin": [{"key": f"{root}.Plugin-NMP", "name": "NMP", "device": devices, "claimedPath": paths}],
    }  # fmt: skip


def multipath_state(call: Call, host: Host) -> Any:
    """Return HostMultipathStateInfo: every path works."""
    paths = [{"name": path_name(n), "pathState": "active"} for n, _ in enumerate(_disks(host))]
    return data(vim.host.MultipathStateInfo, path=paths)


def file_system_volume(call: Call, host: Host) -> Any:
    """Return HostFileSystemVolumeInfo: where each datastore is mounted."""
    return data(
        vim.host.FileSystemVolumeInfo,
        volumeTypeList=["VMFS", "NFS", "NFS41", "vsan", "VVOL", "VFFS", "OTHER", "PMEM"],
        mountInfo=[
            {
                "mountInfo": {
                    "path": store_path(store), "accessMode": "readWrite", "mounted": True, "accessible": True,
                },
                "volume": volume(call, store),
                "vStorageSupport": "vStorageUnsupported",
            }
            for store in host.datastores
        ],
    )  # fmt: skip
