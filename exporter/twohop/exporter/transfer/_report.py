"""How a download is shown to an observer: as one exchange, with the digest of the body instead of the body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal
from urllib.parse import urlsplit

from twohop.runtime.observing import Connection, End, ObservedBody, Observer, Request, Response

from ._connection import Peer


class Report:
    """One exchange in the making; `ended` writes it down, the first time it is called."""

    def __init__(
        self, observer: Observer | None, url: str, headers: Mapping[str, str], peer: Peer, body: ObservedBody
    ) -> None:
        self._observer = observer
        self._url = url
        self._headers = headers
        self._peer = peer
        self._body = body
        self._answer: tuple[int, Sequence[tuple[str, str]], Literal["length", "chunked", "close", "none"]] | None = None
        self._t0 = self._t_first = observer.now() if observer else 0.0

    def answered(
        self,
        status: int,
        headers: Sequence[tuple[str, str]],
        framing: Literal["length", "chunked", "close", "none"],
    ) -> None:
        """Note the head of the answer."""
        self._answer = (status, headers, framing)
        if self._observer is not None:
            self._t_first = self._observer.now()

    def ended(self, end: End, error: BaseException | None = None) -> None:
        """Write the exchange down."""
        observer, self._observer = self._observer, None
        if observer is None:
            return
        if self._peer.thumbprint is not None:
            conn = observer.connection(self._url, self._peer.thumbprint)
        else:
            parts = urlsplit(self._url)
            conn = Connection("conn:none", parts.hostname or "", parts.port or 443)
        request = Request("GET", observer.scrub(self._url), observer.headers(self._headers.items()))
        response = None
        if self._answer is not None:
            status, headers, framing = self._answer
            response = Response(status, observer.headers(headers), digest=self._body.digest(), framing=framing, end=end)
        shown = f"{type(error).__name__}: {observer.scrub(str(error))}" if error is not None else None
        observer.saw(conn, request, response, t0=self._t0, t_first=self._t_first, error=shown)
