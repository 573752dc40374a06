"""The descriptor, which the server writes from the sizes that the client saw (8.1 to 8.9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pyVmomi import vim

from .._errors import BadAnswer, Refused
from ._faults import said


@dataclass(frozen=True, slots=True)
class OvfFile:
    """One file as the package holds it (8.4): the device's key, its path there, and its bytes as received.

    `capacity` and `populated_size` in bytes override what the server knows of the disk; `disk` False makes the server
    put images of drives into the descriptor too (8.8).
    """

    device_id: str
    path: str
    size: int
    capacity: int | None = None
    populated_size: int | None = None
    disk: bool = True


@dataclass(frozen=True, slots=True)
class Descriptor:
    """An OVF descriptor and what the server had to say about it."""

    xml: bytes
    warnings: tuple[str, ...]
    errors: tuple[str, ...]


def describe(
    manager: Any, vm: Any, files: Sequence[OvfFile], options: Sequence[str], name: str | None, snapshot: Any = None
) -> Descriptor:
    """Ask the server for the descriptor of `vm`, or of its `snapshot`, over `files`; faults are pyVmomi's."""
    parameters = vim.OvfManager.CreateDescriptorParams(
        ovfFiles=[_ovf_file(each) for each in files],
        name=name,
        includeImageFiles=any(not each.disk for each in files),
        exportOption=list(options),
    )
    if snapshot is not None:
        parameters.snapshot = snapshot
    result = manager.CreateDescriptor(obj=vm, cdp=parameters)
    if not isinstance(result, vim.OvfManager.CreateDescriptorResult):
        raise BadAnswer("the server answered CreateDescriptor with something else; try again")
    errors = tuple(said(fault) for fault in result.error or ())
    if not result.ovfDescriptor:
        raise Refused(f"the server wrote no descriptor: {'; '.join(errors) or 'no cause given'}")
    return Descriptor(result.ovfDescriptor.encode(), tuple(said(fault) for fault in result.warning or ()), errors)


def _ovf_file(file: OvfFile) -> Any:
    made = vim.OvfManager.OvfFile(deviceId=file.device_id, path=file.path, size=file.size)
    if file.capacity is not None:
        made.capacity = file.capacity
    if file.populated_size is not None:
        made.populatedSize = file.populated_size
    return made
