"""Machines from what a recording tells of them: power, hardware, and where they stand."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from ..machines import PowerState
from ..vmdk import SeededContent
from ..world import FAMILIES, Controller, Datastore, Disk, Entity, Host, Network, Nic, ResourcePool, Vm
from ._given import Given
from ._registry import vim

E = TypeVar("E", bound=Entity)


class Known(Protocol):
    """What has been built of a recorded world so far."""

    @property
    def made(self) -> Mapping[str, Entity]:
        """The objects by id."""

    def some(self, of: type[E], moid: str, *paths: str) -> E:
        """Return the object of a class that one refers to at these paths, or any other."""


def read_machine(known: Known, given: Given, moid: str, name: str) -> Vm:
    """Return the machine with that id and name as a recording tells it."""
    store = known.some(Datastore, moid, "datastore")
    files = given.find("config.files.vmPathName", "summary.config.vmPathName")
    tools = given.find("guest.toolsRunningStatus", "summary.guest.toolsRunningStatus")
    vm = Vm(
        moid=moid, name=name, host=known.some(Host, moid, "runtime.host", "summary.runtime.host"),
        vmx=str(files or f"[{store.name}] {name}/{name}.vmx"), datastore=store,
        tools=tools == "guestToolsRunning" or (tools is None and given.find(*_TOLD_BY_TOOLS) is not None),
        pool=known.some(ResourcePool, moid, "resourcePool"),
        uuid=str(given.find("config.uuid", "summary.config.uuid") or stand_in_uuid(moid)),
        instance_uuid=str(
            given.find("config.instanceUuid", "summary.config.instanceUuid") or stand_in_uuid(f"{moid}i")
        ),
        power=_power(given), template=bool(given.find("config.template", "summary.config.template")),
        cpus=number_of(given.find("config.hardware.numCPU", "summary.config.numCpu"), 1),
        memory_mib=number_of(given.find("config.hardware.memoryMB", "summary.config.memorySizeMB"), 32),
        guest_id=str(given.find("config.guestId", "summary.config.guestId") or "otherGuest"),
        hardware=str(given.find("config.version", "summary.config.hwVersion") or "vmx-13"),
        annotation=str(given.find("config.annotation", "summary.config.annotation") or ""),
    )  # fmt: skip
    devices = given.find("config.hardware.device")
    _devices(known, vm, devices if isinstance(devices, list) else [])
    return vm


def _devices(known: Known, vm: Vm, devices: list[Any]) -> None:
    for device in devices:
        if isinstance(device, vim.vm.device.VirtualDisk):
            controller = next((c for c in vm.controllers if c.key == device.controllerKey), None)
            if controller is None:
                owner = next((d for d in devices if d.key == device.controllerKey), None)
                kind = str(getattr(type(owner), "_wsdlName", ""))
                kind = kind if kind in FAMILIES else "ParaVirtualSCSIController"
                bus = getattr(owner, "busNumber", 0) or 0
                controller = Controller(key=device.controllerKey or 1000, kind=kind, bus=bus)
                vm.controllers.append(controller)
            capacity = max(512, int(device.capacityInBytes or device.capacityInKB << 10) // 512 * 512)
            content = SeededContent(capacity, min(capacity, 64 << 20), device.key)
            name = getattr(device.backing, "fileName", f"[] {vm.name}/{vm.name}.vmdk")
            disk = Disk(
                key=device.key, controller=controller, unit=device.unitNumber or 0, content=content,
                file_name=name, datastore=vm.datastore,
            )  # fmt: skip
            vm.disks.append(disk)
        elif isinstance(device, vim.vm.device.VirtualEthernetCard):
            reference = getattr(device.backing, "network", None)
            found = known.made.get(reference._moId) if reference is not None else None
            network = found if isinstance(found, Network) else known.some(Network, vm.moid, "network")
            kind = type(device)._wsdlName
            vm.nics.append(
                Nic(key=device.key, network=network, mac=device.macAddress or "00:50:56:80:00:00", kind=kind)
            )


_TOLD_BY_TOOLS = ("guest.net", "guest.ipAddress", "guest.hostName", "summary.guest.ipAddress", "summary.guest.hostName")
_TOLD_WHILE_ON = ("runtime.bootTime", "summary.runtime.bootTime", "layout.swapFile", "config.swapStorageObjectId")


def _power(given: Given) -> PowerState:
    """Return the power state that a recording tells, or what it tells of a machine that runs."""
    told = str(given.find("runtime.powerState", "summary.runtime.powerState"))
    if told in {state.value for state in PowerState}:
        return PowerState(told)
    return PowerState.OFF if given.find(*_TOLD_BY_TOOLS, *_TOLD_WHILE_ON) is None else PowerState.ON


def number_of(value: Any, usual: int) -> int:
    """Return a number that a recording tells, or the usual one where it tells none that can be."""
    return value if isinstance(value, int) and value > 0 else usual


def stand_in_uuid(seed: str) -> str:
    """Return a UUID for what a recording tells none of, the same for the same words."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"twohop recorded {seed}"))
