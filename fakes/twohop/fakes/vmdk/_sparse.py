"""A disk in a sparse VMDK of one file: streamOptimized or monolithicSparse, read by its tables."""

from __future__ import annotations

import re
import struct
import sys
import zlib
from array import array
from collections.abc import Callable, Iterator

from twohop.fakes.vmdk._content import GRAIN_BYTES, SECTOR, Deflated
from twohop.fakes.vmdk._deflate import deflate, inflate
from twohop.fakes.vmdk._errors import ImageError
from twohop.fakes.vmdk._format import GD_AT_END, GRAIN_SECTORS, GT_BYTES, GT_ENTRIES, tables
from twohop.fakes.vmdk._source import Ahead, ImageFile

__all__ = ["SparseExtent", "SparseSource", "StreamSource"]

_FIELDS = struct.Struct("<4sIIQQQQIQQQB4sH433x")
_MARKER = struct.Struct("<QI")
_ZERO = bytes(GRAIN_BYTES)
_ZEROED_GRAINS, _COMPRESSED = 0x4, 0x10000
_MOST_DESCRIPTOR = 1 << 17
_ADLER_OF_ZERO = zlib.adler32(_ZERO).to_bytes(4, "big")  # ends every zlib stream of 64 KiB of zeros
_MAYBE_ZERO = 1024  # no deflater makes more than this of 64 KiB of zeros, unless it stores them


def _words(data: bytes) -> array[int]:
    words = array("I", data)
    if sys.byteorder == "big":
        words.byteswap()
    return words


class SparseExtent:
    """Read header, descriptor and directory of a sparse VMDK.

    `usual` tells whether its grains are of 64 KiB in tables of 512; nothing else can be read here. Memory: 4 bytes
    for each 32 MiB of disk.
    """

    def __init__(self, file: ImageFile) -> None:
        """Take an open file that begins with KDMV."""
        self.file = file
        fields = _FIELDS.unpack(file.require(0, SECTOR))
        if fields[9] == GD_AT_END:
            fields = _FIELDS.unpack(file.require(max(0, file.size - 2 * SECTOR), SECTOR))
            if fields[0] != b"KDMV" or fields[9] == GD_AT_END:
                raise ImageError(f"{file.name} is cut: its footer is missing, so fetch or convert it again")
        _, _, flags, sectors, grain, text_at, text_sectors, entries, _, self._gd, *_ = fields
        self.capacity = sectors * SECTOR
        self.compressed = bool(flags & _COMPRESSED)
        self._zeroed = bool(flags & _ZEROED_GRAINS)
        self.usual = (grain, entries) == (GRAIN_SECTORS, GT_ENTRIES)
        if not sectors:
            raise ImageError(f"{file.name} has a capacity of 0: it is part of a disk, so name the disk's descriptor")
        text = file.require(text_at * SECTOR, min(text_sectors * SECTOR, _MOST_DESCRIPTOR)).rstrip(b"\0")
        if not text_at or b"createType" not in text:
            raise ImageError(f"{file.name} has no descriptor: it is part of a disk, so name the disk's descriptor")
        parent = re.search(rb"^parentCID\s*=\s*(\w+)", text, re.MULTILINE)
        if parent and parent[1].lower() != b"ffffffff":
            raise ImageError(f"{file.name} is a delta of another disk: flatten it first (qemu-img convert)")

    def entries(self) -> Iterator[tuple[int, int]]:
        """Yield (grain number, sector it stands at) for every allocated grain, in rising order."""
        directory = _words(self.file.require(self._gd * SECTOR, 4 * tables(self.capacity)))
        for index, place in enumerate(directory):
            if not place:
                continue
            for number, sector in enumerate(_words(self.file.require(place * SECTOR, GT_BYTES)), index * GT_ENTRIES):
                if sector and not (sector == 1 and self._zeroed):
                    yield number, sector


class SparseSource:
    """Read the plain grains of a monolithicSparse VMDK."""

    def __init__(self, extent: SparseExtent) -> None:
        """Take an extent whose grains are not deflated."""
        self._extent = extent
        self.capacity = extent.capacity

    def contents(self) -> Iterator[tuple[int, bytes]]:
        """Yield (grain number, its 64 KiB) for every grain that is not all zeros, in rising order."""
        for number, sector in self._extent.entries():
            inside = min(GRAIN_BYTES, self.capacity - number * GRAIN_BYTES)
            content = self._extent.file.require(sector * SECTOR, inside).ljust(GRAIN_BYTES, b"\0")
            if content != _ZERO:
                yield number, content


class StreamSource:
    """Pass on the deflated grains of a streamOptimized VMDK as they are.

    Only what may be all zeros, and the last grain of a disk that ends inside it, is inflated: the former is left out,
    the latter padded. A grain whose deflated data is broken is passed on unseen.
    """

    def __init__(self, extent: SparseExtent) -> None:
        """Take an extent whose grains are deflated."""
        self._extent = extent
        self.capacity = extent.capacity

    def _stored(self, require: Callable[[int, int], Deflated]) -> Iterator[tuple[int, int, int, bytes | None]]:
        """Yield (grain number, byte its zlib stream stands at, length, the zlib stream where it has to be another)."""
        file = self._extent.file
        for number, sector in self._extent.entries():
            lba, size = _MARKER.unpack(require(sector * SECTOR, _MARKER.size))
            if lba != number * GRAIN_SECTORS or not 0 < size <= 2 * GRAIN_BYTES:
                raise ImageError(
                    f"{file.name} contradicts itself: its table has grain {number} at sector {sector}, the marker "
                    f"there says sector {lba} of the disk and {size} bytes; convert the disk again"
                )
            place = sector * SECTOR + _MARKER.size
            inside = min(GRAIN_BYTES, self.capacity - number * GRAIN_BYTES)
            if size > _MAYBE_ZERO and inside == GRAIN_BYTES:
                yield number, place, size, None
                continue
            squeezed = bytes(require(place, size))
            if inside == GRAIN_BYTES and not squeezed.endswith(_ADLER_OF_ZERO):
                yield number, place, size, None
                continue
            try:
                content = inflate(squeezed, GRAIN_BYTES)[:inside].ljust(GRAIN_BYTES, b"\0")
            except ValueError as err:
                raise ImageError(f"{file.name}, grain {number}: {err}; convert the disk again") from err
            if content != _ZERO:
                yield number, place, size, None if inside == GRAIN_BYTES else deflate(content)

    def numbers(self) -> Iterator[int]:
        """Yield the numbers of the grains with data."""
        for number, _, _, _ in self._stored(self._extent.file.require):
            yield number

    def grains(self) -> Iterator[tuple[int, Deflated]]:
        """Yield (grain number, zlib stream)."""
        require = Ahead(self._extent.file).require
        for number, place, size, other in self._stored(require):
            yield number, require(place, size) if other is None else other

    def sizes(self) -> Iterator[tuple[int, int]]:
        """Yield (grain number, length of the zlib stream)."""
        for number, _, size, other in self._stored(self._extent.file.require):
            yield number, size if other is None else len(other)
