"""The parts of a streamOptimized VMDK: header, descriptor, markers (7.2; VMware Virtual Disk Format 5.0)."""

from __future__ import annotations

import hashlib
import struct
from typing import Final

from twohop.fakes.vmdk._content import GRAIN_BYTES, SECTOR
from twohop.fakes.vmdk._errors import ContentError

__all__ = [
    "GD_AT_END",
    "GRAIN_SECTORS",
    "GT_BYTES",
    "GT_ENTRIES",
    "MARK_FOOTER",
    "MARK_GD",
    "MARK_GT",
    "OVERHEAD_SECTORS",
    "descriptor",
    "header",
    "marker",
    "preamble",
    "sectors",
    "tables",
]

GRAIN_SECTORS: Final = GRAIN_BYTES // SECTOR
GT_ENTRIES: Final = 512
GT_BYTES: Final = GT_ENTRIES * 4
OVERHEAD_SECTORS: Final = 128
GD_AT_END: Final = 0xFFFF_FFFF_FFFF_FFFF
MARK_GT, MARK_GD, MARK_FOOTER = 1, 2, 3

_HEADER = struct.Struct("<4sIIQQQQIQQQB4sH433x")
_MARKER = struct.Struct("<QII496x")
_FLAGS = 0x30001  # newline test valid, grains compressed, markers present
_NEWLINES = b"\n \r\n"
_DEFLATE = 1


def sectors(length: int) -> int:
    """Count the sectors that `length` bytes need."""
    return -(-length // SECTOR)


def tables(capacity: int) -> int:
    """Count the grain tables that a disk of `capacity` bytes can have, one for each 32 MiB."""
    return -(-capacity // (GRAIN_BYTES * GT_ENTRIES))


def header(capacity: int, gd_sector: int, descriptor_sectors: int) -> bytes:
    """Pack the sparse extent header, or the footer, which is the header once the directory's place is known."""
    return _HEADER.pack(
        b"KDMV", 3, _FLAGS, capacity // SECTOR, GRAIN_SECTORS, 1, descriptor_sectors, GT_ENTRIES, 0, gd_sector,
        OVERHEAD_SECTORS, 0, _NEWLINES, _DEFLATE,
    )  # fmt: skip


def marker(count: int, kind: int) -> bytes:
    """Pack a metadata marker that announces `count` sectors of `kind`."""
    return _MARKER.pack(count, 0, kind)


def _geometry(capacity: int, adapter_type: str) -> tuple[int, int, int]:
    """Give cylinders, heads and sectors as VMware chooses them by size and adapter."""
    if adapter_type == "ide":
        heads, per_track, most = 16, 63, 16383
    elif capacity < 1 << 30:
        heads, per_track, most = 64, 32, 65535
    elif capacity <= 2 << 30:
        heads, per_track, most = 128, 32, 65535
    else:
        heads, per_track, most = 255, 63, 65535
    return min(capacity // SECTOR // (heads * per_track), most), heads, per_track


def descriptor(capacity: int, cid: int, adapter_type: str, hardware_version: int) -> bytes:
    """Write the embedded descriptor, trailing blanks included, as a host does (7.2).

    `cid` differs between two exports of one disk, `longContentID` follows from it; both have a fixed width, so that the
    two streams have one length (7.5).
    """
    if not 0 <= cid <= 0xFFFF_FFFF:
        raise ContentError(f"cid {cid} does not fit the 32 bits of a content id: the caller has to give 0..0xffffffff")
    if not adapter_type.isalnum():
        raise ContentError(f"adapter type {adapter_type!r} is no word of a descriptor: give one such as 'lsilogic'")
    cylinders, heads, per_track = _geometry(capacity, adapter_type)
    long_id = hashlib.blake2b(cid.to_bytes(4, "big"), digest_size=12, person=b"longContentID").hexdigest()
    lines = (
        "# Disk DescriptorFile",
        "version=1 ",
        f"CID={cid:08x} ",
        "parentCID=ffffffff ",
        'createType="streamOptimized" ',
        "",
        "# Extent description",
        f'RDONLY {capacity // SECTOR} SPARSE "generated-stream.vmdk"',
        "",
        "# The Disk Data Base ",
        "#DDB",
        "",
        f'ddb.adapterType = "{adapter_type}"',
        f'ddb.geometry.cylinders = "{cylinders}"',
        f'ddb.geometry.heads = "{heads}"',
        f'ddb.geometry.sectors = "{per_track}"',
        f'ddb.longContentID = "{long_id}{cid:08x}"',
        f'ddb.virtualHWVersion = "{hardware_version}"',
        "",
    )
    return "\n".join(lines).encode("ascii")


def preamble(capacity: int, cid: int, adapter_type: str, hardware_version: int) -> tuple[bytes, int]:
    """Build all that stands before the first grain, and tell how many sectors of it the descriptor takes."""
    text = descriptor(capacity, cid, adapter_type, hardware_version)
    count = sectors(len(text))
    head = header(capacity, GD_AT_END, count) + text
    return head.ljust(OVERHEAD_SECTORS * SECTOR, b"\0"), count
