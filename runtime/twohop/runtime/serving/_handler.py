"""One connection: TLS, keep-alive, and one request after another through WSGI.

werkzeug's development server closes every connection and drains sockets in a way that eats the next request, so its
`run_wsgi` is replaced whole; its parsing of requests into a WSGI environment is kept.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from werkzeug.serving import WSGIRequestHandler

from ._answer import IDLE_GUARD, Answer
from ._body import Head, RequestBody
from ._exchange import ServedExchange

if TYPE_CHECKING:
    from ._server import HttpServer

HANDSHAKE_GUARD = 30.0
"""Real seconds for a TLS handshake, and between the bytes of a request."""
DRAIN = 1 << 20
"""Bytes of an unread request body that are read away to keep the connection; beyond that it is closed."""


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
        connection.settimeout(HANDSHAKE_GUARD)
        wrapped = connection
        try:
            with contextlib.suppress(OSError, ValueError):
                if server.tls is not None:
                    # Wrapping takes the descriptor away, so the server must know the new socket before the handshake.
                    wrapped = server.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                    server._secured(number, wrapped)
                    wrapped.do_handshake()
                WSGIRequestHandler.__init__(handler, wrapped, peer, cast(Any, _WsgiServer(server)))
        finally:
            wrapped.close()

    def handle(self) -> None:
        """Serve one request after another."""
        self.close_connection = False
        while not self.close_connection:
            self.connection.settimeout(IDLE_GUARD)
            self.handle_one_request()
        if isinstance(self.connection, ssl.SSLSocket) and not self._broken_off:
            # TLS says goodbye where a connection ends in order; where a stream is cut, its absence tells the client.
            self.connection.settimeout(0)
            with contextlib.suppress(OSError, ValueError):
                self.connection.unwrap()

    def handle_expect_100(self) -> bool:
        """Leave it to the body, which says it at its first read; http.server would say it here, and twice."""
        return True

    def handle_one_request(self) -> None:
        """Read a request's head and run it."""
        try:
            self.raw_requestline = self.rfile.readline(65537)
        except (TimeoutError, OSError):
            self.close_connection = True
            return
        self.connection.settimeout(HANDSHAKE_GUARD)
        if len(self.raw_requestline) > 65536:
            self.requestline, self.request_version, self.command = "", "HTTP/1.0", ""
            self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
            self.close_connection = True
        elif not self.raw_requestline:
            self.close_connection = True
        elif self._parse():
            self.run_wsgi()

    def _parse(self) -> bool:
        source = cast(BinaryIO, self.rfile)
        head = Head(source)
        self.rfile = cast(Any, head)
        try:
            if not self.parse_request():
                return False
        finally:
            self.rfile = cast(Any, source)
        hosts = len(self.headers.get_all("Host", []))
        if not head.sound:
            self.send_error(HTTPStatus.BAD_REQUEST, "malformed headers")
        elif hosts > 1 or (hosts == 0 and self.request_version >= "HTTP/1.1"):
            self.send_error(HTTPStatus.BAD_REQUEST, "not one Host header")
        else:
            return True
        return False

    def run_wsgi(self) -> None:
        """Run the application for the request just parsed and send what it answers."""
        t0 = self.http.now()
        body = RequestBody.of(self.headers, cast(BinaryIO, self.rfile), self.request_version)
        if body is None:
            self.send_error(HTTPStatus.BAD_REQUEST, "contradictory or malformed body length")
            self.close_connection = True
            return
        environ = self.make_environ()
        environ["wsgi.input"] = body
        environ["wsgi.input_terminated"] = True
        environ["twohop.connection"] = self.number
        # As the client sent it: http.server has made one slash of two at its front.
        environ["REQUEST_URI"] = self.requestline.split()[1]
        if self.headers.get("Expect", "").lower() == "100-continue":
            body.before_first_read = lambda: self.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        answer = Answer(self)
        end = answer.run(environ, body)
        self._broken_off = end != "complete"
        self.connection.settimeout(HANDSHAKE_GUARD)
        if not body.drain(DRAIN):
            self.close_connection = True
        if self.http.observer is not None:
            peer = f"{self.client_address[0]}:{self.client_address[1]}"
            served = ServedExchange(
                self.http.name, self.number, peer, self.command, self.path, answer.status,
                body.consumed, answer.sent, t0, self.http.now(), end,
            )  # fmt: skip
            self.http.observer(served)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a request that HTTP itself forbids, without a page."""
        reason = message or HTTPStatus(code).phrase
        head = f"HTTP/1.1 {int(code)} {reason}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.sendall(head.encode("latin-1"))

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
