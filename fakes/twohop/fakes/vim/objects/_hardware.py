"""VirtualHardware: the devices of a machine as the API shows them."""

from __future__ import annotations

from typing import Any

from ...world import Controller, Disk, Nic, Vm
from .._registry import vim
from .._service import Call


def _controller(controller: Controller, vm: Vm) -> Any:
    attributes = {
        "key": controller.key,
        "busNumber": controller.bus,
        "device": [disk.key for disk in vm.disks if disk.controller is controller],
        "deviceInfo": vim.Description(label=f"{_label(controller)} {controller.bus}", summary=_label(controller)),
    }
    scsi = {
        "ParaVirtualSCSIController": vim.vm.device.ParaVirtualSCSIController,
        "VirtualLsiLogicController": vim.vm.device.VirtualLsiLogicController,
        "VirtualLsiLogicSASController": vim.vm.device.VirtualLsiLogicSASController,
        "VirtualBusLogicController": vim.vm.device.VirtualBusLogicController,
    }
    if controller.kind in scsi:
        return scsi[controller.kind](
            **attributes, controllerKey=100, unitNumber=3 + controller.bus, scsiCtlrUnitNumber=7, sharedBus="noSharing",
            hotAddRemove=True,
        )  # fmt: skip
    other = {
        "VirtualAHCIController": vim.vm.device.VirtualAHCIController,
        "VirtualIDEController": vim.vm.device.VirtualIDEController,
        "VirtualNVMEController": vim.vm.device.VirtualNVMEController,
    }
    return other[controller.kind](**attributes)


def _label(controller: Controller) -> str:
    if "IDE" in controller.kind:
        return "IDE"
    if "AHCI" in controller.kind:
        return "SATA controller"
    return "NVME controller" if "NVME" in controller.kind else "SCSI controller"


def _disk(disk: Disk, number: int) -> Any:
    kib = disk.capacity >> 10
    return vim.vm.device.VirtualDisk(
        key=disk.key,
        deviceInfo=vim.Description(label=f"Hard disk {number}", summary=f"{kib:,} KB"),
        backing=vim.vm.device.VirtualDisk.FlatVer2BackingInfo(
            fileName=disk.file_name, diskMode="persistent", thinProvisioned=disk.thin, writeThrough=False
        ),
        controllerKey=disk.controller.key,
        unitNumber=disk.unit,
        capacityInKB=kib,
        capacityInBytes=disk.capacity,
    )


def _nic(call: Call, nic: Nic) -> Any:
    return vim.vm.device.VirtualVmxnet3(
        key=nic.key,
        deviceInfo=vim.Description(label="Network adapter 1", summary=nic.network.name),
        backing=vim.vm.device.VirtualEthernetCard.NetworkBackingInfo(
            deviceName=nic.network.name, network=call.ref(nic.network)
        ),
        connectable=vim.vm.device.VirtualDevice.ConnectInfo(
            startConnected=True, allowGuestControl=True, connected=False, status="untried"
        ),
        controllerKey=100,
        unitNumber=7,
        addressType="assigned",
        macAddress=nic.mac,
        wakeOnLanEnabled=True,
    )


def hardware(call: Call, vm: Vm) -> Any:
    """Return VirtualHardware with every device."""
    ide = [] if any("IDE" in c.kind for c in vm.controllers) else [_ide(0), _ide(1)]
    devices = [*ide, *(_controller(c, vm) for c in vm.controllers)]
    devices += [_disk(disk, number) for number, disk in enumerate(vm.disks, 1)]
    devices += [_nic(call, nic) for nic in vm.nics]
    return vim.vm.VirtualHardware(numCPU=vm.cpus, numCoresPerSocket=1, memoryMB=vm.memory_mib, device=devices)


def _ide(bus: int) -> Any:
    info = vim.Description(label=f"IDE {bus}", summary=f"IDE {bus}")
    return vim.vm.device.VirtualIDEController(key=200 + bus, busNumber=bus, deviceInfo=info)
