"""Where a plan of faults meets one server: its port, its connections, its requests, and the bodies of its answers.

The plan decides; what stands here does to the socket what was decided. A wait is one on the world's clock, and ends
early where the client hangs up or the server stops.
"""

from __future__ import annotations

import os
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from .._clock import Clock
from ..faults import FaultPlan, Rule, Strike
from ._answer import arm_reset
from ._faulty import Faulty

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

    from ..certificates import OtherLeaves

Facts = Mapping[str, str | int]
Describe = Callable[[dict[str, Any]], Facts]
"""Tells of a request what a rule may match it by, beside its verb, path and file."""

_GONE = getattr(select, "POLLRDHUP", select.POLLIN) | select.POLLHUP | select.POLLERR


class HungUp(ConnectionError):
    """The client, or the server's own stop, ended a connection that was made to wait."""


class Site:
    """One server's part of a plan. `certificates` are those that it may show instead of its own."""

    def __init__(
        self,
        plan: FaultPlan,
        name: str,
        tls: ssl.SSLContext | None,
        describe: Describe = lambda environ: {},
        certificates: OtherLeaves | None = None,
    ) -> None:
        self._plan, self._name, self._tls, self._describe = plan, name, tls, describe
        self._certificates = certificates
        self._known: list[Rule] = []
        plan.join(name)

    def begin(self) -> None:
        """Take every rule for a new one, as the port opens."""
        self._known = []

    def port(self, met: bool) -> Strike | None:
        """Return the strike that closes the port before the next connection; `met` where a connection has just come.

        Otherwise only rules that have not been asked before are a reason to ask.
        """
        rules = [rule for rule in self._plan.rules if rule.place == "port"]
        fresh = [rule for rule in rules if not any(rule is known for known in self._known)]
        self._known = rules
        return self._plan.strike("port", self._name) if rules and (met or fresh) else None

    def holds(self, strike: Strike) -> bool:
        """Tell whether the rule of a strike is still in the plan."""
        return any(rule is strike.rule for rule in self._plan.rules)

    def greet(self, connection: socket.socket) -> ssl.SSLContext | None:
        """Decide on a new connection: return the TLS context to go on with; OSError where it ends here."""
        strike = self._plan.strike("connection", self._name) if self._plan.at("connection") else None
        if strike is None:
            return self._tls
        if strike.kind == "reset":
            arm_reset(connection)
            raise HungUp("as the plan says")
        if strike.kind in ("cut", "silent"):
            if strike.kind == "silent":
                self.wait(connection, strike, strike.args["seconds"], strike.at)
            _hang_up(connection)
            raise HungUp("as the plan says")
        if strike.kind == "stall":
            self.wait(connection, strike, strike.args["seconds"], strike.at)
        if strike.kind.endswith("certificate") and self._tls is not None and self._certificates is not None:
            return self._certificates[strike.kind].context
        return self._tls

    def over(self, app: WSGIApplication) -> WSGIApplication:
        """Return the application that answers a request as the plan decides once it is there."""
        return partial(self._answer, app) if self._plan.at("request") else app

    def _answer(self, app: WSGIApplication, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        # As the client sent it, without the query.
        path = str(environ["REQUEST_URI"]).partition("?")[0]
        facts: dict[str, str | int] = {"verb": environ["REQUEST_METHOD"], "path": path, "file": path.rpartition("/")[2]}
        facts.update(self._describe(environ))
        strike = self._plan.strike("request", self._name, **facts)
        return (app if strike is None else Faulty(self, strike, app))(environ, start)

    @property
    def clock(self) -> Clock:
        """The world's clock."""
        return self._plan.clock

    def wait(self, connection: socket.socket, strike: Strike, seconds: float | None, since: float) -> None:
        """Wait until so many seconds of the world's clock have passed, or for ever; HungUp where the client goes."""
        clock = self._plan.clock
        if seconds is not None and clock.now() >= since + seconds:
            return
        bell = _Bell()
        timer = None if seconds is None else clock.call_at(since + seconds, bell.ring)
        try:
            looker = select.poll()
            looker.register(connection.fileno(), _GONE)
            looker.register(bell.ear, select.POLLIN)
            if seconds is not None and clock.now() >= since + seconds:
                # Somebody moved the clock before the timer hung on it.
                return
            self._plan.waits(strike.rule.id)
            if bell.ear not in [each for each, _ in looker.poll()]:
                raise HungUp("the client hung up")
        finally:
            if timer is not None:
                timer.cancel()
            bell.close()


def _hang_up(connection: socket.socket) -> None:
    """End a connection without a reset, which the kernel sends where something stays unread."""
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(65536):
        pass


class _Bell:
    """What a timer rings in another thread, also when nobody listens any more."""

    def __init__(self) -> None:
        self.ear, self._cord = os.pipe()
        self._lock = threading.Lock()
        self._open = True

    def ring(self) -> None:
        with self._lock:
            if self._open:
                os.write(self._cord, b"!")

    def close(self) -> None:
        with self._lock:
            self._open = False
            os.close(self.ear)
            os.close(self._cord)
