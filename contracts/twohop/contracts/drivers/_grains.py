"""A digest of what the grains of a disk stream hold, whatever its bytes (7.5): the contract's own reading.

Two exports of one unchanged disk may differ in every compressed byte and have to agree in this.
"""

from __future__ import annotations

import hashlib
import struct
import zlib

_SECTOR = 512
_HEADER = struct.Struct("<4sIIQQQQIQQQ")
_MARKER = struct.Struct("<QI")
_END_OF_STREAM = 0


class GrainDigest:
    """Takes a streamOptimized VMDK piece by piece; what is no such stream has no digest."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._skip = 0
        self._grain = 0
        self._capacity = 0
        self._grains: list[tuple[int, bytes]] = []
        self._ended = False
        self._wrong = False

    def feed(self, piece: bytes) -> None:
        """Take the next piece."""
        if self._wrong or self._ended:
            return
        self._pending += piece
        while not self._ended and self._step():
            pass

    def hexdigest(self) -> str | None:
        """Return capacity and grains as one SHA-256 in hex, or None where the stream was not understood to its end."""
        if self._wrong or not self._ended:
            return None
        whole = hashlib.sha256(self._capacity.to_bytes(8, "little"))
        for address, held in sorted(self._grains):
            whole.update(address.to_bytes(8, "little") + held)
        return whole.hexdigest()

    def _step(self) -> bool:
        """Take one header, marker or part of a gap off what is pending; tell whether there was enough of it."""
        if self._skip:
            gone = min(self._skip, len(self._pending))
            del self._pending[:gone]
            self._skip -= gone
            return gone > 0
        if len(self._pending) < _SECTOR:
            return False
        return self._marker() if self._grain else self._header()

    def _header(self) -> bool:
        fields = _HEADER.unpack_from(self._pending)
        magic, self._capacity, self._grain, overhead = fields[0], fields[3], fields[4], fields[10]
        self._wrong = magic != b"KDMV" or not 0 < self._grain <= 1 << 16 or not 0 < overhead <= 1 << 24
        self._skip = overhead * _SECTOR
        return not self._wrong

    def _marker(self) -> bool:
        value, size = _MARKER.unpack_from(self._pending)
        if size:
            length = -(-(12 + size) // _SECTOR) * _SECTOR
            if len(self._pending) < length:
                return False
            self._take(value, bytes(self._pending[12 : 12 + size]))
            del self._pending[:length]
            return not self._wrong
        kind = int.from_bytes(self._pending[12:16], "little")
        self._ended = kind == _END_OF_STREAM
        self._skip = _SECTOR + value * _SECTOR
        return True

    def _take(self, address: int, packed: bytes) -> None:
        try:
            data = zlib.decompressobj().decompress(packed, self._grain * _SECTOR + 1)
        except zlib.error:
            self._wrong = True
            return
        if len(data) > self._grain * _SECTOR:
            self._wrong = True
        elif any(data):
            self._grains.append((address, hashlib.sha256(data).digest()))
