"""A descriptor as OvfManager reads it for an import: what was chosen, what it holds, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lxml import etree

from ...ovf import OVF, PackageError, missing_attribute, parse_envelope, read_envelope
from .._registry import vim
from .._service import Call

_IN = {"ovf": OVF}
LARGEST = 16 << 20
"""Bytes of a descriptor beyond which nobody reads on: many times any that is known."""


@dataclass(frozen=True)
class OvfPackage:
    """`row` is the top entity as a row of a world file, with keys of its own (`_file`); `root` the whole."""

    root: Any
    row: dict[str, Any]
    is_vapp: bool
    options: tuple[Any, ...]
    option: str

    @property
    def top(self) -> Any:
        """The element of the top entity."""
        return next(row for row in self.root if _local(row) in ("VirtualSystem", "VirtualSystemCollection"))

    @property
    def networks(self) -> list[Any]:
        """The networks that its machines stand in, as vim.OvfManager.NetworkInfo."""
        return [
            vim.OvfManager.NetworkInfo(name=row.get(f"{{{OVF}}}name", ""), description=text(row, "Description"))
            for row in self.root.iterfind("ovf:NetworkSection/ovf:Network", _IN)
        ]

    @property
    def default_name(self) -> str:
        """The name of the product, else the id of the top entity."""
        return text(self.top, "ProductSection/ovf:Product") or str(self.row["name"])

    def machines(self) -> list[dict[str, Any]]:
        """Return the rows of all its machines."""
        return _machines(self.row) if self.is_vapp else [self.row]


def read_package(call: Call, descriptor: str, option: str = "") -> OvfPackage:
    """Return what a descriptor holds under a deployment option; PackageError says what is wrong with it."""
    raw = descriptor.strip().encode()
    if len(raw) > LARGEST:
        told = f"it has {len(raw)} bytes; at most {LARGEST} are read"
        raise PackageError("OvfXmlFormat", f"the descriptor is too large: {told}", description=told)
    root = parse_envelope(raw)
    options = tuple(root.iterfind("ovf:DeploymentOptionSection/ovf:Configuration", _IN))
    keys = [row.get(f"{{{OVF}}}id", "") for row in options]
    usual = next((row for row in options if row.get(f"{{{OVF}}}default") == "true"), options[0] if options else None)
    chosen = option or ("" if usual is None else usual.get(f"{{{OVF}}}id", ""))
    if chosen and chosen not in keys:
        message = f"there is no deployment option {chosen!r}; the descriptor has {', '.join(keys) or 'none'}"
        fields = {"elementName": "Configuration", "attributeName": "id", "value": chosen}
        raise PackageError("OvfInvalidValueConfiguration", message, None, **fields)
    rows = read_envelope(root, chosen)
    vapp = "vapps" in rows
    (row,) = rows["vapps"] if vapp else rows["vms"]
    if not row["name"]:
        raise missing_attribute("VirtualSystemCollection", "id", "the top entity has no id", root)
    package = OvfPackage(root, row, vapp, options, chosen)
    if vapp and call.world.product.standalone:
        message = "a host that stands alone has no vApps"
        raise PackageError("OvfUnsupportedElement", message, package.top, name="VirtualSystemCollection")
    for machine in package.machines():
        check_family(call, machine)
    return package


def check_family(call: Call, machine: dict[str, Any]) -> None:
    """Choose the hardware of a machine, of those that its descriptor lists: the newest that the server knows."""
    most = call.world.profile.count("newest_hardware")
    listed = str(machine["hardware"] or "").replace(",", " ").split()
    known = [name for name in listed if name.startswith("vmx-") and name[4:].isdigit() and int(name[4:][:4]) <= most]
    if listed and not known:
        message = f"the hardware {' '.join(listed)} of {machine['name']} is not supported; the newest is vmx-{most:02d}"
        raise PackageError("OvfNoSupportedHardwareFamily", message, None, version=" ".join(listed))
    machine["hardware"] = max(known, key=lambda name: int(name[4:]), default=f"vmx-{most:02d}")


def fault_of(error: PackageError) -> Any:
    """Return the fault that tells an error of a package."""
    fault = getattr(vim.fault, error.fault)
    known = {info.name for info in fault._GetPropertyList()}
    return fault(msg=str(error), **{name: value for name, value in error.fields.items() if name in known})


def text(parent: Any, path: str) -> str:
    """Return the text of an element in the namespace of OVF; "" where there is none."""
    return str(parent.findtext(f"ovf:{path}", None, _IN) or "")


def _machines(row: dict[str, Any]) -> list[dict[str, Any]]:
    return [*row["vms"], *(machine for vapp in row["vapps"] for machine in _machines(vapp))]


def _local(row: Any) -> str:
    return etree.QName(row).localname if isinstance(row.tag, str) else ""
