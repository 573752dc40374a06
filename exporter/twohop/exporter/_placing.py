"""The files of one export in one directory: whole under their final names, or not there at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from ._errors import AlreadyThere, target_error
from .package._names import safe_name, unique_name
from .transfer._sink import sync_directory, write_whole

TURNS = 100
"""How often a directory is made again that others take away at the same time."""


@dataclass(frozen=True, slots=True)
class Place:
    """One file: its final name, where it is written, and where it stands in the end."""

    name: str
    path: Path
    final: Path


class Placing:
    """Give out names in `directory` while the context is open, and take everything back unless `publish` was called.

    A file is written as its name plus `suffix` until it is published. A final name that is taken already is refused
    with AlreadyThere, unless `force`; then what stood there is kept aside until everything new stands. A directory
    that is made here goes again with the rest.
    """

    def __init__(self, directory: Path, *, suffix: str = "", force: bool = False) -> None:
        self.directory = directory
        self._suffix = suffix
        self._force = force
        self._reserved: set[str] = set()
        self._places: list[Place] = []
        self._made: list[Path] = []
        self._standing: list[Path] = []
        self._aside: list[tuple[Path, Path]] = []
        self._published = False

    def __enter__(self) -> Placing:
        self.open()
        return self

    def open(self) -> None:
        """Make the directory where it is missing; `publish` or `discard` has to come."""
        try:
            for left in reversed(range(TURNS)):
                try:
                    self._make(self.directory)
                    break
                except FileNotFoundError:
                    # Another export that failed has taken back what this one was about to stand in.
                    if not left:
                        raise
        except OSError as error:
            self._clean()
            raise target_error(error, self.directory) from error

    def reserve(self, name: str) -> None:
        """Keep `name` for a file that is claimed later; raise AlreadyThere where it may not be written."""
        self._check(self.directory / name)
        self._reserved.add(name)

    def claim(self, proposed: str, fallback: str) -> Place:
        """Give a place to a file whose name somebody else chose; it is made safe and kept apart from the others."""
        name = unique_name(safe_name(proposed, fallback), {*self._reserved, *(place.name for place in self._places)})
        return self._claim(name)

    def claim_as(self, name: str) -> Place:
        """Give a place to a file whose name the user chose."""
        return self._claim(name)

    def obstacles(self, name: str) -> Iterator[str]:
        """Say what would refuse a file `name` in this directory as things are now; nothing is made or changed."""
        if not self._force and _stands(self.directory / name):
            yield f"{self.directory / name} exists already"
        at = self.directory
        while not at.exists() and at != at.parent:
            at = at.parent
        if not at.is_dir() or not os.access(at, os.W_OK | os.X_OK):
            yield f"{at} cannot be written to"

    def write(self, name: str, content: bytes) -> Place:
        """Write a file under a name that was reserved."""
        place = self._claim(name)
        write_whole(place.path, content)
        return place

    def publish(self) -> None:
        """Move every file to its final name in the order in which they were claimed, and let them stay."""
        for place in self._places:
            try:
                if place.path != place.final:
                    self._check(place.final)
                    self._keep_aside(place.final)
                    self._standing.append(place.final)
                    place.path.replace(place.final)
            except OSError as error:
                raise target_error(error, place.final) from error
        sync_directory(self.directory)
        self._published = True
        self._drop_aside()

    def clear(self) -> None:
        """Take back every file, and begin anew in the same directory."""
        for place in self._places:
            with contextlib.suppress(FileNotFoundError):
                place.path.unlink()
        self._places.clear()
        self._reserved.clear()

    def discard(self, error: BaseException | None) -> None:
        """Take everything back, because of `error`; what was published stays."""
        if not self._published:
            # Somebody else was there first, after the name had been given out.
            self._clean(keep=error.path if isinstance(error, AlreadyThere) else None)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.discard(error)

    def _make(self, directory: Path) -> None:
        """Make a directory and those above it, as far as they are missing; exports side by side may share some."""
        if directory.is_dir():
            return
        if not directory.parent.exists():
            self._make(directory.parent)
        try:
            directory.mkdir()
        except FileExistsError:
            if not directory.is_dir():
                raise NotADirectoryError(20, "Not a directory") from None
            # Another export made it in between, and takes it back where it can.
            return
        self._made.insert(0, directory)

    def _claim(self, name: str) -> Place:
        final = self.directory / name
        self._check(final)
        path = self.directory / f"{name}{self._suffix}"
        if self._force and self._suffix:
            with contextlib.suppress(OSError):
                path.unlink()
        if _stands(path):
            raise target_error(FileExistsError(17, "File exists"), path)
        place = Place(name, path, final)
        self._places.append(place)
        return place

    def _check(self, final: Path) -> None:
        if not self._force and _stands(final):
            raise AlreadyThere(
                f"{final} exists already; use --force to overwrite it, or choose another directory", final
            )

    def _keep_aside(self, final: Path) -> None:
        if not _stands(final):
            return
        if final.is_dir() and not final.is_symlink():
            raise IsADirectoryError(21, "Is a directory")
        aside = self.directory / f".twohop-{secrets.token_hex(8)}.old"
        self._aside.append((aside, final))
        final.rename(aside)

    def _drop_aside(self) -> None:
        for aside, _ in self._aside:
            with contextlib.suppress(OSError):
                aside.unlink()
        self._aside.clear()

    def _clean(self, keep: Path | None = None) -> None:
        for path in {*self._standing, *(place.path for place in self._places)} - {keep}:
            with contextlib.suppress(OSError):
                path.unlink()
        for aside, final in self._aside:
            with contextlib.suppress(OSError):
                aside.replace(final)
        for made in self._made:
            with contextlib.suppress(OSError):
                made.rmdir()


def _stands(path: Path) -> bool:
    """Tell whether anything has this name; raise TargetRefused where the operating system does not say."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise target_error(error, path) from error
    return True
