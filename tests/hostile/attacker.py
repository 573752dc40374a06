"""A client that sends bytes as they are, and sites that it sends them to."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from twohop.runtime.serving import HttpServer
from waiting import LONG, until

"""Real seconds after which a server that says nothing and closes nothing has failed; no test waits for them."""


@dataclass(frozen=True)
class Site:
    """A server, and a request that it answers rightly with an answer that `good` knows.

    `login` is `user:password` of an administrator, `home` the folder where the server keeps files.
    """

    name: str
    server: HttpServer
    context: ssl.SSLContext
    request: bytes
    good: Callable[[bytes], bool]
    login: str = ""
    home: str = ""

    @contextlib.contextmanager
    def plain(self) -> Iterator[socket.socket]:
        """Connect without TLS."""
        with socket.create_connection((self.server.host, self.server.port), LONG) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            yield connection

    @contextlib.contextmanager
    def connect(self) -> Iterator[ssl.SSLSocket]:
        """Connect by TLS."""
        with self.plain() as plain, self.context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
            yield connection

    def say(self, data: bytes | Iterable[bytes], *, leave: bool = False) -> bytes:
        """Send everything that the server takes, and return what it says until it closes; `leave` ends our side."""
        with self.connect() as connection:
            with contextlib.suppress(OSError):
                for piece in [data] if isinstance(data, bytes) else data:
                    connection.sendall(piece)
                if leave:
                    socket.socket.shutdown(connection, socket.SHUT_WR)
            return read(connection)

    def check(self) -> None:
        """The server goes on serving, and nothing is left of the connections before."""
        assert self.good(self.say(self.request)), f"{self.name} does not serve any more"
        until(lambda: self.server.connections == 0, "connections are left")


def read(connection: socket.socket) -> bytes:
    """Read to the end, or to the reset that stands for it."""
    received = bytearray()
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while data := connection.recv(65536):
            received += data
    return bytes(received)


def statuses(answer: bytes) -> list[int]:
    """The status of each answer in what came."""
    return [int(code) for code in re.findall(rb"HTTP/1\.1 ([0-9]{3}) [^\r\n]*\r\n", answer)]


def post(path: str, body: bytes = b"", *headers: bytes) -> bytes:
    """A request with a length, behind which the connection is to close."""
    lines = [b"POST %b HTTP/1.1" % path.encode(), b"Host: h", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join([*lines, b"Connection: close", b"", body])


def get(path: bytes, *headers: bytes, method: bytes = b"GET") -> bytes:
    """A request without a body, behind which the connection is to close."""
    return b"\r\n".join([method + b" " + path + b" HTTP/1.1", b"Host: h", *headers, b"Connection: close", b"", b""])
