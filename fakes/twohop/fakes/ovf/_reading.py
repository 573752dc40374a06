"""Reading a descriptor: what part of a world file makes machines of the same hardware."""

from __future__ import annotations

from typing import Any

from lxml import etree

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
    RASD,
    VMW,
)  # fmt: skip
from ._vapp_config import read_vapp_config

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


def read_descriptor(text: bytes) -> dict[str, Any]:
    """Return the rows `networks`, and `vms` or `vapps`, of a datacenter in a world file.

    Sizes are bytes, disks are empty, images are named but hold nothing of their own. Raises ValueError for a text that
    is no descriptor, and for hardware that no world file can say.
    """
    try:
        root = etree.fromstring(text, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    except etree.XMLSyntaxError as error:
        raise ValueError(f"the descriptor is no XML: {error}") from None
    tops = _contents(root)
    if len(tops) != 1:
        raise ValueError(f"a descriptor has one VirtualSystem or VirtualSystemCollection at its top; got {len(tops)}")
    package = {"networks": root.xpath("ovf:NetworkSection/ovf:Network/@ovf:name", namespaces=_IN)}
    return package | _content(tops[0], _Package(root))


class _Package:
    """Capacities of disks and names of files by the references that devices make."""

    def __init__(self, root: Any) -> None:
        self.capacities = {f"ovf:/disk/{_at(row, 'diskId')}": _capacity(row) for row in root.iter(f"{{{OVF}}}Disk")}
        self.files = {f"ovf:/file/{_at(row, 'id')}": _at(row, "href") for row in root.iter(f"{{{OVF}}}File")}


def _content(top: Any, package: _Package) -> dict[str, Any]:
    if etree.QName(top).localname == "VirtualSystem":
        return {"vms": [_machine(top, package)]}
    starts = {
        _at(row, "id"): {
            "start_order": int(_at(row, "order")),
            "start_delay": int(_at(row, "startDelay") or 0),
            "stop_delay": int(_at(row, "stopDelay") or 0),
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
    name = _need(_at(system, "id"), "the id of a VirtualSystem")
    hardware = _need(system.find("ovf:VirtualHardwareSection", _IN), f"the VirtualHardwareSection of {name}")
    guest = _need(system.find("ovf:OperatingSystemSection", _IN), f"the OperatingSystemSection of {name}")
    items = hardware.findall("ovf:Item", _IN)
    by_id = {_says(item, "InstanceID"): item for item in items}
    row: dict[str, Any] = {
        "name": name,
        "note": _note(system),
        "guest": guest.get(f"{{{VMW}}}osType", "otherGuest"),
        "hardware": hardware.findtext("ovf:System/{*}VirtualSystemType", None, _IN),
        "cpus": _number(_first(items, "3"), "VirtualQuantity"),
        "memory": _number(_first(items, "4"), "VirtualQuantity") << 20,
        "controllers": [_controller(item) for item in reversed(items) if _is_controller(item)],
        "disks": [_disk(item, by_id, package) for item in _of(items, str(DISK))],
        "images": [_drive(item, by_id, package) for item in items if _type(item) in (str(CDROM), str(FLOPPY))],
        "nics": [_nic(item) for item in _of(items, str(ETHERNET))],
        "settings": _settings(hardware, items),
    }
    firmware = _configured(hardware).get("firmware")
    if firmware:
        row["firmware"] = firmware
        # Who writes this much writes the slots that there are.
        row["slots"] = False
    return row | read_vapp_config(system) | _options(hardware, package)


def _options(hardware: Any, package: _Package) -> dict[str, Any]:
    options = _configured(hardware, "ExtraConfig")
    options.pop("uuid.bios", None)
    nvram = options.pop("nvram", None)
    made: dict[str, Any] = {"extra_config": options} if options else {}
    if nvram is not None:
        made["nvram"] = {"name": package.files.get(nvram, nvram).rpartition("/")[2]}
    return made


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
        made["cores_per_socket"] = int(cores)
    for card in _of(items, "24"):
        video = _configured(card)
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
    return {name: int(number)} if number.isdigit() else {}


def _guest_control(item: Any) -> dict[str, bool]:
    said = _configured(item).get("connectable.allowGuestControl")
    return {} if said is None else {"guest_control": said == "true"}


def _place(item: Any, by_id: dict[Any, Any]) -> dict[str, Any]:
    parent = _need(by_id.get(_says(item, "Parent")), f"the parent of {_says(item, 'ElementName')}")
    kind = "ide" if _type(parent) == str(IDE) else _word(_KIND_WORDS, parent, "controller")
    return {"controller": kind, "bus": _number(parent, "Address"), "unit": _number(item, "AddressOnParent")}


def _disk(item: Any, by_id: dict[Any, Any], package: _Package) -> dict[str, Any]:
    return {
        "size": _need(package.capacities.get(_says(item, "HostResource")), f"the disk of {_says(item, 'ElementName')}"),
        "data": 0,
    } | _place(item, by_id)


def _drive(item: Any, by_id: dict[Any, Any], package: _Package) -> dict[str, Any]:
    cd = _type(item) == str(CDROM)
    at = _place(item, by_id) if cd else {"unit": _number(item, "AddressOnParent")}
    row: dict[str, Any] = {"kind": "iso" if cd else "floppy", **at, **_guest_control(item)}
    resource = _says(item, "HostResource")
    if resource is not None:
        return row | {"name": _need(package.files.get(resource), f"the file {resource}")}
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
        raise ValueError(f"a {what} is {', '.join(words)}; the descriptor has {subtype!r}")
    return words[subtype]


def _configured(parent: Any, kind: str = "Config") -> dict[str, str]:
    return {row.get(f"{{{VMW}}}key"): row.get(f"{{{VMW}}}value") or "" for row in parent.iterfind(f"vmw:{kind}", _IN)}


def _capacity(row: Any) -> int:
    base, _, power = (_at(row, "capacityAllocationUnits") or "byte").partition(" * 2^")
    if base != "byte" or (power and not power.isdigit()):
        raise ValueError(f"a capacity is counted in bytes or a power of 2 of them; got {base} {power}")
    capacity = _at(row, "capacity") or ""
    if not capacity.isdigit():
        raise ValueError(f"a capacity is a whole number; got {capacity!r}")
    return int(capacity) << int(power or 0)


def _note(parent: Any) -> str:
    return parent.findtext("ovf:AnnotationSection/ovf:Annotation", None, _IN) or ""


def _of(items: list[Any], kind: str) -> list[Any]:
    return [item for item in items if _type(item) == kind]


def _first(items: list[Any], kind: str) -> Any:
    return _need(next(iter(_of(items, kind)), None), f"an item of resource type {kind}")


def _need(value: Any, what: str) -> Any:
    if value is None:
        raise ValueError(f"the descriptor lacks {what}")
    return value


def _number(item: Any, name: str) -> int:
    text = _says(item, name) or ""
    if not text.isdigit():
        raise ValueError(f"{name} of {_says(item, 'ElementName')} is a whole number; got {text!r}")
    return int(text)


def _type(item: Any) -> Any:
    return _says(item, "ResourceType")


def _says(item: Any, name: str) -> Any:
    return item.findtext(f"rasd:{name}", None, _IN)


def _at(row: Any, name: str) -> Any:
    return row.get(f"{{{OVF}}}{name}")
