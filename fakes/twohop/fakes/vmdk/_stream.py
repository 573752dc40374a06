"""Write a whole streamOptimized VMDK as a host sends it: front to back, never looking back (7.1, 7.2).

Order: header and descriptor, then for each 32 MiB of disk its grains and their grain table, then the grain directory,
the footer that tells where the directory is, and the end-of-stream marker. A 32 MiB stretch without data has no table,
so an empty disk is 68,096 bytes (7.3). Memory: one grain table, 4 bytes for each 32 MiB of disk, and one chunk with
what its parts are views of.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator

from twohop.fakes.vmdk._content import SECTOR, Deflated, DiskContent
from twohop.fakes.vmdk._errors import ContentError
from twohop.fakes.vmdk._format import (
    GRAIN_SECTORS,
    GT_BYTES,
    GT_ENTRIES,
    MARK_FOOTER,
    MARK_GD,
    MARK_GT,
    OVERHEAD_SECTORS,
    header,
    marker,
    preamble,
    sectors,
    tables,
)

__all__ = ["stream", "stream_size"]

_GRAIN_MARKER = struct.Struct("<QI")
_PADS = tuple(bytes(n) for n in range(SECTOR))
_GT_SECTORS = 1 + GT_BYTES // SECTOR
_TAIL_SECTORS = 3  # footer marker, footer, end of stream
_LAST_PLACE = (1 << 32) - 1024  # tables have 32 bits for a place; leaves room for a grain and its table


def _little(words: array[int]) -> bytes:
    if sys.byteorder == "big":
        words = words[:]
        words.byteswap()
    return words.tobytes()


def stream(
    content: DiskContent,
    *,
    cid: int,
    chunk: int = 1 << 18,
    adapter_type: str = "lsilogic",
    hardware_version: int = 13,
) -> Iterator[bytes]:
    """Yield a streamOptimized VMDK of `content` in pieces of about `chunk` bytes.

    `cid` is the content id of this one export, 32 bits: two exports of one disk differ in it (7.5). The pieces add up
    to `stream_size(content)` bytes. Raises ContentError if the content breaks its own promises (grains out of order or
    outside the disk) or its stream would pass 2 TiB, which the format cannot address. Source: 7.2, 7.3.
    """
    capacity = content.capacity
    front, descriptor_sectors = preamble(capacity, cid, adapter_type, hardware_version)
    directory = array("I", bytes(4 * tables(capacity)))
    table = array("I", bytes(GT_BYTES))
    empty = array("I", bytes(GT_BYTES))
    beyond = -(-capacity // (GRAIN_SECTORS * SECTOR))
    parts: list[Deflated] = [front]
    held = len(front)
    place = OVERHEAD_SECTORS  # sector at which the next part lands
    current = last = -1

    def close_table() -> bytes:
        nonlocal place
        block = marker(GT_BYTES // SECTOR, MARK_GT) + _little(table)
        directory[current] = place + 1
        place += _GT_SECTORS
        table[:] = empty
        return block

    for grain, squeezed in content.grains():
        index = grain // GT_ENTRIES
        if index != current:
            if current >= 0:
                parts.append(close_table())
                held += _GT_SECTORS * SECTOR
            current = index
        if not last < grain < beyond:
            raise ContentError(
                f"{type(content).__name__} gave grain {grain} after {last} on a disk of {beyond} grains: "
                "its grains() has to rise and stay inside the capacity"
            )
        if place > _LAST_PLACE:
            raise ContentError(
                "the disk deflates to more than 2 TiB, which a streamOptimized VMDK cannot address: "
                "the world must give it less data"
            )
        last = grain
        table[grain % GT_ENTRIES] = place
        used = _GRAIN_MARKER.size + len(squeezed)
        pad = -used % SECTOR
        parts += (_GRAIN_MARKER.pack(grain * GRAIN_SECTORS, len(squeezed)), squeezed, _PADS[pad])
        place += (used + pad) // SECTOR
        held += used + pad
        if held >= chunk:
            yield b"".join(parts)
            parts.clear()
            held = 0
    if current >= 0:
        parts.append(close_table())
    gd_bytes = _little(directory)
    gd_sectors = sectors(len(gd_bytes))
    parts += (
        marker(gd_sectors, MARK_GD),
        gd_bytes.ljust(gd_sectors * SECTOR, b"\0"),
        marker(1, MARK_FOOTER),
        header(capacity, place + 1, descriptor_sectors),
        bytes(SECTOR),
    )
    yield b"".join(parts)


def stream_size(content: DiskContent) -> int:
    """Tell how many bytes `stream(content, cid=...)` gives, without making them. Source: 7.3, 7.5."""
    total = OVERHEAD_SECTORS + 1 + sectors(4 * tables(content.capacity)) + _TAIL_SECTORS
    current = -1
    for grain, size in content.grain_bytes():
        total += (_GRAIN_MARKER.size + size + SECTOR - 1) // SECTOR
        if grain // GT_ENTRIES != current:
            current = grain // GT_ENTRIES
            total += _GT_SECTORS
    return total * SECTOR
