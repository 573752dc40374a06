"""VirtualHardware: the devices of a machine as the API shows them, with the keys that servers give them."""

from __future__ import annotations

import uuid
from typing import Any

from ...machines import PowerState
from ...world import FAMILIES, Controller, Datastore, Disk, Drive, Image, Nic, Vm
from .._registry import vim
from .._service import Call

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
    devices = [_controller(c, vm) for c in controllers if c.kind == "VirtualIDEController"]
    devices += _built_in(vm)
    devices += [_controller(c, vm) for c in controllers if c.kind != "VirtualIDEController"]
    drives = sorted(vm.drives_and_images(), key=lambda drive: drive.key)
    devices += [_cdrom(call, vm, d, n) for n, d in enumerate((d for d in drives if d.kind == "iso"), 1)]
    devices += [disk_device(call, disk, n) for n, disk in enumerate(vm.disks, 1)]
    devices += [_floppy(call, vm, d, n) for n, d in enumerate((d for d in drives if d.kind == "floppy"), 1)]
    devices += [_nic(call, nic, n) for n, nic in enumerate(vm.nics, 1)]
    if vm.vtpm:
        info = vim.Description(label="Virtual TPM", summary="Virtual TPM")
        devices.append(vim.vm.device.VirtualTPM(key=TPM, controllerKey=PCI, deviceInfo=info))
    return vim.vm.VirtualHardware(numCPU=vm.cpus, numCoresPerSocket=1, memoryMB=vm.memory_mib, device=devices)


def _built_in(vm: Vm) -> list[Any]:
    """Return what every machine has and nobody adds."""
    device = vim.vm.device
    floppies = [drive.key for drive in vm.drives_and_images() if drive.kind == "floppy"]
    slots = [c.key for c in vm.controllers if c.kind != "VirtualIDEController"]
    on_pci = [500, 12000, *slots, *(nic.key for nic in vm.nics), *([TPM] if vm.vtpm else [])]
    return [
        device.VirtualPS2Controller(key=300, busNumber=0, device=[600, 700], deviceInfo=_named("PS2 controller 0")),
        device.VirtualPCIController(key=PCI, busNumber=0, device=on_pci, deviceInfo=_named("PCI controller 0")),
        device.VirtualSIOController(key=SIO, busNumber=0, device=floppies, deviceInfo=_named("SIO controller 0")),
        device.VirtualKeyboard(key=600, controllerKey=300, unitNumber=0, deviceInfo=_named("Keyboard")),
        device.VirtualPointingDevice(
            key=700, controllerKey=300, unitNumber=1, deviceInfo=_named("Pointing device", "Pointing device; Device"),
            backing=device.VirtualPointingDevice.DeviceBackingInfo(
                deviceName="", useAutoDetect=False, hostPointingDevice="autodetect"
            ),
        ),
        device.VirtualVideoCard(
            key=500, controllerKey=PCI, unitNumber=0, deviceInfo=_named("Video card"), videoRamSizeInKB=4096,
            numDisplays=1, useAutoDetect=False, enable3DSupport=False,
        ),
        device.VirtualVMCIDevice(
            key=12000, controllerKey=PCI, unitNumber=17, deviceInfo=_named("VMCI device"),
            allowUnrestrictedCommunication=False,
        ),
    ]  # fmt: skip


def _named(label: str, summary: str | None = None) -> Any:
    return vim.Description(label=label, summary=summary or label)


def _controller(controller: Controller, vm: Vm) -> Any:
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
            hotAddRemove=True,
        )  # fmt: skip
    if controller.kind == "VirtualIDEController":
        return _OTHER[controller.kind](**attributes)
    first = 24 if controller.kind == "VirtualAHCIController" else 30
    return _OTHER[controller.kind](**attributes, controllerKey=PCI, unitNumber=first + controller.bus)


def disk_device(call: Call, disk: Disk, number: int) -> Any:
    """Return a disk as the API shows it; `number` counts from 1."""
    kib = disk.capacity >> 10
    return vim.vm.device.VirtualDisk(
        key=disk.key,
        deviceInfo=vim.Description(label=f"Hard disk {number}", summary=f"{kib:,} KB"),
        backing=_backing(call, disk, (disk.file_name, *disk.parents)),
        controllerKey=disk.controller.key,
        unitNumber=disk.unit,
        capacityInKB=kib,
        capacityInBytes=disk.capacity,
    )


def _backing(call: Call, disk: Disk, chain: tuple[str, ...]) -> Any:
    """Return the file that is written to, with the files below it as `parent` of one another (7.7)."""
    name, *below = chain
    return vim.vm.device.VirtualDisk.FlatVer2BackingInfo(
        fileName=name, datastore=call.ref(_store_of(call, disk, name)), diskMode="persistent", split=False,
        writeThrough=False, thinProvisioned=disk.thin, uuid=_disk_uuid(chain[-1]),
        parent=_backing(call, disk, tuple(below)) if below else None,
    )  # fmt: skip


def _store_of(call: Call, disk: Disk, name: str) -> Datastore | None:
    wanted = name.partition("] ")[0].lstrip("[")
    if disk.datastore.name == wanted:
        return disk.datastore
    return next((store for store in call.world.all(Datastore) if store.name == wanted), None)


def _disk_uuid(name: str) -> str:
    return f"6000c29{str(uuid.uuid5(uuid.NAMESPACE_URL, name))[7:]}"


def _cdrom(call: Call, vm: Vm, drive: Drive, number: int) -> Any:
    cdrom = vim.vm.device.VirtualCdrom
    if isinstance(drive, Image):
        backing = cdrom.IsoBackingInfo(fileName=drive.file_name, datastore=call.ref(drive.datastore))
        summary = f"ISO {drive.file_name}"
    else:
        backing = cdrom.RemotePassthroughBackingInfo(deviceName="", useAutoDetect=False, exclusive=False)
        summary = "Remote device"
    return _drive(cdrom, vm, drive, backing, _named(f"CD/DVD drive {number}", summary))


def _floppy(call: Call, vm: Vm, drive: Drive, number: int) -> Any:
    floppy = vim.vm.device.VirtualFloppy
    if isinstance(drive, Image):
        backing = floppy.ImageBackingInfo(fileName=drive.file_name, datastore=call.ref(drive.datastore))
        summary = f"Image {drive.file_name}"
    else:
        backing = floppy.RemoteDeviceBackingInfo(deviceName="", useAutoDetect=False)
        summary = "Remote"
    return _drive(floppy, vm, drive, backing, _named(f"Floppy drive {number}", summary))


def _drive(kind: Any, vm: Vm, drive: Drive, backing: Any, info: Any) -> Any:
    there = isinstance(drive, Image)
    return kind(
        key=drive.key, controllerKey=drive.controller.key, unitNumber=drive.unit, backing=backing, deviceInfo=info,
        connectable=vim.vm.device.VirtualDevice.ConnectInfo(
            startConnected=there, allowGuestControl=True, connected=there and vm.power is PowerState.ON,
            status="ok" if vm.power is PowerState.ON else "untried",
        ),
    )  # fmt: skip


def _nic(call: Call, nic: Nic, number: int) -> Any:
    return vim.vm.device.VirtualVmxnet3(
        key=nic.key,
        deviceInfo=vim.Description(label=f"Network adapter {number}", summary=nic.network.name),
        backing=vim.vm.device.VirtualEthernetCard.NetworkBackingInfo(
            deviceName=nic.network.name, network=call.ref(nic.network)
        ),
        connectable=vim.vm.device.VirtualDevice.ConnectInfo(
            startConnected=True, allowGuestControl=True, connected=False, status="untried"
        ),
        controllerKey=PCI,
        unitNumber=nic.key - 4000 + 7,
        addressType="assigned",
        macAddress=nic.mac,
        wakeOnLanEnabled=True,
    )
