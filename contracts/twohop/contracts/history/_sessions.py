"""Which session said what, as far as cookies tell, and when one may have ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from twohop.runtime.observing import Exchange

from ._events import CallMade, Event, LeaseGranted, LoggedIn, LoggedOut, TaskCancelled
from ._order import surely_before
from ._soap import session_cookie


def cookie_of(exchange: Exchange) -> str | None:
    """Return the reference of the session cookie that a request carried."""
    return session_cookie(next((value for key, value in exchange.request.headers if key.lower() == "cookie"), None))


def other_ends(granted: LeaseGranted, events: Sequence[Event]) -> Iterator[Exchange]:
    """Yield exchanges since which a lease may have ended otherwise than by its own calls.

    A logout may end it, and so may the end of its session by itself, which lies somewhere after the last call that was
    served in it. Whose task a CancelTask ends is not told by its id, so any counts.
    """
    session = cookie_of(granted.exchange)
    served: Exchange | None = None
    for event in events:
        if isinstance(event, TaskCancelled) and event.outcome.kind != "faulted":
            yield event.exchange
        if not isinstance(event, CallMade | LoggedOut) or session is None or event.session != session:
            continue
        if isinstance(event, LoggedOut) and event.outcome.kind != "faulted":
            yield event.exchange
        elif event.outcome.accepted:
            served = event.exchange
        elif event.outcome.fault == "NotAuthenticated":
            yield served or event.exchange


def without_session(call: CallMade, events: Sequence[Event]) -> tuple[int, ...] | None:
    """Return the exchanges that show a call to be made without a session, or None where there may have been one.

    Without one is who sends no cookie; who sends one that the server has given and nobody has logged in with; and who
    has logged out since he logged in last. Where no headers were written down nothing is known.
    """
    if call.session is None:
        return (call.id,) if call.exchange.request.headers else None
    logins = [e for e in events if isinstance(e, LoggedIn) and call.session in e.sessions and e.id < call.id]
    if not any(login.outcome.kind != "faulted" for login in logins):
        birth = next((e.id for e in events if e.id < call.id and call.session == _given(e.exchange)), None)
        return None if birth is None else (birth, call.id)
    logouts = [e for e in events if isinstance(e, LoggedOut) and e.session == call.session and e.outcome.accepted]
    for logout in logouts:
        later = [login for login in logins if not surely_before(login.exchange, logout.exchange)]
        if surely_before(logout.exchange, call.exchange) and not later:
            return (logout.id, call.id)
    return None


def _given(exchange: Exchange) -> str | None:
    return session_cookie(exchange.response.header("Set-Cookie")) if exchange.response else None
