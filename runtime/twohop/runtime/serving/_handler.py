"""One connection: TLS, keep-alive, and one request after another through WSGI.

werkzeug's development server closes every connection and drains sockets in a way that eats the next request, so its
`run_wsgi` is replaced whole; its way from a request to a WSGI environment is kept. A head is read in `_head.py`.
"""

from __future__ import annotations

import contextlib
import io
import socket
import ssl
import sys
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from werkzeug.serving import WSGIRequestHandler

from ._answer import Answer
from ._body import RequestBody
from ._exchange import ServedExchange
from ._head import MalformedHead, RequestHead, read_head
from ._heads import KnownHead, Repeat
from ._patience import PatientReader
from ._shared import Done, Shared

if TYPE_CHECKING:
    from ._server import HttpServer

DRAIN = 128 << 20
"""Bytes of an unread request body that are read away, so that the client comes to read the answer; beyond that, or
where it takes its time, the connection is closed under it."""


class Handler(WSGIRequestHandler):
    """Serves one connection of an `HttpServer`."""

    protocol_version = "HTTP/1.1"
    server_version = "twohop"
    wbufsize = 0
    number: int
    http: HttpServer
    _broken_off = False

    @classmethod
    def serve(cls, server: HttpServer, number: int, connection: socket.socket, peer: tuple[str, int]) -> None:
        """Serve requests on `connection` until either side ends it."""
        handler = cls.__new__(cls)
        handler.number, handler.http = number, server
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(server.patience.handshake_s)
        wrapped = connection
        try:
            with contextlib.suppress(OSError, ValueError):
                tls = server.tls
                if (site := server.faults) is not None:
                    tls = site.greet(connection)
                if tls is not None:
                    # Of a peer that is gone already, Python's wrapping leaves an open socket that nobody holds.
                    connection.getpeername()
                    # Wrapping takes the descriptor away, so the server must know the new socket before the handshake.
                    wrapped = tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                    server._secured(number, wrapped)
                    wrapped.do_handshake()
                WSGIRequestHandler.__init__(handler, wrapped, peer, cast(Any, _WsgiServer(server)))
        finally:
            wrapped.close()

    def setup(self) -> None:
        """Read through a reader that gives up a client which is too slow."""
        super().setup()
        self.rfile.close()
        self.reader = PatientReader(self.connection, self.http.patience)
        self.rfile = io.BufferedReader(self.reader)

    def handle(self) -> None:
        """Serve one request after another."""
        self.close_connection = False
        self._shared = Shared(self)
        while not self.close_connection:
            self.handle_one_request()
        if isinstance(self.connection, ssl.SSLSocket) and not self._broken_off:
            # TLS says goodbye where a connection ends in order; where a stream is cut, its absence tells the client.
            self.connection.settimeout(0)
            with contextlib.suppress(OSError, ValueError):
                self.connection.unwrap()

    def handle_one_request(self) -> None:
        """Read a request's head and run it."""
        source = cast(io.BufferedReader, self.rfile)
        try:
            self.reader.idle()
            buffered = source.peek(1)
            if self._shared.answer(buffered):
                if not self.close_connection:
                    self._shared.wait()
                return
            self.reader.head()
            known = self.http.heads.find(buffered)
            if known is not None:
                source.read(known.size)
            head = read_head(source) if known is None else known.head
        except OSError:
            self.close_connection = True
            return
        except MalformedHead as error:
            self.send_error(error.status, str(error))
            return
        if head is None:
            self.close_connection = True
            return
        self.begin(head)
        self.reader.body()
        if known is not None:
            self.exchange(self.environ_of(known), RequestBody(source, known.length), known, buffered)
        else:
            self._run(head, buffered)

    def begin(self, head: RequestHead) -> None:
        """Take a request's head for the one that is served now."""
        self.command, self.request_version, self.headers = head.method, head.version, cast(Any, head.headers)
        self.requestline = f"{head.method} {head.target} {head.version}"
        # Two slashes at its front would be read as a host; what the client sent stands in REQUEST_URI.
        self.path = "/" + head.target.lstrip("/") if head.target.startswith("/") else head.target
        self.close_connection = head.last

    def environ_of(self, known: KnownHead) -> dict[str, Any]:
        """Return the WSGI environment of a request whose head came before."""
        environ = known.environ.copy()
        environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = self.address_string(), self.port_integer()
        environ["werkzeug.socket"], environ["wsgi.errors"] = self.connection, sys.stderr
        return environ

    def _run(self, head: RequestHead, buffered: bytes) -> None:
        body = RequestBody.of(self.headers, cast(BinaryIO, self.rfile), self.request_version)
        if body is None:
            self.send_error(HTTPStatus.BAD_REQUEST, "contradictory or malformed body length")
            self.close_connection = True
            return
        environ = self.make_environ()
        environ["REQUEST_URI"] = head.target
        known = self.http.heads.keep(buffered, head, self.path, body.length, environ)
        if self.headers.get("Expect", "").lower() == "100-continue" and self.request_version >= "HTTP/1.1":
            body.before_first_read = lambda: self.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.exchange(environ, body, known, buffered)

    def exchange(
        self,
        environ: dict[str, Any],
        body: RequestBody,
        known: KnownHead | None,
        buffered: bytes,
        *,
        hold: bool = False,
    ) -> tuple[bytes, Done] | None:
        """Run the application for a request and send what it answers; with `hold` return that, and whom to tell."""
        t0 = self.http.now()
        environ["wsgi.input"] = body
        environ["wsgi.input_terminated"] = True
        environ["twohop.connection"] = self.number
        app = self.http.app
        # What is held was begun before there was any rule, and must not wait for one that has come since.
        if not hold and (site := self.http.faults) is not None:
            app = site.over(app)
        answer = Answer(self, hold=hold)
        end = answer.run(app, environ, body)
        self._broken_off = end != "complete"
        again = environ.get("twohop.again")
        if again is not None and known is not None and app is self.http.app and end == "complete":
            self._keep(known, buffered, answer.repeat(again))
        if not hold:
            self.reader.rest()
        if self._broken_off or not body.drain(DRAIN):
            self.close_connection = True
        done = self.reporter(self.command, self.path, answer.status, body.consumed, answer.sent, t0, end)
        if hold:
            return answer.whole(), done
        done(True)
        return None

    def reporter(
        self, method: str, path: str, status: int, received: int, sent: int, t0: float, end: Any = "complete"
    ) -> Done:
        """Return what tells the server's observer of an exchange once it is over, and whether its client took it."""

        def done(taken: bool) -> None:
            if self.http.observer is not None:
                peer = f"{self.client_address[0]}:{self.client_address[1]}"
                served = ServedExchange(
                    self.http.name, self.number, peer, method, path, status, received, sent, t0, self.http.now(), end
                )
                self.http.observer(served if taken else replace(served, sent=0, end="client gone"))

        return done

    def _keep(self, known: KnownHead, buffered: bytes, repeat: Repeat | None) -> None:
        body = buffered[known.size : known.size + known.length]
        if repeat is not None and len(body) == known.length:
            self.http.heads.keep_answer(known, body, repeat)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a request that HTTP itself forbids, without a page."""
        head = self.error_head(code, message)
        with contextlib.suppress(OSError):
            self.connection.settimeout(self.http.patience.handshake_s)
            self.connection.sendall(head)

    def error_head(self, code: int, message: str | None = None) -> bytes:
        """Return the answer to such a request, which is the last one of its connection."""
        self.close_connection = True
        reason = message or HTTPStatus(code).phrase
        head = f"HTTP/1.1 {int(code)} {reason}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        return head.encode("latin-1")

    def log(self, type: str, message: str, *args: Any) -> None:
        """Stay quiet: the journal is the log."""


class _WsgiServer:
    """The few attributes that `make_environ` asks of its server."""

    multithread = True
    multiprocess = False
    passthrough_errors = False

    def __init__(self, server: HttpServer) -> None:
        self.app = server.app
        self.ssl_context = server.tls
        self.server_address = (server.host, server.port)
        self.host, self.port = server.host, server.port
