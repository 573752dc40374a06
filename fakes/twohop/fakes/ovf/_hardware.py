"""VirtualHardwareSection: one machine's devices in the server's order, controllers by falling key first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..world import VMCI, Controller, Disk, Drive, Image, Nic, Vm, extra_options, pci_slots
from ._dialect import Dialect
from ._files import Files
from ._names import (
    CD_BACKINGS,
    CDROM,
    CONTROLLERS,
    DISK,
    ETHERNET,
    FLOPPY,
    FLOPPY_BACKINGS,
    MEMORY,
    NICS,
    OTHER,
    PROCESSOR,
    SCSI,
    VIDEO,
)
from ._rows import Row, drive_rows, flag, machine_rows, nic_rows, slot_row, video_rows
from ._xml import config, cores, item, section, system

_IDE = ("VirtualIDEController", 200)


class Hardware:
    """Writes the section of one machine, in the dialect of a server.

    Options: `mac`, `uuid`, `extraconfig`, `nodevicesubtypes` (8.8).
    """

    def __init__(self, vm: Vm, files: Files, options: frozenset[str], dialect: Dialect) -> None:
        self._vm = vm
        self._files = files
        self._options = options
        self._dialect = dialect
        self._instance = 0
        self._parents: dict[int, int] = {}
        self._slots = pci_slots(vm, vmci=dialect.vmci_slot)

    def write(self, parent: Any) -> None:
        """Add the section."""
        vm, kept = self._vm, self._vm.settings
        transport = " ".join(vm.vapp.transports) if vm.vapp is not None else ""
        at = section(parent, "VirtualHardwareSection", "Virtual hardware requirements", transport=transport or None)
        system(at, vm.name, vm.hardware)
        self._item(
            at, AllocationUnits="hertz * 10^6", Description="Number of Virtual CPUs",
            ElementName=f"{vm.cpus} virtual CPU(s)", ResourceType=PROCESSOR, VirtualQuantity=vm.cpus,
            Limit=kept.cpu_limit, Reservation=kept.cpu_reservation or None,
        )  # fmt: skip
        self._item(
            at, AllocationUnits="byte * 2^20", Description="Memory Size",
            ElementName=f"{vm.memory_mib}MB of memory", ResourceType=MEMORY, VirtualQuantity=vm.memory_mib,
            Limit=kept.memory_limit, Reservation=kept.memory_reservation or None,
        )  # fmt: skip
        self._controllers(at)
        if self._dialect.settings:
            self._built_in(at)
        drives = sorted(vm.drives_and_images(), key=lambda drive: drive.key)
        devices: dict[str, tuple[Callable[[Any, Any, int], None], list[Any]]] = {
            "cd": (self._cdrom, [d for d in drives if d.kind == "iso"]),
            "disk": (self._disk, vm.disks),
            "floppy": (self._floppy, [d for d in drives if d.kind == "floppy"]),
            "nic": (self._nic, vm.nics),
        }
        for write, given in (devices[kind] for kind in kept.order):
            for number, device in enumerate(given, 1):
                if not (device.export_error and self._dialect.left_out):
                    write(at, device, number)
        if self._dialect.settings:
            for key, value in machine_rows(vm, self._dialect):
                config(at, key, value)
        self._extra(at)

    def _controllers(self, at: Any) -> None:
        own = {controller.key for controller in self._vm.controllers}
        kind, first = _IDE
        ide = [Controller(key=first + n, kind=kind, bus=n) for n in (0, 1) if first + n not in own]
        for controller in sorted((*ide, *self._vm.controllers), key=lambda c: c.key, reverse=True):
            if controller.kind not in CONTROLLERS:
                continue
            number, text, subtype = CONTROLLERS[controller.kind]
            name = self._name(text.lower(), controller.bus)
            self._item(
                at, Address=controller.bus, Description=f"{text} Controller", ElementName=name, ResourceType=number,
                ResourceSubType=subtype, rows=slot_row(self._slots.get(controller.key)),
            )  # fmt: skip
            self._parents[controller.key] = self._instance

    def _built_in(self, at: Any) -> None:
        words, dialect = self._dialect.words, self._dialect
        self._item(
            at, required=False, AutomaticAllocation="false", ElementName=words["video"], ResourceType=VIDEO,
            rows=video_rows(self._vm, dialect),
        )  # fmt: skip
        self._item(
            at, required=False, AutomaticAllocation="false", ElementName=words["vmci"], ResourceSubType="vmware.vmci",
            ResourceType=OTHER,
            rows=(*slot_row(self._slots.get(VMCI)), ("allowUnrestrictedCommunication", "false")),
        )  # fmt: skip

    def _disk(self, at: Any, disk: Disk, number: int) -> None:
        resource = self._files.resource(disk)
        if resource is None:
            return
        self._item(
            at, AddressOnParent=disk.unit, ElementName=self._name("disk", number), HostResource=resource,
            Parent=self._parents[disk.controller.key], ResourceType=DISK, rows=(("backing.writeThrough", "false"),),
        )  # fmt: skip

    def _cdrom(self, at: Any, drive: Drive, number: int) -> None:
        resource = self._files.resource(drive) if isinstance(drive, Image) else None
        self._item(
            # Whoever takes the image must make the drive; an empty one may be left out.
            at, required=resource is not None, AddressOnParent=drive.unit,
            AutomaticAllocation=flag(resource is not None), ElementName=self._name("cd", number),
            HostResource=resource, Parent=self._parents[drive.controller.key],
            ResourceSubType=self._subtype(f"vmware.cdrom.{'iso' if resource else CD_BACKINGS[drive.backing]}"),
            ResourceType=CDROM,
            rows=drive_rows(drive, self._dialect, passed_through=resource is None and not drive.backing),
        )  # fmt: skip

    def _floppy(self, at: Any, drive: Drive, number: int) -> None:
        resource = self._files.resource(drive) if isinstance(drive, Image) else None
        self._item(
            at, required=False, AddressOnParent=drive.unit, AutomaticAllocation=flag(resource is not None),
            Description="Floppy Drive", ElementName=self._name("floppy", number), HostResource=resource,
            ResourceSubType=self._subtype(f"vmware.floppy.{'image' if resource else FLOPPY_BACKINGS[drive.backing]}"),
            ResourceType=FLOPPY, rows=drive_rows(drive, self._dialect, passed_through=False),
        )  # fmt: skip

    def _nic(self, at: Any, nic: Nic, number: int) -> None:
        kind = NICS.get(nic.kind, nic.kind)
        self._item(
            at, Address=nic.mac if "mac" in self._options else None, AddressOnParent=6 + number,
            AutomaticAllocation=flag(nic.connected), Connection=nic.network.name,
            ElementName=self._name("nic", number),
            Description=f'{kind} ethernet adapter on "{nic.network.name}"', ResourceSubType=kind,
            ResourceType=ETHERNET, rows=nic_rows(nic, self._slots.get(nic.key), self._dialect),
        )  # fmt: skip

    def _extra(self, at: Any) -> None:
        vm = self._vm
        options = extra_options(vm, self._slots) if "extraconfig" in self._options else {}
        if vm.nvram is not None and self._dialect.listed:
            # Where the file itself is not in the package, its plain name still stands there (8.10).
            name = vm.nvram.file_name.rpartition("/")[2]
            options = {"nvram": self._files.resource(vm.nvram) or name} | {
                k: v for k, v in options.items() if k != "nvram"
            }
        for key, value in options.items():
            config(at, key, value, kind="ExtraConfig")
        if "uuid" in self._options:
            config(at, "uuid.bios", vm.uuid, kind="ExtraConfig")

    def _name(self, kind: str, number: int) -> str:
        return f"{self._dialect.words[kind]} {number}"

    def _subtype(self, text: str) -> str | None:
        return text if self._dialect.settings else None

    def _item(self, at: Any, *, required: bool = True, rows: Iterable[Row] = (), **fields: Any) -> None:
        self._instance += 1
        fields["InstanceID"] = self._instance
        if "nodevicesubtypes" in self._options and _KINDS.get(fields["ResourceType"]) in self._dialect.without_subtypes:
            fields.pop("ResourceSubType", None)
        added = item(at, fields, required=required)
        if self._dialect.settings:
            for key, value in sorted(rows, key=_key) if self._dialect.rows == "sorted" else rows:
                config(added, key, value)
        number, said = self._vm.settings.cores_per_socket, self._dialect.cores
        processors = fields["ResourceType"] == PROCESSOR
        if said == "every-item" or (processors and (said == "processors" or number > 1)):
            cores(added, number)


_KINDS = {CDROM: "drives", FLOPPY: "drives", SCSI: "scsi"}
"""What nodevicesubtypes speaks of, by resource type."""


def _key(row: Row) -> str:
    return row[0]
