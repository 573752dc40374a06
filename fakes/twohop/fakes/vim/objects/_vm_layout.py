"""VirtualMachine.layout, layoutEx and storage: a machine's files and what they take."""

from __future__ import annotations

from typing import Any

from ...machines import PowerState
from ...world import Disk, Vm
from .._registry import vim
from .._service import Call
from ._values import data, epoch
from ._vsan import home_of, object_of, swap_of

DESCRIPTOR = 600
"""Bytes of the text file that stands for a disk."""


def disk_bytes(disk: Disk) -> int:
    """Return what a disk takes on its datastore."""
    return disk.content.populated if disk.thin else disk.capacity


def storage_bytes(vm: Vm) -> tuple[int, int]:
    """Return what a machine takes, and what its thin disks may yet grow by."""
    taken = sum(disk_bytes(disk) for disk in vm.disks)
    return taken, sum(disk.capacity for disk in vm.disks) - taken


def _flat(name: str) -> str:
    return f"{name.removesuffix('.vmdk')}-flat.vmdk"


def _files(vm: Vm) -> list[tuple[str, str, int]]:
    """Return name, type and size of each file."""
    base = vm.vmx.removesuffix(".vmx")
    nvram = vm.nvram.file_name if vm.nvram is not None else f"{base}.nvram"
    files = [(vm.vmx, "config", 2700), (nvram, "nvram", 8684), (f"{base}.vmsd", "snapshotList", 43)]
    for disk in vm.disks:
        for number, name in enumerate((disk.file_name, *disk.parents)):
            size = disk_bytes(disk) if number == 0 else 0
            files += [(name, "diskDescriptor", DESCRIPTOR), (_flat(name), "diskExtent", size)]
    files.append((f"{vm.directory}vmware.log", "log", 180_000))
    if vm.power is PowerState.ON:
        files.append((f"{base}.vswp", "swap", vm.memory_mib << 20))
    return files


def layout(vm: Vm) -> Any:
    """Return VirtualMachineFileLayout."""
    base = vm.vmx.removesuffix(".vmx")
    plain = base.rpartition("/")[2]
    return data(
        vim.vm.FileLayout,
        configFile=[f"{plain}.nvram", f"{plain}.vmsd"],
        logFile=["vmware.log"],
        disk=[{"key": disk.key, "diskFile": [disk.file_name, *disk.parents]} for disk in vm.disks],
        swapFile=f"{base}.vswp" if vm.power is PowerState.ON else None,
    )


def layout_ex(call: Call, vm: Vm) -> Any:
    """Return VirtualMachineFileLayoutEx."""
    files = _files(vm)
    keys = {name: key for key, (name, _, _) in enumerate(files)}
    chains = {
        disk.key: [[keys[name], keys[_flat(name)]] for name in (*reversed(disk.parents), disk.file_name)]
        for disk in vm.disks
    }
    objects: dict[str, str | None] = {"config": home_of(vm), "swap": swap_of(vm)}
    objects |= {name: object_of(d.datastore, name) for d in vm.disks for name in (d.file_name, *d.parents)}
    return data(
        vim.vm.FileLayoutEx,
        file=[
            {
                "key": keys[name], "name": name, "type": kind, "size": size, "uniqueSize": size, "accessible": True,
                "backingObjectId": objects.get(kind if kind != "diskDescriptor" else name),
            }
            for name, kind, size in files
        ],
        disk=[{"key": key, "chain": [{"fileKey": pair} for pair in chain]} for key, chain in chains.items()],
        timestamp=epoch(),
    )  # fmt: skip


def storage(call: Call, vm: Vm) -> Any:
    """Return VirtualMachineStorageInfo: what each datastore holds of the machine."""
    usage = []
    for store in vm.datastores():
        disks = [disk for disk in vm.disks if disk.datastore is store]
        taken = sum(disk_bytes(disk) for disk in disks)
        usage.append(
            {
                "datastore": call.ref(store),
                "committed": taken,
                "uncommitted": sum(disk.capacity for disk in disks) - taken,
                "unshared": taken,
            }
        )
    return data(vim.vm.StorageInfo, perDatastoreUsage=usage, timestamp=epoch())
