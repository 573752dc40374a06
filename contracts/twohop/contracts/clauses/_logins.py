"""LOGIN: what a login answers, and whom a logout concerns (vsphere 10.1, 10.10, 10.11)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from twohop.contracts.history import (
    CallMade,
    History,
    LoggedIn,
    LoggedOut,
    maybe_before,
    surely_before,
    without_session,
)

from ._clause import Case, Clause, broken, kept

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MEMBERS = ("key", "userName", "fullName", "loginTime", "lastActiveTime", "locale", "messageLocale")
"""The members that a client of any version is given."""
_WRONG = "Cannot complete login due to an incorrect user name or password."
_COOKIE = re.compile(r'vmware_soap_session="[^"]+"; *Path=/(?:;|$)')
_SDK = re.compile(r"https?://[^/]+/+sdk(?:/vimService)?/?")
"""The endpoint of the vSphere API; that of storage policies has cookies of another form (10.1)."""
_FRESH = 300.0
"""Seconds in which no server takes a session for an idle one."""


def _cookie_form(history: History) -> Iterator[Case]:
    for call in history.all(CallMade):
        response = call.exchange.response
        set_cookie = response.header("Set-Cookie") if response is not None else None
        if set_cookie is None or not _SDK.fullmatch(call.exchange.request.url):
            continue
        form = re.sub(r'="?[^";]+"?', "=…", set_cookie, count=1)
        told = f"{call.method} in exchange {call.id} set the cookie {form}"
        yield (kept if _COOKIE.match(set_cookie) else broken)(told, by=(call.id,))


def _user_session(history: History) -> Iterator[Case]:
    for login in history.all(LoggedIn):
        if not login.outcome.accepted:
            continue
        shown = dict(login.granted)
        missing = [member for member in _MEMBERS if member not in shown]
        told = f"the login of {login.user} in exchange {login.id} gave"
        if missing:
            yield broken(told, f"a UserSession without {', '.join(missing)}", by=(login.id,))
        elif not _UUID.fullmatch(shown["key"]):
            yield broken(told, f"a UserSession whose key is no UUID: {shown['key']}", by=(login.id,))
        else:
            yield kept(told, "a UserSession with all that tells who is in", by=(login.id,))


def _wrong_login(history: History) -> Iterator[Case]:
    for login in history.all(LoggedIn):
        if login.outcome.fault == "InvalidLogin":
            told = f"the login of {login.user!r} in exchange {login.id} was refused with {login.outcome.message!r}"
            yield (kept if login.outcome.message == _WRONG else broken)(told, by=(login.id,))


def _others_stay(history: History) -> Iterator[Case]:
    # Retrieval needs no session, and tells those without one that everything is missing (2.14).
    calls = [c for c in history.all(CallMade) if c.session is not None and not c.method.startswith("Retrieve")]
    for logout in history.all(LoggedOut):
        if not logout.outcome.accepted or logout.session is None:
            continue
        for session in sorted({call.session for call in calls if call.session} - {logout.session}):
            mine = [call for call in calls if call.session == session and call.server == logout.server]
            before = [c for c in mine if c.outcome.accepted and surely_before(c.exchange, logout.exchange)][-1:]
            after = [c for c in mine if surely_before(logout.exchange, c.exchange) and c.outcome.kind != "unclear"]
            if not before or not after or not _served_in(history, before[0]):
                continue
            if _ended(history, session, before[0], after[0]):
                continue
            told = f"{session} was served in exchange {before[0].id}, another session left in exchange {logout.id};"
            answer = f"{after[0].method} in exchange {after[0].id}: {after[0].outcome}"
            good = after[0].outcome.fault != "NotAuthenticated"
            yield (kept if good else broken)(told, answer, by=(before[0].id, logout.id, after[0].id))


def _served_in(history: History, call: CallMade) -> bool:
    """Tell whether somebody was logged in with the cookie of a call."""
    logins = [e for e in history.all(LoggedIn) if e.outcome.accepted and call.session in e.sessions]
    return any(e.id <= call.id for e in logins) and without_session(call, history.events) is None


def _ended(history: History, session: str, before: CallMade, after: CallMade) -> bool:
    """Tell whether a session may have ended between two of its calls otherwise than by another's logout."""
    if after.exchange.t1 - before.exchange.t0 > _FRESH or after.method in ("Login", "Logout"):
        return True
    return any(
        maybe_before(before.exchange, e.exchange) and maybe_before(e.exchange, after.exchange)
        for e in history.all(CallMade)
        if e.method == "TerminateSession" or (e.session == session and e.method in ("Login", "Logout"))
    )


LOGIN_CLAUSES = (
    Clause(
        "LOGIN-001", "The cookie of a session is vmware_soap_session, its value in double quotes, its path /.",
        "vsphere 10.1", "R", "vendor", "vcenter", _cookie_form,
    ),
    Clause(
        "LOGIN-002", "A login gives a UserSession: a UUID as key, user, full name, times, locales.",
        "vsphere 10.11", "R", "vendor", "vcenter", _user_session,
    ),
    Clause(
        "LOGIN-003", "InvalidLogin says that user name or password is incorrect, and never which.",
        "vsphere 10.11", "R", "vendor", "vcenter", _wrong_login,
    ),
    Clause(
        "LOGIN-004", "A logout leaves other sessions alone.",
        "vsphere 10.10", "R", "vendor", "vcenter", _others_stay,
    ),
)  # fmt: skip
