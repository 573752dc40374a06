"""Judge a streamOptimized VMDK while it comes in, front to back, as a host that writes its grains to a disk does (7.2).

What stands in the tables is judged once all of it is there (`received`); a host that inflates as it receives notices
anything else at once. Memory: one grain and the piece at hand.
"""

from __future__ import annotations

import struct

from twohop.fakes.vmdk._content import GRAIN_BYTES, SECTOR
from twohop.fakes.vmdk._deflate import inflate
from twohop.fakes.vmdk._errors import ImageError
from twohop.fakes.vmdk._file import FileContent
from twohop.fakes.vmdk._format import GD_AT_END, GRAIN_SECTORS, GT_ENTRIES, MARK_FOOTER, MARK_GD, MARK_GT
from twohop.fakes.vmdk._source import ImageFile
from twohop.fakes.vmdk._sparse import SparseExtent, StreamSource

__all__ = ["Intake", "received"]

_HEADER = struct.Struct("<4sIIQQQQIQQQB4sH433x")
_MARKER = struct.Struct("<QII")
_COMPRESSED, _MARKERS, _DEFLATE = 0x10000, 0x20000, 1
_NEWLINES = b"\n \r\n"
_MOST_OVERHEAD = 1 << 25  # sectors before the first grain: room for the tables of 62 TiB, twice
_EOS = 0


class Intake:
    """The stream of one disk of `capacity` bytes; `feed` what comes, then `finish`. ImageError says what is wrong.

    `end` is the byte behind the end-of-stream marker once that has come: what follows is no part of the disk (5.4).
    """

    def __init__(self, capacity: int) -> None:
        self.end: int | None = None
        self._capacity = capacity
        self._buffer = bytearray()
        self._taken = self._at = 0
        self._step = self._header
        self._need = SECTOR
        self._skip = 0
        self._last = -1
        self._trailing = False
        self._footer = False

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        if self.end is not None:
            return
        self._buffer += data
        place = 0
        with memoryview(self._buffer) as view:
            while self.end is None:
                if self._skip:
                    stepped = min(self._skip, len(view) - place)
                    self._skip -= stepped
                    place += stepped
                    if self._skip:
                        break
                if len(view) - place < self._need:
                    break
                need, self._at = self._need, self._taken + place
                if self._step(bytes(view[place : place + need])):
                    place += need
        self._taken += place
        del self._buffer[:place]

    def finish(self) -> None:
        """Say that no more comes."""
        if self.end is not None:
            return
        if self._step == self._header or self._skip or self._buffer:
            raise ImageError("the stream ends in the middle: send the disk again, whole")
        if self._trailing:
            raise ImageError("the stream ends without its footer and its end-of-stream marker: send the disk whole")

    def _header(self, block: bytes) -> bool:
        magic, version, flags, total, grain, _, _, entries, _, directory, overhead, _, newlines, method = (
            _HEADER.unpack(block)
        )
        if magic != b"KDMV":
            raise ImageError("the stream does not begin with KDMV: a disk is sent as a streamOptimized VMDK")
        if newlines != _NEWLINES:
            raise ImageError("the newline characters of the header are altered: something has taken it for text")
        if not (1 <= version <= 3 and flags & _COMPRESSED and flags & _MARKERS and method == _DEFLATE):
            raise ImageError("the VMDK is not streamOptimized: its header says neither deflated grains nor markers")
        if (grain, entries) != (GRAIN_SECTORS, GT_ENTRIES):
            raise ImageError(f"the VMDK has grains of {grain} sectors in tables of {entries}: expected 128 and 512")
        if total * SECTOR != self._capacity:
            raise ImageError(f"the VMDK is of a disk of {total * SECTOR} bytes: the descriptor says {self._capacity}")
        if not 0 < overhead <= _MOST_OVERHEAD:
            raise ImageError(f"the header says that grains begin at sector {overhead}")
        self._trailing = directory == GD_AT_END
        self._skip = (overhead - 1) * SECTOR
        self._step = self._marker
        return True

    def _marker(self, block: bytes) -> bool:
        value, size, kind = _MARKER.unpack_from(block)
        if size:
            if size > 2 * GRAIN_BYTES or value % GRAIN_SECTORS or not self._last < value < self._capacity // SECTOR:
                raise ImageError(f"a marker says a grain of {size} bytes at sector {value}, after sector {self._last}")
            whole = -(-(12 + size) // SECTOR) * SECTOR
            if self._need != whole:
                # The whole grain is asked for, and then looked at again.
                self._need = whole
                if whole != len(block):
                    return False
            self._grain(value, block[12 : 12 + size])
        elif kind == _EOS:
            if self._trailing and not self._footer:
                raise ImageError("the end-of-stream marker comes before the footer")
            self.end = self._at + SECTOR
        elif kind in (MARK_GT, MARK_GD, MARK_FOOTER):
            if value > _MOST_OVERHEAD:
                raise ImageError(f"a marker announces {value} sectors of tables")
            self._footer = self._footer or kind == MARK_FOOTER
            self._skip = value * SECTOR
        else:
            raise ImageError(f"a marker is of kind {kind}, which there is not")
        self._need = SECTOR
        return True

    def _grain(self, sector: int, data: bytes) -> None:
        try:
            content = inflate(data, GRAIN_BYTES)
        except ValueError as err:
            raise ImageError(f"the grain at sector {sector}: {err}") from err
        inside = min(GRAIN_BYTES, self._capacity - sector * SECTOR)
        if not inside <= len(content) <= GRAIN_BYTES:
            raise ImageError(f"the grain at sector {sector} has {len(content)} bytes: expected {inside}")
        self._last = sector


def received(descriptor: int, shown: str, end: int | None) -> FileContent:
    """Return the disk in an open file without a name, once `Intake` has seen all of it, up to its `end`.

    The file is closed when nobody holds the disk any more.
    """
    file = ImageFile.adopt(descriptor, shown, end)
    return FileContent(file, StreamSource(SparseExtent(file)))
