"""A disk in a raw image: the grains that are not all zeros, holes passed over where the file system tells them."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

from twohop.fakes.vmdk._content import GRAIN_BYTES, SECTOR
from twohop.fakes.vmdk._errors import ImageError
from twohop.fakes.vmdk._source import ImageFile

__all__ = ["RawSource"]

_ZERO = bytes(GRAIN_BYTES)


class RawSource:
    """Read a raw image grain by grain; nothing of it is kept. Its size is rounded up to whole sectors."""

    def __init__(self, file: ImageFile) -> None:
        """Take an open image."""
        if not file.size:
            raise ImageError(f"{file.name} is empty: a disk has a sector at least, so the world must name another file")
        self._file = file
        self.capacity = -(-file.size // SECTOR) * SECTOR

    def _stretches(self) -> Iterator[range]:
        """Yield the grains in which the file has data at all."""
        at, done, size, descriptor, start = 0, 0, self._file.size, self._file.descriptor, self._file.start
        while at < size:
            try:
                begin = os.lseek(descriptor, start + at, os.SEEK_DATA) - start
                at = min(size, os.lseek(descriptor, start + begin, os.SEEK_HOLE) - start)
            except AttributeError:  # a system without the call
                begin, at = at, size
            except OSError as err:
                if err.errno == errno.ENXIO:  # a hole to the end
                    return
                begin, at = at, size  # a file system that does not tell
            stretch = range(max(done, begin // GRAIN_BYTES), -(-at // GRAIN_BYTES))
            if stretch:
                yield stretch
                done = stretch.stop

    def contents(self) -> Iterator[tuple[int, bytes]]:
        """Yield (grain number, its 64 KiB) for every grain that is not all zeros, in rising order."""
        for stretch in self._stretches():
            for number in stretch:
                content = self._file.read(number * GRAIN_BYTES, GRAIN_BYTES).ljust(GRAIN_BYTES, b"\0")
                if content != _ZERO:
                    yield number, content
