"""Heads of requests as they were read before, under their exact bytes.

A client that keeps its connection sends the same head with every call but for a length or two, and reading one costs
more than all the rest of a small exchange. Nothing is read here: only a head that the general path has read to its end
and found sound is kept, and only the very same bytes find it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._head import RequestHead

MOST = 512
"""Heads that are kept; where more come, all are forgotten, since clients then have no habits."""
LONGEST = 2048
"""Bytes of a head beyond which it is not kept."""
_END = b"\r\n\r\n"
_OF_CONNECTION = ("REMOTE_ADDR", "REMOTE_PORT", "werkzeug.socket", "wsgi.input", "wsgi.errors")


@dataclass(frozen=True, slots=True)
class KnownHead:
    """A request without its body: `size` bytes of head, `length` of body; `environ` lacks what a connection has."""

    head: RequestHead
    size: int
    length: int
    environ: dict[str, Any]


class Heads:
    """The heads that came to one server."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._known: dict[bytes, KnownHead] = {}

    def known(self) -> list[bytes]:
        """Return the heads that are kept, oldest first."""
        return list(self._known)

    def find(self, buffered: bytes) -> KnownHead | None:
        """Return the head that stands first in what has come, if it is there whole and came before."""
        end = buffered.find(_END)
        return self._known.get(buffered[: end + len(_END)]) if end >= 0 else None

    def keep(self, buffered: bytes, head: RequestHead, length: int | None, environ: dict[str, Any]) -> None:
        """Keep what the general path has made of the head that stood first in `buffered`, if it stood there whole."""
        raw = buffered[: buffered.find(_END) + len(_END)]
        if self._most == 0 or length is None or not len(_END) <= len(raw) <= LONGEST:
            return
        if b"\n\n" in raw or b"\n\r\n" in raw[: -len(_END) + 1]:
            # Lines may end without a \r, so this head ended before.
            return
        if "Expect" in head.headers or "SSL_CLIENT_CERT" in environ:
            return
        if len(self._known) >= self._most:
            self._known.clear()
        shared = {name: value for name, value in environ.items() if name not in _OF_CONNECTION}
        self._known[raw] = KnownHead(head, len(raw), length, shared)
