"""VirtualHardwareSection: one machine's devices in the server's order, controllers by falling key first."""

from __future__ import annotations

from typing import Any

from ..world import Controller, Disk, Drive, Image, Nic, Vm
from ._files import Files
from ._names import CDROM, CONTROLLERS, DISK, ETHERNET, FLOPPY, IDE, MEMORY, NICS, OTHER, PROCESSOR, VIDEO
from ._xml import config, item, section, system

_IDE = ("VirtualIDEController", 200)


class Hardware:
    """Writes the section of one machine. Options: `mac`, `uuid`, `nodevicesubtypes` (8.8)."""

    def __init__(self, vm: Vm, files: Files, options: frozenset[str]) -> None:
        self._vm = vm
        self._files = files
        self._options = options
        self._instance = 0
        self._parents: dict[int, int] = {}

    def write(self, parent: Any) -> None:
        """Add the section."""
        vm = self._vm
        at = section(parent, "VirtualHardwareSection", "Virtual hardware requirements")
        system(at, vm.name, vm.hardware)
        self._item(
            at, AllocationUnits="hertz * 10^6", Description="Number of Virtual CPUs",
            ElementName=f"{vm.cpus} virtual CPU(s)", ResourceType=PROCESSOR, VirtualQuantity=vm.cpus,
        )  # fmt: skip
        self._item(
            at, AllocationUnits="byte * 2^20", Description="Memory Size",
            ElementName=f"{vm.memory_mib}MB of memory", ResourceType=MEMORY, VirtualQuantity=vm.memory_mib,
        )  # fmt: skip
        self._controllers(at)
        self._built_in(at)
        drives = sorted(vm.drives_and_images(), key=lambda drive: drive.key)
        for number, drive in enumerate((d for d in drives if d.kind == "iso"), 1):
            self._cdrom(at, drive, number)
        for number, disk in enumerate(vm.disks, 1):
            self._disk(at, disk, number)
        for number, drive in enumerate((d for d in drives if d.kind == "floppy"), 1):
            self._floppy(at, drive, number)
        for number, nic in enumerate(vm.nics, 1):
            self._nic(at, nic, number)
        config(at, "firmware", vm.firmware)
        self._extra(at)

    def _controllers(self, at: Any) -> None:
        own = {controller.key for controller in self._vm.controllers}
        kind, first = _IDE
        ide = [Controller(key=first + n, kind=kind, bus=n) for n in (0, 1) if first + n not in own]
        for controller in sorted((*ide, *self._vm.controllers), key=lambda c: c.key, reverse=True):
            if controller.kind not in CONTROLLERS:
                continue
            number, text, subtype = CONTROLLERS[controller.kind]
            name = f"IDE {controller.bus}" if number == IDE else f"{text} controller {controller.bus}"
            self._item(
                at, Address=controller.bus, Description=f"{text} Controller", ElementName=name, ResourceType=number,
                ResourceSubType=subtype,
            )  # fmt: skip
            self._parents[controller.key] = self._instance

    def _built_in(self, at: Any) -> None:
        video = self._item(
            at, required=False, AutomaticAllocation="false", ElementName="Video card", ResourceType=VIDEO
        )
        for key, value in (("enable3DSupport", "false"), ("useAutoDetect", "false"), ("videoRamSizeInKB", "4096")):
            config(video, key, value)
        vmci = self._item(
            at, required=False, AutomaticAllocation="false", ElementName="VMCI device", ResourceSubType="vmware.vmci",
            ResourceType=OTHER,
        )  # fmt: skip
        config(vmci, "allowUnrestrictedCommunication", "false")

    def _disk(self, at: Any, disk: Disk, number: int) -> None:
        resource = self._files.resource(disk)
        if resource is None:
            return
        row = self._item(
            at, AddressOnParent=disk.unit, ElementName=f"Hard disk {number}", HostResource=resource,
            Parent=self._parents[disk.controller.key], ResourceType=DISK,
        )  # fmt: skip
        config(row, "backing.writeThrough", "false")

    def _cdrom(self, at: Any, drive: Drive, number: int) -> None:
        resource = self._files.resource(drive) if isinstance(drive, Image) else None
        row = self._item(
            at, required=False, AddressOnParent=drive.unit, AutomaticAllocation=_flag(resource is not None),
            ElementName=f"CD/DVD drive {number}", HostResource=resource, Parent=self._parents[drive.controller.key],
            ResourceSubType="vmware.cdrom.iso" if resource else "vmware.cdrom.remotepassthrough", ResourceType=CDROM,
        )  # fmt: skip
        if resource is None:
            config(row, "backing.exclusive", "false")

    def _floppy(self, at: Any, drive: Drive, number: int) -> None:
        resource = self._files.resource(drive) if isinstance(drive, Image) else None
        self._item(
            at, required=False, AddressOnParent=drive.unit, AutomaticAllocation=_flag(resource is not None),
            Description="Floppy Drive", ElementName=f"Floppy drive {number}", HostResource=resource,
            ResourceSubType="vmware.floppy.image" if resource else "vmware.floppy.remotedevice", ResourceType=FLOPPY,
        )  # fmt: skip

    def _nic(self, at: Any, nic: Nic, number: int) -> None:
        kind = NICS.get(nic.kind, nic.kind)
        row = self._item(
            at, Address=nic.mac if "mac" in self._options else None, AddressOnParent=6 + number,
            AutomaticAllocation="true", Connection=nic.network.name, ElementName=f"Network adapter {number}",
            Description=f'{kind} ethernet adapter on "{nic.network.name}"', ResourceSubType=kind,
            ResourceType=ETHERNET,
        )  # fmt: skip
        config(row, "wakeOnLanEnabled", "true")

    def _extra(self, at: Any) -> None:
        vm = self._vm
        if vm.nvram is not None:
            # Where the file itself is not in the package, its plain name still stands there (8.10).
            name = vm.nvram.file_name.rpartition("/")[2]
            config(at, "nvram", self._files.resource(vm.nvram) or name, kind="ExtraConfig")
        if "uuid" in self._options:
            config(at, "uuid.bios", vm.uuid, kind="ExtraConfig")

    def _item(self, at: Any, *, required: bool = True, **fields: Any) -> Any:
        self._instance += 1
        fields["InstanceID"] = self._instance
        if "nodevicesubtypes" in self._options:
            fields.pop("ResourceSubType", None)
        return item(at, fields, required=required)


def _flag(value: bool) -> str:
    return "true" if value else "false"
