"""VirtualHardware: the devices of a machine as the API shows them, with the keys that servers give them."""

from __future__ import annotations

import uuid
from typing import Any

from ...machines import PowerState
from ...world import FAMILIES, VMCI, Controller, Datastore, Disk, Drive, Image, Nic, Vm, pci_slots
from .._registry import vim
from .._service import Call
from ._values import before, data
from ._vsan import object_of

PCI, SIO, TPM = 100, 400, 11000
"""Keys of controllers that every machine has, and of a virtual TPM."""

_SCSI = {
    "ParaVirtualSCSIController": vim.vm.device.ParaVirtualSCSIController,
    "VirtualLsiLogicController": vim.vm.device.VirtualLsiLogicController,
    "VirtualLsiLogicSASController": vim.vm.device.VirtualLsiLogicSASController,
    "VirtualBusLogicController": vim.vm.device.VirtualBusLogicController,
}
_OTHER = {
    "VirtualAHCIController": vim.vm.device.VirtualAHCIController,
    "VirtualIDEController": vim.vm.device.VirtualIDEController,
    "VirtualNVMEController": vim.vm.device.VirtualNVMEController,
}
_LABELS = {"IDE": "IDE", "SATA": "SATA controller", "NVMe": "NVME controller", "SCSI": "SCSI controller"}
_SUMMARIES = {"ParaVirtualSCSIController": "VMware paravirtual SCSI", "VirtualLsiLogicSASController": "LSI Logic SAS",
              "VirtualLsiLogicController": "LSI Logic", "VirtualBusLogicController": "BusLogic",
              "VirtualAHCIController": "AHCI"}  # fmt: skip


def hardware(call: Call, vm: Vm) -> Any:
    """Return VirtualHardware with every device."""
    own = {controller.key for controller in vm.controllers}
    ide = [Controller(key=200 + n, kind="VirtualIDEController", bus=n) for n in (0, 1) if 200 + n not in own]
    controllers = sorted((*ide, *vm.controllers), key=lambda c: (c.kind != "VirtualIDEController", c.key))
    slots = slots_of(call, vm)
    devices = [_controller(c, vm, slots) for c in controllers if c.kind == "VirtualIDEController"]
    devices += _built_in(vm, slots)
    devices += [_controller(c, vm, slots) for c in controllers if c.kind != "VirtualIDEController"]
    drives = sorted(vm.drives_and_images(), key=lambda drive: drive.key)
    kinds = {
        "cd": [_cdrom(call, vm, d, n) for n, d in enumerate((d for d in drives if d.kind == "iso"), 1)],
        "disk": [disk_device(call, disk, n, vm.moid) for n, disk in enumerate(vm.disks, 1)],
        "floppy": [_floppy(call, vm, d, n) for n, d in enumerate((d for d in drives if d.kind == "floppy"), 1)],
        "nic": [_nic(call, vm, nic, n, slots) for n, nic in enumerate(vm.nics, 1)],
    }
    devices += [device for kind in vm.settings.order for device in kinds[kind]]
    if vm.vtpm:
        info = vim.Description(label="Virtual TPM", summary="Virtual TPM")
        devices.append(vim.vm.device.VirtualTPM(key=TPM, controllerKey=PCI, deviceInfo=info))
    return data(
        vim.vm.VirtualHardware, numCPU=vm.cpus, numCoresPerSocket=vm.settings.cores_per_socket,
        autoCoresPerSocket=False,
        memoryMB=vm.memory_mib,
        virtualICH7MPresent=False, virtualSMCPresent=False, device=devices, motherboardLayout="i440bxHostBridge",
        simultaneousThreads=1,
    )  # fmt: skip


def slots_of(call: Call, vm: Vm) -> dict[int, int]:
    """Return the slots of a machine's devices on its PCI bus by their keys; servers since 7.0 tell none of VMCI."""
    return pci_slots(vm, vmci=before(call, "7.0"))


def _built_in(vm: Vm, slots: dict[int, int]) -> list[Any]:
    """Return what every machine has and nobody adds."""
    device = vim.vm.device
    floppies = [drive.key for drive in vm.drives_and_images() if drive.kind == "floppy"]
    pci = [c.key for c in vm.controllers if c.kind != "VirtualIDEController"]
    on_pci = [500, VMCI, *pci, *(nic.key for nic in vm.nics), *([TPM] if vm.vtpm else [])]
    return [
        device.VirtualPS2Controller(key=300, busNumber=0, device=[600, 700], deviceInfo=_named("PS2 controller 0")),
        device.VirtualPCIController(key=PCI, busNumber=0, device=on_pci, deviceInfo=_named("PCI controller 0")),
        device.VirtualSIOController(key=SIO, busNumber=0, device=floppies, deviceInfo=_named("SIO controller 0")),
        device.VirtualKeyboard(key=600, controllerKey=300, unitNumber=0, deviceInfo=_named("Keyboard ", "Keyboard")),
        device.VirtualPointingDevice(
            key=700, controllerKey=300, unitNumber=1, deviceInfo=_named("Pointing device", "Pointing device; Device"),
            backing=device.VirtualPointingDevice.DeviceBackingInfo(
                deviceName="", useAutoDetect=False, hostPointingDevice="autodetect"
            ),
        ),
        device.VirtualVideoCard(
            key=500, controllerKey=PCI, unitNumber=0, deviceInfo=_named("Video card ", "Video card"),
            videoRamSizeInKB=vm.settings.video_kib,
            numDisplays=vm.settings.displays, useAutoDetect=False, enable3DSupport=False, use3dRenderer="automatic",
            graphicsMemorySizeInKB=262144,
        ),
        device.VirtualVMCIDevice(
            key=VMCI, controllerKey=PCI, unitNumber=17, id=-1 - vm.disks[0].capacity % 1_000_003 if vm.disks else -1,
            deviceInfo=_named("VMCI device", "Device on the virtual machine PCI bus that provides VMCI"),
            slotInfo=_slot(slots.get(VMCI)), allowUnrestrictedCommunication=False,
            filterEnable=True,
        ),
    ]  # fmt: skip


def _slot(number: int | None) -> Any:
    return vim.vm.device.VirtualDevice.PciBusSlotInfo(pciSlotNumber=number) if number is not None else None


def _named(label: str, summary: str | None = None) -> Any:
    return vim.Description(label=label, summary=summary or label)


def _controller(controller: Controller, vm: Vm, slots: dict[int, int]) -> Any:
    family = FAMILIES[controller.kind]
    devices: list[Disk | Drive] = [*vm.disks, *vm.drives_and_images()]
    label = f"{_LABELS[family.name]} {controller.bus}"
    attributes = {
        "key": controller.key,
        "busNumber": controller.bus,
        "device": [device.key for device in devices if device.controller.key == controller.key],
        "deviceInfo": _named(label, _SUMMARIES.get(controller.kind, label)),
    }
    if controller.kind in _SCSI:
        return _SCSI[controller.kind](
            **attributes, controllerKey=PCI, unitNumber=3 + controller.bus, scsiCtlrUnitNumber=7, sharedBus="noSharing",
            hotAddRemove=True, slotInfo=_slot(slots.get(controller.key)),
        )  # fmt: skip
    if controller.kind == "VirtualIDEController":
        return _OTHER[controller.kind](**attributes)
    first = 24 if controller.kind == "VirtualAHCIController" else 30
    return _OTHER[controller.kind](
        **attributes, controllerKey=PCI, unitNumber=first + controller.bus, slotInfo=_slot(slots.get(controller.key))
    )


def disk_device(call: Call, disk: Disk, number: int, owner: str = "") -> Any:
    """Return a disk of the machine with id `owner` as the API shows it; `number` counts from 1."""
    kib = disk.capacity >> 10
    shares = {"shares": 1000, "level": "normal"}
    old = before(call, "7.0")
    return data(
        vim.vm.device.VirtualDisk,
        key=disk.key,
        deviceInfo=vim.Description(label=f"Hard disk {number}", summary=f"{kib:,} KB"),
        backing=_backing(call, disk, (disk.file_name, *disk.parents)),
        controllerKey=disk.controller.key,
        unitNumber=disk.unit,
        capacityInKB=kib,
        capacityInBytes=disk.capacity,
        shares=shares,
        storageIOAllocation={"limit": -1, "shares": shares, "reservation": 0},
        diskObjectId=f"{owner.rpartition('-')[2] or '1'}-{disk.key}",
        vDiskVersion=None if old else 1,
        nativeUnmanagedLinkedClone=False,
        guestReadOnly=None if old else False,
    )


def _backing(call: Call, disk: Disk, chain: tuple[str, ...]) -> Any:
    """Return the file that is written to, with the files below it as `parent` of one another (7.7)."""
    name, *below = chain
    return data(
        vim.vm.device.VirtualDisk.FlatVer2BackingInfo,
        fileName=name,
        datastore=call.ref(_store_of(call, disk, name)),
        backingObjectId=object_of(disk.datastore, name) or "",
        diskMode="persistent",
        split=False,
        writeThrough=False,
        thinProvisioned=disk.thin,
        eagerlyScrub=None if before(call, "7.0") else False,
        uuid=_disk_uuid(chain[-1]),
        contentId=uuid.uuid5(uuid.NAMESPACE_URL, name).hex,
        parent=_backing(call, disk, tuple(below)) if below else None,
        digestEnabled=False,
        sharing="sharingNone",
    )


def _store_of(call: Call, disk: Disk, name: str) -> Datastore | None:
    wanted = name.partition("] ")[0].lstrip("[")
    if disk.datastore.name == wanted:
        return disk.datastore
    return next((store for store in call.world.all(Datastore) if store.name == wanted), None)


def _disk_uuid(name: str) -> str:
    return f"6000C29{str(uuid.uuid5(uuid.NAMESPACE_URL, name))[7:]}"


_CD_BACKINGS = {
    "": vim.vm.device.VirtualCdrom.RemotePassthroughBackingInfo,
    "atapi": vim.vm.device.VirtualCdrom.RemoteAtapiBackingInfo,
    "host": vim.vm.device.VirtualCdrom.AtapiBackingInfo,
}


def drive_backing(backing: Any) -> Any:
    """Return what a drive without an image passes on, as a machine keeps it."""
    if isinstance(backing, vim.vm.device.VirtualFloppy.DeviceBackingInfo):
        return "host"
    return next((word for word, of in _CD_BACKINGS.items() if isinstance(backing, of)), "")


def _cdrom(call: Call, vm: Vm, drive: Drive, number: int) -> Any:
    cdrom = vim.vm.device.VirtualCdrom
    if isinstance(drive, Image):
        backing = cdrom.IsoBackingInfo(fileName=drive.file_name, datastore=call.ref(drive.datastore))
        summary = f"ISO {drive.file_name}"
    else:
        backing = _CD_BACKINGS[drive.backing](deviceName="", useAutoDetect=False)
        if isinstance(backing, cdrom.RemotePassthroughBackingInfo):
            backing.exclusive = False
        summary = "Host device" if drive.backing == "host" else "Remote device"
    return _drive(cdrom, vm, drive, backing, _named(f"CD/DVD drive {number}", summary))


def _floppy(call: Call, vm: Vm, drive: Drive, number: int) -> Any:
    floppy = vim.vm.device.VirtualFloppy
    if isinstance(drive, Image):
        backing = floppy.ImageBackingInfo(fileName=drive.file_name, datastore=call.ref(drive.datastore))
        summary = f"Image {drive.file_name}"
    else:
        on_host = drive.backing == "host"
        backing = (floppy.DeviceBackingInfo if on_host else floppy.RemoteDeviceBackingInfo)(
            deviceName="", useAutoDetect=False
        )
        summary = "Host device" if on_host else "Remote"
    return _drive(floppy, vm, drive, backing, _named(f"Floppy drive {number}", summary))


def _drive(kind: Any, vm: Vm, drive: Drive, backing: Any, info: Any) -> Any:
    there = isinstance(drive, Image)
    return kind(
        key=drive.key, controllerKey=drive.controller.key, unitNumber=drive.unit, backing=backing, deviceInfo=info,
        connectable=vim.vm.device.VirtualDevice.ConnectInfo(
            startConnected=there, allowGuestControl=drive.guest_control, connected=there and vm.power is PowerState.ON,
            status="ok" if vm.power is PowerState.ON else "untried",
        ),
    )  # fmt: skip


def _nic(call: Call, vm: Vm, nic: Nic, number: int, slots: dict[int, int]) -> Any:
    running = vm.power is PowerState.ON
    return data(
        getattr(vim.vm.device, nic.kind),
        key=nic.key,
        deviceInfo=vim.Description(label=f"Network adapter {number}", summary=nic.network.name),
        backing=vim.vm.device.VirtualEthernetCard.NetworkBackingInfo(
            deviceName=nic.network.name, useAutoDetect=False, network=call.ref(nic.network)
        ),
        connectable={
            "migrateConnect": "unset", "startConnected": nic.connected, "allowGuestControl": nic.guest_control,
            "connected": running and nic.connected, "status": "ok" if running else "untried",
        },
        slotInfo=_slot(slots.get(nic.key)),
        controllerKey=PCI,
        unitNumber=nic.key - 4000 + 7,
        addressType="assigned",
        macAddress=nic.mac,
        wakeOnLanEnabled=nic.wake_on_lan,
        resourceAllocation={"reservation": 0, "share": {"shares": 50, "level": "normal"}, "limit": -1},
        uptCompatibilityEnabled=nic.kind == "VirtualVmxnet3",
    )  # fmt: skip
