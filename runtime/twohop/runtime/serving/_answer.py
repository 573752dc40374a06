"""One answer: its framing, its body, and how it ended."""

from __future__ import annotations

import contextlib
import itertools
import operator
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ._body import MalformedBody, RequestBody
from ._exchange import Cut
from ._heads import Repeat
from ._patience import allow

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from ._handler import Handler

LOOK = 0.1
"""Real seconds between the looks at whether an answer that a client does not take is still to be sent."""


class HeadFirst:
    """A body whose first piece may be long in coming, or never come: the head of the answer goes before it."""

    def __iter__(self) -> Iterator[bytes]:
        raise NotImplementedError


class Answer:
    """Sends one answer: framing, body, and how it ended. With `hold` somebody else sends what `whole` gives."""

    def __init__(self, handler: Handler, *, hold: bool = False) -> None:
        self.handler = handler
        self.status = 500
        self.sent = 0
        self._line = ""
        self._headers: list[tuple[str, str]] = []
        self._begun = False
        self._chunked = False
        self._look: Callable[[], None] | None = None
        self._hold = hold
        self._copy: list[bytes] | None = [] if hold else None

    def run(self, app: WSGIApplication, environ: dict[str, Any], body: RequestBody) -> Any:
        """Call the application and send its answer; return how it ended."""
        chunks: Iterable[bytes] = ()
        try:
            chunks = app(environ, self._start)
            self._look = environ.get("twohop.while_blocked")
            if "twohop.again" in environ and self._copy is None:
                self._copy = []
            self._send(chunks)
            return "complete"
        except Cut as cut:
            self.handler.close_connection = True
            if cut.reset:
                arm_reset(self.handler.connection)
            if cut.final and self._chunked and self._begun:
                with contextlib.suppress(OSError):
                    self._push(b"0\r\n\r\n")
                return "complete"
            return "reset" if cut.reset else "cut"
        except MalformedBody as error:
            self.handler.close_connection = True
            if not self._begun:
                self._refuse(HTTPStatus.BAD_REQUEST, str(error))
            return "complete" if not self._begun else "cut"
        except (ConnectionError, TimeoutError, ssl.SSLError):
            self.handler.close_connection = True
            return "client gone"
        except Exception:
            if self.handler.http._stopping:
                self.handler.close_connection = True
                return "cut"
            self.handler.close_connection = True
            if not self._begun:
                self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR)
            threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread())))
            return "cut" if self._begun else "complete"
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()

    def _refuse(self, status: HTTPStatus, message: str | None = None) -> None:
        self.status = status
        if self._hold:
            self._copy = [self.handler.error_head(status, message)]
        else:
            self.handler.send_error(status, message)

    def _start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        self._line, self._headers = status, list(headers)
        self.status = int(status.split(" ", 1)[0])
        return self._write

    def _write(self, data: bytes) -> None:
        raise RuntimeError("the write() callable of WSGI is not served here: return an iterable")

    def _send(self, chunks: Iterable[bytes]) -> None:
        handler = self.handler
        if not self._hold:
            allow(handler.connection, handler.http.patience.idle_s)
        if not self._line:
            # An application written as a generator names its status with its first piece.
            pieces = iter(chunks)
            chunks = itertools.chain((next(pieces, b""),), pieces)
        names = {name.lower() for name, _ in self._headers}
        if any((name.lower(), value.lower()) == ("connection", "close") for name, value in self._headers):
            handler.close_connection = True
        bodiless = handler.command == "HEAD" or self.status in (204, 304) or self.status < 200
        if "content-length" not in names and not bodiless and isinstance(chunks, list | tuple):
            chunks = [b"".join(chunks)]
            self._headers.append(("Content-Length", str(len(chunks[0]))))
            names.add("content-length")
        chunked = not bodiless and "content-length" not in names and handler.request_version >= "HTTP/1.1"
        if chunked:
            self._headers.append(("Transfer-Encoding", "chunked"))
        elif not bodiless and "content-length" not in names:
            handler.close_connection = True
        self._chunked = chunked
        head = self._head(names)
        if bodiless:
            self._begun = True
            self._push(head)
            return
        pending, last = head, b"0\r\n\r\n" if chunked else b""
        if isinstance(chunks, HeadFirst):
            self._begun = True
            self._push(head)
            pending = b""
        for chunk in chunks:
            if not chunk:
                continue
            data = b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunked else chunk
            if chunked and operator.length_hint(chunks, -1) == 0:
                # It is known that nothing follows: one record of TLS instead of two.
                data, last = data + last, b""
            self._begun = True
            self._push(pending + data if pending else data)
            pending = b""
            self.sent += len(chunk)
        if pending or last:
            self._begun = True
            self._push(pending + last)

    def _push(self, data: bytes) -> None:
        if self._copy is not None:
            self._copy.append(data)
        if self._hold:
            return
        connection, look, guard = self.handler.connection, self._look, self.handler.http.patience.idle_s
        if look is None:
            connection.sendall(data)
            return
        left, until = memoryview(data), time.monotonic() + guard
        connection.settimeout(LOOK)
        try:
            while left:
                try:
                    left = left[connection.send(left) :]
                    until = time.monotonic() + guard
                except TimeoutError:
                    look()
                    if time.monotonic() >= until:
                        raise
        finally:
            connection.settimeout(guard)

    def whole(self) -> bytes:
        """Return what was kept of the answer: all of it where it was held, or may be given again."""
        return b"".join(self._copy or ())

    def repeat(self, again: Callable[[], bool]) -> Repeat | None:
        """Return what was sent, for the same request to be answered with another date; None where it cannot be."""
        before, date, behind = self.whole().partition(b"\r\nDate: ")
        if self.handler.close_connection or not date:
            return None
        return Repeat(again, self.status, before + date, behind[behind.index(b"\r\n") :], self.sent)

    def _head(self, names: set[str]) -> bytes:
        handler = self.handler
        lines = [f"HTTP/1.1 {self._line}"]
        lines += [f"{name}: {value}" for name, value in self._headers]
        if "date" not in names:
            lines.append(f"Date: {handler.http.date()}")
        if handler.close_connection and "connection" not in names:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def arm_reset(connection: socket.socket) -> None:
    """Make the coming close send RST instead of FIN."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
