"""A disk out of a file that exists: raw, VMDK, or what qemu-img can read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from twohop.fakes.vmdk._archive import member
from twohop.fakes.vmdk._content import GRAIN_BYTES, Deflated
from twohop.fakes.vmdk._convert import converted
from twohop.fakes.vmdk._errors import ImageError
from twohop.fakes.vmdk._raw import RawSource
from twohop.fakes.vmdk._source import Deflating, ImageFile, Source
from twohop.fakes.vmdk._sparse import SparseExtent, SparseSource, StreamSource

__all__ = ["FileContent"]

# (offset, magic) -> what qemu-img calls the format
_FOREIGN = {
    (0, b"QFI\xfb"): "qcow2",
    (0, b"# Disk DescriptorFile"): "vmdk",
    (0, b"COWD"): "vmdk",
    (0, b"vhdxfile"): "vhdx",
    (0, b"conectix"): "vpc",
    (64, b"\x7f\x10\xda\xbe"): "vdi",
}
_PACKED = {
    (0, b"\x1f\x8b\x08"): "gzip",
    (0, b"\xfd7zXZ\0"): "xz",
    (0, b"PK\x03\x04"): "zip",
}
_ARCHIVE = {(257, b"ustar"): "tar or OVA"}


def _kind(head: bytes, kinds: dict[tuple[int, bytes], str]) -> str | None:
    return next((kind for (at, magic), kind in kinds.items() if head.startswith(magic, at)), None)


def _opened(path: Path) -> ImageFile:
    """Open a file, or a disk in an archive: `some.ova` for its only one, `some.ova#disk.vmdk` for that one."""
    outer, mark, name = str(path).rpartition("#")
    if mark and not path.exists():
        return member(Path(outer), name)
    file = ImageFile(path)
    return member(path, None) if _kind(file.read(0, 512), _ARCHIVE) else file


def _source(path: Path) -> tuple[ImageFile, Source]:
    file = _opened(path)
    head = file.read(0, 512)
    if packed := _kind(head, _PACKED):
        raise ImageError(f"{file.name} is a {packed} archive, not a disk: unpack it and name the disk inside")
    foreign = _kind(head, _FOREIGN)
    if foreign is None and file.size >= 512 and file.read(file.size - 512, 8) == b"conectix":
        foreign = "vpc"  # a VHD of fixed size has its header at the end
    if foreign is None and head.startswith(b"KDMV"):
        extent = SparseExtent(file)
        if extent.usual:
            return file, StreamSource(extent) if extent.compressed else Deflating(SparseSource(extent))
        foreign = "vmdk"
    if foreign and file.start:
        raise ImageError(f"{file.name} is a {foreign} image inside an archive, which qemu-img cannot reach: unpack it")
    if foreign:
        file = converted(path, foreign)
    return file, Deflating(RawSource(file))


class FileContent:
    """Serve the disk that a file holds; make one with `open`.

    The file is held open and may lose its name, but must not change. Nothing of it is kept in memory but lengths of
    grains and a VMDK's directory.
    """

    def __init__(self, file: ImageFile, source: Source) -> None:
        """Read through `source` once, to know how much data there is."""
        self._file = file
        self._source = source
        self._populated = sum(min(GRAIN_BYTES, source.capacity - number * GRAIN_BYTES) for number in source.numbers())

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> FileContent:
        """Open a raw image, a VMDK of one file, or what qemu-img converts (qcow2, other VMDK, VHD, VHDX, VDI).

        `some.ova` is the only disk of that OVA, `some.ova#disk.vmdk` the one of that name; it is read in place.

        Grains of 64 KiB that are all zeros are left out; deflated ones of a streamOptimized VMDK are passed on as
        they are. A raw image that is no multiple of 512 bytes is rounded up. Raises ImageError if the file is no disk
        or is cut, ToolMissingError if it takes qemu-img and there is none.
        """
        return cls(*_source(Path(path)))

    @property
    def capacity(self) -> int:
        """Size of the virtual disk in bytes."""
        return self._source.capacity

    @property
    def populated(self) -> int:
        """Bytes of the disk in grains that are not all zeros."""
        return self._populated

    def __repr__(self) -> str:
        """Name the file."""
        return f"FileContent({self._file.name!r}, capacity={self.capacity})"

    def grains(self) -> Iterator[tuple[int, Deflated]]:
        """Yield (grain number, zlib stream of its 64 KiB) in rising order; ImageError if the file has changed."""
        self._file.check_unchanged()
        yield from self._source.grains()

    def grain_bytes(self) -> Iterator[tuple[int, int]]:
        """Yield (grain number, length of its zlib stream) in rising order; a plain image is deflated once for it."""
        self._file.check_unchanged()
        yield from self._source.sizes()
