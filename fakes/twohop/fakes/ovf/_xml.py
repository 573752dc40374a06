"""Elements of a descriptor: sections, configuration rows, and hardware items in CIM's order."""

from __future__ import annotations

from typing import Any

from lxml import etree

from ._names import CIM, OVF, RASD, VMW, VSSD, XSI

_PREFIXES: Any = {None: OVF, "cim": CIM, "ovf": OVF, "rasd": RASD, "vmw": VMW, "vssd": VSSD, "xsi": XSI}


def envelope() -> Any:
    """Return an empty Envelope with the server's prefixes."""
    return etree.Element(f"{{{OVF}}}Envelope", nsmap=_PREFIXES)


def element(parent: Any, name: str, text: str | None = None, /, **attributes: Any) -> Any:
    """Add an OVF element with OVF attributes; those that are None are left out."""
    added = etree.SubElement(parent, f"{{{OVF}}}{name}")
    added.text = text
    for key, value in attributes.items():
        if value is not None:
            added.set(f"{{{OVF}}}{key}", str(value))
    return added


def section(parent: Any, name: str, info: str, /, **attributes: Any) -> Any:
    """Add a section with the sentence that says what it is."""
    added = element(parent, name, **attributes)
    element(added, "Info", info)
    return added


def set_vmw(target: Any, name: str, value: Any) -> None:
    """Set an attribute of VMware's own."""
    target.set(f"{{{VMW}}}{name}", str(value))


def config(parent: Any, key: str, value: Any, kind: str = "Config") -> None:
    """Add a row of VMware's own configuration."""
    row = etree.SubElement(parent, f"{{{VMW}}}{kind}")
    row.set(f"{{{OVF}}}required", "false")
    set_vmw(row, "key", key)
    set_vmw(row, "value", value)


def cores(parent: Any, number: int) -> None:
    """Add how many cores a socket has."""
    row = etree.SubElement(parent, f"{{{VMW}}}CoresPerSocket")
    row.set(f"{{{OVF}}}required", "false")
    row.text = str(number)


def system(parent: Any, identifier: str, kind: str) -> None:
    """Add what a hardware section is for."""
    added = element(parent, "System")
    for name, text in (
        ("ElementName", "Virtual Hardware Family"),
        ("InstanceID", "0"),
        ("VirtualSystemIdentifier", identifier),
        ("VirtualSystemType", kind),
    ):
        etree.SubElement(added, f"{{{VSSD}}}{name}").text = text


def item(parent: Any, fields: dict[str, Any], *, required: bool = True) -> Any:
    """Add a hardware item; fields that are None are left out, the others stand in alphabetical order, as CIM has it."""
    added = element(parent, "Item", required=None if required else "false")
    for name in sorted(fields):
        if fields[name] is not None:
            etree.SubElement(added, f"{{{RASD}}}{name}").text = str(fields[name])
    return added


def written(root: Any, comment: str) -> bytes:
    """Return a whole descriptor as UTF-8, with the server's comment before it."""
    root.addprevious(etree.Comment(comment.replace("--", "- -")))
    etree.indent(root, "  ")
    text: bytes = etree.tostring(root.getroottree(), xml_declaration=True, encoding="UTF-8")
    text = text.replace(b"<?xml version='1.0' encoding='UTF-8'?>", b'<?xml version="1.0" encoding="UTF-8"?>', 1)
    return text.replace(b"--><", b"-->\n<", 1)
