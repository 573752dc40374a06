"""What sets the inventory of a standalone host apart from a vCenter's: ids, fixed names, and where its files are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass


class Ids(ABC):
    """Managed object ids, the same for the same order of building."""

    @abstractmethod
    def object(self, prefix: str, name: str) -> str:
        """Return a fresh id of an object whose ids begin with `prefix` at a vCenter.

        `name` is what the id at a host is made from: the name of a network, the volume of a datastore, the id of the
        machine that a snapshot is of.
        """

    @abstractmethod
    def task(self, entity: str, description: str) -> str:
        """Return a fresh id of a task on the object with id `entity`."""


class VCenterIds(Ids):
    """A prefix and one counter for everything, as `vm-12`."""

    def __init__(self) -> None:
        self._last = 0

    def object(self, prefix: str, name: str) -> str:
        """Return the prefix and the next number."""
        self._last += 1
        return f"{prefix}{self._last}"

    def task(self, entity: str, description: str) -> str:
        """Return `task-N`."""
        return self.object("task-", "")


FIXED = {
    "group-d": "ha-folder-root",
    "datacenter-": "ha-datacenter",
    "group-v": "ha-folder-vm",
    "group-h": "ha-folder-host",
    "group-s": "ha-folder-datastore",
    "group-n": "ha-folder-network",
    "domain-s": "ha-compute-res",
    "resgroup-": "ha-root-pool",
    "host-": "ha-host",
}
"""Ids of what a standalone host has one of (10.12)."""


FIRST_TASK = 100
"""A host counts its tasks since it was booted; recorded ids have three digits (2.12)."""


class HostIds(Ids):
    """Ids as a host's own agent gives them: fixed, bare numbers for machines (4.3), for tasks what they do (1.11)."""

    def __init__(self) -> None:
        self._last: Counter[str] = Counter({"task-": FIRST_TASK - 1})

    def object(self, prefix: str, name: str) -> str:
        """Return the fixed id, a machine's bare number, or what is made from `name`."""
        if prefix in FIXED:
            return FIXED[prefix]
        if prefix == "network-":
            return f"HaNetwork-{name}"
        if prefix == "datastore-":
            return name
        number = self._next(prefix)
        if prefix == "snapshot-":
            return f"{name}-snapshot-{number}"
        return number if prefix == "vm-" else f"{prefix}{number}"

    def task(self, entity: str, description: str) -> str:
        """Return `haTask-<entity>-vim.<method>-<n>`."""
        return f"haTask-{entity}-vim.{description}-{self._next('task-')}"

    def _next(self, prefix: str) -> str:
        self._last[prefix] += 1
        return str(self._last[prefix])


@dataclass(frozen=True, slots=True)
class Product:
    """A product as the inventory knows it.

    `transfer_path` is where the transfer endpoint is (4.5). `root` and `datacenter` are names that a host's own agent
    gives, whatever a world file says; None where the file names them.
    """

    name: str
    transfer_path: str
    ids: type[Ids]
    root: str
    datacenter: str | None

    @property
    def standalone(self) -> bool:
        """Whether one host is all there is."""
        return self.datacenter is not None


VCENTER = Product("vcenter", "nfc", VCenterIds, "Datacenters", None)
ESXI = Product("esxi", "ha-nfc", HostIds, "ha-folder-root", "ha-datacenter")
_PRODUCTS = {product.name: product for product in (VCENTER, ESXI)}


def product_named(name: str) -> Product:
    """Return the product that a profile is of."""
    return _PRODUCTS[name]
