"""Reading a descriptor: what part of a world file makes machines of the same hardware."""

from __future__ import annotations

from typing import Any

from lxml import etree

from ._errors import PackageError, missing_attribute, missing_element, wrong_element, wrong_reference, wrong_value
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
    OTHER,
    OVF,
    PASSED_OVER,
    RASD,
    VMW,
)
from ._vapp_config import read_vapp_config

_OLD_UNITS = {"KiloBytes": 10, "MegaBytes": 20, "GigaBytes": 30}
"""Units as descriptors before OVF 1.0 spell them."""
_IN = {"ovf": OVF, "rasd": RASD, "vmw": VMW}
_KIND_WORDS = {
    "VirtualSCSI": "pvscsi", "lsilogic": "lsilogic", "lsilogicsas": "lsilogicsas", "buslogic": "buslogic",
    "vmware.sata.ahci": "sata", "vmware.nvme.controller": "nvme",
}  # fmt: skip
_NIC_WORDS = {subtype: subtype.lower() for subtype in NICS.values()}
_CONTROLLER_TYPES = {str(number) for number, _, _ in CONTROLLERS.values()}
_ORDERED = {str(CDROM): "cd", str(DISK): "disk", str(FLOPPY): "floppy", str(ETHERNET): "nic"}
_SETTINGS = {
    "powerOpInfo.powerOffType": "power_off", "powerOpInfo.resetType": "reset", "powerOpInfo.suspendType": "suspend",
    "powerOpInfo.standbyAction": "standby",
}  # fmt: skip
_FLAGS = {
    "tools.syncTimeWithHost": "sync_time", "cpuHotAddEnabled": "cpu_hot_add", "cpuHotRemoveEnabled": "cpu_hot_remove",
    "memoryHotAddEnabled": "memory_hot_add", "nestedHVEnabled": "nested_hv",
}  # fmt: skip


LARGEST = 62 << 40
"""Bytes that a virtual disk may have."""


def read_descriptor(text: bytes) -> dict[str, Any]:
    """Return the rows `networks`, and `vms` or `vapps`, of a datacenter in a world file.

    Sizes are bytes, disks are empty, images are named but hold nothing of their own. Raises PackageError, a ValueError,
    for a text that is no descriptor, and for hardware that no world file can say.
    """
    rows: dict[str, Any] = _stripped(read_envelope(parse_envelope(text)))
    return rows


def parse_envelope(text: bytes) -> Any:
    """Return the root element of a descriptor, read without entities, without network and within lxml's limits."""
    parser: Any = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root: Any = etree.fromstring(text, parser)
    except etree.XMLSyntaxError as error:
        raise PackageError("OvfXmlFormat", f"the descriptor is no XML: {error}", description=str(error)) from None
    if root.getroottree().docinfo.doctype:
        # What a document type may do to a reader is no part of any package.
        told = "a document type is not allowed"
        raise PackageError("OvfXmlFormat", f"the descriptor is no XML that is read: {told}", root, description=told)
    if root.tag == "Envelope" or (root.tag.endswith("}Envelope") and root.tag != f"{{{OVF}}}Envelope"):
        namespace = str(etree.QName(root).namespace or "")
        message = f"the Envelope is in the namespace {namespace!r}; expected {OVF}"
        raise PackageError("OvfWrongNamespace", message, root, namespaceName=namespace)
    return root


def read_envelope(root: Any, option: str = "") -> dict[str, Any]:
    """Return the same rows; keys with an underscore say more than a world file does.

    `_file` of a disk or an image is the `File` that fills it, `_nvram` of a machine that of its firmware variables,
    `_user` of a property whether a user may set it. `option` is the deployment option that has been chosen.
    """
    tops = _contents(root)
    if len(tops) != 1:
        message = f"a descriptor has one VirtualSystem or VirtualSystemCollection at its top; got {len(tops)}"
        raise missing_element("VirtualSystem", message, root)
    package = {"networks": root.xpath("ovf:NetworkSection/ovf:Network/@ovf:name", namespaces=_IN)}
    return package | _content(tops[0], _Package(root, option))


def _stripped(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _stripped(inside) for key, inside in value.items() if not key.startswith("_")}
    return [_stripped(inside) for inside in value] if isinstance(value, list) else value


class _Package:
    """Capacities of disks and names of files by the references that devices make."""

    def __init__(self, root: Any, option: str) -> None:
        self.option = option
        self.named = {_need_at(row, "id"): row for row in root.iterfind("ovf:References/ovf:File", _IN)}
        for row in self.named.values():
            _need_at(row, "href")
            size = _at(row, "size")
            if size is not None and not _whole(size):
                raise wrong_value("File", "size", size, f"ovf:size is a whole number; got {size!r}", row)
        self.disks = {f"ovf:/disk/{_need_at(row, 'diskId')}": row for row in root.iter(f"{{{OVF}}}Disk")}
        self.capacities = {resource: _capacity(row) for resource, row in self.disks.items()}
        self.files = {f"ovf:/file/{name}": _at(row, "href") for name, row in self.named.items()}
        for row in self.disks.values():
            reference = _at(row, "fileRef")
            if reference and reference not in self.named:
                message = f"the disk {_at(row, 'diskId')} refers to the file {reference}, which References lacks"
                raise wrong_reference("Disk", "fileRef", reference, message, row)
            parent = _at(row, "parentRef")
            if parent:
                fields = {"elementName": "Disk", "attributeName": "parentRef"}
                raise PackageError("OvfUnsupportedAttribute", "a disk with a parentRef is not supported", row, **fields)

    def file(self, name: str | None) -> Any:
        """Return the File of that id."""
        return None if name is None else self.named.get(name)

    def items(self, hardware: Any) -> list[Any]:
        """Return the items that count under the deployment option: of one InstanceID the last, bounds left out."""
        chosen: dict[Any, Any] = {}
        for item in hardware.iterfind("ovf:Item", _IN):
            options = (_at(item, "configuration") or "").split()
            if (options and self.option not in options) or (_at(item, "bound") or "normal") != "normal":
                continue
            chosen[_says(item, "InstanceID")] = item
        return list(chosen.values())


def _content(top: Any, package: _Package) -> dict[str, Any]:
    if etree.QName(top).localname == "VirtualSystem":
        return {"vms": [_machine(top, package)]}
    starts = {
        _at(row, "id"): {
            "start_order": _count(row, "order", 1),
            "start_delay": _count(row, "startDelay", 0),
            "stop_delay": _count(row, "stopDelay", 0),
        }
        for row in top.iterfind("ovf:StartupSection/ovf:Item", _IN)
    }
    vapp: dict[str, Any] = {"name": _at(top, "id"), "note": _note(top), "vms": [], "vapps": []}
    for child in _contents(top):
        for kind, (row,) in _content(child, package).items():
            vapp[kind].append(row | starts.get(row["name"], {}))
    return {"vapps": [vapp]}


def _contents(parent: Any) -> list[Any]:
    return [row for name in ("VirtualSystemCollection", "VirtualSystem") for row in parent.iterfind(f"ovf:{name}", _IN)]


def _machine(system: Any, package: _Package) -> dict[str, Any]:
    name = _at(system, "id")
    if name is None:
        raise missing_attribute("VirtualSystem", "id", "the descriptor lacks the id of a VirtualSystem", system)
    hardware = _need(system.find("ovf:VirtualHardwareSection", _IN), f"the VirtualHardwareSection of {name}", system)
    guest = _need(system.find("ovf:OperatingSystemSection", _IN), f"the OperatingSystemSection of {name}", system)
    items = package.items(hardware)
    for item in items:
        _check_type(item)
    by_id = {_says(item, "InstanceID"): item for item in items}
    row: dict[str, Any] = {
        "name": name,
        "note": _note(system),
        "guest": guest.get(f"{{{VMW}}}osType", "otherGuest"),
        "hardware": hardware.findtext("ovf:System/{*}VirtualSystemType", None, _IN),
        "cpus": _quantity(_first(items, "3")),
        "memory": _memory(_first(items, "4")),
        "controllers": [_controller(item) for item in reversed(items) if _is_controller(item)],
        "disks": [_disk(item, by_id, package) for item in _of(items, str(DISK))],
        "images": [_drive(item, by_id, package) for item in items if _type(item) in (str(CDROM), str(FLOPPY))],
        "nics": [_nic(item) for item in _of(items, str(ETHERNET))],
        "settings": _settings(hardware, items),
        "_boot_order": [
            (section.get(f"{{{VMW}}}type"), section.get(f"{{{VMW}}}instanceId"))
            for section in system.iterfind("vmw:BootOrderSection", _IN)
        ],
        "_left_out": sorted({_type(item) for item in items if _is_left_out(item)}),
    }
    firmware = _configured(hardware).get("firmware")
    if firmware:
        row["firmware"] = firmware
        # Who writes this much writes the slots that there are.
        row["slots"] = False
    nvram = {"_nvram": package.file(reference)} if (reference := _nvram(hardware, package)) else {}
    return row | read_vapp_config(system) | _options(hardware, package) | nvram


def _options(hardware: Any, package: _Package) -> dict[str, Any]:
    options = _configured(hardware, "ExtraConfig")
    options.pop("uuid.bios", None)
    nvram = options.pop("nvram", None)
    made: dict[str, Any] = {"extra_config": options} if options else {}
    if nvram is not None:
        made["nvram"] = {"name": package.files.get(nvram, nvram).rpartition("/")[2]}
    return made


def _nvram(hardware: Any, package: _Package) -> str | None:
    for row in hardware.iterfind("vmw:ExtraConfig", _IN):
        said = row.get(f"{{{VMW}}}value", "")
        if row.get(f"{{{VMW}}}key") == "nvram" and said.startswith("ovf:/file/"):
            if said not in package.files:
                message = f"the nvram is {said}, which References lacks"
                raise wrong_reference("ExtraConfig", "value", said, message, row)
            return str(said.removeprefix("ovf:/file/"))
    return None


def _check_type(item: Any) -> None:
    kind = _need(_type(item), "the ResourceType of an item", item)
    known = {"3", "4", str(DISK), str(CDROM), str(FLOPPY), str(ETHERNET)} | _CONTROLLER_TYPES
    if kind in known or kind in PASSED_OVER or _at(item, "required") == "false":
        return
    fields = {
        "name": _says(item, "ElementName") or "",
        "instanceId": _says(item, "InstanceID") or "",
        "deviceType": int(kind) if _whole(kind) and int(kind) < 1 << 31 else 0,
    }
    raise PackageError("OvfUnsupportedType", f"no machine has a device of resource type {kind}", item, **fields)


def _is_left_out(item: Any) -> bool:
    # Every machine has a video card and a VMCI device.
    return _type(item) in PASSED_OVER - {"24"} and _says(item, "ResourceSubType") != "vmware.vmci"


def _settings(hardware: Any, items: list[Any]) -> dict[str, Any]:
    config = _configured(hardware)
    made: dict[str, Any] = {word: config[key] for key, word in _SETTINGS.items() if key in config}
    made |= {word: config[key] == "true" for key, word in _FLAGS.items() if key in config}
    for name, kind, factor in (("cpu", "3", 1), ("memory", "4", 1 << 20)):
        for key in ("Limit", "Reservation"):
            if _says(_first(items, kind), key) is not None:
                made[f"{name}_{key.lower()}"] = _number(_first(items, kind), key) * factor
    cores = _first(items, "3").findtext("vmw:CoresPerSocket", None, _IN)
    if cores is not None:
        if not _whole(cores) or not int(cores):
            raise wrong_element("CoresPerSocket", cores, f"CoresPerSocket is a whole number; got {cores!r}")
        made["cores_per_socket"] = int(cores)
    for card in _of(items, "24"):
        video = _configured(card)
        for key in ("videoRamSizeInKB", "numDisplays"):
            if not _whole(video.get(key, "1")):
                raise wrong_element("Config", video[key], f"{key} is a whole number; got {video[key]!r}", card)
        made["video"] = int(video.get("videoRamSizeInKB", 4096)) << 10
        made["displays"] = int(video.get("numDisplays", 1))
    for item in _of(items, str(OTHER)):
        if _says(item, "ResourceSubType") == "vmware.vmci":
            made |= _slot(item, "vmci_slot")
    present = list(dict.fromkeys(_ORDERED[_type(item)] for item in items if _type(item) in _ORDERED))
    made["order"] = present + [kind for kind in _ORDERED.values() if kind not in present]
    return made


def _is_controller(item: Any) -> bool:
    return _type(item) in _CONTROLLER_TYPES and _type(item) != str(IDE)


def _controller(item: Any) -> dict[str, Any]:
    return {"kind": _word(_KIND_WORDS, item, "controller"), "bus": _number(item, "Address")} | _slot(item)


def _slot(item: Any, name: str = "slot") -> dict[str, int]:
    number = _configured(item).get("slotInfo.pciSlotNumber", "")
    return {name: int(number)} if _whole(number) else {}


def _guest_control(item: Any) -> dict[str, bool]:
    said = _configured(item).get("connectable.allowGuestControl")
    return {} if said is None else {"guest_control": said == "true"}


def _place(item: Any, by_id: dict[Any, Any]) -> dict[str, Any]:
    parent = by_id.get(_says(item, "Parent"))
    if parent is None:
        message = f"the descriptor lacks the parent of {_says(item, 'ElementName')}"
        raise wrong_reference("Item", "Parent", _says(item, "Parent") or "", message, item)
    kind = "ide" if _type(parent) == str(IDE) else _word(_KIND_WORDS, parent, "controller")
    return {"controller": kind, "bus": _number(parent, "Address"), "unit": _number(item, "AddressOnParent")}


def _disk(item: Any, by_id: dict[Any, Any], package: _Package) -> dict[str, Any]:
    resource = _says(item, "HostResource")
    # Descriptors of old write the reference without its scheme.
    resource = resource if resource in package.capacities else f"ovf:{resource}"
    if resource not in package.capacities:
        message = f"the descriptor lacks the disk of {_says(item, 'ElementName')}"
        raise wrong_reference("Item", "HostResource", _says(item, "HostResource") or "", message, item)
    row = {"size": package.capacities[resource], "data": 0} | _place(item, by_id)
    file = package.file(_at(package.disks[resource], "fileRef"))
    return row | {"_file": file, "_id": _says(item, "InstanceID")}


def _drive(item: Any, by_id: dict[Any, Any], package: _Package) -> dict[str, Any]:
    cd = _type(item) == str(CDROM)
    at = _place(item, by_id) if cd else {"unit": _number(item, "AddressOnParent")}
    row: dict[str, Any] = {"kind": "iso" if cd else "floppy", **at, **_guest_control(item)}
    resource = _says(item, "HostResource")
    if resource is not None:
        if resource not in package.files:
            message = f"the descriptor lacks the file {resource}"
            raise wrong_reference("Item", "HostResource", resource, message, item)
        return row | {"name": package.files[resource], "_file": package.named[resource.removeprefix("ovf:/file/")]}
    subtype = (_says(item, "ResourceSubType") or "").rpartition(".")[2]
    words = CD_BACKINGS if cd else FLOPPY_BACKINGS
    backing = next((word for word, name in words.items() if name == subtype), "")
    return row | {"empty": True} | ({"backing": backing} if backing else {})


def _nic(item: Any) -> dict[str, Any]:
    row = {
        "network": _says(item, "Connection"),
        "kind": _word(_NIC_WORDS, item, "network card"),
        "connected": _says(item, "AutomaticAllocation") != "false",
    }
    wakes = _configured(item).get("wakeOnLanEnabled")
    return row | _slot(item) | _guest_control(item) | ({} if wakes is None else {"wake_on_lan": wakes == "true"})


def _word(words: dict[str, str], item: Any, what: str) -> str:
    subtype = _says(item, "ResourceSubType")
    if subtype not in words:
        fields = {
            "elementName": _says(item, "ElementName") or "", "instanceId": _says(item, "InstanceID") or "",
            "deviceType": int(_type(item)), "deviceSubType": subtype or "",
        }  # fmt: skip
        message = f"a {what} is {', '.join(words)}; the descriptor has {subtype!r}"
        raise PackageError("OvfUnsupportedSubType", message, item, **fields)
    return words[subtype]


def _configured(parent: Any, kind: str = "Config") -> dict[str, str]:
    return {row.get(f"{{{VMW}}}key"): row.get(f"{{{VMW}}}value") or "" for row in parent.iterfind(f"vmw:{kind}", _IN)}


def _capacity(row: Any) -> int:
    units = _at(row, "capacityAllocationUnits") or "byte"
    base, _, power = units.partition(" * 2^")
    if base != "byte" or (power and not (_whole(power) and int(power) <= 60)):
        message = f"a capacity is counted in bytes or a power of 2 of them; got {base} {power}"
        raise wrong_value("Disk", "capacityAllocationUnits", units, message, row)
    capacity = _at(row, "capacity") or ""
    if not _whole(capacity):
        # A capacity may be left to a property, by name.
        raise wrong_value("Disk", "capacity", capacity, f"a capacity is a whole number; got {capacity!r}", row)
    size = int(capacity) << int(power or 0)
    if not 0 < size <= LARGEST or size % 512:
        message = f"a capacity is whole sectors, at most 62 TiB; got {size} bytes"
        raise wrong_value("Disk", "capacity", capacity, message, row)
    return size


def _whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18


def _count(row: Any, name: str, default: int) -> int:
    text = _at(row, name)
    if text is None:
        return default
    if not _whole(text) or int(text) >= 1 << 31:
        raise wrong_value("Item", name, text, f"{name} is a whole number; got {text!r}", row)
    return int(text)


def _note(parent: Any) -> str:
    return parent.findtext("ovf:AnnotationSection/ovf:Annotation", None, _IN) or ""


def _of(items: list[Any], kind: str) -> list[Any]:
    return [item for item in items if _type(item) == kind]


def _first(items: list[Any], kind: str) -> Any:
    return _need(next(iter(_of(items, kind)), None), f"an item of resource type {kind}")


def _need(value: Any, what: str, row: Any = None) -> Any:
    if value is None:
        name = next((word for word in what.split() if word[:1].isupper()), "Item")
        raise missing_element(name, f"the descriptor lacks {what}", row)
    return value


def _need_at(row: Any, name: str) -> str:
    value = _at(row, name)
    if not value:
        element = etree.QName(row).localname
        raise missing_attribute(element, name, f"the descriptor lacks the {name} of a {element}", row)
    return str(value)


def _number(item: Any, name: str) -> int:
    text = _says(item, name) or ""
    if not _whole(text) or int(text) >= 1 << 31:
        message = f"{name} of {_says(item, 'ElementName')} is a whole number; got {text!r}"
        raise wrong_element(name, text, message, item)
    return int(text)


def _quantity(item: Any) -> int:
    number = _number(item, "VirtualQuantity")
    if number < 1:
        message = f"VirtualQuantity of {_says(item, 'ElementName')} is at least 1; got {number}"
        raise wrong_element("VirtualQuantity", str(number), message, item)
    return number


def _memory(item: Any) -> int:
    """Return bytes of memory, in MiB where no unit is told."""
    units = _says(item, "AllocationUnits") or "byte * 2^20"
    base, _, power = "".join(units.split()).partition("*2^")
    if base == "byte" and (not power or (_whole(power) and int(power) <= 60)):
        shift = int(power or 0)
    elif units in _OLD_UNITS:
        shift = _OLD_UNITS[units]
    else:
        message = f"memory is counted in bytes or a power of 2 of them; got {units!r}"
        raise wrong_element("AllocationUnits", units, message, item)
    size = _quantity(item) << shift
    if size % (1 << 20) or size >> 20 >= 1 << 31:
        message = f"memory is whole MiB; got {_says(item, 'VirtualQuantity')} of {units}"
        raise wrong_element("VirtualQuantity", _says(item, "VirtualQuantity"), message, item)
    return size


def _type(item: Any) -> Any:
    return _says(item, "ResourceType")


def _says(item: Any, name: str) -> Any:
    return item.findtext(f"rasd:{name}", None, _IN)


def _at(row: Any, name: str) -> Any:
    return row.get(f"{{{OVF}}}{name}")
