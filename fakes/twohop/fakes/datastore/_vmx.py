"""A machine's configuration file, .vmx: what it has, as `key = "value"` lines."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from ..world import Controller, Disk, Drive, Image, Vm

_BUSES = {"SCSI": "scsi", "LsiLogic": "scsi", "BusLogic": "scsi", "AHCI": "sata", "NVME": "nvme", "IDE": "ide"}
_SCSI = {
    "ParaVirtualSCSIController": "pvscsi",
    "VirtualLsiLogicController": "lsilogic",
    "VirtualLsiLogicSASController": "lsisas1068",
    "VirtualBusLogicController": "buslogic",
}
_QUOTED = str.maketrans({c: f"|{ord(c):02X}" for c in '"|\r\n'})


def vmx_of(vm: Vm) -> bytes:
    """Return the file's text, in UTF-8."""
    lines = [".encoding", "UTF-8"], *([key, value] for key, value in _entries(vm))
    return "".join(f'{key} = "{value.translate(_QUOTED)}"\n' for key, value in lines).encode()


def _entries(vm: Vm) -> Iterator[tuple[str, str]]:
    yield "config.version", "8"
    yield "virtualHW.version", vm.hardware.removeprefix("vmx-").lstrip("0")
    yield "displayName", vm.name
    yield "guestOS", vm.guest_id.removesuffix("Guest").lower()
    yield "memSize", str(vm.memory_mib)
    yield "numvcpus", str(vm.cpus)
    yield "uuid.bios", _bytes_of(vm.uuid)
    yield "vc.uuid", _bytes_of(vm.instance_uuid)
    if vm.annotation:
        yield "annotation", vm.annotation
    if vm.firmware == "efi":
        yield "firmware", "efi"
    if vm.nvram is not None:
        yield "nvram", vm.nvram.file_name.rpartition("/")[2]
    for controller in vm.controllers:
        bus = bus_of(controller)
        if bus in ("scsi", "sata", "nvme"):
            yield f"{bus}{controller.bus}.present", "TRUE"
        if bus == "scsi":
            yield f"scsi{controller.bus}.virtualDev", _SCSI[controller.kind]
    for disk in vm.disks:
        yield from _disk(vm, disk)
    for drive in (*vm.images, *vm.drives):
        yield from _drive(drive)
    for number, nic in enumerate(vm.nics):
        card = f"ethernet{number}"
        yield f"{card}.present", "TRUE"
        yield f"{card}.virtualDev", nic.kind.removeprefix("Virtual").lower()
        yield f"{card}.networkName", nic.network.name
        yield f"{card}.connectionType", "bridged"
        yield f"{card}.addressType", "vpx"
        yield f"{card}.generatedAddress", nic.mac


def bus_of(controller: Controller) -> str:
    """Return the bus by which a .vmx calls a controller: scsi, sata, nvme, ide or floppy."""
    return next((bus for part, bus in _BUSES.items() if part in controller.kind), "floppy")


def _disk(vm: Vm, disk: Disk) -> Iterator[tuple[str, str]]:
    bus = bus_of(disk.controller)
    place = f"{bus}{disk.controller.bus}:{disk.unit}"
    yield f"{place}.present", "TRUE"
    if bus == "scsi":
        yield f"{place}.deviceType", "scsi-hardDisk"
    elif bus == "ide":
        yield f"{place}.deviceType", "ata-hardDisk"
    beside = disk.file_name.startswith(vm.vmx.rpartition("/")[0] + "/")
    name = disk.file_name.rpartition("/")[2] if beside else on_host(disk.file_name, disk.datastore.uuid)
    yield f"{place}.fileName", name


def _drive(drive: Drive) -> Iterator[tuple[str, str]]:
    bus = bus_of(drive.controller)
    place = f"floppy{drive.unit}" if drive.kind == "floppy" else f"{bus}{drive.controller.bus}:{drive.unit}"
    yield f"{place}.present", "TRUE"
    held = drive if isinstance(drive, Image) else None
    if drive.kind == "floppy":
        yield f"{place}.fileType", "file" if held else "device"
    else:
        yield f"{place}.deviceType", "cdrom-image" if held else "atapi-cdrom"
    yield f"{place}.fileName", on_host(held.file_name, held.datastore.uuid) if held else "auto detect"
    yield f"{place}.startConnected", "FALSE"


def on_host(file_name: str, datastore: str) -> str:
    """Return where a host finds `[datastore] path`: below the volume of that UUID."""
    return f"/vmfs/volumes/{datastore}/{file_name.partition('] ')[2]}"


def _bytes_of(text: str) -> str:
    digits = uuid.UUID(text).hex
    pairs = [digits[n : n + 2] for n in range(0, 32, 2)]
    return f"{' '.join(pairs[:8])}-{' '.join(pairs[8:])}"
