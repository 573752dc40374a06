"""Heads of requests as they were read before, and answers as they were sent, under their exact bytes.

A client that keeps its connection sends the same head with every call but for a length or two, and reading one costs
more than all the rest of a small exchange. Nothing is read here: only a head that the general path has read to its end
and found sound is kept, and only the very same bytes find it again.

An application that puts a callable into its environment as `twohop.again` lets its answer be kept too. The callable is
asked when the same request comes again, head and body byte for byte: True says that the same answer is due, and takes
note of the call; after False the application is asked itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ._head import RequestHead

MOST = 512
"""Heads that are kept; where more come, all are forgotten, since clients then have no habits."""
LONGEST = 2048
"""Bytes of a head beyond which it is not kept."""
_END = b"\r\n\r\n"
_OF_CONNECTION = ("REMOTE_ADDR", "REMOTE_PORT", "werkzeug.socket", "wsgi.input", "wsgi.errors")


ROOM = 32 << 20
"""Bytes of answers, and of the bodies that they answer, that are kept."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """An answer as it was sent, without the date between its two parts; `sent` counts the bytes of its content."""

    again: Callable[[], bool]
    status: int
    before: bytes
    behind: bytes
    sent: int


@dataclass(frozen=True, slots=True)
class KnownHead:
    """A request without its body: `size` bytes of head, `length` of body; `environ` lacks what a connection has."""

    head: RequestHead
    path: str
    size: int
    length: int
    environ: dict[str, Any]
    repeats: dict[bytes, Repeat] = field(default_factory=dict)


class Heads:
    """The heads that came to one server."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._known: dict[bytes, KnownHead] = {}
        self._size = 0

    def known(self) -> list[bytes]:
        """Return the heads that are kept, oldest first."""
        return list(self._known)

    def find(self, buffered: bytes) -> KnownHead | None:
        """Return the head that stands first in what has come, if it is there whole and came before."""
        end = buffered.find(_END)
        return self._known.get(buffered[: end + len(_END)]) if end >= 0 else None

    def keep(
        self, buffered: bytes, head: RequestHead, path: str, length: int | None, environ: dict[str, Any]
    ) -> KnownHead | None:
        """Keep what the general path has made of the head that stood first in `buffered`, if it stood there whole."""
        raw = buffered[: buffered.find(_END) + len(_END)]
        if self._most == 0 or length is None or not len(_END) <= len(raw) <= LONGEST:
            return None
        if b"\n\n" in raw or b"\n\r\n" in raw[: -len(_END) + 1]:
            # Lines may end without a \r, so this head ended before.
            return None
        if "Expect" in head.headers or "SSL_CLIENT_CERT" in environ:
            return None
        if len(self._known) >= self._most:
            self._known.clear()
            self._size = 0
        shared = {name: value for name, value in environ.items() if name not in _OF_CONNECTION}
        known = self._known[raw] = KnownHead(head, path, len(raw), length, shared)
        return known

    def keep_answer(self, known: KnownHead, body: bytes, repeat: Repeat) -> None:
        """Keep an answer to a known head with a body."""
        self._size += len(body) + len(repeat.behind)
        if self._size > ROOM:
            self._size = 0
            for other in list(self._known.values()):
                other.repeats.clear()
        known.repeats[body] = repeat
