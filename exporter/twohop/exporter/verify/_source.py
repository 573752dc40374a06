"""The two forms of a package: files beside a descriptor, and one tar."""

from __future__ import annotations

import contextlib
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from .._errors import BadPackage

PIECE = 1 << 20


class Source(Protocol):
    """Files by name; `order` is that of a tar, and empty for a directory."""

    descriptor: str
    order: tuple[str, ...]

    def size(self, name: str) -> int | None:
        """Return a file's bytes, None where there is no such file."""

    def pieces(self, name: str) -> Iterator[bytes]:
        """Read a file from front to back."""


class Directory:
    """A descriptor and the files beside it; what these methods raise for a link out of it is BadPackage."""

    order: tuple[str, ...] = ()

    def __init__(self, descriptor: Path) -> None:
        self.descriptor = descriptor.name
        self._folder = descriptor.parent

    def size(self, name: str) -> int | None:
        """Return a file's bytes."""
        path = self._within(name)
        return path.stat().st_size if path.is_file() else None

    def pieces(self, name: str) -> Iterator[bytes]:
        """Read a file."""
        with self._within(name).open("rb") as file:
            while piece := file.read(PIECE):
                yield piece

    def _within(self, name: str) -> Path:
        """Return where a file lies; a link out of the directory is refused, or a stranger could have anything sent."""
        path = self._folder / name
        if name != self.descriptor and not path.resolve().is_relative_to(self._folder.resolve()):
            raise BadPackage(
                f"{name[:120]!r} is a link out of the package; put the file itself into {self._folder}", whose="you"
            )
        return path


class Ova:
    """One tar; members are read where they lie."""

    def __init__(self, path: Path, tar: tarfile.TarFile) -> None:
        self._path = path
        self._members: dict[str, tarfile.TarInfo] = {}
        self.strange: list[str] = []
        self.twice: list[str] = []
        self.cut: str | None = None
        try:
            for member in tar:
                self._take(member)
        except tarfile.TarError as error:
            if not self._members:
                raise
            self.cut = str(error)
        self.order = tuple(self._members)
        found = [name for name in self.order if name.lower().endswith(".ovf")]
        if len(found) != 1:
            raise BadPackage(f"{path} holds {len(found)} descriptors (*.ovf), expected one", whose="you")
        self.descriptor = found[0]

    def _take(self, member: tarfile.TarInfo) -> None:
        if member.name in self._members:
            self.twice.append(member.name)
        elif not member.isreg():
            self.strange.append(member.name)
        else:
            self._members[member.name] = member

    def size(self, name: str) -> int | None:
        """Return a member's bytes."""
        member = self._members.get(name)
        return None if member is None else member.size

    def pieces(self, name: str) -> Iterator[bytes]:
        """Read a member; a tar that ends inside it gives what there is."""
        member = self._members[name]
        left = member.size
        with self._path.open("rb") as file:
            file.seek(member.offset_data)
            while left and (piece := file.read(min(PIECE, left))):
                left -= len(piece)
                yield piece


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Source]:
    """Open the package at `path`: a directory with one descriptor, a descriptor, or an OVA; BadPackage for all else."""
    try:
        if path.is_dir():
            found = sorted(path.glob("*.[oO][vV][fF]"))
            if len(found) != 1:
                raise BadPackage(f"{path} holds {len(found)} descriptors (*.ovf), expected one; name one", whose="you")
            yield Directory(found[0])
        elif path.suffix.lower() == ".ovf":
            path.stat()
            yield Directory(path)
        else:
            with tarfile.open(path, "r:") as tar:
                yield Ova(path, tar)
    except tarfile.TarError as error:
        raise BadPackage(
            f"{path} is no OVA that can be read ({error}); give an OVA, a descriptor or its directory", whose="you"
        ) from None
    except OSError as error:
        raise BadPackage(f"cannot read {path}: {error.strerror or error}", whose="you") from None
