"""DESCRIPTOR, what a descriptor takes from its caller, and what from the machine (vsphere 8.2 to 8.4, 8.8, 8.9)."""

from __future__ import annotations

from collections.abc import Iterator

from twohop.contracts.history import (
    ChangeAsked,
    DescriptorMade,
    DescriptorRefused,
    DeviceUrl,
    History,
    LeaseRecord,
    MachineSeen,
    surely_before,
)

from ._clause import Case, Clause, broken, kept

_BUSY = ("InvalidState", "TaskInProgress")
_DRIVES = ("14", "15")
UNITS = {None: 0, "byte": 0, "byte * 2^20": 20, "byte * 2^30": 30}
"""Powers of two that a capacity is counted in."""


def _while_leased(history: History) -> Iterator[Case]:
    for made in _asked(history):
        for record in _leases(history, made):
            held = record.surely_held(made.exchange)
            if held is None:
                continue
            told = f"{made.entity} was held by {record.name}, ready in exchange {held.id}, when it was described"
            if isinstance(made, DescriptorMade):
                yield kept(told, f"in exchange {made.id}", by=(held.id, made.id))
            elif made.outcome.fault in _BUSY:
                yield broken(told, f"and exchange {made.id} came to {made.outcome}", by=(held.id, made.id))


def _no_filter(history: History) -> Iterator[Case]:
    for made, disks, by in _unfiltered(history):
        found = len(made.all("Disk"))
        told = f"{made.entity} has {len(disks)} disks by its lease, and was described without files"
        yield (kept if found == len(disks) else broken)(told, f"with {found} disks", by=by)


def _placeholders(history: History) -> Iterator[Case]:
    for made, disks, by in _unfiltered(history):
        hrefs = {part.attributes.get("href"): part.attributes.get("size") for part in made.all("File")}
        told = f"the files of {made.entity} in exchange {made.id}, where none was given, are {hrefs}"
        if all(hrefs.get(disk.key, "") is None for disk in disks):
            yield kept(told, "which are its disks' keys, without sizes", by=by)
        else:
            yield broken(told, f"and its disks go by {[disk.key for disk in disks]}", by=by)


def _named_disks(history: History) -> Iterator[Case]:
    for made in history.all(DescriptorMade):
        given = {file.device: file.path for file in made.given}
        for record in _leases(history, made) if made.parts is not None else ():
            disks = [disk for disk in _disks(record) if disk.key in given]
            if not disks:
                continue
            files = {part.attributes.get("href"): part.attributes.get("id") for part in made.all("File")}
            used = {part.attributes.get("fileRef") for part in made.all("Disk")}
            lost = [given[disk.key] for disk in disks if files.get(given[disk.key]) not in used - {None}]
            told = f"the caller of exchange {made.id} named the disks {[given[disk.key] for disk in disks]}"
            if lost:
                yield broken(told, f"and no disk is made of {lost}", by=(_shown(record), made.id))
            else:
                yield kept(told, "and each is one of the package", by=(_shown(record), made.id))


def _capacities(history: History) -> Iterator[Case]:
    for made in history.all(DescriptorMade):
        given = {file.path: file for file in made.given}
        hrefs = {part.attributes.get("id"): part.attributes.get("href", "") for part in made.all("File")}
        for disk in made.all("Disk"):
            href = hrefs.get(disk.attributes.get("fileRef"), "")
            file = given.get(href)
            shown = _bytes(disk.attributes.get("capacity"), disk.attributes.get("capacityAllocationUnits"))
            if file is not None and file.capacity is not None:
                told = f"the caller of exchange {made.id} gave {href} the capacity {file.capacity}"
                right, by = shown == int(file.capacity), [made.id]
            else:
                real = _real_capacity(history, made, file.device if file is not None else href)
                if real is None:
                    continue
                told = f"{href} in exchange {made.id} is a disk of {real[0]} bytes by exchange {real[1]}"
                right, by = shown == real[0], [real[1], made.id]
            yield (kept if right else broken)(told, f"and has capacity {shown}", by=tuple(by))


def _unknown_options(history: History) -> Iterator[Case]:
    for made in _asked(history):
        strange = [option for option in made.options if option.startswith("twohop-")]
        told = f"exchange {made.id} asked for the option {', '.join(strange)}, which nobody knows"
        if strange and isinstance(made, DescriptorMade):
            yield kept(told, "and was answered", by=(made.id,))
        elif isinstance(made, DescriptorRefused) and strange and made.outcome.fault in ("InvalidArgument", *_OPTION):
            yield broken(told, f"and came to {made.outcome}", by=(made.id,))


_OPTION = ("NotSupported", "InvalidRequest")


def _foreign_snapshot(history: History) -> Iterator[Case]:
    owners = {
        (seen.server, name): (seen.vm, seen.id) for seen in history.all(MachineSeen) for name in seen.snapshots or ()
    }
    for made in _asked(history):
        owner = owners.get((made.server, made.snapshot or ""))
        if owner is None or owner[0] == made.entity:
            continue
        told = f"exchange {made.id} described {made.entity} by {made.snapshot}, a snapshot of {owner[0]},"
        if isinstance(made, DescriptorMade):
            yield broken(told, "and was answered", by=(owner[1], made.id))
        else:
            yield kept(told, f"and came to {made.outcome}", by=(owner[1], made.id))


def _images(history: History) -> Iterator[Case]:
    for made in history.all(DescriptorMade):
        items = made.all("Item") if made.images and made.attached is not None else ()
        drives = [item for item in items if any(r.text in _DRIVES for r in made.below(item, "ResourceType"))]
        full = sum(1 for item in drives if any("/file/" in r.text for r in made.below(item, "HostResource")))
        if not drives:
            continue
        told = f"exchange {made.id} asked for images, and was told that there are {'some' if made.attached else 'none'}"
        right = bool(full) == made.attached or (bool(made.given) and not full)
        yield (kept if right else broken)(told, f"of {len(drives)} drives {full} have a file", by=(made.id,))


def _asked(history: History) -> Iterator[DescriptorMade | DescriptorRefused]:
    return (event for event in history.events if isinstance(event, DescriptorMade | DescriptorRefused))


def _unfiltered(history: History) -> Iterator[tuple[DescriptorMade, list[DeviceUrl], tuple[int, ...]]]:
    """Yield descriptors for which no file was given, with the disks of a lease on the same, and who shows both."""
    for made in history.all(DescriptorMade):
        if made.given or made.parts is None:
            continue
        for record in _leases(history, made):
            # Who speaks a version before 4.1 is not told which of the files are disks (1.8).
            if record.info is not None and any(device.disk is not None for device in record.info.devices):
                yield made, _disks(record), (_shown(record), made.id)


def _leases(history: History, made: DescriptorMade | DescriptorRefused) -> list[LeaseRecord]:
    """Return the leases on what was described: a machine, a vApp, or a snapshot."""
    what = made.snapshot or made.entity
    of = [record for record in history.leases if record.server == made.server and record.granted is not None]
    return [record for record in of if record.granted is not None and record.granted.entity == what]


def _disks(record: LeaseRecord) -> list[DeviceUrl]:
    return [device for device in (record.info.devices if record.info else ()) if device.disk]


def _shown(record: LeaseRecord) -> int:
    return next(seen.id for seen in record.seen if seen.info is not None and seen.info.devices)


def _real_capacity(history: History, made: DescriptorMade, key: str) -> tuple[int, int] | None:
    """Return what a machine's disk was read to hold, and where, if nobody has changed the machine."""
    _, vm, place = key.split("/", 2) if key.count("/") == 2 else ("", "", "")
    if any(asked.vm == vm and asked.outcome.accepted for asked in history.all(ChangeAsked)):
        return None
    for seen in history.all(MachineSeen):
        if seen.vm == vm and seen.server == made.server and surely_before(seen.exchange, made.exchange):
            for disk in seen.disks or ():
                if disk.place == place:
                    return disk.capacity_kb << 10, seen.id
    return None


def _bytes(amount: str | None, units: str | None) -> int | None:
    return int(amount) << UNITS[units] if units in UNITS and amount is not None and amount.isdigit() else None


FILE_CLAUSES = (
    Clause(
        "DESCRIPTOR-007", "A machine that a lease holds is described.",
        "vsphere 8.2", "V", "vendor", "vcenter", _while_leased,
    ),
    Clause(
        "DESCRIPTOR-008", "Without files, or with an empty list of them, every disk is described.",
        "vsphere 8.3", "V", "vendor", "vcenter", _no_filter,
    ),
    Clause(
        "DESCRIPTOR-009", "Where no files are given they stand under their device keys, without sizes.",
        "vsphere 8.3", "C", "vendor", "vcenter", _placeholders,
    ),
    Clause(
        "DESCRIPTOR-010", "Every disk that the caller names is one of the package.",
        "vsphere 8.3, 8.4", "V", "vendor", "vcenter", _named_disks,
    ),
    Clause(
        "DESCRIPTOR-011", "The capacity of a disk is the one that the caller gave, or that of the machine's disk.",
        "vsphere 8.4", "V", "vendor", "vcenter", _capacities,
    ),
    Clause(
        "DESCRIPTOR-012", "An export option that the server does not know is ignored.",
        "vsphere 8.8", "V", "vendor", "vcenter", _unknown_options,
    ),
    Clause(
        "DESCRIPTOR-013", "A machine is not described by the snapshot of another.",
        "vsphere 8.8", "V", "vendor", "vcenter", _foreign_snapshot,
    ),
    Clause(
        "DESCRIPTOR-014", "Where images are asked for, drives have files if the result says that there are images.",
        "vsphere 8.8, 8.9", "V", "vendor", "vcenter", _images,
    ),
)  # fmt: skip
