"""Reading an OVF descriptor: its files and disks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from .._errors import BadPackage
from .._xml import parse

OVF = "http://schemas.dmtf.org/ovf/envelope/1"
_UNIT = re.compile(r"byte(?: \* (?:2\^(\d{1,2})|10\^(\d{1,2})|(\d{1,19})))?")


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file of the package; `size` in bytes where the descriptor says it."""

    id: str
    href: str
    size: int | None


@dataclass(frozen=True, slots=True)
class DiskEntry:
    """A virtual disk: the file that holds it, `capacity` and `populated_size` in bytes (8.5, 8.6)."""

    id: str
    file_ref: str | None
    capacity: int
    populated_size: int | None


@dataclass(frozen=True, slots=True)
class Contents:
    """What a descriptor lists."""

    files: tuple[FileEntry, ...]
    disks: tuple[DiskEntry, ...]


def ovf(name: str) -> str:
    """Return a name in the envelope's namespace as lxml writes it."""
    return f"{{{OVF}}}{name}"


def read_descriptor(xml: bytes) -> Contents:
    """Return the files and disks of a descriptor; raise BadPackage where it is none."""
    root = envelope(xml)
    return Contents(tuple(_files(root)), tuple(_disks(root)))


def envelope(xml: bytes) -> etree._Element:
    """Return the root of a descriptor; raise BadPackage where it is none."""
    try:
        root = parse(xml)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise BadPackage(f"the descriptor cannot be read: {error}") from None
    if root.tag != ovf("Envelope"):
        raise BadPackage(f"the descriptor's root is {root.tag}, expected an OVF 1 Envelope")
    return root


def _files(root: etree._Element) -> Iterator[FileEntry]:
    for node in root.iterfind(f"{ovf('References')}/{ovf('File')}"):
        size = node.get(ovf("size"))
        yield FileEntry(_needed(node, "id"), _needed(node, "href"), None if size is None else _number(node, size))


def _disks(root: etree._Element) -> Iterator[DiskEntry]:
    for node in root.iterfind(f"{ovf('DiskSection')}/{ovf('Disk')}"):
        populated = node.get(ovf("populatedSize"))
        yield DiskEntry(
            _needed(node, "diskId"),
            node.get(ovf("fileRef")),
            _number(node, _needed(node, "capacity")) * _unit(node),
            None if populated is None else _number(node, populated),
        )


def _needed(node: etree._Element, name: str) -> str:
    value = node.get(ovf(name))
    if value is None:
        raise BadPackage(f"line {node.sourceline} of the descriptor has no ovf:{name}")
    return value


def _number(node: etree._Element, text: str) -> int:
    if not re.fullmatch(r"\d{1,19}", text, re.ASCII):
        raise BadPackage(f"line {node.sourceline} of the descriptor has {text[:40]!r} where a number is expected")
    return int(text)


def _unit(node: etree._Element) -> int:
    text = node.get(ovf("capacityAllocationUnits"), "byte")
    match = _UNIT.fullmatch(text.strip())
    if match is None:
        raise BadPackage(f"line {node.sourceline} of the descriptor has the unit {text[:40]!r}, expected byte * 2^N")
    if match[1]:
        return 1 << int(match[1])
    return 10 ** int(match[2]) if match[2] else int(match[3] or 1)
