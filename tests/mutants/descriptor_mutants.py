"""Mutants of descriptors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from twohop.contracts.targets import FakeTarget
from twohop.fakes.ovf import DescribedFile, _content, _files
from twohop.fakes.vim._registry import vim, vmodl
from twohop.fakes.vim.objects import _ovf_manager
from twohop.fakes.world import Disk, Image, Nvram, VApp

from .mutant import killed_by


@killed_by("DESCRIPTOR-001")
def cut_short(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The end of a descriptor is missing (8.5)."""
    honest = _ovf_manager.describe
    patch.setattr(_ovf_manager, "describe", lambda *given, **more: honest(*given, **more)[:-5])


def _given(patch: pytest.MonkeyPatch, **changed: Any) -> None:
    honest = _ovf_manager._file
    patch.setattr(_ovf_manager, "_file", lambda given: replace(honest(given), **changed))


@killed_by("DESCRIPTOR-002")
def sizes_of_its_own(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A descriptor has other sizes than the caller has observed (8.4, 8.7)."""
    _given(patch, size=12345)


@killed_by("DESCRIPTOR-003")
def capacities_in_bytes(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The capacity of every disk is in bytes (8.5)."""
    patch.setattr(_files, "_scaled", lambda size: (size, None))


@killed_by("DESCRIPTOR-004")
def populated_by_guess(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """Every disk has a populated size, whether the caller gave one or not (8.6)."""
    _given(patch, populated=1)


def _resources(patch: pytest.MonkeyPatch, kind: type, text: str | None) -> None:
    honest = _files.Files.resource

    def changed(self: Any, source: Any) -> str | None:
        return text if isinstance(source, kind) else honest(self, source)

    patch.setattr(_files.Files, "resource", changed)


@killed_by("DESCRIPTOR-005")
def disks_that_are_not_there(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """Drives refer to disks that the descriptor does not have (8.5)."""
    _resources(patch, Disk, "ovf:/disk/vmdisk99")


@killed_by("DESCRIPTOR-006")
def nvram_that_nobody_reads(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The file of the firmware is in the package, and no setting says so (8.10)."""
    _resources(patch, Nvram, None)


def _described(patch: pytest.MonkeyPatch, change: Callable[[Any, dict[str, Any]], None]) -> None:
    """Change what a descriptor is made from; `change` is given the entity and all the rest by name."""
    honest = _ovf_manager.describe

    def changed(entity: Any, **given: Any) -> bytes:
        change(entity, given)
        return honest(entity, **given)

    patch.setattr(_ovf_manager, "describe", changed)


@killed_by("DESCRIPTOR-007")
def leased_machines_are_busy(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A machine is not described while a lease holds it (8.2)."""

    def refuse(entity: Any, given: dict[str, Any]) -> None:
        if entity.leases:
            raise vim.fault.InvalidState(msg="The machine is being exported.")

    _described(patch, refuse)


@killed_by("DESCRIPTOR-008")
def no_files_are_none(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """An empty list of files leaves out all of them (8.3)."""

    def filtered(entity: Any, given: dict[str, Any]) -> None:
        given["files"] = given["files"] or [DescribedFile("none", "none")]

    _described(patch, filtered)


@killed_by("DESCRIPTOR-009")
def names_instead_of_placeholders(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """Where no files are given, they stand under names and with sizes (8.3)."""
    patch.setattr(_files, "DescribedFile", lambda device, path: DescribedFile(device, f"disk{path[-2:]}.vmdk", 1))


@killed_by("DESCRIPTOR-010")
def one_named_file_is_left_out(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """Of several files that the caller names, the first is left out (8.3)."""

    def shorter(entity: Any, given: dict[str, Any]) -> None:
        given["files"] = given["files"][1:] if given["files"] else None

    _described(patch, shorter)


@killed_by("DESCRIPTOR-011")
def capacities_of_its_own(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A capacity that the caller gives does not override that of the disk (8.4)."""
    _given(patch, capacity=None)


@killed_by("DESCRIPTOR-012")
def unknown_options_are_refused(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """An export option that the server does not know is an invalid argument (8.8)."""

    def refuse(entity: Any, given: dict[str, Any]) -> None:
        if given["options"] - set(_ovf_manager.OPTIONS):
            raise vmodl.fault.InvalidArgument(invalidProperty="cdp.exportOption")

    _described(patch, refuse)


@killed_by("DESCRIPTOR-013")
def any_snapshot_will_do(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A machine is described by the snapshot of another (8.8)."""
    patch.setattr(
        _ovf_manager, "_described", lambda call, entity, of: entity if of is None else call.resolve(of).machine
    )


@killed_by("DESCRIPTOR-014")
def drives_without_their_images(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """Images are in the package, and the drives do not say so (8.8)."""
    _resources(patch, Image, None)


@killed_by("DESCRIPTOR-015")
def names_of_its_own(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The name that the caller gives is not the id of the entity (8.8)."""
    _described(patch, lambda entity, given: given.update(name=entity.name))


@killed_by("DESCRIPTOR-016")
def notes_of_its_own(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The description that the caller gives is not the annotation (8.8)."""
    _described(patch, lambda entity, given: given.update(description=None))


@killed_by("DESCRIPTOR-017")
def two_lists_of_disks(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The disks stand in two sections (8.11)."""
    honest = _files.Files.disks

    def twice(self: Any, root: Any) -> None:
        honest(self, root)
        honest(self, root)

    patch.setattr(_files.Files, "disks", twice)


@killed_by("DESCRIPTOR-018")
def flattened_vapps(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The machines of a vApp in a vApp stand in the outer one (8.11)."""
    patch.setattr(_content, "_children", lambda vapp: vapp.machines())


@killed_by("DESCRIPTOR-019")
def only_machines_are_started(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The startup section of a vApp leaves out the vApps in it (8.11)."""
    patch.setattr(VApp, "members", lambda self: list(self.vms))
