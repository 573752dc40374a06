"""Read the header of a disk stream, which its footer repeats (7.2), and refuse what no disk can be."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from twohop.exporter.package._vmdk_order import Place, Rule, StreamFault
from twohop.exporter.package._vmdk_tables import GT_ENTRIES

__all__ = ["SECTOR", "StreamHeader", "repeated", "stream_header"]

SECTOR: Final = 512
_FIELDS = struct.Struct("<4sIIQQQQIQQQB4sH433x")
_NEWLINES_VALID, _COMPRESSED, _MARKERS = 0x1, 0x10000, 0x20000
_GD_AT_END = 0xFFFF_FFFF_FFFF_FFFF
_MOST_SECTORS = (64 << 40) // SECTOR  # the largest disk of a datastore is 62 TiB
_MOST_TABLES = 1 << 21  # of a 64 TiB disk with grains of 64 KiB
_LEAST_GRAIN, _MOST_GRAIN = 8, 1 << 14  # sectors


@dataclass(frozen=True, slots=True)
class StreamHeader:
    """What a header says: `capacity`, `grain`, `overhead`, `gd_sector` in sectors, `gd_bytes` in bytes.

    `place` is where the header leads to: grains with tables behind them, in front of them, or where `gd_sector` says.
    """

    capacity: int
    grain: int
    overhead: int
    gd_sector: int
    gd_bytes: int
    place: Place


def stream_header(blob: bytes) -> StreamHeader:
    """Read the 512 bytes of a header; raise StreamFault if they are not those of a streamOptimized disk."""
    magic, version, flags, sectors, grain, _, _, entries, _, gd, overhead, _, newlines, algorithm = _FIELDS.unpack(blob)
    if magic != b"KDMV":
        raise StreamFault(Rule.MAGIC, 0, "the magic KDMV", repr(magic))
    if flags & (_COMPRESSED | _MARKERS) != _COMPRESSED | _MARKERS:
        raise StreamFault(Rule.FORMAT, 8, "a streamOptimized disk (flags 0x30000)", f"flags {flags:#x}")
    untouched = not flags & _NEWLINES_VALID or newlines == b"\n \r\n"
    for at, good, expected, came in (
        (4, version in (1, 2, 3), "version 1 to 3", version),
        (12, 0 < sectors <= _MOST_SECTORS, "a capacity up to 64 TiB", f"{sectors} sectors"),
        (20, _LEAST_GRAIN <= grain <= _MOST_GRAIN and not grain & (grain - 1), "a grain of 4 KiB to 8 MiB", grain),
        (44, entries == GT_ENTRIES, "512 entries in a grain table", entries),
        (64, overhead >= 1, "an overhead of at least one sector", overhead),
        (73, untouched, "line ends as in a binary transfer", newlines),
        (77, algorithm == 1, "compression 1 (deflate)", algorithm),
    ):
        if not good:
            raise StreamFault(Rule.HEADER, at, expected, str(came))
    tables = -(-sectors // (grain * GT_ENTRIES))
    if tables > _MOST_TABLES:
        raise StreamFault(Rule.HEADER, 20, f"a grain size that needs at most {_MOST_TABLES} tables", str(tables))
    if gd == _GD_AT_END:
        place = Place.GRAINS
    elif gd >= overhead:
        place = Place.PATCHED
    elif gd >= 1 and gd * SECTOR + 4 * tables <= overhead * SECTOR:
        place = Place.LISTED
    else:
        raise StreamFault(Rule.HEADER, 56, f"a grain directory inside the first {overhead} sectors", f"sector {gd}")
    return StreamHeader(sectors, grain, overhead, gd, 4 * tables, place)


def repeated(blob: bytes, header: StreamHeader, gd_sector: int) -> bool:
    """Tell whether a footer repeats `header` and puts the grain directory at `gd_sector`."""
    magic, _, _, sectors, grain, _, _, entries, _, gd, *_ = _FIELDS.unpack(blob)
    return (magic, sectors, grain, entries, gd) == (b"KDMV", header.capacity, header.grain, GT_ENTRIES, gd_sector)
