"""What a machine's and a task's properties say, from their elements."""

from __future__ import annotations

from collections.abc import Iterator

from ._events import MachineDisk
from ._soap import localized_fault
from ._xml import Element, child, children, flag, text, whole_number, xsi_type


def read_power(values: dict[str, Element | None]) -> str | None:
    """Return the power state, from `runtime` or a part of it."""
    return text(values.get("runtime.powerState")) or text(values.get("runtime"), "powerState")


def read_hardware(values: dict[str, Element | None]) -> tuple[tuple[MachineDisk, ...] | None, bool | None]:
    """Return the disks of a machine and whether it is encrypted, where its hardware was read."""
    config = values.get("config")
    hardware = child(config, "hardware") if config is not None else values.get("config.hardware")
    if hardware is not None:
        devices = list(children(hardware, "device"))
    elif (listed := values.get("config.hardware.device")) is not None:
        devices = list(listed)
    else:
        return None, None
    keyed = config is not None and child(config, "keyId") is not None
    encrypted = keyed or any(xsi_type(device) == "VirtualTPM" for device in devices)
    return tuple(_disks(devices)), encrypted or (None if config is None else False)


def _disks(devices: list[Element]) -> Iterator[MachineDisk]:
    controllers = {
        text(device, "key"): f"{xsi_type(device)}{text(device, 'busNumber')}"
        for device in devices
        if child(device, "busNumber") is not None
    }
    for device in devices:
        capacity = whole_number(text(device, "capacityInKB"))
        if xsi_type(device) == "VirtualDisk" and capacity is not None:
            place = f"{controllers.get(text(device, 'controllerKey'), '?')}:{text(device, 'unitNumber')}"
            yield MachineDisk(place, capacity)


def read_snapshots(values: dict[str, Element | None]) -> tuple[str, ...] | None:
    """Return the ids of all snapshots in a machine's tree."""
    if "snapshot" not in values:
        return None
    return tuple(_snapshots(values["snapshot"], "rootSnapshotList"))


def _snapshots(above: Element | None, name: str) -> Iterator[str]:
    for tree in children(above, name):
        yield text(tree, "snapshot") or ""
        yield from _snapshots(tree, "childSnapshotList")


def read_task(
    values: dict[str, Element | None],
) -> tuple[str, str | None, str | None, str | None, bool | None, int | None] | None:
    """Return state, fault, entity, description id, cancelled and progress of a task; None where it has no state."""
    whole = values.get("info")

    def part(path: str) -> Element | None:
        return child(whole, path) if whole is not None else values.get(f"info.{path}")

    state = text(part("state"))
    if state is None:
        return None
    return (
        state,
        localized_fault(part("error")),
        text(part("entity")),
        text(part("descriptionId")),
        flag(text(part("cancelled"))),
        whole_number(text(part("progress"))),
    )


def read_tasks(value: Element | None) -> tuple[str, ...]:
    """Return the ids in a property that holds an array of tasks."""
    return tuple((entry.text or "").strip() for entry in value) if value is not None else ()
