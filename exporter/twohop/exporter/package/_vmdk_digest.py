"""A digest of what a disk holds, whatever the bytes that carried it (7.5).

Two exports of one unchanged disk differ in their bytes, so bytes cannot tell whether they are the same disk. The
digest is SHA-256 over, for each 64 KiB of disk that is not all zeros, in rising order: its number (u64,
little-endian) and the SHA-256 of its content; and at the end the capacity in bytes (u64, little-endian). The last 64
KiB of a disk that ends inside them are padded with zeros.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

__all__ = ["CUT", "GrainDigest", "GrainDigester"]

CUT = 64 * 1024
_ZERO = bytes(CUT)
_U64 = struct.Struct("<Q")


@dataclass(frozen=True, slots=True)
class GrainDigest:
    """What a disk holds: equal for two disks of one size and content.

    `hexdigest` is the digest; `capacity` the disk's size in bytes; `grains` the number of 64 KiB grains that are not
    all zeros; `data_bytes` the bytes of disk in them.
    """

    hexdigest: str
    capacity: int
    data_bytes: int
    grains: int


class GrainDigester:
    """Take a disk's content from front to back and digest it; memory: 64 KiB."""

    def __init__(self, capacity: int) -> None:
        """Begin with nothing seen of a disk of `capacity` bytes."""
        self._capacity = capacity
        self._hash = hashlib.sha256()
        self._grains = 0
        self._data_bytes = 0
        self._number = -1
        self._open = bytearray()

    def add(self, offset: int, content: bytes) -> None:
        """Take `content` at byte `offset` of the disk, behind all taken before; what lies past its end is ignored."""
        if offset + len(content) > self._capacity:
            content = content[: self._capacity - offset]
        if len(content) == CUT and not offset % CUT:
            self._flush()
            self._take(offset // CUT, content)
            return
        view = memoryview(content)
        while view:
            number, inside = divmod(offset, CUT)
            if number != self._number:
                self._flush()
                self._number = number
                self._open[:] = _ZERO
            piece = view[: CUT - inside]
            self._open[inside : inside + len(piece)] = piece
            offset += len(piece)
            view = view[len(piece) :]

    def _flush(self) -> None:
        if self._number >= 0:
            self._take(self._number, bytes(self._open))
            self._number = -1

    def _take(self, number: int, content: bytes) -> None:
        if content == _ZERO:
            return
        self._hash.update(_U64.pack(number) + hashlib.sha256(content).digest())
        self._grains += 1
        self._data_bytes += min(CUT, self._capacity - number * CUT)

    def close(self) -> GrainDigest:
        """Give the digest of all that was taken."""
        self._flush()
        self._hash.update(_U64.pack(self._capacity))
        return GrainDigest(self._hash.hexdigest(), self._capacity, self._data_bytes, self._grains)
