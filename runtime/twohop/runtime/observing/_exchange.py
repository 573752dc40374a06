"""The record of one exchange on the wire, and of one look into the transfer directory."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

End = Literal["complete", "cut", "reset", "unanswered"]
"""How an answer ended: whole by its own framing, cut short, reset, or no answer at all."""


@dataclass(frozen=True, slots=True)
class Connection:
    """The connection an exchange used: a name of its own, the peer, and the SHA-1 thumbprint the peer showed."""

    id: str
    host: str
    port: int
    thumbprint: str | None = None


@dataclass(frozen=True, slots=True)
class BodyDigest:
    """What is kept of a large body: size, SHA-256, and its ends (hex), which tell a whole stream from a cut one.

    An observer that reads more of it may add its SHA-1, which manifests name, and a digest of its content.
    """

    size: int
    sha256: str
    head: str = ""
    tail: str = ""
    sha1: str | None = None
    content: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A request, with secrets as references; `body` where it is text worth keeping, `digest` of one that is not."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: str | None = None
    digest: BodyDigest | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, with secrets as references; `body` where it is text worth keeping, else `digest`."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: str | None = None
    digest: BodyDigest | None = None
    framing: Literal["length", "chunked", "close", "none"] = "none"
    end: End = "complete"

    def header(self, name: str) -> str | None:
        """Return the first header of that name, in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came of it; times in seconds of the world's clock, `t_first` at the first byte back."""

    id: int
    conn: Connection
    observer: str
    t0: float
    t_first: float
    t1: float
    request: Request
    response: Response | None
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the exchange as plain JSON data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Listing:
    """What the transfer directory held at `t`: relative path and size in bytes of every file."""

    id: int
    observer: str
    t: float
    entries: tuple[tuple[str, int], ...]

    def to_json(self) -> dict[str, Any]:
        """Return the listing as plain JSON data."""
        return asdict(self)
