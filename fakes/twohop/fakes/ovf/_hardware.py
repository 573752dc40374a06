"""VirtualHardwareSection: one machine's devices in the server's order, controllers by falling key first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..world import Controller, Disk, Drive, Image, Nic, Vm
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
    VIDEO,
)
from ._xml import config, cores, item, section, system

_IDE = ("VirtualIDEController", 200)


class Hardware:
    """Writes the section of one machine, in the dialect of a server.

    Options: `mac`, `uuid`, `nodevicesubtypes` (8.8).
    """

    def __init__(self, vm: Vm, files: Files, options: frozenset[str], dialect: Dialect) -> None:
        self._vm = vm
        self._files = files
        self._options = options
        self._dialect = dialect
        self._instance = 0
        self._parents: dict[int, int] = {}

    def write(self, parent: Any) -> None:
        """Add the section."""
        vm, kept = self._vm, self._vm.settings
        transport = " ".join(vm.vapp.transports) if vm.vapp is not None else ""
        at = section(parent, "VirtualHardwareSection", "Virtual hardware requirements", transport=transport or None)
        system(at, vm.name, vm.hardware)
        processors = self._item(
            at, AllocationUnits="hertz * 10^6", Description="Number of Virtual CPUs",
            ElementName=f"{vm.cpus} virtual CPU(s)", ResourceType=PROCESSOR, VirtualQuantity=vm.cpus,
            Limit=kept.cpu_limit, Reservation=kept.cpu_reservation or None,
        )  # fmt: skip
        if kept.cores_per_socket > 1:
            cores(processors, kept.cores_per_socket)
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
                write(at, device, number)
        for key, value in _settings(vm):
            self._config(at, key, value)
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
                ResourceSubType=subtype,
            )  # fmt: skip
            self._parents[controller.key] = self._instance

    def _built_in(self, at: Any) -> None:
        words = self._dialect.words
        video = self._item(
            at, required=False, AutomaticAllocation="false", ElementName=words["video"], ResourceType=VIDEO
        )
        for key, value in _video(self._vm):
            config(video, key, value)
        vmci = self._item(
            at, required=False, AutomaticAllocation="false", ElementName=words["vmci"], ResourceSubType="vmware.vmci",
            ResourceType=OTHER,
        )  # fmt: skip
        config(vmci, "allowUnrestrictedCommunication", "false")

    def _disk(self, at: Any, disk: Disk, number: int) -> None:
        resource = self._files.resource(disk)
        if resource is None:
            return
        row = self._item(
            at, AddressOnParent=disk.unit, ElementName=self._name("disk", number), HostResource=resource,
            Parent=self._parents[disk.controller.key], ResourceType=DISK,
        )  # fmt: skip
        self._config(row, "backing.writeThrough", "false")

    def _cdrom(self, at: Any, drive: Drive, number: int) -> None:
        resource = self._files.resource(drive) if isinstance(drive, Image) else None
        row = self._item(
            # Whoever takes the image must make the drive; an empty one may be left out.
            at, required=resource is not None, AddressOnParent=drive.unit,
            AutomaticAllocation=_flag(resource is not None), ElementName=self._name("cd", number),
            HostResource=resource, Parent=self._parents[drive.controller.key],
            ResourceSubType=self._subtype(f"vmware.cdrom.{'iso' if resource else CD_BACKINGS[drive.backing]}"),
            ResourceType=CDROM,
        )  # fmt: skip
        if resource is None and not drive.backing:
            self._config(row, "backing.exclusive", "false")

    def _floppy(self, at: Any, drive: Drive, number: int) -> None:
        resource = self._files.resource(drive) if isinstance(drive, Image) else None
        self._item(
            at, required=False, AddressOnParent=drive.unit, AutomaticAllocation=_flag(resource is not None),
            Description="Floppy Drive", ElementName=self._name("floppy", number), HostResource=resource,
            ResourceSubType=self._subtype(f"vmware.floppy.{'image' if resource else FLOPPY_BACKINGS[drive.backing]}"),
            ResourceType=FLOPPY,
        )  # fmt: skip

    def _nic(self, at: Any, nic: Nic, number: int) -> None:
        kind = NICS.get(nic.kind, nic.kind)
        row = self._item(
            at, Address=nic.mac if "mac" in self._options else None, AddressOnParent=6 + number,
            AutomaticAllocation=_flag(nic.connected), Connection=nic.network.name,
            ElementName=self._name("nic", number),
            Description=f'{kind} ethernet adapter on "{nic.network.name}"', ResourceSubType=kind,
            ResourceType=ETHERNET,
        )  # fmt: skip
        self._config(row, "wakeOnLanEnabled", "true")

    def _extra(self, at: Any) -> None:
        vm = self._vm
        if vm.nvram is not None:
            # Where the file itself is not in the package, its plain name still stands there (8.10).
            name = vm.nvram.file_name.rpartition("/")[2]
            config(at, "nvram", self._files.resource(vm.nvram) or name, kind="ExtraConfig")
        if "uuid" in self._options:
            config(at, "uuid.bios", vm.uuid, kind="ExtraConfig")

    def _name(self, kind: str, number: int) -> str:
        return f"{self._dialect.words[kind]} {number}"

    def _config(self, at: Any, key: str, value: Any) -> None:
        if self._dialect.settings:
            config(at, key, value)

    def _subtype(self, text: str) -> str | None:
        return text if self._dialect.settings else None

    def _item(self, at: Any, *, required: bool = True, **fields: Any) -> Any:
        self._instance += 1
        fields["InstanceID"] = self._instance
        if "nodevicesubtypes" in self._options:
            fields.pop("ResourceSubType", None)
        return item(at, fields, required=required)


def _video(vm: Vm) -> Iterable[tuple[str, Any]]:
    yield "enable3DSupport", "false"
    if vm.settings.displays > 1:
        yield "numDisplays", vm.settings.displays
    yield from (("use3dRenderer", "automatic"), ("useAutoDetect", "false"))
    yield "videoRamSizeInKB", vm.settings.video_kib


def _settings(vm: Vm) -> Iterable[tuple[str, Any]]:
    """Yield what a machine is set to, under the names and in the order that servers since 5.1 write."""
    kept = vm.settings
    yield from (("cpuHotAddEnabled", "false"), ("cpuHotRemoveEnabled", "false"), ("firmware", vm.firmware))
    yield from (("virtualICH7MPresent", "false"), ("virtualSMCPresent", "false"), ("memoryHotAddEnabled", "false"))
    yield "nestedHVEnabled", "false"
    yield from (("powerOpInfo.powerOffType", kept.power_off), ("powerOpInfo.resetType", kept.reset))
    yield from (("powerOpInfo.standbyAction", kept.standby), ("powerOpInfo.suspendType", kept.suspend))
    for moment in ("afterPowerOn", "afterResume", "beforeGuestShutdown", "beforeGuestStandby"):
        yield f"tools.{moment}", "true"
    yield from (("tools.syncTimeWithHost", _flag(kept.sync_time)), ("tools.toolsUpgradePolicy", "manual"))


def _flag(value: bool) -> str:
    return "true" if value else "false"
