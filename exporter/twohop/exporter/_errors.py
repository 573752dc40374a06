"""What can go wrong, whose fault it is, what was expected, what came and what to do about it."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Literal

Whose = Literal["you", "vCenter", "host", "cell", "target"]
"""Who has to act: the user, vCenter, the ESXi host, the cell, or whoever owns the place the files go to."""


class ExportError(Exception):
    """An export that cannot go on: one clear line in `str()`, and in `whose` who has to act on it."""

    whose: Whose = "vCenter"

    def __init__(self, message: str, *, whose: Whose | None = None) -> None:
        super().__init__(" ".join(message.split()))
        if whose is not None:
            self.whose = whose


class LoginRefused(ExportError):
    """vCenter does not know this user with this password (10.11)."""

    whose = "you"


class NotFound(ExportError):
    """Nothing in the inventory has this name."""

    whose = "you"


class Ambiguous(ExportError):
    """More than one object has this name."""

    whose = "you"


class WrongPowerState(ExportError):
    """The VM has to be powered off for this (2.11, 2.17)."""

    whose = "you"


class NotPermitted(ExportError):
    """The user lacks a privilege for this (2.11)."""

    whose = "you"


class BadAddress(ExportError):
    """An address, thumbprint or authority's file that cannot be used as given."""

    whose = "you"


class Busy(ExportError):
    """Another task holds the VM (9.2, 9.3)."""


class Refused(ExportError):
    """The server refused a call for a reason of its own, which the message quotes."""


class BadAnswer(ExportError):
    """The server answered something that the protocol does not allow."""


class LeaseFailed(ExportError):
    """The lease went from initializing to error, or never became ready (1.5)."""


class LeaseLost(ExportError):
    """The lease ended before the export did (3.8); `again` where another one may be asked for."""

    again = True


class HostUnreachable(ExportError):
    """No connection to a server, or none any more (6.9)."""

    whose = "host"


class WrongThumbprint(ExportError):
    """A server shows another certificate than the one it is pinned to (6.3)."""

    whose = "host"


class Untrusted(ExportError):
    """A server shows a certificate that no trusted authority has signed."""

    whose = "host"


class HostRefused(ExportError):
    """A host answered a download with another status than 200 (6.10)."""

    whose = "host"


class HostBusy(HostRefused):
    """A host answered a download with 503: too many of them, or not ready yet (6.8, 12 row 9)."""


class ShortStream(ExportError):
    """A download ended before its own framing, size or disk format says that it is whole (6.4, 7.6).

    `again` where it may come whole under another lease: there is no resume.
    """

    whose = "host"
    again = True


class BadStream(ShortStream):
    """A download breaks a rule that no second try mends: no disk at all, or other bytes than the server sent."""

    again = False


class TargetFull(ExportError):
    """The place the files go to has no room left."""

    whose = "target"


class TargetRefused(ExportError):
    """The place the files go to cannot be written."""

    whose = "target"


class AlreadyThere(ExportError):
    """A file that this export would write exists already, at `path`."""

    whose = "target"

    def __init__(self, message: str, path: Path, *, whose: Whose | None = None) -> None:
        super().__init__(message, whose=whose)
        self.path = path


class BadPackage(ExportError):
    """A descriptor or manifest that cannot be read."""


class Cancelled(ExportError):
    """The user or the calling program asked to stop."""

    whose = "you"


FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def target_error(error: OSError, path: Path) -> ExportError:
    """Return the error of a write to `path` that the operating system refused."""
    if error.errno in FULL:
        limit = "a limit on file size was reached" if error.errno == errno.EFBIG else "no space is left"
        return TargetFull(f"cannot write {path}: {limit} ({error.strerror}); make room or choose another directory")
    if isinstance(error, FileExistsError):
        return AlreadyThere(
            f"{path} exists already: another export is running here or an earlier one was killed;"
            " remove it, use --force, or choose another directory",
            path,
        )
    return TargetRefused(f"cannot write {path}: {error.strerror or error}; check the path and its permissions")
