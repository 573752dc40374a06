"""The slots of a machine's devices on its PCI bus, and the options of its configuration file that name them.

A device gets its slot when the machine is first powered on, and keeps it. Recorded machines agree on the numbers: a
SCSI controller on bus 0 has 16, unless it speaks PCI Express as newer cards and controllers do: these have 160, 192
and so on. What is left counts from 32.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from ._entities import Vm

VMCI = 12000
"""Key of the VMCI device that every machine has."""
_EXPRESS = {"ParaVirtualSCSIController", "VirtualLsiLogicSASController", "VirtualVmxnet3", "VirtualE1000e"}
_SCSI = {"ParaVirtualSCSIController", "VirtualLsiLogicController", "VirtualLsiLogicSASController", "VirtualBusLogicController"}  # noqa: E501  # fmt: skip
_SATA = "VirtualAHCIController"


def pci_slots(vm: Vm, *, vmci: bool) -> dict[int, int]:
    """Return the slots of devices by their keys; `vmci` says whether the server tells that of the VMCI device."""
    usual = dict(_usual(vm)) if vm.slots else {}
    given = {c.key: c.slot for c in vm.controllers} | {nic.key: nic.slot for nic in vm.nics}
    given[VMCI] = vm.settings.vmci_slot
    slots = usual | {key: slot for key, slot in given.items() if slot is not None}
    if not vmci and vm.settings.vmci_slot is None:
        slots.pop(VMCI, None)
    return slots


def _usual(vm: Vm) -> Iterator[tuple[int, int]]:
    express, plain = count(160, 32), count(32)
    scsi = sorted((c for c in vm.controllers if c.kind in _SCSI), key=lambda c: c.bus)
    for controller in scsi:
        if controller.kind in _EXPRESS:
            yield controller.key, next(express)
        else:
            yield controller.key, next(plain) if controller.bus else 16
    for nic in vm.nics:
        yield nic.key, next(express if nic.kind in _EXPRESS else plain)
    yield VMCI, next(plain)
    for controller in vm.controllers:
        if controller.kind == _SATA:
            yield controller.key, next(plain)


def extra_options(vm: Vm, slots: dict[int, int]) -> dict[str, str]:
    """Return the options of a machine's configuration file that have no field of their own, by their names."""
    named = {VMCI: "vmci0"} | {nic.key: f"ethernet{n}" for n, nic in enumerate(vm.nics)}
    named |= {c.key: f"scsi{c.bus}" for c in vm.controllers if c.kind in _SCSI}
    named |= {c.key: f"sata{c.bus}" for c in vm.controllers if c.kind == _SATA}
    return {
        "nvram": vm.nvram.file_name.rpartition("/")[2] if vm.nvram is not None else f"{vm.name}.nvram",
        "svga.present": "TRUE",
        "pciBridge0.present": "TRUE",
        "hpet0.present": "TRUE",
        **{f"{named[key]}.pciSlotNumber": str(slot) for key, slot in slots.items() if key in named},
        "sched.cpu.latencySensitivity": "normal",
        "disk.EnableUUID": "FALSE",
        "migrate.hostLogState": "none",
        "vmware.tools.internalversion": "12389" if vm.tools else "0",
        "vmware.tools.requiredversion": "12389",
        **vm.extra_config,
    }
