"""An HTTPS connection of the standard library that writes down its exchanges.

pyVmomi's SOAP stub opens its connections through a class it is given, so handing it this one shows the vSphere calls as
they stood on the wire, without a word of pyVmomi's own opinion about them.
"""

from __future__ import annotations

import contextlib
import http.client
import ssl
from collections.abc import Iterator
from typing import Any

from .._thumbprint import thumbprint_of
from ._exchange import Connection, Request, Response
from ._log import Observer

KEEP = 4 << 20
"""Bodies up to this many bytes are kept as text."""


class _Answer(http.client.HTTPResponse):
    """A response that reports itself once it has been read to its end."""

    report: Any = None
    _seen: list[bytes]

    def begin(self) -> None:
        super().begin()
        self._seen = []

    def read(self, amt: int | None = None) -> bytes:
        try:
            data = super().read(amt)
        except (http.client.IncompleteRead, OSError) as error:
            self._report(error)
            raise
        self._seen.append(data)
        if amt is None or self.isclosed() or (amt and not data):
            self._report(None)
        return data

    def close(self) -> None:
        super().close()
        self._report(None)

    def _report(self, error: BaseException | None) -> None:
        report, self.report = self.report, None
        if report is not None:
            report(self, b"".join(self._seen), error)


class ObservingConnection(http.client.HTTPSConnection):
    """An HTTPS connection whose exchanges an `Observer` sees; pinned by `pin` (SHA-1 thumbprint) where one is given."""

    response_class = _Answer
    observer: Observer | None = None
    pin: str | None = None

    def connect(self) -> None:
        """Connect, and refuse a peer whose certificate is not the pinned one."""
        super().connect()
        sock = self.sock
        certificate = sock.getpeercert(binary_form=True) if isinstance(sock, ssl.SSLSocket) else None
        shown = thumbprint_of(certificate) if certificate else None
        if self.pin is not None and (shown or "").upper() != self.pin.upper():
            self.close()
            raise ssl.SSLCertVerificationError(
                f"{self.host}:{self.port} shows a certificate with thumbprint {shown or 'none'}, expected {self.pin}"
            )
        if self.observer is not None:
            name = self.observer.observations.next_connection()
            self._conn = Connection(name, self.host, self.port, shown)

    def request(
        self, method: str, url: str, body: Any = None, headers: Any = None, *, encode_chunked: bool = False
    ) -> None:
        """Send a request and remember it until its answer has been read."""
        with self._closed_on_failure():
            self._request(method, url, body, headers, encode_chunked)

    def _request(self, method: str, url: str, body: Any, headers: Any, encode_chunked: bool) -> None:
        observer = self.observer
        if observer is None:
            super().request(method, url, body, headers or {}, encode_chunked=encode_chunked)
            return
        text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
        self._t0 = observer.now()
        self._sent = Request(
            method,
            observer.scrub(f"https://{self.host}:{self.port}{url}"),
            observer.headers((str(k), str(v)) for k, v in (headers or {}).items()),
            observer.scrub(text) if isinstance(text, str) else None,
        )
        try:
            super().request(method, url, body, headers or {}, encode_chunked=encode_chunked)
        except OSError as error:
            conn = getattr(self, "_conn", None) or Connection("conn:none", self.host, self.port)
            observer.saw(conn, self._sent, None, t0=self._t0, error=f"{type(error).__name__}: {error}")
            raise

    def getresponse(self) -> Any:
        """Return the answer, which reports itself when it has been read."""
        with self._closed_on_failure():
            return self._response()

    @contextlib.contextmanager
    def _closed_on_failure(self) -> Iterator[None]:
        try:
            yield
        except (OSError, http.client.HTTPException):
            # pyVmomi 8.0.1 forgets a connection that failed, and it would stay open until it is collected.
            self.close()
            raise

    def _response(self) -> Any:
        observer = self.observer
        if observer is None:
            return super().getresponse()
        conn, sent, t0 = self._conn, self._sent, self._t0
        try:
            answer = super().getresponse()
        except (OSError, http.client.HTTPException) as error:
            observer.saw(conn, sent, None, t0=t0, error=f"{type(error).__name__}: {error}")
            raise
        t_first = observer.now()

        def report(read: _Answer, data: bytes, error: BaseException | None) -> None:
            assert observer is not None
            text = data.decode("utf-8", "replace") if len(data) <= KEEP else None
            chunked = "chunked" in (read.getheader("Transfer-Encoding") or "").lower()
            declared = read.getheader("Content-Length")
            framing = "chunked" if chunked else "length" if declared else "close"
            short = framing == "length" and len(data) != int(declared or 0)
            response = Response(
                read.status,
                observer.headers(read.getheaders()),
                observer.scrub(text) if text is not None else None,
                framing=framing,  # type: ignore[arg-type]
                end="cut" if error or short else "complete",
            )
            observer.saw(conn, sent, response, t0=t0, t_first=t_first)

        assert isinstance(answer, _Answer)
        answer.report = report
        return answer


def observing_connection(observer: Observer | None, pin: str | None = None) -> type[ObservingConnection]:
    """Return a connection class for pyVmomi's stub, whose exchanges `observer` sees and which pins `pin`."""
    return type("ObservingConnection", (ObservingConnection,), {"observer": observer, "pin": pin})
