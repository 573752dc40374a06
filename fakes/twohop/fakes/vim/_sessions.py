"""SOAP sessions: who is logged in, by which cookie, until when."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..machines import SessionInput, SessionState, SessionValue
from ..world import World

COOKIE = "vmware_soap_session"
ISSUED = 10_000
"""Session ids without a session that are remembered; anybody is given one for the asking, so the oldest go."""
_COOKIE = re.compile(rf"{COOKIE}=\\?\"?([0-9A-Za-z-]+)\\?\"?")


@dataclass(eq=False)
class Session:
    """One session: its key in UserSession, its user, and the objects that live and die with it.

    `scope` is the id that stands in brackets in the ids of its objects; it is not the key (1.9). `ticket` clones it,
    once.
    """

    cookie: str
    key: str
    scope: str
    user: str
    login_time: float
    address: str
    agent: str
    value: SessionValue
    locale: str = "en"
    ticket: str | None = None
    objects: dict[str, Any] = field(default_factory=dict)
    pages: dict[str, tuple[list[Any], int]] = field(default_factory=dict)


class Sessions:
    """All sessions of a vCenter. Cookies are random, never seeded, and looked up by digest.

    A session that is silent for too long ends by the clock, as if its user had logged out: its objects go, its waits
    end, and `ended` says what becomes of its leases (1.10).
    """

    def __init__(self, world: World, ended: Callable[[Session], None] = lambda session: None) -> None:
        self._world = world
        self._ended = ended
        self._lock = threading.Lock()
        self._sessions: dict[bytes, Session] = {}
        self._issued: dict[bytes, None] = {}

    def new_cookie(self) -> str:
        """Return a fresh session id in the form of the profile (10.1)."""
        form = self._world.profile.text("cookie_form")
        random = str(uuid.UUID(bytes=secrets.token_bytes(16)))
        cookie = {"hex40": secrets.token_hex(20), "uuid52": f"52{random[2:]}", "UUID": random.upper()}[form]
        with self._lock:
            self._issued[_digest(cookie)] = None
            while len(self._issued) > ISSUED:
                del self._issued[next(iter(self._issued))]
        return cookie

    def issued(self, cookie: str | None) -> bool:
        """Tell whether a cookie is one of ours, with or without a session: no client chooses its own."""
        return cookie is not None and _digest(cookie) in self._issued

    def open(self, cookie: str, user: str, address: str, agent: str, locale: str = "en") -> Session:
        """Log a user in under a cookie."""
        now = self._world.clock.now()
        value = SessionValue(self._world.profile.seconds("session_idle_s"), now)
        session = Session(cookie, uuid52(), uuid52(), user, now, address, agent, value, locale)
        self._world.journal.references.name("session", cookie)
        with self._lock:
            self._sessions[_digest(cookie)] = session
        self._arm(session)
        return session

    def find(self, cookie: str | None) -> Session | None:
        """Return the session that a cookie opens, counting the call; None where there is none, or none any more."""
        if cookie is None:
            return None
        with self._lock:
            session = self._sessions.get(_digest(cookie))
            if session is None or not hmac.compare_digest(session.cookie, cookie):
                return None
            now = self._world.clock.now()
            value = None if _is_over(session, now) else session.value.step(SessionInput.CALL, now)
            if value is not None:
                session.value = value
                return session
        self._end(session, SessionInput.DEADLINE)
        return None

    def again(self, session: Session) -> bool:
        """Count another call in a session; False where it is over, or may be."""
        with self._lock:
            now = self._world.clock.now()
            if self._sessions.get(_digest(session.cookie)) is not session or _is_over(session, now):
                return False
            value = session.value.step(SessionInput.CALL, now)
            session.value = value or session.value
            return value is not None

    def ticket(self, session: Session) -> str:
        """Give a session a ticket that clones it, once; an earlier one is good no more."""
        session.ticket = f"VCT-{str(uuid.UUID(bytes=secrets.token_bytes(16))).upper()}"
        self._world.journal.references.name("clone ticket", session.ticket)
        return session.ticket

    def redeem(self, ticket: str) -> Session | None:
        """Return the session that a ticket clones, and take the ticket; None where it is good for nothing."""
        found = None
        for session in self.active():
            with self._lock:
                if session.ticket is not None and hmac.compare_digest(session.ticket.encode(), ticket.encode()):
                    found, session.ticket = session, None
        return found

    def logout(self, session: Session) -> None:
        """End a session at its user's wish."""
        self._end(session, SessionInput.LOGOUT)

    def active(self) -> list[Session]:
        """Return the sessions that are open now."""
        now = self._world.clock.now()
        with self._lock:
            known = list(self._sessions.values())
        for session in known:
            if _is_over(session, now):
                self._end(session, SessionInput.DEADLINE)
        return [s for s in known if s.value.state is SessionState.ACTIVE]

    def holds(self, header: str) -> bool:
        """Tell whether a Cookie header opens a session now, in whatever form (6.1, 10.2); it is no call in it."""
        return self.bearer(header) is not None

    def bearer(self, header: str) -> Session | None:
        """Return the session that a Cookie header opens now, without a call in it; None where there is none."""
        cookie = cookie_of(header) or ""
        return next((s for s in self.active() if hmac.compare_digest(s.cookie, cookie)), None)

    def clear(self) -> None:
        """Forget every session; what becomes of their leases is for whoever clears to say."""
        with self._lock:
            known = list(self._sessions.values())
            self._issued.clear()
        for session in known:
            self._end(session, SessionInput.LOGOUT, quietly=True)

    def _arm(self, session: Session) -> None:
        def due() -> None:
            deadline = session.value.deadline()
            if deadline is None:
                return
            if self._world.clock.now() < deadline:
                self._world.clock.call_at(deadline, due)
            else:
                self._end(session, SessionInput.DEADLINE)

        deadline = session.value.deadline()
        assert deadline is not None
        self._world.clock.call_at(deadline, due)

    def _end(self, session: Session, how: SessionInput, *, quietly: bool = False) -> None:
        with self._lock:
            # A call, a Logout and the clock may come to the same end at once; who takes the session out ends it.
            if self._sessions.pop(_digest(session.cookie), None) is not session:
                return
            session.value = session.value.step(how, self._world.clock.now()) or session.value
        if not quietly:
            self._ended(session)
        for held in list(session.objects.values()):
            close = getattr(held, "close", None)
            if close is not None:
                close()
        session.objects.clear()


def _is_over(session: Session, now: float) -> bool:
    deadline = session.value.deadline()
    return deadline is not None and now >= deadline


def cookie_of(header: str) -> str | None:
    """Return the session id in a Cookie header: bare, quoted, or with a whole Set-Cookie string around it (10.2)."""
    match = _COOKIE.search(header)
    return match[1] if match else None


def _digest(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode()).digest()


def uuid52() -> str:
    """Return a fresh UUID of the form seen in sessions, leases and tickets: it begins with 52 (1.9, 4.5)."""
    return f"52{str(uuid.UUID(bytes=secrets.token_bytes(16)))[2:]}"
