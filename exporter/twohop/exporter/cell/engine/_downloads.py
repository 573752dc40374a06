"""One GET of one file: when it ends for the session, and what it counts for the ledger."""

from __future__ import annotations

import time
from typing import Protocol


class LinkDead(LookupError):
    """No such link, or none any more."""


class FileGone(LookupError):
    """The link stands but the file does not, as after a purge by hand (3.27)."""


class BuildFailed(RuntimeError):
    """The package that this GET should have built could not be built, or nobody can tell now whether there is one; the
    message says why (3.3b).
    """


class Readable(Protocol):
    """What can be read from a place on."""

    def seek(self, offset: int, /) -> int: ...
    def read(self, size: int, /) -> bytes | None: ...
    def close(self) -> None: ...


class Keeper(Protocol):
    """Who keeps the sessions that downloads belong to."""

    def ended(self, download: Download, sent: int) -> int:
        """End a GET and write its two legs down; return what `amend` takes."""

    def amend(self, leg: int, sent: int) -> None:
        """Correct a leg whose last bytes did not leave."""


class Download:
    """A GET in progress: `file` is open at its start, `size` in bytes, `stored_at` when the package got its name.

    Call `last` when everything to be sent has been read, before the last piece leaves: so a client that has its last
    byte finds the GET ended. Then `close`, always, with the bytes that left.
    """

    def __init__(
        self, owner: Keeper, transfer_id: str, name: str, file: Readable, size: int, user: str, began: float,
        stored_at: float,
    ) -> None:  # fmt: skip
        self.transfer_id, self.name, self.file, self.size = transfer_id, name, file, size
        self.stored_at = stored_at
        self.user, self.began, self.started = user, began, time.monotonic()
        self._owner: Keeper | None = owner
        self._ended: tuple[int, int] | None = None
        self.to_the_end = False
        self._reading = 0.0

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes from where the last read ended; the time it takes is the share's."""
        began = time.monotonic()
        data = self.file.read(size) or b""
        self._reading += time.monotonic() - began
        return data

    def seconds(self) -> tuple[float, float]:
        """Return the real seconds that went into reading the share, and those that went by besides."""
        return self._reading, max(0.0, time.monotonic() - self.started - self._reading)

    def stored(self, sent: int) -> int:
        """Return how many of the bytes sent came from the share: of an archive not all of them."""
        return int(getattr(self.file, "stored", sent))

    def last(self, total: int, *, to_the_end: bool) -> None:
        """End the GET; `total` bytes will have left with the last piece, which may be the end of the file."""
        self.to_the_end = to_the_end
        if self._owner is not None and self._ended is None:
            self._ended = (self._owner.ended(self, total), total)

    def close(self, sent: int) -> None:
        """End it in any case; a second call does nothing."""
        owner, self._owner = self._owner, None
        if owner is None:
            return
        self.file.close()
        if self._ended is None:
            owner.ended(self, sent)
        elif self._ended[1] != sent:
            owner.amend(self._ended[0], sent)
