"""A disk inside an OVA, read where it lies: a tar archive stores its members whole, so nothing has to be unpacked."""

from __future__ import annotations

import tarfile
from pathlib import Path

from twohop.fakes.vmdk._errors import ImageError
from twohop.fakes.vmdk._source import ImageFile

__all__ = ["member"]

_DISK = b"KDMV"


def member(archive: Path, name: str | None) -> ImageFile:
    """Open the disk called `name` in an OVA; without a name its only VMDK.

    Raises ImageError where the archive is broken or cut, or has no such disk; the error names those it has.
    """
    try:
        # Member by member, forwards: the archive's index are its headers, and only they are read.
        with tarfile.open(archive, "r:") as tar:
            parts = {entry.name: entry for entry in tar if entry.isreg() and not entry.issparse()}
    except tarfile.TarError as err:
        raise ImageError(f"{archive} is no OVA that can be read ({err}): fetch it again") from err
    except OSError as err:
        raise ImageError(f"{archive} cannot be read ({err.strerror}): the world must name an OVA") from err
    if name is not None and name in parts:
        return _open(archive, parts[name])
    opened = {entry.name: _open(archive, entry) for entry in parts.values() if entry.size}
    disks = [found for found, file in opened.items() if file.read(0, len(_DISK)) == _DISK]
    if name is None and len(disks) == 1:
        return opened[disks[0]]
    has = ", ".join(disks) or "none"
    asked = f"has no member {name!r}" if name is not None else f"holds {len(disks)} disks"
    raise ImageError(f"{archive} {asked}: name one as {archive.name}#DISK; its disks: {has}")


def _open(archive: Path, entry: tarfile.TarInfo) -> ImageFile:
    return ImageFile(archive, f"{archive}#{entry.name}", (entry.offset_data, entry.size))
