"""References and DiskSection: the files of all machines of a package, in one flat list (8.3 to 8.7, 8.10, 8.11)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..world import Disk, Image, Nvram, Vm, device_key
from ._names import STREAM_OPTIMIZED
from ._xml import element, section

Images = Literal["all", "named", "none"]


@dataclass(frozen=True, slots=True)
class DescribedFile:
    """A file as the caller observed it: device key, path, size in bytes; the rest where it was given (8.4)."""

    device: str
    path: str
    size: int | None = None
    capacity: int | None = None
    populated: int | None = None


class Files:
    """What the package refers to, with the ids that devices refer to it by.

    `given` None, or an empty list, takes every file under its device key as a placeholder, without a size (8.3).
    `images` takes CD and floppy images: all of them, those that are named, or none. `left_out` leaves out what cannot
    be described.
    """

    def __init__(
        self,
        machines: Iterable[Vm],
        given: Sequence[DescribedFile] | None,
        *,
        images: Images,
        nvram: bool,
        left_out: bool,
    ) -> None:
        by_device = {file.device: file for file in given or ()}
        self._rows: list[tuple[Disk | Image | Nvram, DescribedFile]] = []
        for vm in machines:
            wanted = images == "all" or (images == "named" and bool(by_device))
            there = sorted((i for i in vm.images if wanted and i.content is not None), key=lambda image: image.key)
            kinds: dict[str, list[Any]] = {
                "disk": vm.disks, "cd": [i for i in there if i.kind == "iso"],
                "floppy": [i for i in there if i.kind == "floppy"], "nic": [],
            }  # fmt: skip
            # Files stand in the order of the items that refer to them.
            sources: list[Disk | Image | Nvram] = [source for kind in vm.settings.order for source in kinds[kind]]
            sources += [vm.nvram] if nvram and vm.nvram is not None else []
            for source in sources:
                if left_out and not isinstance(source, Nvram) and source.export_error:
                    continue
                key = device_key(vm, source)
                file = by_device.get(key) if by_device else DescribedFile(key, key)
                if file is not None:
                    self._rows.append((source, file))
        self._resources: dict[int, str] = {}
        disks = 0
        for number, (source, _) in enumerate(self._rows, 1):
            disks += isinstance(source, Disk)
            at = f"disk/vmdisk{disks}" if isinstance(source, Disk) else f"file/file{number}"
            self._resources[id(source)] = f"ovf:/{at}"

    def resource(self, source: Disk | Image | Nvram) -> str | None:
        """Return what a device says it is made from; None for a file that is not in the package."""
        return self._resources.get(id(source))

    def references(self, root: Any) -> None:
        """Add References."""
        references = element(root, "References")
        for number, (_, file) in enumerate(self._rows, 1):
            element(references, "File", href=file.path, id=f"file{number}", size=file.size)

    def disks(self, root: Any) -> None:
        """Add the DiskSection, where there is a disk."""
        rows = [(n, source, file) for n, (source, file) in enumerate(self._rows, 1) if isinstance(source, Disk)]
        if not rows:
            return
        parent = section(root, "DiskSection", "Virtual disk information")
        for disk_number, (number, disk, file) in enumerate(rows, 1):
            amount, units = _scaled(file.capacity or disk.capacity)
            element(
                parent, "Disk", capacity=amount, capacityAllocationUnits=units, diskId=f"vmdisk{disk_number}",
                fileRef=f"file{number}", format=STREAM_OPTIMIZED, populatedSize=file.populated,
            )  # fmt: skip


def _scaled(size: int) -> tuple[int, str | None]:
    # The server scales to the largest exact unit, and names none where that is the byte (8.5).
    for power in (30, 20):
        if size % (1 << power) == 0:
            return size >> power, f"byte * 2^{power}"
    return size, None
