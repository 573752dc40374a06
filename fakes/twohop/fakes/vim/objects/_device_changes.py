"""VirtualDeviceConfigSpec: adding, editing and removing controllers, disks and drives.

All changes of one call are made on copies, so that a fault in the last leaves the machine as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ...machines import PowerState
from ...vmdk import Layer, LayeredContent, SeededContent
from ...world import (
    FAMILIES,
    KINDS,
    Controller,
    Datastore,
    Disk,
    Drive,
    Image,
    NoPlaceError,
    PlainContent,
    Slots,
    Vm,
    disk_file,
    hardware_key,
)
from .. import _faults as faults
from .._registry import vim
from .._service import Call
from ._hardware import SIO, drive_backing
from ._operation import gap

device = vim.vm.device
_KIND_OF = {name: kind for kind, (name, _) in KINDS.items() if kind != "floppy"}
SECTOR = 512


class DeviceChanges:
    """The devices of one machine while they are changed."""

    def __init__(self, call: Call, vm: Vm) -> None:
        self.call, self.vm = call, vm
        self.controllers, self.disks = list(vm.controllers), list(vm.disks)
        self.images, self.drives = list(vm.images), list(vm.drives)
        self._new: dict[int, Controller] = {}
        self._index = 0

    def apply(self, changes: Sequence[Any]) -> dict[str, Any]:
        """Carry out changes in order and return what the machine's lists of devices become."""
        for self._index, change in enumerate(changes):
            for name in ("profile", "backing", "filterSpec", "changeMode"):
                if getattr(change, name, None):
                    raise gap(self.call, f"a device change with {name}")
            given = change.device
            if isinstance(given, device.VirtualDisk):
                self._disk(change, given)
            elif isinstance(given, device.VirtualCdrom):
                self._drive(change, given, "iso")
            elif isinstance(given, device.VirtualFloppy):
                self._drive(change, given, "floppy")
            elif isinstance(given, device.VirtualController) and _wsdl(given) in _KIND_OF:
                self._controller(change, given)
            else:
                self._other(change, given)
        return {
            "controllers": self.controllers, "disks": self.disks, "images": self.images, "drives": self.drives,
        }  # fmt: skip

    def _other(self, change: Any, given: Any) -> None:
        raise gap(self.call, f"a device change of a {_wsdl(given)}")

    def _controller(self, change: Any, given: Any) -> None:
        self._no_file_operation(change)
        if change.operation == "add":
            try:
                made = Slots(self.controllers).controller(_KIND_OF[_wsdl(given)], given.busNumber)
            except NoPlaceError:
                raise self._invalid("busNumber") from None
            self._new[given.key] = made
        elif change.operation == "remove":
            found = self._known_controller(given.key)
            if any(held.controller.key == found.key for held in self._devices()):
                raise self._bad_operation(change)
            self.controllers.remove(found)
        else:
            raise gap(self.call, "editing a controller")

    def _disk(self, change: Any, given: Any) -> None:
        if change.operation == "add":
            self._add_disk(change, given)
            return
        disk = self._known(self.disks, given.key)
        self._require_cold(disk.controller)
        if change.operation == "remove":
            if change.fileOperation not in (None, "destroy"):
                raise self._bad_operation(change)
            self.disks.remove(disk)
            return
        self._no_file_operation(change)
        if given.controllerKey not in (None, disk.controller.key) or given.unitNumber not in (None, disk.unit):
            raise gap(self.call, "moving a disk to another place")
        name = getattr(given.backing, "fileName", None)
        if name is not None and name != disk.file_name:
            raise gap(self.call, "giving a disk another file")
        wanted = _capacity(given, disk)
        # A disk grows where no snapshot stands on it, and never shrinks.
        if wanted < disk.capacity or wanted % SECTOR or (wanted > disk.capacity and self.vm.snapshots):
            raise self._invalid("capacityInKB")
        if wanted > disk.capacity:
            grown = LayeredContent(disk.content, Layer(SeededContent(wanted, 0, 0)))
            self.disks[self.disks.index(disk)] = replace(disk, content=grown)

    def _add_disk(self, change: Any, given: Any) -> None:
        if change.fileOperation != "create":
            raise gap(self.call, "adding a disk from an existing file")
        backing = given.backing
        if not isinstance(backing, device.VirtualDisk.FlatVer2BackingInfo):
            raise gap(
                self.call, f"a disk on a {_wsdl(backing) if backing is not None else 'backing that is not given'}"
            )
        if backing.diskMode not in (None, "", "persistent"):
            raise gap(self.call, f"a disk of mode {backing.diskMode}")
        capacity = _capacity(given, None)
        if capacity <= 0 or capacity % SECTOR:
            raise self._invalid("capacityInKB")
        controller, unit = self._place(given)
        self._require_cold(controller)
        store = self._store(backing)
        disk = Disk(
            key=hardware_key(controller, unit), controller=controller, unit=unit, datastore=store,
            content=SeededContent(capacity, 0, 0), file_name=self._disk_file(backing.fileName, store),
            thin=bool(backing.thinProvisioned),
        )  # fmt: skip
        self.disks.append(disk)

    def _disk_file(self, given: str | None, store: Datastore) -> str:
        machines = (self.vm, *(snapshot.machine for snapshot in self.vm.all_snapshots()))
        disks = (*self.disks, *(disk for machine in machines for disk in machine.disks))
        used = {name for disk in disks for name in (disk.file_name, *disk.parents)}
        if given and given.endswith(".vmdk"):
            if given in used:
                raise vim.fault.FileAlreadyExists(file=given, msg=f"The file {given} already exists.")
            return given
        names = (disk_file(self.vm, store, number) for number in range(len(used) + 1))
        return next(name for name in names if name not in used)

    def _drive(self, change: Any, given: Any, kind: Any) -> None:
        self._no_file_operation(change)
        if change.operation == "add":
            controller, unit = self._floppy_place(given) if kind == "floppy" else self._place(given)
            self._require_cold(controller)
            self._put(Drive(key=hardware_key(controller, unit), controller=controller, unit=unit, kind=kind), given)
            return
        old = self._known([drive for drive in (*self.images, *self.drives) if drive.kind == kind], given.key)
        if change.operation == "remove":
            self._require_cold(old.controller)
        self.images = [drive for drive in self.images if drive is not old]
        self.drives = [drive for drive in self.drives if drive is not old]
        if change.operation != "remove":
            self._put(Drive(key=old.key, controller=old.controller, unit=old.unit, kind=kind), given)

    def _put(self, drive: Drive, given: Any) -> None:
        """Put a drive in, with the image that its backing names or with none."""
        backing = given.backing
        if not isinstance(backing, device.VirtualCdrom.IsoBackingInfo | device.VirtualFloppy.ImageBackingInfo):
            self.drives.append(replace(drive, backing=drive_backing(backing)))
            return
        store = self._store(backing)
        name, content = self._image(given, backing, store)
        image = Image(
            key=drive.key, controller=drive.controller, unit=drive.unit, kind=drive.kind, datastore=store,
            file_name=name, content=content, guest_control=drive.guest_control,
        )  # fmt: skip
        self.images.append(image)

    def _image(self, given: Any, backing: Any, store: Datastore) -> tuple[str, PlainContent | None]:
        """Return the name of the file that a backing names, and what it holds."""
        return backing.fileName, self._content(backing.fileName)

    def _content(self, name: str) -> PlainContent:
        """Return what an image file holds: one that some machine of the world has in a drive; there are no others."""
        for vm in self.call.world.vms():
            for image in vm.images:
                if image.file_name == name and image.content is not None:
                    return image.content
        raise vim.fault.FileNotFound(file=name, msg=f"File {name} was not found")

    def _place(self, given: Any) -> tuple[Controller, int]:
        if given.controllerKey is None:
            raise self._invalid("controllerKey")
        controller = self._known_controller(given.controllerKey)
        taken = [(held.controller, held.unit) for held in self._devices()]
        unit = None if given.unitNumber in (None, -1) else given.unitNumber
        try:
            return controller, Slots(self.controllers, taken).take(controller, unit)
        except NoPlaceError:
            raise self._invalid("unitNumber") from None

    def _floppy_place(self, given: Any) -> tuple[Controller, int]:
        if given.controllerKey not in (None, SIO):
            raise self._invalid_controller(given.controllerKey)
        controller = Controller(key=SIO, kind="VirtualSIOController")
        taken = [(held.controller, held.unit) for held in self._devices()]
        try:
            return controller, Slots([], taken).take(controller, None if given.unitNumber == -1 else given.unitNumber)
        except NoPlaceError:
            raise self._invalid("unitNumber") from None

    def _known_controller(self, key: int) -> Controller:
        found = self._new.get(key) or next((c for c in self.controllers if c.key == key), None)
        if found is None and key in (200, 201):
            # Both IDE controllers are there before anything stands on them.
            found = Controller(key=key, kind="VirtualIDEController", bus=key - 200)
            self.controllers.append(found)
        if found is None or found not in self.controllers:
            raise self._invalid_controller(key)
        return found

    def _known(self, among: Sequence[Any], key: int) -> Any:
        found = next((each for each in among if each.key == key), None)
        if found is None:
            raise vim.fault.DeviceNotFound(
                deviceIndex=self._index, property=f"deviceChange[{self._index}].device.key", msg=self._text()
            )
        return found

    def _store(self, backing: Any) -> Datastore:
        """Return the datastore that a backing names, by reference or in its file name; else the machine's."""
        name = (backing.fileName or "").partition("]")[0].lstrip("[")
        store = self.call.resolve(backing.datastore) if backing.datastore is not None else None
        if store is None and name:
            store = next((each for each in self.call.world.all(Datastore) if each.name == name), None)
        elif store is None:
            store = self.vm.datastore
        if store is None or self.vm.host not in store.hosts:
            raise vim.fault.InvalidDatastorePath(
                datastorePath=backing.fileName or "", msg=f"Invalid datastore path '{backing.fileName}'."
            )
        return store

    def _require_cold(self, controller: Controller) -> None:
        # IDE and floppy devices do not come and go while a machine runs.
        if self.vm.power is not PowerState.OFF and FAMILIES[controller.kind].name in ("IDE", "floppy"):
            raise faults.invalid_power_state(self.vm.power.value, PowerState.OFF.value)

    def _devices(self) -> list[Disk | Drive]:
        return [*self.disks, *self.images, *self.drives]

    def _no_file_operation(self, change: Any) -> None:
        if change.fileOperation is not None or change.operation is None:
            raise self._bad_operation(change)

    def _text(self) -> str:
        return f"Invalid configuration for device '{self._index}'."

    def _invalid(self, name: str) -> Any:
        return vim.fault.InvalidDeviceSpec(
            deviceIndex=self._index, property=f"deviceChange[{self._index}].device.{name}", msg=self._text()
        )

    def _invalid_controller(self, key: int) -> Any:
        return vim.fault.InvalidController(
            deviceIndex=self._index, controllerKey=key, property=f"deviceChange[{self._index}].device.controllerKey",
            msg=self._text(),
        )  # fmt: skip

    def _bad_operation(self, change: Any) -> Any:
        return vim.fault.InvalidDeviceOperation(
            deviceIndex=self._index, badOp=change.operation, badFileOp=change.fileOperation, msg=self._text()
        )


def _capacity(given: Any, disk: Disk | None) -> int:
    if given.capacityInBytes:
        # Clients that edit what they read set one of the two and leave the other as it was.
        if disk is not None and given.capacityInBytes == disk.capacity and given.capacityInKB:
            return (
                int(given.capacityInKB) << 10
                if given.capacityInKB << 10 != disk.capacity >> 10 << 10
                else disk.capacity
            )
        return int(given.capacityInBytes)
    if disk is not None and not given.capacityInKB:
        return disk.capacity
    return int(given.capacityInKB or 0) << 10


def _wsdl(value: Any) -> str:
    return type(value).__name__.rpartition(".")[2]
