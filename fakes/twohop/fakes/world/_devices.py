"""A machine's controllers, disks and drives by a world file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from ._contents import Contents
from ._entities import Datastore, Vm
from ._hardware import Disk, Drive, Image, Nvram
from ._history import disk_file
from ._slots import KINDS, NoPlaceError, Slots, hardware_key
from ._spec import check_keys
from ._values import (
    DEVICE_ERRORS,
    DISK_ERRORS,
    WorldFileError,
    choice,
    export_error,
    flag,
    name_of,
    number,
    pick,
    rows,
)  # fmt: skip

_DISK_KINDS = tuple(kind for kind in KINDS if kind != "floppy")
_SIZES = {"iso": 1 << 20, "floppy": 1440 << 10}
_NVRAM_SIZES = {"efi": 270840, "bios": 8684}


def add_devices(vm: Vm, row: Mapping[str, Any], contents: Contents, stores: list[Datastore], where: str) -> None:
    """Give a machine what its row says: controllers, disks, images, nvram. Those it has already stay."""
    taken = [(disk.controller, disk.unit) for disk in vm.disks]
    devices = _Devices(vm, contents, stores, where, Slots(vm.controllers, taken))
    devices.controllers(rows(row, "controllers", where))
    devices.disks(rows(row, "disks", where))
    devices.images(rows(row, "images", where))
    devices.nvram(row.get("nvram", vm.firmware == "efi"))


class _Devices:
    def __init__(self, vm: Vm, contents: Contents, stores: list[Datastore], where: str, slots: Slots) -> None:
        self.vm, self.contents, self.stores, self.where, self.slots = vm, contents, stores, where, slots
        # Every machine has the controller of its floppy drives, as it has its keyboard's.
        self.floppies = Slots([])

    def controllers(self, given: list[Any]) -> None:
        for n, raw in enumerate(given):
            where = f"{self.where}: controller {n}"
            row = check_keys("controller", raw, where)
            kind = choice(row.get("kind", "pvscsi"), _DISK_KINDS, f"{where}: kind")
            try:
                self.slots.controller(kind, number(row, "bus", where), number(row, "slot", where))
            except NoPlaceError as error:
                raise WorldFileError(f"{where}: {error}") from None

    def disks(self, given: list[Any]) -> None:
        for n, raw in enumerate(given, len(self.vm.disks)):
            where = f"{self.where}: disk {n}"
            row = check_keys("disk", raw, where)
            kind = choice(row.get("controller", "pvscsi"), _DISK_KINDS, f"{where}: controller")
            controller, unit = self._place(kind, row, where)
            store = self._store(row, where)
            disk = Disk(
                key=hardware_key(controller, unit), controller=controller, unit=unit,
                content=self.contents.disk(row, n, self.where), datastore=store,
                file_name=disk_file(self.vm, store, n), thin=flag(row.get("thin", True), f"{where}: thin"),
                export_error=export_error(row, DISK_ERRORS, where),
            )  # fmt: skip
            self.vm.disks.append(disk)

    def images(self, given: list[Any]) -> None:
        for n, raw in enumerate(given):
            where = f"{self.where}: image {n}"
            row = check_keys("image", raw, where)
            kind = choice(row.get("kind", "iso"), tuple(_SIZES), f"{where}: kind")
            if kind == "floppy" and "controller" in row:
                raise WorldFileError(f"{where}: a floppy drive has no choice of controllers; leave 'controller' out")
            empty = flag(row.get("empty", False), f"{where}: empty")
            guest_control = flag(row.get("guest_control", True), f"{where}: guest_control")
            error = export_error(row, DEVICE_ERRORS, where)
            if empty and {"name", "size", "content", "missing", "datastore"} & set(row):
                raise WorldFileError(f"{where}: an empty drive has no image; leave all but kind and place out")
            if "backing" in row and not empty:
                raise WorldFileError(
                    f"{where}: 'backing' is that of an empty drive; leave it out, or say 'empty: true'"
                )
            on = "floppy" if kind == "floppy" else choice(
                row.get("controller", "ide"), ("ide", "sata"), f"{where}: controller"
            )  # fmt: skip
            controller, unit = self._place(on, row, where)
            if empty:
                key = hardware_key(controller, unit)
                medium: Literal["iso", "floppy"] = "iso" if kind == "iso" else "floppy"
                words = ("host", "atapi") if kind == "iso" else ("host",)
                backing: Any = choice(row["backing"], words, f"{where}: backing") if "backing" in row else ""
                drive = Drive(
                    key=key, controller=controller, unit=unit, kind=medium, backing=backing,
                    guest_control=guest_control, export_error=error,
                )  # fmt: skip
                self.vm.drives.append(drive)
                continue
            store = self._store(row, where)
            missing = flag(row.get("missing", False), f"{where}: missing")
            if missing and {"size", "content"} & set(row):
                raise WorldFileError(f"{where}: a missing file holds nothing; leave 'size' and 'content' out")
            suffix = "iso" if kind == "iso" else "flp"
            name = name_of(row.get("name", f"{self.vm.name}/{self.vm.name}.{suffix}"), f"{where}: name")
            image = Image(
                key=hardware_key(controller, unit), controller=controller, unit=unit,
                kind="iso" if kind == "iso" else "floppy", datastore=store, file_name=f"[{store.name}] {name}",
                content=None if missing else self.contents.plain(row, _SIZES[kind], where), guest_control=guest_control,
                export_error=error,
            )  # fmt: skip
            self.vm.images.append(image)

    def nvram(self, raw: Any) -> None:
        where = f"{self.where}: nvram"
        if isinstance(raw, bool):
            raw = {} if raw else None
        if raw is None:
            return
        row = check_keys("nvram", raw, where)
        name = name_of(row.get("name", f"{self.vm.name}.nvram"), f"{where}: name")
        content = self.contents.plain(row, _NVRAM_SIZES[self.vm.firmware], where)
        self.vm.nvram = Nvram(file_name=self.vm.directory + name, content=content)

    def _place(self, kind: str, row: Mapping[str, Any], where: str) -> Any:
        try:
            slots = self.floppies if kind == "floppy" else self.slots
            return slots.place(kind, number(row, "bus", where), number(row, "unit", where))
        except NoPlaceError as error:
            raise WorldFileError(f"{where}: {error}") from None

    def _store(self, row: Mapping[str, Any], where: str) -> Datastore:
        store: Datastore = pick(self.stores, row.get("datastore", self.vm.datastore.name), f"{where}: datastore")
        if self.vm.host not in store.hosts:
            raise WorldFileError(f"{where}: the host {self.vm.host.name} does not see the datastore {store.name}")
        return store
