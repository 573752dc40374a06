"""What happened to bytes."""

from __future__ import annotations

from dataclasses import dataclass

from twohop.runtime.observing import End

from ._event import Event


@dataclass(frozen=True, slots=True)
class NfcAsked(Event):
    """A request of any method for a device URL. `length` is what Content-Length declared, `type` the Content-Type."""

    method: str
    ticket: str
    file: str
    status: int | None
    length: int | None
    chunked: bool
    type: str | None
    cookie: bool
    ranged: bool


@dataclass(frozen=True, slots=True)
class DiskFetched(Event):
    """A GET of a device URL. `size`, `sha256`, `head` and `tail` are None where the body was not digested.

    `sha1` and `grains`, a digest of what the grains of a disk stream hold, are None where the observer did not look.
    """

    ticket: str
    file: str
    status: int | None
    size: int | None
    sha256: str | None
    end: End
    head: bytes | None
    tail: bytes | None
    sha1: str | None = None
    grains: str | None = None

    @property
    def thumbprint(self) -> str | None:
        """The SHA-1 thumbprint of the certificate that the host showed."""
        return self.exchange.conn.thumbprint

    @property
    def answered(self) -> bool:
        """Tell whether the host answered 200 and ended the body by its own framing."""
        return self.status == 200 and self.end == "complete"


@dataclass(frozen=True, slots=True)
class Uploaded(Event):
    """A POST or PUT to a device URL; the digests are of the body that was sent, where the observer looked at it."""

    method: str
    ticket: str
    file: str
    status: int | None
    size: int | None
    sha256: str | None
    sha1: str | None
    head: bytes | None
    tail: bytes | None


@dataclass(frozen=True, slots=True)
class FileTransferred(Event):
    """A request for `/transfer/<session>/<file>`; `whole` where the answer is 200 and ended by its own framing.

    `head` and `tail` are the ends of what came, None where it was not digested; `members` of an archive are pairs of
    name and SHA-256, None where the observer did not look.
    """

    method: str
    session: str
    file: str
    status: int | None
    size: int | None
    sha256: str | None
    end: End
    body: str | None
    head: bytes | None = None
    tail: bytes | None = None
    members: tuple[tuple[str, str], ...] | None = None

    @property
    def whole(self) -> bool:
        """Tell whether it is a whole file."""
        return self.method == "GET" and self.status == 200 and self.end == "complete"
