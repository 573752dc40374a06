"""Mutants of descriptors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from twohop.contracts.targets import FakeTarget
from twohop.fakes.ovf import _files
from twohop.fakes.vim.objects import _ovf_manager
from twohop.fakes.world import Disk, Nvram

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
