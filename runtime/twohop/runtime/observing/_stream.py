"""A large body seen passing by: size, SHA-256 and both ends are kept, the bytes are not."""

from __future__ import annotations

import hashlib

from ._exchange import BodyDigest

HEAD = 512
TAIL = 1024


class ObservedBody:
    """Digest of a body that is fed piece by piece."""

    def __init__(self) -> None:
        self.size = 0
        self._hash = hashlib.sha256()
        self._head = bytearray()
        self._tail = b""

    def feed(self, piece: bytes | memoryview) -> None:
        """Take the next piece."""
        self.size += len(piece)
        self._hash.update(piece)
        if len(self._head) < HEAD:
            self._head += piece[: HEAD - len(self._head)]
        self._tail = bytes(piece[-TAIL:]) if len(piece) >= TAIL else (self._tail + bytes(piece))[-TAIL:]

    def sha256(self) -> str:
        """Return the SHA-256 of what has passed so far, as hex."""
        return self._hash.hexdigest()

    def digest(self) -> BodyDigest:
        """Return what is kept of the body."""
        return BodyDigest(self.size, self.sha256(), bytes(self._head).hex(), self._tail.hex())
