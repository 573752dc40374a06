"""The devices that CreateImportSpec offers for a machine: changes of its ConfigSpec that add them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...ovf import PackageError
from ...world import KINDS, Datastore
from .._registry import vim
from .._service import Call

device = vim.vm.device
_NICS = {
    "vmxnet3": device.VirtualVmxnet3, "e1000": device.VirtualE1000, "e1000e": device.VirtualE1000e,
    "pcnet32": device.VirtualPCNet32,
}  # fmt: skip
_CD = {
    "": device.VirtualCdrom.RemotePassthroughBackingInfo, "atapi": device.VirtualCdrom.RemoteAtapiBackingInfo,
    "host": device.VirtualCdrom.AtapiBackingInfo,
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Where devices come to be: a datastore, networks by the names of the descriptor, and how disks are provisioned.

    `item` notes a file that a client has to send: its element in the descriptor, its key, and what it is.
    """

    call: Call
    store: Datastore
    networks: Mapping[str, Any]
    thin: bool
    eager: bool
    item: Callable[[Any, str, str], None]


class Devices:
    """The devices of one machine, as changes that add them; keys are negative, since the server gives others."""

    def __init__(self, place: Place, row: Mapping[str, Any], key: str) -> None:
        self.place, self.row, self.path = place, row, key
        self.made: list[Any] = []
        self.disks: dict[str, int] = {}
        self._controllers: dict[tuple[str, int], int] = {}

    def changes(self) -> list[Any]:
        """Return what adds all devices, controllers before what stands on them."""
        for given in self.row["controllers"]:
            self._controller(given["kind"], given["bus"], given.get("slot"))
        # Of one kind first, then of the next: that is the order in which the machine will list them.
        for kind in self.row["settings"]["order"]:
            if kind == "disk":
                for disk in self.row["disks"]:
                    self._disk(disk)
            elif kind == "nic":
                for number, nic in enumerate(self.row["nics"]):
                    self._nic(number, nic)
            else:
                for drive in self.row["images"]:
                    if drive["kind"] == ("iso" if kind == "cd" else "floppy"):
                        self._drive(drive)
        settings = self.row["settings"]
        if settings.get("vmci_slot") is not None:
            self._add(device.VirtualVMCIDevice(key=self._key(), slotInfo=_slot(settings["vmci_slot"])))
        if "video" in settings:
            self._add(
                device.VirtualVideoCard(
                    key=self._key(), videoRamSizeInKB=settings["video"] >> 10, numDisplays=settings["displays"]
                )
            )
        return self.made

    def _key(self) -> int:
        return -1 - len(self.made)

    def _add(self, made: Any, file_operation: str | None = None) -> int:
        change = device.VirtualDeviceSpec(operation="add", fileOperation=file_operation, device=made)
        self.made.append(change)
        return int(made.key)

    def _controller(self, kind: str, bus: int, slot: int | None = None) -> int:
        if (kind, bus) not in self._controllers:
            name = KINDS[kind][0]
            shared = {"sharedBus": "noSharing"} if "SCSI" in name or "Logic" in name else {}
            made = getattr(device, name)(key=self._key(), busNumber=bus, slotInfo=_slot(slot), **shared)
            self._controllers[kind, bus] = self._add(made)
        return self._controllers[kind, bus]

    def _place(self, given: Mapping[str, Any]) -> tuple[int, str]:
        name = KINDS[given["controller"]][0]
        key = self._controller(given["controller"], given["bus"])
        return key, f"{self.path}/{name}{given['bus']}:{given['unit']}"

    def _disk(self, given: Mapping[str, Any]) -> None:
        controller, path = self._place(given)
        made = device.VirtualDisk(
            key=self._key(), controllerKey=controller, unitNumber=given["unit"], capacityInKB=given["size"] >> 10,
            capacityInBytes=given["size"],
            backing=device.VirtualDisk.FlatVer2BackingInfo(
                fileName=f"[{self.place.store.name}]", datastore=self.place.call.ref(self.place.store),
                diskMode="persistent", thinProvisioned=self.place.thin,
                eagerlyScrub=True if self.place.eager else None,
            ),
        )  # fmt: skip
        self.disks[given["_id"]] = self._add(made, "create")
        if given["_file"] is not None:
            self.place.item(given["_file"], path, "disk")

    def _drive(self, given: Mapping[str, Any]) -> None:
        iso = given["kind"] == "iso"
        controller, path = self._place(given) if iso else (None, f"{self.path}/VirtualSIOController0:{given['unit']}")
        backing: Any
        if not given.get("empty"):
            of = device.VirtualCdrom.IsoBackingInfo if iso else device.VirtualFloppy.ImageBackingInfo
            # No file yet: the one that comes is put beside the machine.
            backing = of(fileName=f"[{self.place.store.name}]", datastore=self.place.call.ref(self.place.store))
            self.place.item(given["_file"], path, given["kind"])
        elif iso:
            backing = _CD[given.get("backing", "")](deviceName="", useAutoDetect=False)
            if isinstance(backing, device.VirtualCdrom.RemotePassthroughBackingInfo):
                backing.exclusive = False
        else:
            floppy = device.VirtualFloppy
            host = given.get("backing") == "host"
            backing = (floppy.DeviceBackingInfo if host else floppy.RemoteDeviceBackingInfo)(
                deviceName="", useAutoDetect=False
            )
        of_kind = device.VirtualCdrom if iso else device.VirtualFloppy
        connect = device.VirtualDevice.ConnectInfo(
            startConnected=not given.get("empty"), connected=False, allowGuestControl=given.get("guest_control", True)
        )
        made = of_kind(
            key=self._key(), controllerKey=controller, unitNumber=given["unit"], backing=backing, connectable=connect
        )
        self._add(made)

    def _nic(self, number: int, given: Mapping[str, Any]) -> None:
        network = self.place.networks.get(given["network"])
        if network is None:
            message = f"the network {given['network']} of {self.row['name']} is not in the NetworkSection"
            fields = {"elementName": "Item", "attributeName": "Connection", "value": given["network"] or ""}
            raise PackageError("OvfInvalidValueReference", message, None, **fields)
        self._add(
            _NICS[given["kind"]](
                key=self._key(), addressType="generated", wakeOnLanEnabled=given.get("wake_on_lan", True),
                slotInfo=_slot(given.get("slot")),
                backing=device.VirtualEthernetCard.NetworkBackingInfo(
                    deviceName=network.name, network=self.place.call.ref(network)
                ),
                connectable=device.VirtualDevice.ConnectInfo(
                    startConnected=given["connected"], connected=given["connected"],
                    allowGuestControl=given.get("guest_control", True),
                ),
            )
        )  # fmt: skip


def _slot(number: int | None) -> Any:
    return None if number is None else device.VirtualDevice.PciBusSlotInfo(pciSlotNumber=number)
