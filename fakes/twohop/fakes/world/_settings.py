"""What a machine is set to besides its devices: cores, limits, video memory, power operations, order of devices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ._spec import check_keys
from ._values import WorldFileError, choice, flag, rows, size, whole

DEVICE_ORDER = ("cd", "disk", "floppy", "nic")
"""Kinds of devices in the order in which a server lists them where nobody added them in another one."""
_FLAGS = ("sync_time", "cpu_hot_add", "cpu_hot_remove", "memory_hot_add", "nested_hv")
_POWER = {
    "power_off": ("soft", "hard", "preset"),
    "reset": ("soft", "hard", "preset"),
    "suspend": ("hard", "soft", "preset"),
    "standby": ("checkpoint", "powerOnSuspend"),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits and reservations in MHz and MiB, a limit of None is none; `order` is that of the kinds of devices.

    `vmci_slot` is the place of the VMCI device on the PCI bus, where somebody has chosen it.
    """

    cores_per_socket: int = 1
    cpu_limit: int | None = None
    cpu_reservation: int = 0
    memory_limit: int | None = None
    memory_reservation: int = 0
    video_kib: int = 4096
    displays: int = 1
    power_off: str = "soft"
    reset: str = "soft"
    suspend: str = "hard"
    standby: str = "checkpoint"
    sync_time: bool = False
    cpu_hot_add: bool = False
    cpu_hot_remove: bool = False
    memory_hot_add: bool = False
    nested_hv: bool = False
    vmci_slot: int | None = None
    order: tuple[str, ...] = DEVICE_ORDER


def settings_of(given: Any, cpus: int, where: str) -> Settings:
    """Return the settings that a machine's row says under `settings`."""
    row = check_keys("setting", given, where)
    read: dict[str, Any] = {
        key: choice(row[key], words, f"{where}: {key}") for key, words in _POWER.items() if key in row
    }
    for key in ("cores_per_socket", "cpu_limit", "displays", "vmci_slot"):
        if key in row:
            read[key] = whole(row[key], f"{where}: {key}")
    if "cpu_reservation" in row:
        read["cpu_reservation"] = whole(row["cpu_reservation"], f"{where}: cpu_reservation", least=0)
    for key, unit in (("memory_limit", 20), ("memory_reservation", 20), ("video", 10)):
        if key in row:
            name = "video_kib" if key == "video" else key
            read[name] = size(row[key], f"{where}: {key}") >> unit
    if cpus % read.get("cores_per_socket", 1):
        raise WorldFileError(f"{where}: {cpus} cpus do not divide into sockets of {read['cores_per_socket']} cores")
    read |= {key: flag(row[key], f"{where}: {key}") for key in _FLAGS if key in row}
    return Settings(**read, order=_order(row, where))


def _order(row: Mapping[str, Any], where: str) -> tuple[str, ...]:
    order = tuple(rows(row, "order", where, DEVICE_ORDER))
    if sorted(map(str, order)) != sorted(DEVICE_ORDER):
        raise WorldFileError(f"{where}: order has each of {', '.join(DEVICE_ORDER)} once; got {list(order)!r}")
    return order
