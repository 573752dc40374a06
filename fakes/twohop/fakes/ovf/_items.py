"""The items of a hardware section: what each is for a machine in a world file."""

from __future__ import annotations

from typing import Any

from ._errors import PackageError, wrong_element, wrong_reference
from ._names import (
    CD_BACKINGS,
    CDROM,
    CONTROLLERS,
    DISK,
    ETHERNET,
    FLOPPY,
    FLOPPY_BACKINGS,
    IDE,
    NICS,
    PASSED_OVER,
)
from ._package import Package
from ._values import at, configured, need, number, says, type_of, whole

_OLD_UNITS = {"KiloBytes": 10, "MegaBytes": 20, "GigaBytes": 30}
"""Units as descriptors before OVF 1.0 spell them."""
_KIND_WORDS = {
    "VirtualSCSI": "pvscsi", "lsilogic": "lsilogic", "lsilogicsas": "lsilogicsas", "buslogic": "buslogic",
    "vmware.sata.ahci": "sata", "vmware.nvme.controller": "nvme",
}  # fmt: skip
_NIC_WORDS = {subtype: subtype.lower() for subtype in NICS.values()}
_CONTROLLER_TYPES = {str(number) for number, _, _ in CONTROLLERS.values()}


def check_type(item: Any) -> None:
    """Refuse an item that no machine has, unless it is not required."""
    kind = need(type_of(item), "the ResourceType of an item", item)
    known = {"3", "4", str(DISK), str(CDROM), str(FLOPPY), str(ETHERNET)} | _CONTROLLER_TYPES
    if kind in known or kind in PASSED_OVER or at(item, "required") == "false":
        return
    fields = {
        "name": says(item, "ElementName") or "",
        "instanceId": says(item, "InstanceID") or "",
        "deviceType": int(kind) if whole(kind) and int(kind) < 1 << 31 else 0,
    }
    raise PackageError("OvfUnsupportedType", f"no machine has a device of resource type {kind}", item, **fields)


def is_left_out(item: Any) -> bool:
    """Tell whether an item is known and no machine of the fake has it."""
    # Every machine has a video card and a VMCI device.
    return type_of(item) in PASSED_OVER - {"24"} and says(item, "ResourceSubType") != "vmware.vmci"


def quantity(item: Any) -> int:
    """Return how many of it there are, at least one."""
    many = number(item, "VirtualQuantity")
    if many < 1:
        message = f"VirtualQuantity of {says(item, 'ElementName')} is at least 1; got {many}"
        raise wrong_element("VirtualQuantity", str(many), message, item)
    return many


def memory(item: Any) -> int:
    """Return bytes of memory, in MiB where no unit is told."""
    units = says(item, "AllocationUnits") or "byte * 2^20"
    base, _, power = "".join(units.split()).partition("*2^")
    if base == "byte" and (not power or (whole(power) and int(power) <= 60)):
        shift = int(power or 0)
    elif units in _OLD_UNITS:
        shift = _OLD_UNITS[units]
    else:
        message = f"memory is counted in bytes or a power of 2 of them; got {units!r}"
        raise wrong_element("AllocationUnits", units, message, item)
    size = quantity(item) << shift
    if size % (1 << 20) or size >> 20 >= 1 << 31:
        message = f"memory is whole MiB; got {says(item, 'VirtualQuantity')} of {units}"
        raise wrong_element("VirtualQuantity", says(item, "VirtualQuantity"), message, item)
    return size


def is_controller(item: Any) -> bool:
    """Tell whether an item is a controller that a world file names; IDE is always there."""
    return type_of(item) in _CONTROLLER_TYPES and type_of(item) != str(IDE)


def controller(item: Any) -> dict[str, Any]:
    """Return the row of a controller."""
    return {"kind": _word(_KIND_WORDS, item, "controller"), "bus": number(item, "Address")} | slot(item)


def slot(item: Any, name: str = "slot") -> dict[str, int]:
    """Return the PCI slot that an item has, where it tells one."""
    number = configured(item).get("slotInfo.pciSlotNumber", "")
    return {name: int(number)} if whole(number) else {}


def _guest_control(item: Any) -> dict[str, bool]:
    said = configured(item).get("connectable.allowGuestControl")
    return {} if said is None else {"guest_control": said == "true"}


def _place(item: Any, by_id: dict[Any, Any]) -> dict[str, Any]:
    parent = by_id.get(says(item, "Parent"))
    if parent is None:
        message = f"the descriptor lacks the parent of {says(item, 'ElementName')}"
        raise wrong_reference("Item", "Parent", says(item, "Parent") or "", message, item)
    kind = "ide" if type_of(parent) == str(IDE) else _word(_KIND_WORDS, parent, "controller")
    return {"controller": kind, "bus": number(parent, "Address"), "unit": number(item, "AddressOnParent")}


def disk(item: Any, by_id: dict[Any, Any], package: Package) -> dict[str, Any]:
    """Return the row of a disk, and the file that fills it."""
    resource = says(item, "HostResource")
    # Descriptors of old write the reference without its scheme.
    resource = resource if resource in package.capacities else f"ovf:{resource}"
    if resource not in package.capacities:
        message = f"the descriptor lacks the disk of {says(item, 'ElementName')}"
        raise wrong_reference("Item", "HostResource", says(item, "HostResource") or "", message, item)
    row = {"size": package.capacities[resource], "data": 0} | _place(item, by_id)
    file = package.file(at(package.disks[resource], "fileRef"))
    return row | {"_file": file, "_id": says(item, "InstanceID")}


def drive(item: Any, by_id: dict[Any, Any], package: Package) -> dict[str, Any]:
    """Return the row of a CD or floppy drive with what lies in it."""
    cd = type_of(item) == str(CDROM)
    place = _place(item, by_id) if cd else {"unit": number(item, "AddressOnParent")}
    row: dict[str, Any] = {"kind": "iso" if cd else "floppy", **place, **_guest_control(item)}
    resource = says(item, "HostResource")
    if resource is not None:
        if resource not in package.files:
            message = f"the descriptor lacks the file {resource}"
            raise wrong_reference("Item", "HostResource", resource, message, item)
        return row | {"name": package.files[resource], "_file": package.named[resource.removeprefix("ovf:/file/")]}
    subtype = (says(item, "ResourceSubType") or "").rpartition(".")[2]
    words = CD_BACKINGS if cd else FLOPPY_BACKINGS
    backing = next((word for word, name in words.items() if name == subtype), "")
    return row | {"empty": True} | ({"backing": backing} if backing else {})


def nic(item: Any) -> dict[str, Any]:
    """Return the row of a network card."""
    row = {
        "network": says(item, "Connection"),
        "kind": _word(_NIC_WORDS, item, "network card"),
        "connected": says(item, "AutomaticAllocation") != "false",
    }
    wakes = configured(item).get("wakeOnLanEnabled")
    return row | slot(item) | _guest_control(item) | ({} if wakes is None else {"wake_on_lan": wakes == "true"})


def _word(words: dict[str, str], item: Any, what: str) -> str:
    subtype = says(item, "ResourceSubType")
    if subtype not in words:
        fields = {
            "elementName": says(item, "ElementName") or "", "instanceId": says(item, "InstanceID") or "",
            "deviceType": int(type_of(item)), "deviceSubType": subtype or "",
        }  # fmt: skip
        message = f"a {what} is {', '.join(words)}; the descriptor has {subtype!r}"
        raise PackageError("OvfUnsupportedSubType", message, item, **fields)
    return words[subtype]
