"""A server on a port of its own: accepts, gives each connection a thread, and stops with every connection closed."""

from __future__ import annotations

import errno
import itertools
import math
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from ..faults import FaultPlan, Strike
from ._exchange import ServedExchange
from ._handler import Handler
from ._heads import MOST, Heads
from ._patience import Patience
from ._site import Describe, Site
from ._watch import Watch

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from ..certificates import OtherLeaves

BACKLOG = 1024
CONNECTIONS = 4096
"""Connections served at once, unless a server is given another number."""
GRACE = 5.0
"""Real seconds that a stop waits for threads which are still at something."""
PAUSE = 0.05
"""Real seconds before the next try where the machine has no descriptor or memory left for a connection."""
Prompt = Callable[[Mapping[str, Any], bytes], AbstractContextManager[object] | None]
"""Asked, with the WSGI environment and the body of a request, whether its answer is soon there and waits for nobody.

None says no. What is given else is entered while the application runs, whose environment then has `twohop.prompt`.
"""
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class HttpServer:
    """Serve a WSGI application on `host:port` (port 0 picks a free one), over TLS where a context is given.

    Thread per connection, because disk streams are long and any fixed pool starves behind them. The TLS handshake runs
    in the connection's own thread, so a client that connects and stays silent blocks nobody. Of more than `limit`
    connections at once, and of those for which the machine has no thread, the new one is closed unheard. `patience`
    says how long a client is waited for, from the next connection on where it is set while the server runs. Connections
    whose requests are `prompt`, or were answered before, share one thread until another request comes.
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        name: str,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        now: Callable[[], float] = time.time,
        observer: Callable[[ServedExchange], None] | None = None,
        limit: int = CONNECTIONS,
        keep: bool = True,
        prompt: Prompt | None = None,
        patience: Patience | None = None,
        faults: FaultPlan | None = None,
        describe: Describe = lambda environ: {},
        certificates: OtherLeaves | None = None,
    ) -> None:
        self.app = app
        self.name = name
        self.tls = tls
        self.now = now
        self.observer = observer
        self.limit = limit
        self.prompt = prompt
        self.patience = patience or Patience()
        self.plan = faults
        self.site = Site(faults, name, tls, describe, certificates) if faults is not None else None
        self._refused: Strike | None = None
        self._address = (host, port)
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._live: dict[int, socket.socket] = {}
        # A thread that has said that its connection is over is a thread still.
        self._threads: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
        self.heads = Heads(MOST if keep else 0)
        self.watch = Watch(name)
        self._dated = (0.0, "")
        self._stopping = False
        self._listener: socket.socket | None = None
        self._kept: socket.socket | None = None
        self._port_lock = threading.RLock()
        self._acceptors: list[threading.Thread] = []

    @property
    def faults(self) -> Site | None:
        """This server's part of the plan of faults, where there is any rule now."""
        return self.site if self.plan is not None and self.plan.rules else None

    @property
    def host(self) -> str:
        """The address that clients use."""
        return self._address[0]

    @property
    def port(self) -> int:
        """The port, known once the server has started."""
        return self._address[1]

    @property
    def authority(self) -> str:
        """`host:port`, with brackets where the host is an IPv6 address."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """Scheme, host and port, without a path."""
        return f"{'https' if self.tls else 'http'}://{self.authority}"

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        with self._lock:
            return len(self._live)

    def date(self) -> str:
        """Return the present as answers bear it."""
        now, (second, text) = self.now(), self._dated
        # Close to the next second it is rounded up.
        if not second <= now < second + 0.99:
            text = formatdate(now, usegmt=True)
            self._dated = (math.floor(now), text)
        return text

    def start(self) -> HttpServer:
        """Bind and begin to accept; once this returns, the port answers."""
        host, port = self._address
        self._stopping = False
        self.watch = Watch(self.name)
        try:
            listener, self._kept = self._kept or self._bound(), None
            self._listen(listener)
        except OSError as error:
            raise OSError(
                error.errno, f"{self.name} cannot listen on {host}:{port}: {error.strerror}; give another port, or 0"
            ) from None
        self._address = (host, listener.getsockname()[1])
        if self.plan is not None and self.site is not None:
            self.site.begin()
            self.plan.watch(self._reconsider)
            self._reconsider()
        return self

    def _bound(self) -> socket.socket:
        host, port = self._address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
        except OSError:
            listener.close()
            raise
        return listener

    def stop(self, *, keep_port: bool = False) -> None:
        """Close the port and every connection; a stream in flight is cut, as when a host goes down.

        With `keep_port` nobody else gets the port until the next `start` or `stop`, and clients are refused there.
        """
        self._stopping = True
        if self.plan is not None:
            self.plan.unwatch(self._reconsider)
        with self._port_lock:
            listener, self._listener, self._refused = self._listener or self._kept, None, None
            self._kept = None
            if listener is not None:
                _shutdown(listener)
                listener.close()
                self._kept = self._bound() if keep_port else None
        for thread in self._acceptors:
            thread.join()
        self._acceptors.clear()
        with self._lock:
            live, threads = list(self._live.values()), list(self._threads)
        for connection in live:
            _shutdown(connection)
        until = time.monotonic() + GRACE
        # Those that wait together go back to their own threads first, which see what has happened to them.
        self.watch.close(GRACE)
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, until - time.monotonic()))

    def _secured(self, number: int, connection: socket.socket) -> None:
        with self._lock:
            if number in self._live:
                self._live[number] = connection
        if self._stopping:
            _shutdown(connection)

    def _listen(self, listener: socket.socket) -> None:
        try:
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
        self._listener = listener
        thread = threading.Thread(target=self._accept, args=(listener,), name=f"{self.name}-accept", daemon=True)
        self._acceptors = [*(each for each in self._acceptors if each.is_alive()), thread]
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while self._listener is listener and not self._stopping:
            try:
                connection, peer = listener.accept()
            except OSError as error:
                # The connection stays in the backlog, so that the next try would fail at once, and the next.
                if error.errno in _EXHAUSTED and not self._stopping:
                    time.sleep(PAUSE)
                continue
            if self.faults is not None:
                self._reconsider(met=True)
            self._admit(connection, peer)

    def _reconsider(self, met: bool = False) -> None:
        """Close the port where the plan says that the next connection is refused, and open it where it no longer does.

        A port that is bound and does not listen refuses by itself, and nobody else takes it meanwhile.
        """
        assert self.site is not None
        with self._port_lock:
            listener = self._listener
            if listener is None or self._stopping:
                return
            if self._refused is not None and not self.site.holds(self._refused):
                self._refused = None
                self._listen(listener)
            strike = self.site.port(met)
            if strike is None or self._refused is not None:
                return
            self._refused, self._listener = strike, None
            _shutdown(listener)
            listener.close()
            self._listener = self._bound()
        seconds = strike.args["seconds"]
        if seconds is not None:
            self.site.clock.call_at(strike.at + seconds, lambda: self._open_again(strike))

    def _open_again(self, strike: Strike) -> None:
        with self._port_lock:
            if self._refused is strike and self._listener is not None:
                self._refused = None
                self._listen(self._listener)

    def _admit(self, connection: socket.socket, peer: tuple[str, int]) -> None:
        number = next(self._numbers)
        thread = threading.Thread(
            target=self._serve, args=(number, connection, peer), name=f"{self.name}-{number}", daemon=True
        )
        with self._lock:
            full = len(self._live) >= self.limit
            if not full:
                self._live[number] = connection
                self._threads.add(thread)
        if full:
            connection.close()
            return
        if self._stopping:
            _shutdown(connection)
        try:
            thread.start()
        except (RuntimeError, MemoryError):
            with self._lock:
                del self._live[number]
                self._threads.discard(thread)
            connection.close()

    def _serve(self, number: int, connection: socket.socket, peer: tuple[str, int]) -> None:
        try:
            Handler.serve(self, number, connection, peer)
        finally:
            with self._lock:
                self._live.pop(number, None)
            connection.close()


def _shutdown(connection: socket.socket) -> None:
    # An SSLSocket's own shutdown() drops its TLS state under the thread that is using it.
    try:
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError:
        pass
