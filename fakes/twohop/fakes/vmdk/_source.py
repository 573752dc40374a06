"""An image file held open for as long as a disk is served from it, and what each kind of image has to offer."""

from __future__ import annotations

import os
import stat
import threading
import weakref
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from twohop.fakes.vmdk._content import Deflated
from twohop.fakes.vmdk._deflate import deflate
from twohop.fakes.vmdk._errors import ImageError

__all__ = ["Ahead", "Deflating", "ImageFile", "PlainSource", "Source"]

WINDOW = 1 << 18
"""Bytes that are read at once; a quarter and four times of it were both slower."""
LONG = WINDOW >> 4
"""Bytes from which on a view is given: few of these make a chunk, so few windows stay alive by them."""


class Source(Protocol):
    """Give the grains of an image, any number of times and to many threads at once."""

    capacity: int

    def numbers(self) -> Iterator[int]:
        """Yield the numbers of the grains with data, in rising order."""

    def grains(self) -> Iterator[tuple[int, Deflated]]:
        """Yield (grain number, zlib stream)."""

    def sizes(self) -> Iterator[tuple[int, int]]:
        """Yield (grain number, length of the zlib stream)."""


class PlainSource(Protocol):
    """Give the grains of an image that does not store them deflated."""

    capacity: int

    def contents(self) -> Iterator[tuple[int, bytes]]:
        """Yield (grain number, its 64 KiB) for every grain that is not all zeros, in rising order."""


class ImageFile:
    """Read an open file at any place from any thread.

    It stays readable when its name is gone, and is closed when nobody holds it any more.
    """

    def __init__(self, path: Path, shown: Path | str | None = None, part: tuple[int, int] | None = None) -> None:
        """Open `path`; errors call it `shown`. `part`, (offset, length) in bytes, makes the file of that part alone."""
        self.name = str(shown or path)
        try:
            # Without O_NONBLOCK a pipe that nobody writes to would hold the server up for ever.
            self.descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as err:
            raise ImageError(f"{self.name} cannot be opened ({err.strerror}): the world must name a disk") from err
        self._take(part)

    @classmethod
    def adopt(cls, descriptor: int, shown: str, size: int | None = None) -> ImageFile:
        """Take an open descriptor, of a file that may have no name; errors call it `shown`. Only `size` bytes count."""
        file = cls.__new__(cls)
        file.name, file.descriptor = shown, descriptor
        file._take(None if size is None else (0, size))
        return file

    def _take(self, part: tuple[int, int] | None) -> None:
        weakref.finalize(self, os.close, self.descriptor)
        if not stat.S_ISREG(os.fstat(self.descriptor).st_mode):
            raise ImageError(f"{self.name} is not a regular file: the world must name a disk image")
        self._seen = self._state()
        self.start, self.size = part or (0, self._seen[0])
        if self.start + self.size > self._seen[0]:
            raise ImageError(f"{self.name} is cut: its archive ends before it does, so fetch it again")

    def _state(self) -> tuple[int, int]:
        status = os.fstat(self.descriptor)
        return status.st_size, status.st_mtime_ns

    def read(self, offset: int, length: int) -> bytes:
        """Read up to `length` bytes at `offset`, fewer only at the end of the file."""
        try:
            return os.pread(self.descriptor, min(length, max(0, self.size - offset)), self.start + offset)
        except OSError as err:
            raise ImageError(f"{self.name} cannot be read at byte {offset} ({err.strerror})") from err

    def require(self, offset: int, length: int) -> bytes:
        """Read exactly `length` bytes at `offset`."""
        data = self.read(offset, length) if offset + length <= self.size else b""
        if len(data) != length:
            raise ImageError(
                f"{self.name} is cut: it names {length} bytes at {offset} and has {self.size} bytes in all; "
                "whoever made the file has to write it whole"
            )
        return data

    def check_unchanged(self) -> None:
        """Refuse to serve a file that somebody writes to: its grains would no longer fit what was announced."""
        if self._state() != self._seen:
            raise ImageError(f"{self.name} changed after it became a disk: stop its writer and load the world again")


class Ahead:
    """Read a file from front to back through a window; what is long is given as a view, which keeps that alive."""

    def __init__(self, file: ImageFile) -> None:
        """Stand before `file`; nothing is read yet."""
        self._file = file
        self._start = 0
        self._window = memoryview(b"")

    def require(self, offset: int, length: int) -> Deflated:
        """Give exactly `length` bytes at `offset`."""
        at = offset - self._start
        if at < 0 or at + length > len(self._window):
            self._window = memoryview(self._file.read(offset, max(length, WINDOW)))
            self._start, at = offset, 0
            if length > len(self._window):
                return self._file.require(offset, length)
        found = self._window[at : at + length]
        return found if length >= LONG else bytes(found)


class Deflating:
    """Deflate the grains of a plain image as they are asked for; their lengths are kept, 4 bytes each, once known."""

    def __init__(self, plain: PlainSource) -> None:
        """Stand before `plain`."""
        self._plain = plain
        self.capacity = plain.capacity
        self._lock = threading.Lock()
        self._sizes: array[int] | None = None

    def numbers(self) -> Iterator[int]:
        """Yield the numbers of the grains that are not all zeros."""
        for number, _ in self._plain.contents():
            yield number

    def grains(self) -> Iterator[tuple[int, bytes]]:
        """Yield (grain number, zlib stream)."""
        for number, content in self._plain.contents():
            yield number, deflate(content)

    def sizes(self) -> Iterator[tuple[int, int]]:
        """Yield (grain number, length of the zlib stream); the first time this deflates the whole disk."""
        with self._lock:
            if self._sizes is None:
                self._sizes = array("I", (len(squeezed) for _, squeezed in self.grains()))
        yield from zip(self.numbers(), self._sizes, strict=True)
