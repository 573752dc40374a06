"""A file that is ours alone while it is written, and gone again unless it became whole."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from types import TracebackType

from .._errors import target_error


class Sink:
    """Write a new file, readable by its owner only; `keep` makes it safe on disk, any other end removes it.

    `seconds` of real time went into writing. What the operating system refuses becomes TargetFull, AlreadyThere or
    TargetRefused, and names the path.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = -1
        self._kept = False
        self.seconds = 0.0

    def __enter__(self) -> Sink:
        try:
            self._fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise target_error(error, self.path) from error
        return self

    def write(self, data: bytes | memoryview) -> None:
        """Write all of `data`."""
        began = time.monotonic()
        try:
            written = os.write(self._fd, data)
            while written < len(data):
                written += os.write(self._fd, memoryview(data)[written:])
        except OSError as error:
            raise target_error(error, self.path) from error
        self.seconds += time.monotonic() - began

    def keep(self) -> None:
        """Wait until the bytes are safe on disk, and let the file stay."""
        began = time.monotonic()
        try:
            os.fsync(self._fd)
        except OSError as error:
            raise target_error(error, self.path) from error
        self._kept = True
        self.seconds += time.monotonic() - began

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        if not self._kept or error is not None:
            with contextlib.suppress(OSError):
                self.path.unlink()


def write_whole(path: Path, content: bytes) -> None:
    """Write a small new file and make it safe on disk."""
    with Sink(path) as sink:
        sink.write(content)
        sink.keep()


def sync_directory(directory: Path) -> None:
    """Make the names in a directory safe on disk."""
    try:
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise target_error(error, directory) from error
    try:
        os.fsync(fd)
    except OSError as error:
        raise target_error(error, directory) from error
    finally:
        os.close(fd)
