"""One connection's part in the thread that waits for all: what it answers at once, and how it comes back from there."""

from __future__ import annotations

import contextlib
import io
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO, cast

from ._body import RequestBody
from ._patience import allow

if TYPE_CHECKING:
    from ._handler import Handler


AT_A_TIME = 32
"""Requests of one connection that are answered before others have their turn; who sends more goes on by himself."""
Done = Callable[[bool], None]
"""Called when an answer has been sent as a whole, or with False when its client is gone."""
Send = Callable[[bytes, Done], None]


class Shared:
    """The requests of a connection whose answers take no waiting; its own thread sleeps while the watch has it."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._turn = threading.Lock()
        self._turn.acquire()
        self._looked = 0.0
        self._unsent = b""
        self._done: Done = lambda sent: None
        self._more = False

    @property
    def connection(self) -> socket.socket:
        """What the watch waits at."""
        return cast(socket.socket, self._handler.connection)

    def answer(self, buffered: bytes) -> bool:
        """Answer the request that stands first in what has come, if it is such a one; the client may take its time."""
        return self._answer(buffered, self._send_all)

    def wait(self) -> None:
        """Leave the connection to the watch until there is something that it cannot do."""
        self._handler.reader.at_once()
        self._looked = time.monotonic()
        if not self.look() or not self._handler.http.watch.park(self):
            self._go_on()
            return
        idle = self._handler.http.patience.idle_s
        while not self._turn.acquire(timeout=min(idle, threading.TIMEOUT_MAX)):
            if time.monotonic() - self._looked >= idle:
                # The watch sees the end of it, and gives it back.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(self.connection, socket.SHUT_RDWR)
        self._go_on()

    def give_back(self) -> None:
        """Let the connection's own thread go on."""
        self._turn.release()

    def look(self) -> bool:
        """Answer what has come, without waiting; False where the connection's own thread has to go on."""
        source, connection = cast(io.BufferedReader, self._handler.rfile), self.connection
        try:
            for _ in range(AT_A_TIME):
                if not self._answer(source.peek(1), self._send_some):
                    return False
                self._looked = time.monotonic()
                if self._unsent or self._handler.close_connection:
                    return False
                if not self._more and not (isinstance(connection, ssl.SSLSocket) and connection.pending()):
                    return True
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except (OSError, ValueError):
            # The connection's own thread meets it again.
            return False
        except Exception as error:
            # One that nobody here knows ends its connection, as it does in the connection's own thread.
            self._handler.close_connection = True
            told = threading.ExceptHookArgs((type(error), error, error.__traceback__, threading.current_thread()))
            threading.excepthook(told)
        return False

    def _answer(self, buffered: bytes, send: Send) -> bool:
        handler, http = self._handler, self._handler.http
        known = http.heads.find(buffered)
        if known is None or http.faults is not None:
            return False
        end = known.size + known.length
        # Where the body has not come as a whole, nothing is found.
        body = buffered[known.size : end]
        repeat = known.repeats.get(body)
        if repeat is not None and repeat.again():
            t0 = http.now()
            handler.rfile.read(end)
            self._more = len(buffered) > end
            answer = b"%b%b%b" % (repeat.before, http.date().encode(), repeat.behind)
            done = handler.reporter(known.head.method, known.path, repeat.status, known.length, repeat.sent, t0)
            send(answer, done)
            return True
        if http.prompt is None or len(body) < known.length:
            return False
        ready = http.prompt(known.environ, body)
        if ready is None:
            return False
        with ready:
            handler.rfile.read(known.size)
            self._more = len(buffered) > end
            handler.begin(known.head)
            environ = handler.environ_of(known)
            environ["twohop.prompt"] = True
            source = RequestBody(cast(BinaryIO, handler.rfile), known.length)
            held = handler.exchange(environ, source, known, buffered, hold=True)
        assert held is not None
        # Only now, since this may wait for the client.
        send(*held)
        return True

    def _send_all(self, data: bytes, done: Done) -> None:
        try:
            allow(self.connection, self._handler.http.patience.idle_s)
            self.connection.sendall(data)
        except OSError:
            self._handler.close_connection = True
            done(False)
        else:
            done(True)

    def _send_some(self, data: bytes, done: Done) -> None:
        try:
            sent = self.connection.send(data)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            sent = 0
        except OSError:
            self._handler.close_connection = True
            done(False)
            return
        self._unsent, self._done = data[sent:], done
        if not self._unsent:
            done(True)

    def _go_on(self) -> None:
        unsent, self._unsent = self._unsent, b""
        if unsent:
            self._send_all(unsent, self._done)
