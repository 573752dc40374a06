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
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from werkzeug.serving import WSGIRequestHandler

from ._answer import Answer
from ._body import RequestBody
from ._exchange import ServedExchange
from ._head import MalformedHead, RequestHead, read_head
from ._heads import KnownHead, Repeat
from ._patience import PatientReader, allow

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
    _unsent = b""
    _more = False

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
        self._reader = PatientReader(self.connection, self.http.patience)
        self.rfile = io.BufferedReader(self._reader)

    def handle(self) -> None:
        """Serve one request after another."""
        self.close_connection = False
        self.turn = threading.Lock()
        self.turn.acquire()
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
            self._reader.idle()
            buffered = source.peek(1)
            if self._at_once(buffered, self._send_all):
                if not self.close_connection:
                    self._wait_watched()
                return
            self._reader.head()
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
        self._begin(head)
        self._reader.body()
        if known is not None:
            self._exchange(self._environ(known), RequestBody(source, known.length), known, buffered)
        else:
            self._run(head, buffered)

    def _begin(self, head: RequestHead) -> None:
        self.command, self.request_version, self.headers = head.method, head.version, cast(Any, head.headers)
        self.requestline = f"{head.method} {head.target} {head.version}"
        # Two slashes at its front would be read as a host; what the client sent stands in REQUEST_URI.
        self.path = "/" + head.target.lstrip("/") if head.target.startswith("/") else head.target
        self.close_connection = head.last

    def _environ(self, known: KnownHead) -> dict[str, Any]:
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
        self._exchange(environ, body, known, buffered)

    def _exchange(
        self,
        environ: dict[str, Any],
        body: RequestBody,
        known: KnownHead | None,
        buffered: bytes,
        send: Callable[[bytes], None] | None = None,
    ) -> None:
        """Run the application for a request and send what it answers; with `send` in one piece, by that."""
        t0 = self.http.now()
        environ["wsgi.input"] = body
        environ["wsgi.input_terminated"] = True
        environ["twohop.connection"] = self.number
        app = self.http.app
        if (site := self.http.faults) is not None:
            app = site.over(app)
        answer = Answer(self, hold=send is not None)
        end = answer.run(app, environ, body)
        if send is not None:
            try:
                send(b"".join(answer.held or ()))
            except OSError:
                answer.sent, end = 0, "client gone"
        self._broken_off = end != "complete"
        again = environ.get("twohop.again")
        if again is not None and known is not None and app is self.http.app and end == "complete":
            self._keep(known, buffered, answer.repeat(again))
        if send is None:
            self._reader.rest()
        if self._broken_off or not body.drain(DRAIN):
            self.close_connection = True
        self._report(self.command, self.path, answer.status, body.consumed, answer.sent, t0, end)

    def _report(
        self, method: str, path: str, status: int, received: int, sent: int, t0: float, end: Any = "complete"
    ) -> None:
        if self.http.observer is not None:
            peer = f"{self.client_address[0]}:{self.client_address[1]}"
            served = ServedExchange(
                self.http.name, self.number, peer, method, path, status, received, sent, t0, self.http.now(), end
            )
            self.http.observer(served)

    def _keep(self, known: KnownHead, buffered: bytes, repeat: Repeat | None) -> None:
        body = buffered[known.size : known.size + known.length]
        if repeat is not None and len(body) == known.length:
            self.http.heads.keep_answer(known, body, repeat)

    def _at_once(self, buffered: bytes, send: Callable[[bytes], None]) -> bool:
        """Answer the request that stands first in what has come, where that takes no waiting; False where it may."""
        http = self.http
        known = http.heads.find(buffered)
        if known is None or http.faults is not None:
            return False
        end = known.size + known.length
        # Where the body has not come as a whole, nothing is found.
        body = buffered[known.size : end]
        repeat = known.repeats.get(body)
        if repeat is not None and repeat.again():
            t0 = http.now()
            self.rfile.read(end)
            self._more = len(buffered) > end
            send(b"%b%b%b" % (repeat.before, http.date().encode(), repeat.behind))
            self._report(known.head.method, known.path, repeat.status, known.length, repeat.sent, t0)
            return True
        if http.prompt is None or len(body) < known.length or not http.prompt(known.environ, body):
            return False
        self.rfile.read(known.size)
        self._more = len(buffered) > end
        self._begin(known.head)
        source = RequestBody(cast(BinaryIO, self.rfile), known.length)
        self._exchange(self._environ(known), source, known, buffered, send)
        return True

    def _send_all(self, data: bytes) -> None:
        allow(self.connection, self.http.patience.idle_s)
        self.connection.sendall(data)

    def _send_some(self, data: bytes) -> None:
        try:
            sent = self.connection.send(data)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            sent = 0
        self._unsent = data[sent:]

    def _wait_watched(self) -> None:
        """Leave the connection to the watch until there is something that it cannot do."""
        self._reader.at_once()
        self._looked = time.monotonic()
        if not self.look() or not self.http.watch.park(self):
            self._go_on()
            return
        idle = self.http.patience.idle_s
        while not self.turn.acquire(timeout=min(idle, threading.TIMEOUT_MAX)):
            if time.monotonic() - self._looked >= idle:
                # The watch sees the end of it, and gives it back.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(self.connection, socket.SHUT_RDWR)
        self._go_on()

    def _go_on(self) -> None:
        unsent, self._unsent = self._unsent, b""
        if unsent:
            self._send_all(unsent)

    def look(self) -> bool:
        """Answer what has come, without waiting; False where the connection's own thread has to go on."""
        source = cast(io.BufferedReader, self.rfile)
        try:
            while self._at_once(source.peek(1), self._send_some):
                self._looked = time.monotonic()
                if self._unsent or self.close_connection:
                    return False
                if not self._more and not (isinstance(self.connection, ssl.SSLSocket) and self.connection.pending()):
                    return True
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except Exception:
            # Whatever it is, the connection's own thread meets it again.
            return False
        return False

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a request that HTTP itself forbids, without a page."""
        reason = message or HTTPStatus(code).phrase
        head = f"HTTP/1.1 {int(code)} {reason}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.settimeout(self.http.patience.handshake_s)
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
