"""Files that are no disks: nvram, and images in a drive. A host sends them as they are."""

from __future__ import annotations

import os
import random
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

PIECE = 1 << 18


class PlainContent(Protocol):
    """Bytes of a known length; they may be read by many threads at once and are the same each time."""

    @property
    def size(self) -> int:
        """Length in bytes."""

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes in order."""


@dataclass(frozen=True, slots=True)
class SeededBytes:
    """`size` bytes that a seed decides."""

    size: int
    seed: int

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes in order."""
        source = random.Random(f"twohop bytes {self.seed}")
        for start in range(0, self.size, PIECE):
            yield source.randbytes(min(PIECE, self.size - start))


class OpenBytes:
    """The bytes of an open file, which may have no name; it is closed when nobody holds them any more."""

    def __init__(self, descriptor: int, size: int) -> None:
        """Take a descriptor of a file of `size` bytes."""
        self._descriptor = descriptor
        self.size = size
        weakref.finalize(self, os.close, descriptor)

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes in order."""
        for start in range(0, self.size, PIECE):
            yield os.pread(self._descriptor, min(PIECE, self.size - start), start)


@dataclass(frozen=True, slots=True)
class FileBytes:
    """The bytes of a file on this machine; its length is taken when the world is built."""

    path: Path
    size: int

    @classmethod
    def open(cls, path: Path) -> FileBytes:
        """Take a file; OSError where there is none to read."""
        with path.open("rb") as file:
            return cls(path, file.seek(0, 2))

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes in order, never more than were there at the start."""
        left = self.size
        with self.path.open("rb") as file:
            while left > 0 and (piece := file.read(min(PIECE, left))):
                left -= len(piece)
                yield piece
