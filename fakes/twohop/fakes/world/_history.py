"""Snapshots and linked clones: disks that share what is below, each with its own writes on top (7.7)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import pairwise

from ..machines import PowerState
from ._entities import Datastore, Snapshot, Vm
from ._hardware import Controller, Disk

_DELTA = re.compile(r"^(?P<stem>.*?)(?:-(?P<number>\d{6}))?\.vmdk$")


def frozen(vm: Vm, power: PowerState, disks: Iterable[Disk] | None = None) -> Vm:
    """Return a machine as it stands, for a snapshot to keep."""
    return replace(
        vm, power=power, disks=list(vm.disks if disks is None else disks), controllers=list(vm.controllers),
        images=list(vm.images), drives=list(vm.drives), nics=list(vm.nics),
        snapshots=[], current_snapshot=None, leases=frozenset(), waiting=(),
    )  # fmt: skip


def disk_file(vm: Vm, store: Datastore, number: int) -> str:
    """Return the name of the file of a machine's disk number `number`, from 0, on a datastore."""
    directory = vm.directory.partition("] ")[2]
    stem = directory.rstrip("/").rpartition("/")[2]
    return f"[{store.name}] {directory}{stem}{f'_{number}' if number else ''}.vmdk"


def next_number(vm: Vm) -> int:
    """Return the number of the next snapshot of a machine (VirtualMachineSnapshotTree.id)."""
    return max((snapshot.number for snapshot in vm.all_snapshots()), default=0) + 1


def child_disks(vm: Vm, below: Iterable[Disk]) -> list[Disk]:
    """Return disks over others, whose files nobody writes to any more: each a new file of that machine."""
    machines = [vm, *(snapshot.machine for snapshot in vm.all_snapshots())]
    used = {name for machine in machines for disk in machine.disks for name in (disk.file_name, *disk.parents)}
    number = max((int(_parts(name)[1] or 0) for name in used), default=0) + 1
    return [
        replace(
            disk, file_name=f"{_parts(disk.file_name)[0]}-{number:06d}.vmdk", parents=(disk.file_name, *disk.parents)
        )
        for disk in below
    ]


def place_again(disks: Iterable[Disk], controllers: list[Controller]) -> list[Disk]:
    """Return disks on the controllers of another machine that has the same ones, by key."""
    by_key = {controller.key: controller for controller in controllers}
    return [replace(disk, controller=by_key[disk.controller.key]) for disk in disks]


def merged(vm: Vm, gone: Iterable[Snapshot]) -> list[Disk]:
    """Return a machine's disks once snapshots that are gone have been merged; its other snapshots follow.

    A file that no snapshot needs any more takes in the one file that lies over it; under several it stays. Contents are
    as they were, since every disk holds its whole content; only names and chains become shorter.
    """
    # Files that lie over others first.
    below = sorted((disk for snapshot in gone for disk in snapshot.machine.disks), key=lambda disk: -len(disk.parents))
    others = [snapshot.machine for snapshot in vm.all_snapshots()]
    current = vm.disks
    for name in dict.fromkeys(disk.file_name for disk in below):
        lists = [current, *(machine.disks for machine in others)]
        chains = [(disk.file_name, *disk.parents) for disks in lists for disk in disks]
        needed = {disk.file_name for machine in others for disk in machine.disks}
        above = {upper for chain in chains for upper, lower in pairwise(chain) if lower == name}
        if name in needed or len(above) != 1:
            continue
        (file,) = above
        current = [_without(disk, file) for disk in current]
        for machine in others:
            machine.disks = [_without(disk, file) for disk in machine.disks]
    return current


def _without(disk: Disk, name: str) -> Disk:
    chain = [file for file in (disk.file_name, *disk.parents) if file != name]
    return replace(disk, file_name=chain[0], parents=tuple(chain[1:]))


def _parts(name: str) -> tuple[str, str | None]:
    match = _DELTA.match(name)
    assert match is not None, name
    return match["stem"], match["number"]


def copied_disks(
    vm: Vm, below: Iterable[Disk], stores: Mapping[int, Datastore], *, linked: bool, thin: bool | None = None
) -> list[Disk]:
    """Return the disks of a clone, on its own controllers and in files of its own; a linked one's stand on `below`."""
    return [
        replace(
            disk, datastore=stores[disk.key], file_name=disk_file(vm, stores[disk.key], number),
            parents=(disk.file_name, *disk.parents) if linked else (), thin=disk.thin if thin is None else thin,
        )
        for number, disk in enumerate(place_again(below, vm.controllers))
    ]  # fmt: skip
