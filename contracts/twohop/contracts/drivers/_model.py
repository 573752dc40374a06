"""What the driver itself knows: enough to choose sensible steps, and to notice what no clause would call by its name.

That is an export refused to a machine which is free, or granted for one which is running.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pyVmomi import vim, vmodl

ASSUMED_TIMEOUT = 300.0
"""Seconds taken for a lease's timeout until its info has been read (3.2)."""


NO_MACHINE = -1
"""The number that stands for the machine of a lease on a vApp."""


@dataclass(slots=True)
class Held:
    """A lease as the driver knows it. `vm` is the number of its machine, `urls` those of all its files."""

    moid: str
    vm: int
    timeout: float = ASSUMED_TIMEOUT
    urls: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    ended: bool = False

    def learn(self, info: Any) -> None:
        """Remember what an `info` says."""
        if info is not None:
            self.timeout = float(info.leaseTimeout)
            self.urls = tuple(device.url for device in info.deviceUrl or ())
            self.keys = tuple(device.key for device in info.deviceUrl or ())


@dataclass(slots=True)
class Import:
    """An import as the driver knows it: the key of its one file, its URLs by their keys, and what it makes."""

    moid: str
    item: str
    urls: dict[str, str] = field(default_factory=dict)
    entity: str | None = None

    def learn(self, info: Any) -> None:
        """Remember what an `info` says."""
        if info is not None:
            self.urls = {device.importKey: device.url for device in info.deviceUrl or ()}
            self.entity = info.entity._moId
            if self.item not in self.urls:
                # A server that gives no keys is judged all the same.
                disks = [device.url for device in info.deviceUrl or () if device.disk]
                self.urls |= {self.item: disks[0]} if disks else {}


@dataclass(slots=True)
class Model:
    """The machines that are on or gone, every lease granted, oldest first, and the snapshots seen of each machine.

    `collector` is the id of the property collector that was made last, `version` the last one that it gave.
    """

    on: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)
    held: list[Held] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)
    snapshots: dict[int, tuple[str, ...]] = field(default_factory=dict)
    collector: str = ""
    version: str = ""
    surprises: list[str] = field(default_factory=list)

    def lease(self, number: int) -> Held | None:
        """Return a lease by its age: 0 is the newest."""
        return self.held[-1 - number % len(self.held)] if self.held else None

    def refused(self, vm: int, fault: vmodl.MethodFault) -> None:
        """Note a refused export; one is due where the machine is off and nothing else explains it (2.11)."""
        shared = any(held.vm == vm for held in self.held) and isinstance(fault, vim.fault.TaskInProgress)
        explained = isinstance(fault, (vim.fault.NoPermission, vmodl.fault.NotSupported))
        # Whether a machine with snapshots is exported, no source says (7.7).
        explained = explained or (bool(self.snapshots.get(vm)) and isinstance(fault, vim.fault.InvalidState))
        if vm not in self.on and vm not in self.gone and not shared and not explained:
            self.surprises.append(f"ExportVm of a machine that is off was refused: {type(fault).__name__}")

    def granted(self, vm: int, lease: str) -> None:
        """Note a lease."""
        if vm in self.on:
            self.surprises.append("ExportVm of a machine that is powered on was granted (2.11, 2.17)")
        self.held.append(Held(lease, vm))
