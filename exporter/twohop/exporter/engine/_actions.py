"""What an export asks to be done, one thing at a time, and what it is told in return.

The engine is a generator of these. Whoever drives it does what it yields and sends back the result, or throws into it
what went wrong; so a test can be the whole world, and fail at any step it likes.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from .._device_file import DeviceFile, Source
from .._events import Event
from ._values import Described, Ending, Fetched, LeaseHandle, ManifestRow, Ready, Subject, WantedFile

T = TypeVar("T")
R = TypeVar("R")


class Action(Generic[T]):
    """Something to be done, which gives a T.

    `ends` marks what has to be done on the way out, too: nobody's wish to stop comes before it.
    """

    ends: ClassVar[bool] = False


Steps = Generator[Action[Any], Any, R]
"""A piece of an export that gives an R."""


def do(action: Action[T]) -> Steps[T]:
    """Have one thing done; `yield from do(...)` gives its result with its type."""
    result: T = yield action
    return result


@dataclass(frozen=True)
class Tell(Action[None]):
    """Show an event to whoever listens."""

    ends = True
    event: Event


@dataclass(frozen=True)
class OpenTarget(Action[None]):
    """Make the place for the package; from here on `Publish` or `Discard` has to come."""


@dataclass(frozen=True)
class Reserve(Action[None]):
    """Keep a name for a file of the package that is written later with `Write`.

    `size` is the bytes that it will take, where they are known; a target that is one stream has to know them.
    """

    name: str
    size: int | None = None


@dataclass(frozen=True)
class Claim(Action[str]):
    """Get a name for a file, made safe and kept apart from the others, from one that somebody else chose."""

    proposed: str
    fallback: str


@dataclass(frozen=True)
class AskLease(Action[LeaseHandle]):
    """Ask the server for an export lease; never said twice for one lease, whatever happens (2.14a)."""

    subject: Subject


@dataclass(frozen=True)
class AwaitReady(Action[Ready]):
    """Wait until a lease is ready, and read what it offers (1.1, 1.7)."""

    lease: LeaseHandle


@dataclass(frozen=True)
class ChooseDigest(Action[bool]):
    """Ask the server to digest what it sends with SHA-256; whether it agreed (5.4)."""

    lease: LeaseHandle
    keys: tuple[str, ...]


@dataclass(frozen=True)
class StartRenewing(Action[None]):
    """Renew the lease from a thread of its own, however long a read blocks (3.4)."""

    lease: LeaseHandle


@dataclass(frozen=True)
class StopRenewing(Action[None]):
    """Renew the lease no more."""

    ends = True
    lease: LeaseHandle


@dataclass(frozen=True)
class Fetch(Action[Fetched]):
    """Fetch a file from one host into the package under `name`, with its SHA-256 and what else is in `algorithms`."""

    entry: DeviceFile
    source: Source
    name: str
    algorithms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Together(Action[list[Any]]):
    """Do several pieces, at most `at_once` at a time; results in their order, or the first failure, after all ended."""

    pieces: tuple[Steps[Any], ...]
    at_once: int = 1


@dataclass(frozen=True)
class AskManifest(Action[tuple[ManifestRow, ...] | None]):
    """Read the server's manifest of what it has sent; None where it has none (5.1, 5.5)."""

    lease: LeaseHandle


@dataclass(frozen=True)
class Describe(Action[Described]):
    """Have the server write a descriptor over these files (8.1)."""

    subject: Subject
    files: tuple[WantedFile, ...]
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Write(Action[Any]):
    """Write a file of the package whose name was reserved; gives the path where it will stand."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Sync(Action[None]):
    """Wait until everything that was written is safe on disk."""


@dataclass(frozen=True)
class Report(Action[None]):
    """Report progress, which renews the lease once more (3.4)."""

    lease: LeaseHandle
    percent: int


@dataclass(frozen=True)
class Complete(Action[None]):
    """End the lease with success (1.3)."""

    lease: LeaseHandle


@dataclass(frozen=True)
class Abort(Action[Ending]):
    """Give the lease up (1.4), and say how it stood; a lease that has ended is no error."""

    ends = True
    lease: LeaseHandle
    reason: str


@dataclass(frozen=True)
class Clear(Action[None]):
    """Take back everything that was written, and go on with an empty package."""


@dataclass(frozen=True)
class Pause(Action[None]):
    """Wait so many real seconds."""

    seconds: float


@dataclass(frozen=True)
class Publish(Action[None]):
    """Give every file its final name."""


@dataclass(frozen=True)
class Discard(Action[None]):
    """Leave nothing of the package, because of `error`."""

    ends = True
    error: BaseException


def tell(event: Event) -> Steps[None]:
    """Show an event."""
    yield from do(Tell(event))


def together(pieces: Sequence[Steps[R]], at_once: int) -> Steps[list[R]]:
    """Do several pieces, and give their results in order."""
    return (yield from do(Together(tuple(pieces), at_once)))
