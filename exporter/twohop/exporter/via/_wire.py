"""Requests to one cell's API over one connection, each shown to an observer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal
from urllib.parse import urljoin, urlsplit

from twohop.runtime.observing import Connection, Observer, Request, Response

from .._errors import BadAnswer, HostUnreachable
from ..transfer._connection import Peer
from ..transfer._pool import HTTP_ERRORS, connection_error, pool_for
from ..vsphere._address import https_server, joined, normal_thumbprint

PATIENCE = 120.0
"""Real seconds between two bytes of an answer."""
MOST = 32 << 20
"""Bytes of a body; a descriptor has 12 MB at most (4.5)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, headers with names in lower case, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Trust:
    """How the cell's certificate is judged: by a SHA-1 pin, else by the authorities in a file, else by the system's."""

    ca_file: Path | None = None
    thumbprint: str | None = None
    insecure: bool = False


class Wire:
    """One connection to the server at `url` (`https://HOST[:PORT]`), kept alive; a context manager."""

    def __init__(self, url: str, trust: Trust, observer: Observer | None) -> None:
        self.url, self.host = origin(url)
        pin = normal_thumbprint(trust.thumbprint) if trust.thumbprint else None
        self._observer, self._peer = observer, _Peer()
        self._pool = pool_for(self.url, pin, trust.ca_file, trust.insecure, PATIENCE, self._peer)
        self._conn: tuple[int, Connection] | None = None

    def __enter__(self) -> Wire:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.close()

    def request(self, method: str, target: str, headers: Mapping[str, str]) -> Answer:
        """Send a request without a body to a path here and return what came back; raise HostUnreachable, Untrusted."""
        observer, sent = self._observer, {"Host": self.host, "User-Agent": "twohop", **headers}
        t0 = observer.now() if observer else 0.0
        try:
            reply = self._pool.urlopen(
                method, target, headers=sent, redirect=False, retries=False, preload_content=False, decode_content=False
            )
            t_first = observer.now() if observer else 0.0
            body = reply.read(MOST + 1, decode_content=False)
            whole = len(body) <= MOST
            (reply.drain_conn if whole else reply.close)()
            reply.release_conn()
        except HTTP_ERRORS as error:
            self._show(method, target, sent, None, t0, t0, error)
            raise self._unreachable(error) from error
        answer = Answer(reply.status, {key.lower(): value for key, value in reply.headers.items()}, body)
        self._show(method, target, sent, answer, t0, t_first, None)
        if not whole:
            raise BadAnswer(f"{self.host} answered more than {MOST} bytes where a document was expected", whose="cell")
        return answer

    def path_of(self, href: str) -> str:
        """Return path and query of an href of the cell; its host is the one we talk to, whatever it says (6.3)."""
        parts = urlsplit(urljoin(self.url, href))
        return parts.path + (f"?{parts.query}" if parts.query else "")

    def _unreachable(self, error: Exception) -> Exception:
        meant = connection_error(error, self.host, "cell", 0, PATIENCE)
        if isinstance(meant, HostUnreachable):
            why = re.search(r"\(([^)]*)\)|its name does not resolve here|no TLS", str(meant))
            reason = (why[1] or why[0]) if why else "no answer"
            return HostUnreachable(f"the cell {self.host} cannot be reached: {reason}; check its address", whose="cell")
        return meant

    def _show(
        self,
        method: str,
        target: str,
        sent: Mapping[str, str],
        answer: Answer | None,
        t0: float,
        t_first: float,
        error: Exception | None,
    ) -> None:
        observer = self._observer
        if observer is None:
            return
        request = Request(method, observer.scrub(f"{self.url}{target}"), observer.headers(sent.items()))
        response = None
        if answer is not None:
            text = observer.scrub(answer.body.decode("utf-8", "replace"))
            framing: Literal["chunked", "length"] = "chunked" if "transfer-encoding" in answer.headers else "length"
            response = Response(answer.status, observer.headers(answer.headers.items()), text, framing=framing)
        shown = f"{type(error).__name__}: {observer.scrub(str(error))}" if error is not None else None
        observer.saw(self._connection(observer), request, response, t0=t0, t_first=t_first, error=shown)

    def _connection(self, observer: Observer) -> Connection:
        made = self._peer.made
        if made == 0:
            host, _, port = self.host.rpartition(":")
            return Connection("conn:none", host.strip("[]"), int(port))
        if self._conn is None or self._conn[0] != made:
            self._conn = (made, observer.connection(self.url, self._peer.thumbprint))
        return self._conn[1]


class _Peer(Peer):
    """A peer that counts the connections it was seen on."""

    made = 0

    def connected(self, sock: object) -> None:
        super().connected(sock)
        self.made += 1


def origin(url: str) -> tuple[str, str]:
    """Return scheme, host and port of a URL, and host and port alone; BadAddress for what is no https URL."""
    authority = joined(*https_server(url, "the cell"))
    return f"https://{authority}", authority
