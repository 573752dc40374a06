"""Several descriptors into one: a collection of virtual systems over one flat list of files and disks (8.11)."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from typing import cast

from lxml import etree

from .._errors import BadPackage
from ._descriptor import OVF, envelope, ovf

_REFERENCE = re.compile(r"(\s*(?:ovf:)?/(disk|file)/)([^\s/]+)(.*)", re.DOTALL)
_CONTENT = (ovf("VirtualSystem"), ovf("VirtualSystemCollection"))
_FLAT = (ovf("References"), ovf("DiskSection"), ovf("NetworkSection"))


def merge_descriptors(name: str, descriptors: Sequence[bytes]) -> bytes:
    """Return one descriptor in which every system of `descriptors` is a child of the collection `name`.

    Ids of files and disks are numbered anew with every reference to them; networks of the same name are one; ids and
    names of systems are kept apart. Raises BadPackage where an input cannot be read, lacks what it refers to, or names
    a file that another one names too.
    """
    if not descriptors:
        raise BadPackage("a descriptor of no virtual machines was asked for; give at least one", whose="you")
    roots = [envelope(xml) for xml in descriptors]
    merged = _Merged(name, roots)
    for root in roots:
        merged.take(root)
    return merged.finish()


class _Merged:
    def __init__(self, name: str, roots: Sequence[etree._Element]) -> None:
        prefixes: dict[str | None, str] = {}
        for root in roots:
            for prefix, uri in root.nsmap.items():
                prefixes.setdefault(prefix, uri)
        prefixes["ovf"] = OVF
        self.root = etree.Element(ovf("Envelope"), nsmap=cast(dict[str, str], prefixes))
        for key, value in roots[0].attrib.items():
            self.root.set(key, value)
        self.files = etree.SubElement(self.root, ovf("References"))
        self.disks = _section("DiskSection", "Virtual disk information")
        self.networks = _section("NetworkSection", "The list of logical networks")
        self.sections: list[etree._Element] = []
        self.strings: list[etree._Element] = []
        self.collection = etree.Element(ovf("VirtualSystemCollection"), {ovf("id"): name})
        _text(self.collection, "Info", "A collection of virtual machines")
        _text(self.collection, "Name", name)
        self.hrefs: set[str] = set()
        self.system_ids = {name}
        self.system_names = {name}

    def take(self, source: etree._Element) -> None:
        root = copy.deepcopy(source)
        ids = {"file": self._take_files(root), "disk": self._number_disks(root)}
        _rename_references(root, ids)
        self._rename_systems(root)
        self.disks.extend(root.findall(f"{ovf('DiskSection')}/{ovf('Disk')}"))
        known = {network.get(ovf("name")) for network in self.networks}
        for network in root.findall(f"{ovf('NetworkSection')}/{ovf('Network')}"):
            if network.get(ovf("name")) not in known:
                self.networks.append(network)
        for child in list(root):
            if child.tag in _CONTENT:
                self.collection.append(child)
            elif child.tag == ovf("Strings"):
                self.strings.append(child)
            elif isinstance(child.tag, str) and child.tag not in _FLAT:
                self._take_section(child)

    def finish(self) -> bytes:
        for flat, least in ((self.disks, 2), (self.networks, 2)):
            if len(flat) >= least:
                self.root.append(flat)
        self.root.extend(self.sections)
        self.root.append(self.collection)
        self.root.extend(self.strings)
        etree.cleanup_namespaces(self.root, keep_ns_prefixes=[p for p in self.root.nsmap if p])
        etree.indent(self.root)
        document = etree.tostring(self.root, xml_declaration=True, encoding="UTF-8")
        return document.replace(b"<?xml version='1.0' encoding='UTF-8'?>", b'<?xml version="1.0" encoding="UTF-8"?>', 1)

    def _take_files(self, root: etree._Element) -> dict[str, str]:
        ids: dict[str, str] = {}
        for file in root.findall(f"{ovf('References')}/{ovf('File')}"):
            href = file.get(ovf("href"), "")
            if href in self.hrefs:
                raise BadPackage(f"two descriptors name a file {href!r}; give each machine's files names of their own")
            self.hrefs.add(href)
            old = file.get(ovf("id"), "")
            if old in ids:
                raise BadPackage(f"a descriptor gives the id {old!r} to two files")
            ids[old] = f"file{len(self.files) + 1}"
            file.set(ovf("id"), ids[old])
            self.files.append(file)
        return ids

    def _number_disks(self, root: etree._Element) -> dict[str, str]:
        ids: dict[str, str] = {}
        count = len(self.disks) - 1  # its Info
        for disk in root.iterfind(f"{ovf('DiskSection')}/{ovf('Disk')}"):
            old = disk.get(ovf("diskId"), "")
            if old in ids:
                raise BadPackage(f"a descriptor gives the id {old!r} to two disks")
            count += 1
            ids[old] = f"vmdisk{count}"
            disk.set(ovf("diskId"), ids[old])
        return ids

    def _rename_systems(self, root: etree._Element) -> None:
        ids: dict[str, str] = {}
        for system in root.iter(*_CONTENT):
            old = system.get(ovf("id"), "")
            ids[old] = _apart(old, self.system_ids)
            system.set(ovf("id"), ids[old])
            label = system.find(ovf("Name"))
            if label is not None and label.text:
                label.text = _apart(label.text, self.system_names)
        for item in root.iterfind(f".//{ovf('StartupSection')}/{ovf('Item')}"):
            old = item.get(ovf("id"), "")
            item.set(ovf("id"), ids.get(old, old))

    def _take_section(self, section: etree._Element) -> None:
        section.tail = None
        same = etree.tostring(section, method="c14n")
        if all(etree.tostring(other, method="c14n") != same for other in self.sections):
            self.sections.append(section)


def _rename_references(root: etree._Element, ids: dict[str, dict[str, str]]) -> None:
    for node in root.iter(etree.Element):
        if node.text and not len(node):
            node.text = _renamed(node.text, ids)
        for key, value in cast("list[tuple[str, str]]", node.attrib.items()):
            if key == ovf("fileRef"):
                node.set(key, _looked_up("file", value, ids))
            elif key == ovf("parentRef"):
                node.set(key, _looked_up("disk", value, ids))
            elif not key.endswith("href"):
                node.set(key, _renamed(value, ids))


def _renamed(text: str, ids: dict[str, dict[str, str]]) -> str:
    match = _REFERENCE.fullmatch(text)
    if match is None or (match[3] not in ids[match[2]] and not text.strip().startswith("ovf:")):
        return text
    return f"{match[1]}{_looked_up(match[2], match[3], ids)}{match[4]}"


def _looked_up(kind: str, old: str, ids: dict[str, dict[str, str]]) -> str:
    try:
        return ids[kind][old]
    except KeyError:
        raise BadPackage(f"the descriptor refers to {kind} {old!r}, which it does not list") from None


def _apart(wanted: str, taken: set[str]) -> str:
    candidate, number = wanted, 1
    while candidate in taken:
        number += 1
        candidate = f"{wanted}-{number}"
    taken.add(candidate)
    return candidate


def _section(name: str, info: str) -> etree._Element:
    section = etree.Element(ovf(name))
    _text(section, "Info", info)
    return section


def _text(parent: etree._Element, name: str, text: str) -> None:
    etree.SubElement(parent, ovf(name)).text = text
