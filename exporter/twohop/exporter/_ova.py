"""A package in one file, as a tar: each byte is written once, where it stays, and nothing is copied.

The descriptor comes first in an OVA, before the manifest and the files in its own order; that is how ovftool writes it,
and how DSP0243 wants it. It holds sizes, and the manifest digests, that nobody knows before the last byte. So both get
their room at the front, and are written into it in the end; what is left of the descriptor's room is white space, which
XML allows behind its root. The size of a file stands in the header in front of it, and is put there when the file has
come. So the target has to be a file that can be sought in, never a pipe.

Headers are ustar; a file of 8 GiB or more has its size in base 256, as GNU tar, bsdtar and Go write and read it.
"""

from __future__ import annotations

import contextlib
import os
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

from ._errors import BadPackage, target_error
from ._placing import Place, Placing
from .package._names import safe_name, unique_name
from .transfer import Into

BLOCK = tarfile.BLOCKSIZE
END = bytes(2 * BLOCK)
LARGE = 8 << 30
"""Bytes from which on a size does not fit in the header that the OVF specification asks for."""


def tar_header(name: str, size: int) -> bytes:
    """Return the one block before a member; ValueError where its name takes more than a block has room for."""
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o644
    block = member.tobuf(tarfile.USTAR_FORMAT if size < LARGE else tarfile.GNU_FORMAT, "utf-8", "strict")
    if len(block) != BLOCK:
        raise ValueError(f"{name!r} does not fit in one header")
    return block


class OvaTarget:
    """One file with everything in it, `path`, which has its name and `suffix` until it is whole."""

    one_stream = True

    def __init__(self, path: Path, *, suffix: str = "", force: bool = False) -> None:
        self._path = path
        self._placing = Placing(path.parent, suffix=suffix, force=force)
        self._place: Place | None = None
        self._fd = -1
        self._rooms: dict[str, tuple[int, int]] = {}
        self._names: list[str] = []
        self._end = 0

    def open(self) -> None:
        """Make the file, and the directory it is in."""
        self._placing.open()
        self._placing.reserve(self._path.name)
        self._begin()

    def reserve(self, name: str, size: int | None) -> None:
        """Leave room for a member, whose size has to be known."""
        if size is None:
            raise ValueError(f"{name} needs a size before it is written into an OVA")
        self._names.append(name)
        self._rooms[name] = (self._end, size)
        self._put(tar_header(name, size), self._end)
        self._end += BLOCK + _padded(size)

    def claim(self, proposed: str, fallback: str) -> str:
        """Return a safe name of its own, short enough for a header."""
        name = safe_name(proposed, fallback)
        try:
            tar_header(name, 0)
        except ValueError:
            name = fallback + Path(name).suffix
        name = unique_name(name, self._names)
        self._names.append(name)
        return name

    @contextlib.contextmanager
    def sink(self, name: str) -> Iterator[Into]:
        """Take the bytes of the next member; its header is written when they have come."""
        sink = _Member(self, self._end + BLOCK)
        yield sink
        size = sink.at - self._end - BLOCK
        self._put(tar_header(name, size), self._end)
        self._end += BLOCK + _padded(size)

    def write(self, name: str, content: bytes) -> Path:
        """Write a member into its room, which it has to fill."""
        at, size = self._rooms[name]
        if len(content) != size:
            raise BadPackage(f"{name} has {len(content)} bytes, the OVA has room for {size}", whose="target")
        self._put(content, at + BLOCK)
        return self._path

    def path(self, name: str) -> Path:
        """Return where everything lies for now."""
        assert self._place is not None
        return self._place.path

    def final(self, name: str) -> Path:
        """Return where everything will stand."""
        return self._path

    def obstacles(self, name: str) -> Iterator[str]:
        """Say what would refuse this target as things are now."""
        return self._placing.obstacles(self._path.name)

    def sync(self) -> None:
        """End the tar and wait until it is safe on disk."""
        self._put(END, self._end)
        try:
            os.ftruncate(self._fd, self._end + len(END))
            os.fsync(self._fd)
        except OSError as error:
            raise target_error(error, self.path("")) from error

    def clear(self) -> None:
        """Begin the file anew."""
        self._close()
        self._placing.clear()
        self._begin()

    def publish(self) -> None:
        """Give the file its name."""
        self._close()
        self._placing.publish()

    def discard(self, error: BaseException) -> None:
        """Remove the file."""
        self._close()
        self._placing.discard(error)

    def put(self, data: bytes | memoryview, at: int) -> None:
        """Write all of `data` at byte `at`."""
        self._put(data, at)

    def _put(self, data: bytes | memoryview, at: int) -> None:
        try:
            written = os.pwrite(self._fd, data, at)
            while written < len(data):
                written += os.pwrite(self._fd, memoryview(data)[written:], at + written)
        except OSError as error:
            raise target_error(error, self.path("")) from error

    def _begin(self) -> None:
        self._rooms, self._names, self._end = {}, [], 0
        self._place = place = self._placing.claim_as(self._path.name)
        try:
            self._fd = os.open(place.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise target_error(error, place.path) from error

    def _close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


class _Member:
    """The bytes of one member, behind each other."""

    def __init__(self, ova: OvaTarget, at: int) -> None:
        self._ova = ova
        self.at = at
        self.seconds = 0.0

    def write(self, data: bytes | memoryview) -> None:
        """Write all of `data`."""
        began = time.monotonic()
        self._ova.put(data, self.at)
        self.at += len(data)
        self.seconds += time.monotonic() - began


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK
