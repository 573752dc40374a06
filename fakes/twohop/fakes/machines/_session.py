"""A SOAP session: opened by Login, kept by calls, ended by Logout or by silence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType


class SessionState(Enum):
    """States of a session."""

    ACTIVE = "active"
    LOGGED_OUT = "logged out"
    EXPIRED = "expired"


class SessionInput(Enum):
    """What can happen to a session."""

    CALL = "a call"
    LOGOUT = "Logout"
    DEADLINE = "idle for too long"


TABLE: Mapping[tuple[SessionState, SessionInput], SessionState | None] = MappingProxyType(
    {
        (SessionState.ACTIVE, SessionInput.CALL): SessionState.ACTIVE,
        (SessionState.ACTIVE, SessionInput.LOGOUT): SessionState.LOGGED_OUT,
        (SessionState.ACTIVE, SessionInput.DEADLINE): SessionState.EXPIRED,
        # ends
        (SessionState.LOGGED_OUT, SessionInput.CALL): None,
        (SessionState.LOGGED_OUT, SessionInput.LOGOUT): None,
        (SessionState.LOGGED_OUT, SessionInput.DEADLINE): None,
        (SessionState.EXPIRED, SessionInput.CALL): None,
        (SessionState.EXPIRED, SessionInput.LOGOUT): None,
        (SessionState.EXPIRED, SessionInput.DEADLINE): None,
    }
)
"""Every state with every input; None is refused with NotAuthenticated (10.10)."""


@dataclass(frozen=True, slots=True)
class SessionValue:
    """A session's state, its idle limit and its last call (seconds)."""

    idle_limit: float
    last_call: float
    state: SessionState = SessionState.ACTIVE
    calls: int = 0

    def step(self, input: SessionInput, now: float) -> SessionValue | None:
        """Return the session after `input`; None where there is no session any more."""
        target = TABLE[self.state, input]
        if target is None:
            return None
        if input is SessionInput.CALL:
            return replace(self, last_call=now, calls=self.calls + 1)
        return replace(self, state=target)

    def deadline(self) -> float | None:
        """Return the moment at which silence ends the session."""
        return self.last_call + self.idle_limit if self.state is SessionState.ACTIVE else None
