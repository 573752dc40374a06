"""What a vApp or template shows of itself, from what its VMs are doing and what its own lease allows (2.1-2.5, 2.9)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ._catalogue import Entity
from ._source import Power

RESOLVED, SUSPENDED, POWERED_ON, UNKNOWN, POWERED_OFF, MIXED = 1, 3, 4, 6, 8, 10
_NUMBER: dict[Power, int] = {
    "poweredOn": POWERED_ON, "poweredOff": POWERED_OFF, "suspended": SUSPENDED, "unknown": UNKNOWN,
}  # fmt: skip
QUERY_NAMES = {
    RESOLVED: "RESOLVED", SUSPENDED: "SUSPENDED", POWERED_ON: "POWERED_ON", UNKNOWN: "UNKNOWN",
    POWERED_OFF: "POWERED_OFF", MIXED: "MIXED",
}  # fmt: skip
"""How the query service spells a status number."""


@dataclass(frozen=True, slots=True)
class Status:
    """A status number (2.9), whether deployed, whether the storage lease has run out (2.4)."""

    number: int
    deployed: bool
    lease_expired: bool = False
    medium: bool = False

    @property
    def downloadable(self) -> bool:
        """Whether the entity offers enableDownload and disableDownload (2.1-2.5); of media no source says when not."""
        if self.medium:
            return True
        return self.number == POWERED_OFF and not self.deployed and not self.lease_expired


def number_of(power: Power) -> int:
    """Return the status number of one VM."""
    return _NUMBER[power]


def status_of(entity: Entity, powers: Collection[Power], since: float, now: float) -> Status:
    """Return an entity's status; `since` is when its storage lease began."""
    expired = 0 < entity.storage_lease_s <= now - since
    if entity.kind == "vAppTemplate":
        return Status(POWERED_OFF, False)
    if entity.kind == "media":
        return Status(RESOLVED, False, medium=True)
    numbers = {_NUMBER[power] for power in powers}
    deployed = entity.deployed or bool({"poweredOn", "suspended"} & set(powers))
    if not numbers:
        return Status(RESOLVED, False, expired)
    if UNKNOWN in numbers:
        return Status(UNKNOWN, deployed, expired)
    return Status(numbers.pop() if len(numbers) == 1 else MIXED, deployed, expired)
