"""Room for what comes in: a file without a name, of which nothing is left once nobody holds it, nor after a crash."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


class Spool:
    """A file that is written front to back; it is closed with the spool, unless it was given away."""

    def __init__(self) -> None:
        self._descriptor, path = tempfile.mkstemp(prefix="twohop-import-")
        Path(path).unlink()
        self._mine = True

    @classmethod
    @contextlib.contextmanager
    def opened(cls) -> Iterator[Spool]:
        """Give a spool that is closed at the end."""
        spool = cls()
        try:
            yield spool
        finally:
            if spool._mine:
                os.close(spool._descriptor)

    def write(self, data: bytes) -> None:
        """Add to the file; OSError where no room is left."""
        left = memoryview(data)
        while left:
            left = left[os.write(self._descriptor, left) :]

    def give(self) -> int:
        """Return the descriptor; whoever takes it closes it."""
        self._mine = False
        return self._descriptor
