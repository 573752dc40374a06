"""What an archive holds, member by member, as a driver reads it off the wire: tar, in the contract's own reading."""

from __future__ import annotations

import hashlib

BLOCK = 512
_LARGEST = 1 << 60


class Members:
    """Takes a tar piece by piece and keeps of each member its name and the SHA-256 of what it holds."""

    def __init__(self) -> None:
        self._header = bytearray()
        self._name = ""
        self._left = self._padding = 0
        self._hash = hashlib.sha256()
        self._found: list[tuple[str, str]] = []
        self._ended = self._wrong = False

    def feed(self, piece: bytes) -> None:
        """Take the next bytes."""
        view = memoryview(piece)
        while view and not self._wrong and not self._ended:
            if self._left:
                taken = view[: self._left]
                self._hash.update(taken)
                self._left -= len(taken)
                if not self._left:
                    self._found.append((self._name, self._hash.hexdigest()))
            elif self._padding:
                taken = view[: self._padding]
                self._padding -= len(taken)
            else:
                taken = view[: BLOCK - len(self._header)]
                self._header += taken
                if len(self._header) == BLOCK:
                    self._begin(bytes(self._header))
                    self._header.clear()
            view = view[len(taken) :]

    def digest(self) -> str | None:
        """Return a line `SHA-256 NAME` for each member, in their order; None where it was not understood to its end."""
        if self._wrong or not self._ended:
            return None
        return "\n".join(f"{digest} {name}" for name, digest in self._found)

    def _begin(self, header: bytes) -> None:
        if not any(header):
            self._ended = True
            return
        size = _size(header[124:136])
        if size is None or header[257:262] != b"ustar" or header[156:157] not in (b"0", b"\0"):
            self._wrong = True
            return
        self._name = header[:100].rstrip(b"\0").decode("utf-8", "replace")
        self._left, self._padding, self._hash = size, -size % BLOCK, hashlib.sha256()
        if not size:
            self._found.append((self._name, self._hash.hexdigest()))


def _size(field: bytes) -> int | None:
    if field[0] & 0x80:
        size = int.from_bytes(field[1:], "big")
        return size if size < _LARGEST else None
    text = field.rstrip(b"\0 ").decode("ascii", "replace")
    try:
        return int(text, 8)
    except ValueError:
        return None
