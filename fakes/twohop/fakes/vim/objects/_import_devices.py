"""The devices of a machine that is imported: what a reconfiguration adds, and cards that it does not."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from ...world import Datastore, Drive, Network, Nic, PlainContent, Settings
from .. import _faults as faults
from .._registry import vim
from ._device_changes import DeviceChanges, device

_NICS = ("VirtualVmxnet3", "VirtualE1000", "VirtualE1000e", "VirtualPCNet32")


class ImportedDevices(DeviceChanges):
    """`nics` is told beside the lists that `apply` returns; `more` are settings that devices hold."""

    nics: list[Nic]
    more: dict[str, int | None]

    def apply(self, changes: Any) -> dict[str, Any]:
        """Add every device; a change that is no addition is refused."""
        self.nics, self.more = [], {}
        for change in changes:
            if change.operation != "add":
                raise faults.invalid_argument("spec.configSpec.deviceChange.operation", "A new machine has no devices.")
        return super().apply(changes) | {"nics": self.nics}

    @staticmethod
    def order(changes: Any) -> tuple[str, ...]:
        """Return the kinds of devices in the order in which they come; those that do not come follow."""
        kinds = {
            device.VirtualCdrom: "cd", device.VirtualDisk: "disk", device.VirtualFloppy: "floppy",
            device.VirtualEthernetCard: "nic",
        }  # fmt: skip
        came = [word for change in changes for of, word in kinds.items() if isinstance(change.device, of)]
        return tuple(dict.fromkeys((*came, *Settings().order)))

    def _other(self, change: Any, given: Any) -> None:
        if isinstance(given, device.VirtualVideoCard):
            self.more |= {"video_kib": int(given.videoRamSizeInKB or 4096), "displays": int(given.numDisplays or 1)}
        elif isinstance(given, device.VirtualVMCIDevice):
            # Every machine has one; what is said of it is where it stands.
            self.more["vmci_slot"] = _slot(given)
        elif isinstance(given, device.VirtualEthernetCard) and _name(given) in _NICS:
            self._nic(given)
        else:
            super()._other(change, given)

    def _controller(self, change: Any, given: Any) -> None:
        super()._controller(change, given)
        self._new[given.key].slot = _slot(given)

    def _put(self, drive: Drive, given: Any) -> None:
        said = given.connectable
        super()._put(replace(drive, guest_control=said is None or bool(said.allowGuestControl)), given)

    def _nic(self, given: Any) -> None:
        network = self._network(given.backing)
        number = len(self.nics)
        drawn = random.Random(f"twohop mac {self.call.world.seed} {self.vm.moid} {number}")
        tail = ":".join(f"{drawn.randrange(256):02x}" for _ in range(2))
        mac = given.macAddress or f"00:50:56:{drawn.randrange(0x80, 0xC0):02x}:{tail}"
        said = given.connectable
        nic = Nic(
            key=4000 + number, network=network, mac=mac, kind=_name(given), slot=_slot(given),
            connected=said is None or bool(said.startConnected),
            guest_control=said is None or bool(said.allowGuestControl),
            wake_on_lan=given.wakeOnLanEnabled is not False,
        )  # fmt: skip
        self.nics.append(nic)

    def _network(self, backing: Any) -> Network:
        found = None
        if isinstance(backing, device.VirtualEthernetCard.NetworkBackingInfo):
            named = self.call.resolve(backing.network) if backing.network is not None else None
            seen = self.vm.host.networks
            found = named or next((network for network in seen if network.name == backing.deviceName), None)
            found = found if found in seen else None
        if found is None:
            raise vim.fault.InvalidDeviceBacking(
                deviceIndex=self._index, property=f"deviceChange[{self._index}].device.backing", msg=self._text()
            )
        return found

    def _image(self, given: Any, backing: Any, store: Datastore) -> tuple[str, PlainContent | None]:
        if backing.fileName.partition("]")[2].strip():
            return super()._image(given, backing, store)
        # The backing names no file: one is made beside the machine, and a client sends what it holds.
        suffix = "iso" if isinstance(given, device.VirtualCdrom) else "flp"
        directory = self.vm.directory.partition("] ")[2]
        return f"[{store.name}] {directory}{directory.rstrip('/')}-{len(self.images)}.{suffix}", None


def _slot(given: Any) -> int | None:
    slot = given.slotInfo
    return int(slot.pciSlotNumber) if isinstance(slot, device.VirtualDevice.PciBusSlotInfo) else None


def _name(given: Any) -> str:
    return type(given).__name__.rpartition(".")[2]
