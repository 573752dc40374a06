"""The files and disks of a descriptor, by the references that devices make."""

from __future__ import annotations

from typing import Any

from ._errors import PackageError, wrong_reference, wrong_value
from ._names import OVF
from ._values import IN, at, need_at, says, whole

LARGEST = 62 << 40
"""Bytes that a virtual disk may have."""


class Package:
    """Capacities of disks and names of files by the references that devices make."""

    def __init__(self, root: Any, option: str) -> None:
        self.option = option
        self.named = {need_at(row, "id"): row for row in root.iterfind("ovf:References/ovf:File", IN)}
        for row in self.named.values():
            need_at(row, "href")
            size = at(row, "size")
            if size is not None and not whole(size):
                raise wrong_value("File", "size", size, f"ovf:size is a whole number; got {size!r}", row)
        self.disks = {f"ovf:/disk/{need_at(row, 'diskId')}": row for row in root.iter(f"{{{OVF}}}Disk")}
        self.capacities = {resource: _capacity(row) for resource, row in self.disks.items()}
        self.files = {f"ovf:/file/{name}": at(row, "href") for name, row in self.named.items()}
        for row in self.disks.values():
            reference = at(row, "fileRef")
            if reference and reference not in self.named:
                message = f"the disk {at(row, 'diskId')} refers to the file {reference}, which References lacks"
                raise wrong_reference("Disk", "fileRef", reference, message, row)
            parent = at(row, "parentRef")
            if parent:
                fields = {"elementName": "Disk", "attributeName": "parentRef"}
                raise PackageError("OvfUnsupportedAttribute", "a disk with a parentRef is not supported", row, **fields)

    def file(self, name: str | None) -> Any:
        """Return the File of that id."""
        return None if name is None else self.named.get(name)

    def items(self, hardware: Any) -> list[Any]:
        """Return the items that count under the deployment option: of one InstanceID the last, bounds left out."""
        chosen: dict[Any, Any] = {}
        for item in hardware.iterfind("ovf:Item", IN):
            options = (at(item, "configuration") or "").split()
            if (options and self.option not in options) or (at(item, "bound") or "normal") != "normal":
                continue
            chosen[says(item, "InstanceID")] = item
        return list(chosen.values())


def _capacity(row: Any) -> int:
    units = at(row, "capacityAllocationUnits") or "byte"
    base, _, power = units.partition(" * 2^")
    if base != "byte" or (power and not (whole(power) and int(power) <= 60)):
        message = f"a capacity is counted in bytes or a power of 2 of them; got {base} {power}"
        raise wrong_value("Disk", "capacityAllocationUnits", units, message, row)
    capacity = at(row, "capacity") or ""
    if not whole(capacity):
        # A capacity may be left to a property, by name.
        raise wrong_value("Disk", "capacity", capacity, f"a capacity is a whole number; got {capacity!r}", row)
    size = int(capacity) << int(power or 0)
    if not 0 < size <= LARGEST or size % 512:
        message = f"a capacity is whole sectors, at most 62 TiB; got {size} bytes"
        raise wrong_value("Disk", "capacity", capacity, message, row)
    return size
