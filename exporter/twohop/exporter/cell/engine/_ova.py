"""The two OVAs of a download, composed while they are read (3.5): no byte of them is stored twice.

An OVA is a tar: the descriptor, its manifest where there is one, and then the files in the order in which the
descriptor names them. All of that is known before the first byte is sent, so its length is too, and any part of it can
be read alone.
"""

from __future__ import annotations

import bisect
import contextlib
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import BinaryIO

from twohop.exporter.package import read_descriptor

from ._package import DEFAULT, IDENTITY, MANIFEST
from ._spool import Spool

OVA_DEFAULT, OVA_IDENTITY = "descriptor.ova", "descriptor-with-id.ova"
ARCHIVES: Mapping[str, str] = {OVA_DEFAULT: DEFAULT, OVA_IDENTITY: IDENTITY}
"""The archives by name, each with the descriptor it holds."""
BLOCK = tarfile.BLOCKSIZE
LARGEST = 8 << 30
"""Bytes from which on a size does not fit in the header that the OVF specification asks for."""


class Archive:
    """A tar that exists only while it is read; `stored` counts the bytes that came from the share."""

    def __init__(self) -> None:
        self.size = self.stored = 0
        self._starts: list[int] = []
        self._parts: list[bytes | BinaryIO] = []
        self._place = 0

    def add(self, name: str, content: bytes | BinaryIO, size: int) -> None:
        """Put a file of `size` bytes at the end."""
        header = tarfile.TarInfo(name)
        header.size, header.mode = size, 0o644
        small = size < LARGEST
        self._append(header.tobuf(tarfile.USTAR_FORMAT) if small else header.tobuf(tarfile.GNU_FORMAT), BLOCK)
        self._append(content, size)
        padding = -size % BLOCK
        self._append(bytes(padding), padding)

    def end(self) -> None:
        """Say that nothing follows."""
        self._append(bytes(2 * BLOCK), 2 * BLOCK)

    def seek(self, offset: int, /) -> int:
        """Go to a byte."""
        self._place = offset
        return offset

    def read(self, size: int, /) -> bytes | None:
        """Return up to `size` bytes from here, none at the end; short where a file on the share has become so."""
        if self._place >= self.size or size <= 0:
            return b""
        number = bisect.bisect_right(self._starts, self._place) - 1
        part, start = self._parts[number], self._starts[number]
        beyond = self._starts[number + 1] if number + 1 < len(self._starts) else self.size
        wanted, inner = min(size, beyond - self._place), self._place - start
        if isinstance(part, bytes):
            data = part[inner : inner + wanted]
        else:
            part.seek(inner)
            data = part.read(wanted) or b""
            self.stored += len(data)
        self._place += len(data)
        return data

    def close(self) -> None:
        """Close the files."""
        for part in self._parts:
            if not isinstance(part, bytes):
                part.close()

    def _append(self, part: bytes | BinaryIO, size: int) -> None:
        if size:
            self._starts.append(self.size)
            self._parts.append(part)
            self.size += size
        elif not isinstance(part, bytes):
            part.close()


def open_archive(spool: Spool, transfer_id: str, name: str, files: Mapping[str, int]) -> tuple[Archive, int]:
    """Open an OVA and tell its size; FileNotFoundError where a file of the package is gone or is not what it was."""
    descriptor = ARCHIVES[name]
    with contextlib.ExitStack() as stack:
        archive = Archive()
        stack.callback(archive.close)
        text = _whole(spool, transfer_id, descriptor, files)
        archive.add(descriptor, text, len(text))
        named = [file.href for file in read_descriptor(text).files]
        if MANIFEST in files:
            lines = b"".join(_about(_whole(spool, transfer_id, MANIFEST, files), {descriptor, *named}))
            archive.add(str(PurePosixPath(descriptor).with_suffix(".mf")), lines, len(lines))
        for each in named:
            file, size = spool.open(transfer_id, each)
            if size != files.get(each):
                file.close()
                raise FileNotFoundError(f"{each} is not as long as it was")
            archive.add(each, file, size)
        archive.end()
        stack.pop_all()
    return archive, archive.size


def _whole(spool: Spool, transfer_id: str, name: str, files: Mapping[str, int]) -> bytes:
    file, size = spool.open(transfer_id, name)
    with file:
        data = file.read(size)
    if len(data) != files.get(name):
        raise FileNotFoundError(f"{name} is not as long as it was")
    return data


def _about(manifest: bytes, names: set[str]) -> Iterator[bytes]:
    """Give the lines of a manifest on these files: the archive has not the others, as the other descriptor."""
    for line in manifest.splitlines(keepends=True):
        name = line.partition(b"(")[2].rpartition(b")")[0].decode("utf-8", "replace")
        if name in names:
            yield line
