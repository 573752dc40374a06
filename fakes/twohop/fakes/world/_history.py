"""Snapshots and linked clones: disks that share what is below, each with its own writes on top (7.7)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

from ..machines import PowerState
from ._entities import Controller, Disk, Snapshot, Vm

_DELTA = re.compile(r"^(?P<stem>.*?)(?:-(?P<number>\d{6}))?\.vmdk$")


def frozen(vm: Vm, power: PowerState, disks: Iterable[Disk] | None = None) -> Vm:
    """Return a machine as it stands, for a snapshot to keep."""
    return replace(
        vm, power=power, disks=list(vm.disks if disks is None else disks), controllers=list(vm.controllers),
        images=list(vm.images), nics=list(vm.nics), snapshots=[], current_snapshot=None, leases=frozenset(),
        waiting=(),
    )  # fmt: skip


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
    names = {disk.file_name for snapshot in gone for disk in snapshot.machine.disks}
    others = [snapshot.machine for snapshot in vm.all_snapshots()]
    current = vm.disks
    for name in sorted(names, reverse=True):
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
