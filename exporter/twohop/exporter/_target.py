"""Where a package goes, as the engine needs it: names, bytes, and all of it or nothing in the end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from ._placing import Place, Placing
from .transfer import Into
from .transfer._sink import Sink, sync_directory


class Target(Protocol):
    """The place for one package; every method raises ExportError for what the operating system refuses.

    `one_stream` says that files come one after the other, and that the sizes of reserved ones are needed.
    """

    one_stream: bool

    def open(self) -> None:
        """Make the place."""

    def reserve(self, name: str, size: int | None) -> None:
        """Keep a name for `write`, and its room."""

    def claim(self, proposed: str, fallback: str) -> str:
        """Return a safe name, of its own, for a file whose name somebody else chose."""

    def sink(self, name: str) -> contextlib.AbstractContextManager[Into]:
        """Take the bytes of a file that was claimed; a context that is left by an error takes them back."""

    def write(self, name: str, content: bytes) -> Path:
        """Write a file whose name was reserved; where it will stand."""

    def path(self, name: str) -> Path:
        """Return where a file lies while it has no final name."""

    def final(self, name: str) -> Path:
        """Return where a file will stand."""

    def obstacles(self, name: str) -> Iterator[str]:
        """Say what would refuse the descriptor `name` here as things are now; nothing is made or changed."""

    def sync(self) -> None:
        """Wait until everything written is safe on disk."""

    def clear(self) -> None:
        """Take everything back and begin anew."""

    def publish(self) -> None:
        """Give everything its final name."""

    def discard(self, error: BaseException) -> None:
        """Leave nothing; raises nothing. What was published stays."""


class DirectoryTarget:
    """A directory: a file for each file, under its name and `suffix` until all are whole."""

    one_stream = False

    def __init__(self, directory: Path, *, suffix: str = "", force: bool = False) -> None:
        self._placing = Placing(directory, suffix=suffix, force=force)
        self._places: dict[str, Place] = {}

    def open(self) -> None:
        """Make the directory."""
        self._placing.open()

    def reserve(self, name: str, size: int | None) -> None:
        """Keep a name."""
        self._placing.reserve(name)

    def claim(self, proposed: str, fallback: str) -> str:
        """Return a safe name of its own."""
        place = self._placing.claim(proposed, fallback)
        self._places[place.name] = place
        return place.name

    @contextlib.contextmanager
    def sink(self, name: str) -> Iterator[Into]:
        """Write a new file, safe on disk when the context ends."""
        with Sink(self._places[name].path) as sink:
            yield sink
            sink.keep()

    def write(self, name: str, content: bytes) -> Path:
        """Write a small file."""
        return self._placing.write(name, content).final

    def path(self, name: str) -> Path:
        """Return where a file lies for now."""
        return self._places[name].path

    def final(self, name: str) -> Path:
        """Return where a file will stand."""
        return self._placing.directory / name

    def obstacles(self, name: str) -> Iterator[str]:
        """Say what would refuse a package here."""
        return self._placing.obstacles(name)

    def sync(self) -> None:
        """Make the names safe; each file is safe since it was written."""
        sync_directory(self._placing.directory)

    def clear(self) -> None:
        """Remove every file, and forget every name."""
        self._placing.clear()
        self._places.clear()

    def publish(self) -> None:
        """Give every file its final name."""
        self._placing.publish()

    def discard(self, error: BaseException) -> None:
        """Remove every file."""
        self._placing.discard(error)
