"""Deflate grains as a host does: RFC 1950, the header bytes of its fastest level (7.2).

isal's level 1 costs a tenth of zlib's on mixed data and expands nothing (its level 0 adds 23 % to random data), so it
is used where it can be imported. Which of the two made a stream shows in its length, never in its content.
"""

from __future__ import annotations

import zlib
from typing import Any

_fast: Any
try:
    from isal import isal_zlib as _fast
except ImportError:  # a platform without wheels
    _fast = zlib

__all__ = ["ZLIB_HEADER", "deflate", "deflate_raw", "inflate"]

# CMF 0x78 (deflate, 32 KiB window), FLG 0x01 (fastest): the first two bytes of every genuine grain (7.2).
ZLIB_HEADER = b"\x78\x01"


def deflate(data: bytes) -> bytes:
    """Compress `data` into one zlib stream."""
    # FLEVEL in the second byte is advice only and outside the checksum, so it can be set to what a host writes.
    return ZLIB_HEADER + bytes(_fast.compress(data, 1))[2:]


def deflate_raw(data: bytes) -> bytes:
    """Compress `data` into bare deflate blocks (RFC 1951), without zlib's header and checksum."""
    squeeze = _fast.compressobj(1, zlib.DEFLATED, -15)
    return bytes(squeeze.compress(data)) + bytes(squeeze.flush())


def inflate(data: bytes, limit: int) -> bytes:
    """Inflate one zlib stream to at most `limit` bytes; raise ValueError if it is broken, unfinished or longer."""
    unsqueeze = zlib.decompressobj()
    try:
        out = unsqueeze.decompress(data, limit + 1)
    except zlib.error as err:
        raise ValueError(f"the deflated data is broken ({err})") from err
    if len(out) > limit:
        raise ValueError(f"the deflated data holds more than {limit} bytes")
    if not unsqueeze.eof:
        raise ValueError("the deflated data ends too early")
    return out
