"""Controllers and the places on them: which bus and unit a disk or a drive gets, and the keys that follow (4.3).

The keys are those that servers give: a controller's is its family's first one plus the bus, a device's its family's
first one plus bus times stride plus unit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ._hardware import Controller

SCSI_OWN_UNIT = 7
"""The unit that a SCSI controller has on its own bus."""


@dataclass(frozen=True, slots=True)
class Family:
    """Controllers that share bus numbers: how many, how many units on each, and how keys are counted."""

    name: str
    buses: int
    units: tuple[int, ...]
    controller_key: int
    device_key: int
    stride: int


SCSI = Family("SCSI", 4, (*range(SCSI_OWN_UNIT), *range(SCSI_OWN_UNIT + 1, 16)), 1000, 2000, 16)
SATA = Family("SATA", 4, tuple(range(30)), 15000, 16000, 30)
IDE = Family("IDE", 2, (0, 1), 200, 3000, 2)
NVME = Family("NVMe", 4, tuple(range(15)), 31000, 32000, 15)
SIO = Family("floppy", 1, (0, 1), 400, 8000, 2)

KINDS: dict[str, tuple[str, Family]] = {
    "pvscsi": ("ParaVirtualSCSIController", SCSI),
    "lsilogic": ("VirtualLsiLogicController", SCSI),
    "lsilogicsas": ("VirtualLsiLogicSASController", SCSI),
    "buslogic": ("VirtualBusLogicController", SCSI),
    "sata": ("VirtualAHCIController", SATA),
    "ide": ("VirtualIDEController", IDE),
    "nvme": ("VirtualNVMEController", NVME),
    "floppy": ("VirtualSIOController", SIO),
}
"""What a world file calls a controller: its vim class and its family."""

FAMILIES: dict[str, Family] = dict(KINDS.values())


class NoPlaceError(ValueError):
    """There is no such place, or it is taken."""


class Slots:
    """The places of one machine; `controllers` is its list, which grows as controllers are needed."""

    def __init__(self, controllers: list[Controller], taken: Iterable[tuple[Controller, int]] = ()) -> None:
        self._controllers = controllers
        self._taken = {(controller.key, unit) for controller, unit in taken}

    def controller(self, kind: str, bus: int | None = None, slot: int | None = None) -> Controller:
        """Return a new controller of a kind, on a bus or the first free one, in a PCI slot where one is given."""
        name, family = KINDS[kind]
        used = {c.bus: c for c in self._controllers if FAMILIES[c.kind] is family}
        if bus is None:
            bus = next((n for n in range(family.buses) if n not in used), family.buses)
        if not 0 <= bus < family.buses:
            raise NoPlaceError(f"a machine has {family.buses} {family.name} controllers, numbered from 0")
        if bus in used:
            raise NoPlaceError(f"bus {bus} of {family.name} has a {used[bus].kind} already")
        made = Controller(key=family.controller_key + bus, kind=name, bus=bus, slot=slot)
        self._controllers.append(made)
        return made

    def place(self, kind: str, bus: int | None = None, unit: int | None = None) -> tuple[Controller, int]:
        """Return a controller of a kind, made where one lacks, and a free unit on it, taken from now on."""
        name, family = KINDS[kind]
        if bus is None:
            mine = [c for c in self._controllers if c.kind == name]
            fitting = [c for c in mine if unit is not None or self._free(c) is not None]
            controller = fitting[0] if fitting else self.controller(kind)
        else:
            at = next((c for c in self._controllers if c.bus == bus and FAMILIES[c.kind] is family), None)
            if at is not None and at.kind != name:
                raise NoPlaceError(f"bus {bus} of {family.name} has a {at.kind}, not a {name}")
            controller = at or self.controller(kind, bus)
        return controller, self.take(controller, unit)

    def take(self, controller: Controller, unit: int | None = None) -> int:
        """Take a unit of a controller, or its first free one."""
        family = FAMILIES[controller.kind]
        found = self._free(controller) if unit is None else unit
        if found is None:
            raise NoPlaceError(f"{controller.kind} {controller.bus} is full: it has {len(family.units)} places")
        if found not in family.units:
            raise NoPlaceError(f"{controller.kind} {controller.bus} has no unit {found}")
        if (controller.key, found) in self._taken:
            raise NoPlaceError(f"unit {found} of {controller.kind} {controller.bus} is taken")
        self._taken.add((controller.key, found))
        return found

    def _free(self, controller: Controller) -> int | None:
        units = FAMILIES[controller.kind].units
        return next((unit for unit in units if (controller.key, unit) not in self._taken), None)


def hardware_key(controller: Controller, unit: int) -> int:
    """Return the key of the device at a place."""
    family = FAMILIES[controller.kind]
    return family.device_key + controller.bus * family.stride + unit
