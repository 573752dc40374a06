"""Telling a whole streamOptimized VMDK from a cut one by its ends alone (vsphere 7.2, 7.6; VMDK 5.0 specification).

The contract's own reading of the format: the fake's writer and the exporter's reader are two others.
"""

from __future__ import annotations

import struct

_SECTOR = 512
_HEADER = struct.Struct("<4sIIQQQQIQQQB4sH")
_COMPRESSED, _MARKERS = 1 << 16, 1 << 17
_AT_END = 0xFFFF_FFFF_FFFF_FFFF


def flaw(head: bytes, tail: bytes, size: int) -> str | None:
    """Say what keeps a stream from being whole, or None where nothing does.

    `head` are its first 512 bytes or more, `tail` its last 1024, `size` all of them.
    """
    if len(head) < _SECTOR or len(tail) < 2 * _SECTOR:
        return f"{size} bytes are less than a header and a footer"
    if size % _SECTOR:
        return f"{size} bytes are no whole number of sectors"
    front = _read(head[:_SECTOR])
    if front is None:
        return "it does not begin with the header of a sparse extent"
    magic_flags, _, directory = front
    if magic_flags & _COMPRESSED == 0 or magic_flags & _MARKERS == 0:
        return f"its header has flags {magic_flags:#x}, without compressed grains or markers"
    if directory != _AT_END:
        return None if directory * _SECTOR < size else "its grain directory lies beyond its end"
    if any(tail[-_SECTOR:]):
        return "it does not end with an end-of-stream marker"
    footer = _read(tail[-2 * _SECTOR : -_SECTOR])
    if footer is None or footer[2] == _AT_END:
        return "no footer stands before its end-of-stream marker"
    if footer[1] != front[1] or footer[2] * _SECTOR >= size:
        return "its footer does not fit its header or its length"
    return None


def _read(sector: bytes) -> tuple[int, int, int] | None:
    """Return flags, capacity in sectors and the sector of the grain directory."""
    magic, _version, flags, capacity, *_rest = fields = _HEADER.unpack_from(sector)
    return (flags, capacity, fields[9]) if magic == b"KDMV" else None
