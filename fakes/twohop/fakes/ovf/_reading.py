"""Reading a descriptor: what part of a world file makes machines of the same hardware."""

from __future__ import annotations

from typing import Any

from lxml import etree

from ._errors import PackageError, missing_attribute, missing_element, wrong_element, wrong_reference
from ._items import check_type, controller, disk, drive, is_controller, is_left_out, memory, nic, quantity, slot
from ._names import CDROM, DISK, ETHERNET, FLOPPY, OTHER, OVF, VMW
from ._package import Package
from ._values import IN, at, configured, count, first, need, number, of_type, says, type_of, whole
from ._vapp_config import read_vapp_config

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
    package = {"networks": root.xpath("ovf:NetworkSection/ovf:Network/@ovf:name", namespaces=IN)}
    return package | _content(tops[0], Package(root, option))


def _stripped(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _stripped(inside) for key, inside in value.items() if not key.startswith("_")}
    return [_stripped(inside) for inside in value] if isinstance(value, list) else value


def _content(top: Any, package: Package) -> dict[str, Any]:
    if etree.QName(top).localname == "VirtualSystem":
        return {"vms": [_machine(top, package)]}
    starts = {
        at(row, "id"): {
            "start_order": count(row, "order", 1),
            "start_delay": count(row, "startDelay", 0),
            "stop_delay": count(row, "stopDelay", 0),
        }
        for row in top.iterfind("ovf:StartupSection/ovf:Item", IN)
    }
    vapp: dict[str, Any] = {"name": at(top, "id"), "note": _note(top), "vms": [], "vapps": []}
    for child in _contents(top):
        for kind, (row,) in _content(child, package).items():
            vapp[kind].append(row | starts.get(row["name"], {}))
    return {"vapps": [vapp]}


def _contents(parent: Any) -> list[Any]:
    return [row for name in ("VirtualSystemCollection", "VirtualSystem") for row in parent.iterfind(f"ovf:{name}", IN)]


def _machine(system: Any, package: Package) -> dict[str, Any]:
    name = at(system, "id")
    if name is None:
        raise missing_attribute("VirtualSystem", "id", "the descriptor lacks the id of a VirtualSystem", system)
    hardware = need(system.find("ovf:VirtualHardwareSection", IN), f"the VirtualHardwareSection of {name}", system)
    guest = need(system.find("ovf:OperatingSystemSection", IN), f"the OperatingSystemSection of {name}", system)
    items = package.items(hardware)
    for item in items:
        check_type(item)
    by_id = {says(item, "InstanceID"): item for item in items}
    row: dict[str, Any] = {
        "name": name,
        "note": _note(system),
        "guest": guest.get(f"{{{VMW}}}osType", "otherGuest"),
        "hardware": hardware.findtext("ovf:System/{*}VirtualSystemType", None, IN),
        "cpus": quantity(first(items, "3")),
        "memory": memory(first(items, "4")),
        "controllers": [controller(item) for item in reversed(items) if is_controller(item)],
        "disks": [disk(item, by_id, package) for item in of_type(items, str(DISK))],
        "images": [drive(item, by_id, package) for item in items if type_of(item) in (str(CDROM), str(FLOPPY))],
        "nics": [nic(item) for item in of_type(items, str(ETHERNET))],
        "settings": _settings(hardware, items),
        "_boot_order": [
            (section.get(f"{{{VMW}}}type"), section.get(f"{{{VMW}}}instanceId"))
            for section in system.iterfind("vmw:BootOrderSection", IN)
        ],
        "_left_out": sorted({type_of(item) for item in items if is_left_out(item)}),
    }
    firmware = configured(hardware).get("firmware")
    if firmware:
        row["firmware"] = firmware
        # Who writes this much writes the slots that there are.
        row["slots"] = False
    nvram = {"_nvram": package.file(reference)} if (reference := _nvram(hardware, package)) else {}
    return row | read_vapp_config(system) | _options(hardware, package) | nvram


def _options(hardware: Any, package: Package) -> dict[str, Any]:
    options = configured(hardware, "ExtraConfig")
    options.pop("uuid.bios", None)
    nvram = options.pop("nvram", None)
    made: dict[str, Any] = {"extra_config": options} if options else {}
    if nvram is not None:
        made["nvram"] = {"name": package.files.get(nvram, nvram).rpartition("/")[2]}
    return made


def _nvram(hardware: Any, package: Package) -> str | None:
    for row in hardware.iterfind("vmw:ExtraConfig", IN):
        said = row.get(f"{{{VMW}}}value", "")
        if row.get(f"{{{VMW}}}key") == "nvram" and said.startswith("ovf:/file/"):
            if said not in package.files:
                message = f"the nvram is {said}, which References lacks"
                raise wrong_reference("ExtraConfig", "value", said, message, row)
            return str(said.removeprefix("ovf:/file/"))
    return None


def _settings(hardware: Any, items: list[Any]) -> dict[str, Any]:
    config = configured(hardware)
    made: dict[str, Any] = {word: config[key] for key, word in _SETTINGS.items() if key in config}
    made |= {word: config[key] == "true" for key, word in _FLAGS.items() if key in config}
    for name, kind, factor in (("cpu", "3", 1), ("memory", "4", 1 << 20)):
        for key in ("Limit", "Reservation"):
            if says(first(items, kind), key) is not None:
                made[f"{name}_{key.lower()}"] = number(first(items, kind), key) * factor
    cores = first(items, "3").findtext("vmw:CoresPerSocket", None, IN)
    if cores is not None:
        if not whole(cores) or not int(cores):
            raise wrong_element("CoresPerSocket", cores, f"CoresPerSocket is a whole number; got {cores!r}")
        made["cores_per_socket"] = int(cores)
    for card in of_type(items, "24"):
        video = configured(card)
        for key in ("videoRamSizeInKB", "numDisplays"):
            if not whole(video.get(key, "1")):
                raise wrong_element("Config", video[key], f"{key} is a whole number; got {video[key]!r}", card)
        made["video"] = int(video.get("videoRamSizeInKB", 4096)) << 10
        made["displays"] = int(video.get("numDisplays", 1))
    for item in of_type(items, str(OTHER)):
        if says(item, "ResourceSubType") == "vmware.vmci":
            made |= slot(item, "vmci_slot")
    present = list(dict.fromkeys(_ORDERED[type_of(item)] for item in items if type_of(item) in _ORDERED))
    made["order"] = present + [kind for kind in _ORDERED.values() if kind not in present]
    return made


def _note(parent: Any) -> str:
    return parent.findtext("ovf:AnnotationSection/ovf:Annotation", None, IN) or ""
