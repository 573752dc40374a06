"""What arrives for one file, judged as it comes: is it whole, and is it what was promised? No socket, no disk."""

from __future__ import annotations

from .._device_file import DeviceFile
from .._errors import BadStream, ExportError, ShortStream, Whose
from ..package._vmdk import Rule, StreamChecker, StreamFault
from ._answer import Framing

UNDECLARED = 16 << 30
"""Bytes after which a file that is no disk and whose size nobody declares is taken for an endless one (4.11)."""


class Intake:
    """One file on its way in: `feed` every piece, then `close` with the framing of the answer.

    Both raise ShortStream or BadStream for the first rule broken; `size` is the bytes so far, `capacity` that of a disk
    that is whole.
    """

    def __init__(self, entry: DeviceFile, host: str, whose: Whose = "host") -> None:
        self._entry, self._host, self._whose = entry, host, whose
        self._checker = StreamChecker() if entry.is_disk else None
        self._most = UNDECLARED if entry.file_size is None else entry.file_size
        self.size = 0
        self.capacity: int | None = None

    def feed(self, piece: bytes | memoryview) -> None:
        """Take the next piece."""
        self.size += len(piece)
        if self._checker is None:
            if self.size > self._most:
                raise self._too_much()
            return
        try:
            self._checker.feed(piece)
        except StreamFault as fault:
            raise self._broken(fault) from fault

    def close(self, framing: Framing) -> None:
        """Declare that no byte will follow."""
        if self._checker is not None:
            try:
                self.capacity = self._checker.close().capacity
            except StreamFault as fault:
                raise self._broken(fault) from fault
            return
        entry, host = self._entry, self._host
        if entry.file_size is not None and entry.file_size != self.size:
            raise ShortStream(
                f"{host} sent {self.size} bytes for {entry.key}, {self._declared_by} {entry.file_size};"
                " nothing was kept, export again",
                whose=self._whose,
            )
        if entry.file_size is None and framing == "close":
            raise ShortStream(
                f"{host} sent {self.size} bytes for {entry.key} with neither a length nor chunks, and the lease"
                " declares no size: nobody can tell whether that is all of it",
                whose=self._whose,
            )

    @property
    def _declared_by(self) -> str:
        # A datastore's file is not of a lease, nor is what a cell gives.
        return "the lease declares" if self._whose == "host" else "declared are"

    def _broken(self, fault: StreamFault) -> ExportError:
        kind = ShortStream if fault.rule is Rule.TRUNCATED else BadStream
        return kind(
            f"what {self._host} sent for {self._entry.key} is not a whole disk stream, by its {self.size} bytes:"
            f" {fault}; nothing was kept, export again",
            whose=self._whose,
        )

    def _too_much(self) -> ExportError:
        declared = self._entry.file_size
        expected = f"{self._declared_by} {declared}" if declared is not None else "nobody declares so large a file"
        return BadStream(
            f"{self._host} sent more than {self._most} bytes for {self._entry.key}, {expected}; nothing was kept",
            whose=self._whose,
        )
