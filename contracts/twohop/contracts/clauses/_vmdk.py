"""Telling a whole streamOptimized VMDK from a cut one by its ends alone (vsphere 7.2, 7.6; VMDK 5.0 specification).

The contract's own reading of the format: the fake's writer and the exporter's reader are two others.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

SECTOR = 512
"""Bytes in which everything in a sparse extent is counted."""
_HEADER = struct.Struct("<4sIIQQQQIQQQB4sH")
_COMPRESSED, _MARKERS = 1 << 16, 1 << 17
_AT_END = 0xFFFF_FFFF_FFFF_FFFF


def flaw(head: bytes, tail: bytes, size: int) -> str | None:
    """Say what keeps a stream from being whole, or None where nothing does.

    `head` are its first 512 bytes or more, `tail` its last 1024, `size` all of them.
    """
    if len(head) < SECTOR or len(tail) < 2 * SECTOR:
        return f"{size} bytes are less than a header and a footer"
    if size % SECTOR:
        return f"{size} bytes are no whole number of sectors"
    front = _read(head[:SECTOR])
    if front is None:
        return "it does not begin with the header of a sparse extent"
    magic_flags, _, directory = front
    if magic_flags & _COMPRESSED == 0 or magic_flags & _MARKERS == 0:
        return f"its header has flags {magic_flags:#x}, without compressed grains or markers"
    if directory != _AT_END:
        return None if directory * SECTOR < size else "its grain directory lies beyond its end"
    if any(tail[-SECTOR:]):
        return "it does not end with an end-of-stream marker"
    footer = _read(tail[-2 * SECTOR : -SECTOR])
    if footer is None or footer[2] == _AT_END:
        return "no footer stands before its end-of-stream marker"
    if footer[1] != front[1] or footer[2] * SECTOR >= size:
        return "its footer does not fit its header or its length"
    return None


@dataclass(frozen=True, slots=True)
class Header:
    """The numbers of a sparse extent's header; `capacity`, `grain` and `overhead` in sectors."""

    version: int
    flags: int
    capacity: int
    grain: int
    directory: int
    overhead: int
    compression: int

    def __str__(self) -> str:
        """Say what there is to compare."""
        return (
            f"version {self.version}, flags {self.flags:#x}, grains of {self.grain} sectors, compression "
            f"{self.compression}, directory {self.directory:#x}, overhead {self.overhead}"
        )


def read_header(head: bytes) -> Header | None:
    """Return the header that a stream begins with, or None where it begins otherwise."""
    if len(head) < SECTOR:
        return None
    fields = _HEADER.unpack_from(head)
    magic, version, flags, capacity, grain = fields[:5]
    return Header(version, flags, capacity, grain, fields[9], fields[10], fields[13]) if magic == b"KDMV" else None


def oddity(header: Header) -> str | None:
    """Say what no recorded header of an export has, or None where there is nothing (7.2)."""
    odd = {
        "version": header.version != 3,
        "flags": header.flags != 0x30001,
        "grain size": header.grain != 128,
        "directory": header.directory != _AT_END,
        "overhead": header.overhead != 128,
        "compression": header.compression != 1,
    }
    wrong = [name for name, is_odd in odd.items() if is_odd]
    return f"no server has been seen to send such a {', '.join(wrong)}" if wrong else None


def _read(sector: bytes) -> tuple[int, int, int] | None:
    """Return flags, capacity in sectors and the sector of the grain directory."""
    magic, _version, flags, capacity, *_rest = fields = _HEADER.unpack_from(sector)
    return (flags, capacity, fields[9]) if magic == b"KDMV" else None
