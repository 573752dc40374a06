"""What disks and other files hold, by a world file: a seed, or a file beside it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

from ..vmdk import GRAIN_BYTES, DiskContent, FileContent, Layer, LayeredContent, SeededContent
from ._plain import FileBytes, PlainContent, SeededBytes
from ._spec import check_keys
from ._values import WorldFileError, size


class Contents:
    """Makes contents for the world of one seed; paths start from `base`."""

    def __init__(self, seed: int, base: Path) -> None:
        self._seed = seed
        self._base = base

    def disk(self, row: Mapping[str, Any], number: int, where: str) -> DiskContent:
        """Return what a disk holds."""
        content = str(row.get("content", f"seed:{number}"))
        if not content.startswith("seed:"):
            if "size" in row or "data" in row:
                raise WorldFileError(f"{where}: disk {number}: a disk from a file has that file's size and data")
            return self._file(content, f"{where}: disk {number}")
        capacity = size(row.get("size", 1 << 30), f"{where}: size of disk {number}")
        data = size(row.get("data", min(capacity, 64 << 20)), f"{where}: data of disk {number}")
        if data > capacity or capacity == 0 or capacity % 512:
            raise WorldFileError(
                f"{where}: disk {number}: {data} bytes of data on {capacity}; give whole sectors, data within size"
            )
        return SeededContent(capacity, data, self._seed_of(content, where))

    def written(self, row: Any, below: DiskContent, where: str) -> DiskContent:
        """Return a disk after what a `delta` says was written on it; None says nothing was."""
        if row is None:
            return below
        row = check_keys("delta", row, where)
        capacity = below.capacity
        # Where nothing is said, what is written is unlike anything that was there.
        content = str(row.get("content", f"seed:{crc32(where.encode()) | 1 << 32}"))
        if content.startswith("seed:"):
            data = size(row.get("data", 0), f"{where}: data")
            if data > capacity:
                raise WorldFileError(
                    f"{where}: {data} bytes of data on a disk of {capacity}; give no more than it holds"
                )
            layer: DiskContent = SeededContent(capacity, data, self._seed_of(content, where))
        elif "data" in row:
            raise WorldFileError(f"{where}: what was written from a file has that file's data; leave 'data' out")
        else:
            layer = self._file(content, where)
            if layer.capacity != capacity:
                raise WorldFileError(
                    f"{where}: {content} is a disk of {layer.capacity} bytes over one of {capacity}; give one as large"
                )
        zeroed = size(row.get("zeroed", 0), f"{where}: zeroed")
        if zeroed % GRAIN_BYTES or zeroed > capacity:
            raise WorldFileError(f"{where}: zeroed is a multiple of 64 KiB within the disk; got {zeroed}")
        return LayeredContent(below, Layer(layer, range(zeroed // GRAIN_BYTES)))

    def plain(self, row: Mapping[str, Any], default: int, where: str) -> PlainContent:
        """Return what a file that is no disk holds, `default` bytes unless it says how many."""
        content = str(row.get("content", "seed:0"))
        if content.startswith("seed:"):
            return SeededBytes(size(row.get("size", default), f"{where}: size"), self._seed_of(content, where))
        if "size" in row:
            raise WorldFileError(f"{where}: a file has its own size; leave 'size' out")
        try:
            return FileBytes.open(self._base / content)
        except OSError as error:
            raise WorldFileError(f"{where}: {content} cannot be read: {error.strerror}") from None

    def _seed_of(self, content: str, where: str) -> int:
        if not (content[5:].isascii() and content[5:].isdigit()):
            raise WorldFileError(f"{where}: content is seed:N or a file; got {content!r}")
        return self._seed * 1_000_003 + int(content[5:])

    def _file(self, content: str, where: str) -> DiskContent:
        try:
            return _file_content(self._base / content)
        except (OSError, ValueError) as error:
            raise WorldFileError(f"{where}: {content} is no disk to read: {error}") from None


@cache
def _file_content(path: Path) -> DiskContent:
    return FileContent.open(path)
