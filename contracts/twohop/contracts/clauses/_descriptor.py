"""DESCRIPTOR: what CreateDescriptor writes of files, disks and what refers to them (vsphere 8)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from twohop.contracts.history import DescriptorMade, History, OvfPart

from ._clause import Case, Clause, broken, kept
from ._descriptor_content import CONTENT_CLAUSES
from ._descriptor_files import FILE_CLAUSES, UNITS

_RESOURCE = re.compile(r"ovf:/(disk|file)/(.+)")


def _envelope(history: History) -> Iterator[Case]:
    for made in history.all(DescriptorMade):
        told = f"the descriptor of {made.entity} in exchange {made.id}"
        root = made.parts[0].name if made.parts else None
        systems = made.all("VirtualSystem") + made.all("VirtualSystemCollection")
        if root is None:
            yield broken(told, "is no XML", by=(made.id,))
        elif root != "Envelope" or not systems or not made.all("References"):
            yield broken(told, f"is {root} with {len(systems)} systems, without an Envelope's parts", by=(made.id,))
        else:
            yield kept(told, "is an Envelope with References and content", by=(made.id,))


def _files(history: History) -> Iterator[Case]:
    for made in history.all(DescriptorMade):
        given = {file.path: file.size for file in made.given}
        if not given or made.parts is None:
            continue  # an empty list filters nothing (8.3)
        written = [(part.attributes.get("href", ""), part.attributes.get("size")) for part in made.all("File")]
        told = f"the descriptor of {made.entity} in exchange {made.id} was given {given}"
        strange = [href for href, size in written if href not in given or size != given[href]]
        if strange:
            yield broken(told, f"and its files are {written}", by=(made.id,))
        elif written:
            yield kept(told, "and its files are of these paths and sizes", by=(made.id,))


def _units(history: History) -> Iterator[Case]:
    for made in history.all(DescriptorMade):
        for disk in made.all("Disk"):
            amount, units = disk.attributes.get("capacity"), disk.attributes.get("capacityAllocationUnits")
            told = f"a disk in exchange {made.id} has capacity {amount}, units {units or 'unset'}"
            if units not in UNITS or amount is None or not amount.isdigit():
                yield broken(told, "units are the byte, 2^20 and 2^30 of it", by=(made.id,))
                continue
            size = int(amount) << UNITS[units]
            largest = next(power for power in (30, 20, 0) if size % (1 << power) == 0)
            if largest > UNITS[units]:
                yield broken(told, f"it is a whole number of 2^{largest} bytes", by=(made.id,))
            else:
                yield kept(told, "the largest that is exact", by=(made.id,))


def _populated(history: History) -> Iterator[Case]:
    for made in history.all(DescriptorMade):
        given = {file.path: file.populated for file in made.given}
        hrefs = {part.attributes.get("id"): part.attributes.get("href") for part in made.all("File")}
        for disk in made.all("Disk"):
            path = hrefs.get(disk.attributes.get("fileRef"))
            if path not in given:
                continue
            wanted, shown = given[path], disk.attributes.get("populatedSize")
            told = f"the caller of exchange {made.id} gave {path} the populated size {wanted or 'unset'}"
            yield (kept if shown == wanted else broken)(told, f"the disk has {shown or 'unset'}", by=(made.id,))


def _references(history: History) -> Iterator[Case]:
    for made in history.all(DescriptorMade):
        files, disks = _ids(made, "File", "id"), _ids(made, "Disk", "diskId")
        if not files:
            continue
        told = f"the descriptor of {made.entity} in exchange {made.id} has files {files} and disks {disks}"
        used = list(_used(made))
        lost = [target for kind, target in used if target not in (files if kind == "file" else disks)]
        if len(set(files)) < len(files) or len(set(disks)) < len(disks):
            yield broken(told, "and an id is there twice", by=(made.id,))
        elif lost:
            yield broken(told, f"and refers to {', '.join(lost)}", by=(made.id,))
        else:
            yield kept(told, f"and refers to nothing else, {len(used)} times", by=(made.id,))


def _every_file_used(history: History) -> Iterator[Case]:
    for made in history.all(DescriptorMade):
        used = {target for kind, target in _used(made) if kind == "file"}
        for part in made.all("File"):
            told = f"{part.attributes.get('href')} in exchange {made.id} is file {part.attributes.get('id')}"
            if part.attributes.get("id") in used:
                yield kept(told, "which a disk, a drive or a setting refers to", by=(made.id,))
            else:
                yield broken(told, "which nothing refers to", by=(made.id,))


def _ids(made: DescriptorMade, name: str, attribute: str) -> list[str]:
    return [part.attributes.get(attribute, "") for part in made.all(name)]


def _used(made: DescriptorMade) -> Iterator[tuple[str, str]]:
    """Yield each reference in a descriptor: whether to a file or to a disk, and by which id."""
    for disk in made.all("Disk"):
        if "fileRef" in disk.attributes:
            yield "file", disk.attributes["fileRef"]
    for text in _resources(made.parts or ()):
        found = _RESOURCE.fullmatch(text)
        if found:
            yield found[1], found[2]


def _resources(parts: tuple[OvfPart, ...]) -> Iterator[str]:
    for part in parts:
        if part.name == "HostResource":
            yield part.text
        elif part.name in ("ExtraConfig", "Config"):
            yield part.attributes.get("value", "")


DESCRIPTOR_CLAUSES = (
    Clause(
        "DESCRIPTOR-001", "A descriptor is an OVF envelope with references and at least one system.",
        "vsphere 8.5", "R", "vendor", "vcenter", _envelope,
    ),
    Clause(
        "DESCRIPTOR-002", "Its files are among those the caller gave, with the paths and sizes that he gave.",
        "vsphere 8.3, 8.4, 8.7", "R", "vendor", "vcenter", _files,
    ),
    Clause(
        "DESCRIPTOR-003", "The capacity of a disk is scaled to the largest exact unit: byte, 2^20 or 2^30 of it.",
        "vsphere 8.5", "R", "vendor", "vcenter", _units,
    ),
    Clause(
        "DESCRIPTOR-004", "A disk has a populated size where the caller gave one, the same, and nowhere else.",
        "vsphere 8.6", "R", "vendor", "vcenter", _populated,
    ),
    Clause(
        "DESCRIPTOR-005", "The ids of files and disks are unique, and whatever refers to one refers to one of them.",
        "vsphere 8.5, 8.10", "R", "vendor", "vcenter", _references,
    ),
    Clause(
        "DESCRIPTOR-006", "Every file is referred to: by a disk, by a drive, or, as nvram is, by a setting.",
        "vsphere 8.5, 8.10", "R", "vendor", "vcenter", _every_file_used,
    ),
    *FILE_CLAUSES,
    *CONTENT_CLAUSES,
)  # fmt: skip
