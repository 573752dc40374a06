"""The transfer directory: one directory per transfer session, built aside and published whole (3.21).

    <root>/.building-<owner>-<random>/   an export under way; its name is not the capability
    <root>/<transfer id>/                a whole package: descriptors, disks, and the owner's mark
    <root>/.removing-<owner>-<random>/   on its way out

Directories are 0700 and files 0600 whatever the umask. Nothing that a client says becomes a path: a name is served only
where the spool itself lists it, and links are not followed.

A share may be a real cell's, or serve several databases (3.21). So each directory says by its name, or by a mark inside
that is no file of the package, which database it belongs to; what another owner made, or nobody known, is left alone.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import stat
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ._steps import OnStep, Step, unheard

_BUILDING, _REMOVING = ".building-", ".removing-"
MARK = ".twohop-owner"
"""The file in a package that names its owner; neither served nor listed."""
_OWNER = re.compile(r"[0-9a-f]{16}\Z")
_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\Z")


def new_transfer_id() -> str:
    """Return an unguessable transfer id: a random UUID, since whoever knows it may download (3.10)."""
    return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))


def is_transfer_id(name: str) -> bool:
    """Tell whether a name has the form of a transfer id."""
    return _ID.match(name) is not None


class SpoolError(OSError):
    """The transfer share cannot be used."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What stands in a transfer directory: the owner's packages by transfer id, what it builds or removes, the rest."""

    packages: tuple[str, ...]
    aside: tuple[Path, ...]
    foreign: tuple[str, ...]


class Spool:
    """The transfer directory of a cell; `owner` is its database's identity, 16 hexadecimal digits."""

    def __init__(self, root: Path, owner: str, on_step: OnStep = unheard) -> None:
        if not _OWNER.match(owner):
            raise ValueError(f"an owner is 16 hexadecimal digits, got {owner!r}")
        self.root, self._owner, self._on_step = root, owner, on_step
        self._aside = re.compile(rf"\.(?:building|removing)-{owner}-[0-9a-f]{{32}}\Z")

    def prepare(self) -> None:
        """Make the root where it is missing; SpoolError where it cannot be written."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            probe = self._name_aside(_REMOVING)
            probe.mkdir(mode=0o700)
            probe.rmdir()
        except OSError as error:
            raise SpoolError(
                error.errno,
                f"the transfer directory {self.root} cannot be used: {error.strerror}; give one that is writable",
            ) from None

    def aside_name(self) -> Path:
        """Return where a package can be built; whoever owns it has to be written down before `begin` makes it."""
        return self._name_aside(_BUILDING)

    def begin(self, directory: Path) -> None:
        """Make a directory to build a package in."""
        directory.mkdir(mode=0o700)
        directory.chmod(0o700)

    def write(self, directory: Path, name: str, data: bytes) -> None:
        """Write a small file of a package under way, down to the disk."""
        fd = os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def publish(self, directory: Path, transfer_id: str) -> dict[str, int]:
        """Mark a package and give it its name, at once and whole; return its files and their sizes in bytes."""
        for path in directory.iterdir():
            if not stat.S_ISREG(path.lstat().st_mode):
                raise SpoolError(None, f"a package holds files only, but {path.name} is none")
            path.chmod(0o600)
        self.write(directory, MARK, self._owner.encode())
        _sync(directory)
        directory.rename(self.root / _checked(transfer_id))
        _sync(self.root)
        return self.files(transfer_id)

    def files(self, transfer_id: str) -> dict[str, int]:
        """Return name and size in bytes of every file of a package; nothing where it is gone."""
        try:
            with os.scandir(self.root / _checked(transfer_id)) as entries:
                plain = [entry for entry in entries if entry.is_file(follow_symlinks=False)]
                return {e.name: e.stat(follow_symlinks=False).st_size for e in plain if e.name != MARK}
        except FileNotFoundError:
            return {}

    def open(self, transfer_id: str, name: str) -> tuple[BinaryIO, int]:
        """Open a file that the spool lists, and tell its size; FileNotFoundError for any other name."""
        listed = next((known for known in self.files(transfer_id) if known == name), None)
        if listed is None:
            raise FileNotFoundError("no such file in this transfer session")
        fd = os.open(self.root / transfer_id / listed, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        file = os.fdopen(fd, "rb", buffering=0)
        return file, os.fstat(fd).st_size

    def discard(self, directory: Path) -> None:
        """Delete a package under way."""
        if directory.parent != self.root or not self._aside.match(directory.name):
            raise ValueError(f"{directory} is no directory of this spool")
        _delete(directory)

    def remove(self, transfer_id: str) -> bool:
        """Delete a package; False where there was none."""
        directory = self.root / _checked(transfer_id)
        aside = self._name_aside(_REMOVING)
        try:
            directory.rename(aside)
        except FileNotFoundError:
            return False
        self._on_step(Step.SET_ASIDE)
        _delete(aside)
        self._on_step(Step.DELETED)
        return True

    def gone(self, directory: Path, transfer_id: str) -> bool:
        """Tell whether nothing stands of a package, neither under way nor published."""
        return not os.path.lexists(directory) and not os.path.lexists(self.root / _checked(transfer_id))

    def look(self) -> Contents:
        """Tell what stands in the transfer directory, and which of it is the owner's."""
        packages, aside, foreign = [], [], []
        try:
            with os.scandir(self.root) as entries:
                found = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
        except FileNotFoundError:
            found = []
        for name, directory in found:
            if directory and self._aside.match(name):
                aside.append(self.root / name)
            elif directory and is_transfer_id(name) and self._marked(name):
                packages.append(name)
            else:
                foreign.append(name)
        return Contents(tuple(packages), tuple(aside), tuple(foreign))

    def _name_aside(self, prefix: str) -> Path:
        return self.root / f"{prefix}{self._owner}-{secrets.token_hex(16)}"

    def _marked(self, transfer_id: str) -> bool:
        try:
            fd = os.open(self.root / transfer_id / MARK, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return False
        with os.fdopen(fd, "rb") as file:
            regular = stat.S_ISREG(os.fstat(fd).st_mode)
            return regular and file.read(len(self._owner) + 1) == self._owner.encode()


def _checked(transfer_id: str) -> str:
    if not is_transfer_id(transfer_id):
        raise ValueError("a transfer id is a UUID in lower case")
    return transfer_id


def _delete(directory: Path) -> None:
    """Delete a directory that another cell may be deleting too: a file that has just gone is no fault."""
    while os.path.lexists(directory):
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(directory)


def _sync(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
