"""SOAP sessions: who is logged in, by which cookie, until when."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import uuid
from dataclasses import dataclass, field
from typing import Any

from ..machines import SessionInput, SessionState, SessionValue
from ..world import World

COOKIE = "vmware_soap_session"
_COOKIE = re.compile(rf"{COOKIE}=\\?\"?([0-9A-Za-z-]+)\\?\"?")


@dataclass(eq=False)
class Session:
    """One session: its key in UserSession, its user, and the objects that live and die with it.

    `scope` is the id that stands in brackets in the ids of its objects; it is not the key (1.9).
    """

    cookie: str
    key: str
    scope: str
    user: str
    login_time: float
    address: str
    agent: str
    value: SessionValue
    objects: dict[str, Any] = field(default_factory=dict)
    pages: dict[str, tuple[list[Any], int]] = field(default_factory=dict)


class Sessions:
    """All sessions of a vCenter. Cookies are random, never seeded, and looked up by digest."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._sessions: dict[bytes, Session] = {}
        self._issued: set[bytes] = set()

    def new_cookie(self) -> str:
        """Return a fresh session id in the form of the profile (10.1)."""
        form = self._world.profile.text("cookie_form")
        random = str(uuid.UUID(bytes=secrets.token_bytes(16)))
        cookie = {"hex40": secrets.token_hex(20), "uuid52": f"52{random[2:]}", "UUID": random.upper()}[form]
        self._issued.add(_digest(cookie))
        return cookie

    def issued(self, cookie: str | None) -> bool:
        """Tell whether a cookie is one of ours, with or without a session: no client chooses its own."""
        return cookie is not None and _digest(cookie) in self._issued

    def open(self, cookie: str, user: str, address: str, agent: str) -> Session:
        """Log a user in under a cookie."""
        now = self._world.clock.now()
        value = SessionValue(self._world.profile.seconds("session_idle_s"), now)
        session = Session(cookie, uuid52(), uuid52(), user, now, address, agent, value)
        self._sessions[_digest(cookie)] = session
        self._world.journal.references.name("session", cookie)
        return session

    def find(self, cookie: str | None) -> Session | None:
        """Return the session that a cookie opens, counting the call; None where there is none, or none any more."""
        if cookie is None:
            return None
        session = self._sessions.get(_digest(cookie))
        if session is None or not hmac.compare_digest(session.cookie, cookie):
            return None
        now = self._world.clock.now()
        deadline = session.value.deadline()
        if deadline is not None and now >= deadline:
            self._end(session, SessionInput.DEADLINE)
            return None
        value = session.value.step(SessionInput.CALL, now)
        if value is None:
            return None
        session.value = value
        return session

    def logout(self, session: Session) -> None:
        """End a session at its user's wish."""
        self._end(session, SessionInput.LOGOUT)

    def active(self) -> list[Session]:
        """Return the sessions that are open now."""
        now = self._world.clock.now()
        for session in list(self._sessions.values()):
            deadline = session.value.deadline()
            if deadline is not None and now >= deadline:
                self._end(session, SessionInput.DEADLINE)
        return [s for s in list(self._sessions.values()) if s.value.state is SessionState.ACTIVE]

    def clear(self) -> None:
        """End every session."""
        for session in list(self._sessions.values()):
            self._end(session, SessionInput.LOGOUT)
        self._issued.clear()

    def _end(self, session: Session, how: SessionInput) -> None:
        session.value = session.value.step(how, self._world.clock.now()) or session.value
        self._sessions.pop(_digest(session.cookie), None)
        for held in list(session.objects.values()):
            close = getattr(held, "close", None)
            if close is not None:
                close()
        session.objects.clear()


def cookie_of(header: str) -> str | None:
    """Return the session id in a Cookie header: bare, quoted, or with a whole Set-Cookie string around it (10.2)."""
    match = _COOKIE.search(header)
    return match[1] if match else None


def _digest(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode()).digest()


def uuid52() -> str:
    """Return a fresh UUID of the form seen in sessions, leases and tickets: it begins with 52 (1.9, 4.5)."""
    return f"52{str(uuid.UUID(bytes=secrets.token_bytes(16)))[2:]}"
