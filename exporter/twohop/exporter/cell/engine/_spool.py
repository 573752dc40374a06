"""The transfer directory: one directory per transfer session, built aside and published whole (3.21).

    <root>/.building-<random>/   an export under way; its name is not the capability
    <root>/<transfer id>/        a whole package: descriptors and disks
    <root>/.removing-<random>/   on its way out

Directories are 0700 and files 0600 whatever the umask. Nothing that a client says becomes a path: a name is served only
where the spool itself lists it, and links are not followed. Other things on the share (3.21) are left alone.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_BUILDING, _REMOVING = ".building-", ".removing-"
_ASIDE = re.compile(r"\.(?:building|removing)-[0-9a-f]{32}\Z")
_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\Z")


def new_transfer_id() -> str:
    """Return an unguessable transfer id: a random UUID, since whoever knows it may download (3.10)."""
    return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))


class SpoolError(OSError):
    """The transfer share cannot be used."""


class Spool:
    """The transfer directory of a cell."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def prepare(self) -> None:
        """Make the root where it is missing; SpoolError where it cannot be written."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            probe = self.root / f"{_REMOVING}{secrets.token_hex(16)}"
            probe.mkdir(mode=0o700)
            probe.rmdir()
        except OSError as error:
            raise SpoolError(
                error.errno,
                f"the transfer directory {self.root} cannot be used: {error.strerror}; give one that is writable",
            ) from None

    def aside_name(self) -> Path:
        """Return where a package can be built; whoever owns it has to be written down before `begin` makes it."""
        return self.root / f"{_BUILDING}{secrets.token_hex(16)}"

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
        """Give a package its name at once and whole; return its files and their sizes in bytes."""
        for path in directory.iterdir():
            if not stat.S_ISREG(path.lstat().st_mode):
                raise SpoolError(None, f"a package holds files only, but {path.name} is none")
            path.chmod(0o600)
        _sync(directory)
        directory.rename(self.root / _checked(transfer_id))
        _sync(self.root)
        return self.files(transfer_id)

    def files(self, transfer_id: str) -> dict[str, int]:
        """Return name and size in bytes of every file of a package; nothing where it is gone."""
        try:
            with os.scandir(self.root / _checked(transfer_id)) as entries:
                plain = [entry for entry in entries if entry.is_file(follow_symlinks=False)]
                return {entry.name: entry.stat(follow_symlinks=False).st_size for entry in plain}
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
        if directory.parent != self.root or not _ASIDE.match(directory.name):
            raise ValueError(f"{directory} is no directory of this spool")
        shutil.rmtree(directory, ignore_errors=False) if directory.exists() else None

    def remove(self, transfer_id: str) -> bool:
        """Delete a package; False where there was none."""
        directory = self.root / _checked(transfer_id)
        aside = self.root / f"{_REMOVING}{secrets.token_hex(16)}"
        try:
            directory.rename(aside)
        except FileNotFoundError:
            return False
        shutil.rmtree(aside)
        return True

    def packages(self) -> Iterator[str]:
        """Give the transfer ids that have a directory."""
        return (name for name in self._directories() if _ID.match(name))

    def aside(self) -> Iterator[Path]:
        """Give the directories that are being built or removed."""
        return (self.root / name for name in self._directories() if _ASIDE.match(name))

    def _directories(self) -> list[str]:
        try:
            with os.scandir(self.root) as entries:
                return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        except FileNotFoundError:
            return []


def _checked(transfer_id: str) -> str:
    if not _ID.match(transfer_id):
        raise ValueError("a transfer id is a UUID in lower case")
    return transfer_id


def _sync(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
