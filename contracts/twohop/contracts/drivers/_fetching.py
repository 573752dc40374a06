"""Requests of any method for device URLs, by urllib3, each written down with what came of it."""

from __future__ import annotations

import dataclasses
import hashlib
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

import urllib3
from urllib3.connection import HTTPSConnection

from twohop.runtime import thumbprint_of
from twohop.runtime.observing import BodyDigest, ObservedBody, Observer, Request, Response

from ._grains import GrainDigest

PATIENCE = 60.0
"""Real seconds for an answer."""
PIECE = 1 << 16


class Hosts:
    """The hosts that device URLs name, as one client reaches them; `*` is where the client has connected to (4.5)."""

    def __init__(self, observer: Observer, tls: ssl.SSLContext, host: str, port: int) -> None:
        self._observer, self._tls, self._host, self._port = observer, tls, host, port

    def ask(self, url: str, method: str = "GET", headers: Mapping[str, str] | None = None, sent: bytes = b"") -> None:
        """Send one request to a device URL and read the answer to its end, whatever that is.

        `sent` is the body of a method that has one.
        """
        parts = urlsplit(url)
        here = parts.hostname == "*"
        host, port = self._host if here else parts.hostname or "", parts.port or (self._port if here else 443)
        seen: list[str] = []
        pool = urllib3.HTTPSConnectionPool(host, port, ssl_context=self._tls, timeout=PATIENCE)
        pool.ConnectionCls = type("_Seeing", (_SeeingConnection,), {"seen": seen})
        reached = parts._replace(netloc=f"{host}:{port}").geturl()
        try:
            body = sent if method in ("PUT", "POST") else None
            _ask(self._observer, pool, reached, method, dict(headers or {}), seen, body)
        finally:
            pool.close()


class _SeeingConnection(HTTPSConnection):
    """A connection that notes the thumbprint of its peer."""

    seen: list[str]

    def connect(self) -> None:
        super().connect()
        certificate = self.sock.getpeercert(binary_form=True) if isinstance(self.sock, ssl.SSLSocket) else None
        if certificate:
            self.seen.append(thumbprint_of(certificate))


def _ask(
    observer: Observer, pool: urllib3.HTTPSConnectionPool, url: str, method: str, headers: dict[str, str],
    seen: list[str], sent: bytes | None,
) -> None:  # fmt: skip
    body, sha1, grains, t0 = ObservedBody(), hashlib.sha1(usedforsecurity=False), GrainDigest(), observer.now()
    answer: urllib3.BaseHTTPResponse | None = None
    t_first, error, end = t0, None, "complete"
    try:
        path = urlsplit(url).path
        answer = pool.urlopen(
            method, path, body=sent, headers=headers, preload_content=False, retries=False, redirect=False
        )
        t_first = observer.now()
        for piece in answer.stream(PIECE, decode_content=False):
            body.feed(piece)
            sha1.update(piece)
            grains.feed(piece)
    except (urllib3.exceptions.HTTPError, OSError) as failure:
        error = f"{type(failure).__name__}: {failure}"
        end = "reset" if "reset" in error.lower() else "cut"
    conn = observer.connection(url, seen[-1] if seen else None)
    response = None
    if answer is not None:
        got = [(str(name), str(value)) for name, value in answer.headers.items()]
        chunked = "chunked" in (answer.headers.get("Transfer-Encoding") or "").lower()
        framing = "chunked" if chunked else "length" if "Content-Length" in answer.headers else "close"
        digest = dataclasses.replace(body.digest(), sha1=sha1.hexdigest(), content=grains.hexdigest())
        response = Response(
            answer.status, observer.headers(got), digest=digest, framing=framing, end=end  # type: ignore[arg-type]
        )  # fmt: skip
    request = Request(method, observer.scrub(url), observer.headers(headers.items()), digest=_digest(sent))
    observer.saw(conn, request, response, t0=t0, t_first=t_first, error=observer.scrub(error) if error else None)


def _digest(sent: bytes | None) -> BodyDigest | None:
    if not sent:
        return None
    body = ObservedBody()
    body.feed(sent)
    return dataclasses.replace(body.digest(), sha1=hashlib.sha1(sent, usedforsecurity=False).hexdigest())
