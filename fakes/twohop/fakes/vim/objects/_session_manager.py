"""SessionManager: Login and Logout with the cookie rules, and other ways in (10.1, 10.2, 10.10, 10.11)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import _faults as faults
from .._access import VIEW, canonical, shown
from .._kinds import Kind
from .._registry import vim
from .._service import Call, Singleton
from .._sessions import Session
from ._service_instance import moment

SESSION_MANAGER = Kind("SessionManager")

LOCALES = ("ja", "zh_CN", "en", "de", "zh_TW", "ko", "fr")
"""Languages of a server's messages, as recorded."""


def _user_session(call: Call, session: Session) -> Any:
    user = call.service.access.user(session.user)
    return vim.UserSession(
        key=session.key,
        userName=session.user,
        fullName=(user.full_name if user is not None else "") or session.user,
        loginTime=moment(session.login_time),
        lastActiveTime=moment(session.value.last_call),
        locale=session.locale,
        messageLocale=session.locale,
        extensionSession=False,
        ipAddress=session.address,
        userAgent=session.agent,
        callCount=session.value.calls,
    )


def _locale(wanted: str | None) -> str:
    """Return the language that a client's locale is served in, such as `en` for `en_US`."""
    if not wanted:
        return "en"
    for known in LOCALES:
        if wanted in (known, known.partition("_")[0]) or wanted.partition("_")[0] == known:
            return known
    raise vim.fault.InvalidLocale(msg="The locale is not valid.")


def _tell(call: Call, kind: str, user: str, **more: Any) -> None:
    call.service.history.post(kind, user, about=call.world.root, **more)
    call.world.stir()


def _cookie(call: Call) -> str:
    """Return the session id of a login: it comes with its reply, a refused one's too; old servers set it before (10.1).

    A session that lives keeps its own; no second one grows on it.
    """
    first_reply = call.world.profile.text("cookie_from") == "first-reply"
    if first_reply and call.cookie is not None and call.session is None:
        return call.cookie
    cookie = call.service.sessions.new_cookie()
    if not first_reply or call.session is not None:
        call.set_cookie = cookie
    return cookie


def _open(call: Call, cookie: str, user: str, locale: str) -> Any:
    session = call.service.sessions.open(cookie, user, call.address, call.agent, locale)
    who = {"ipAddress": session.address, "userAgent": session.agent}
    _tell(call, "UserLoginSessionEvent", session.user, locale=session.locale, sessionId=session.key, **who)
    return _user_session(call, session)


@SESSION_MANAGER.method("Login")
def _login(call: Call, _: Singleton, userName: str, password: str, locale: str | None) -> Any:
    live, profile = call.session, call.world.profile
    if live is not None and profile.text("second_login") == "InvalidLogin":
        _tell(call, "AlreadyAuthenticatedSessionEvent", live.user)
        raise faults.invalid_login()
    cookie = _cookie(call)
    user = call.service.access.login(userName, password or "")
    if user is None:
        _tell(call, "BadUsernameSessionEvent", userName, ipAddress=call.address)
        raise faults.invalid_login()
    if not call.service.access.has_any(user.name) and profile.text("login_without_access") != "granted":
        _tell(call, "NoAccessUserEvent", shown(user.name), ipAddress=call.address)
        raise faults.no_permission(call.ref(call.world.root), VIEW)
    language = _locale(locale)
    if live is not None:
        call.service.sessions.logout(live)
    return _open(call, cookie, shown(user.name), language)


@SESSION_MANAGER.method("Logout")
def _logout(call: Call, _: Singleton) -> None:
    if call.session is not None:
        call.service.sessions.logout(call.session)


@SESSION_MANAGER.method("SessionIsActive")
def _session_is_active(call: Call, _: Singleton, sessionID: str, userName: str) -> bool:
    return any(s.key == sessionID and canonical(s.user) == canonical(userName) for s in call.service.sessions.active())


@SESSION_MANAGER.method("TerminateSession")
def _terminate(call: Call, _: Singleton, sessionId: list[str]) -> None:
    for key in sessionId:
        found = next((session for session in call.service.sessions.active() if session.key == key), None)
        if found is None:
            raise vim.fault.NotFound(msg="The object or item referred to could not be found.")
        if found is call.session and call.world.profile.text("terminate_own_session") == "InvalidArgument":
            raise faults.invalid_argument("sessionId")
        _tell(call, "SessionTerminatedEvent", call.user, sessionId=found.key, terminatedUsername=found.user)
        call.service.sessions.logout(found)


@SESSION_MANAGER.method("SetLocale")
def _set_locale(call: Call, _: Singleton, locale: str) -> None:
    assert call.session is not None
    call.session.locale = _locale(locale)


@SESSION_MANAGER.method("AcquireCloneTicket")
def _clone_ticket(call: Call, _: Singleton) -> str:
    assert call.session is not None
    return call.service.sessions.ticket(call.session)


@SESSION_MANAGER.method("CloneSession")
def _clone(call: Call, _: Singleton, cloneTicket: str) -> Any:
    if call.session is not None:
        raise faults.invalid_login()
    cookie = _cookie(call)
    original = call.service.sessions.redeem(cloneTicket)
    if original is None:
        raise faults.invalid_login()
    return _open(call, cookie, original.user, original.locale)


def _refused(fault: Callable[[], Any]) -> Callable[..., Any]:
    def handler(call: Call, _: Singleton, **arguments: Any) -> Any:
        raise fault()

    return handler


def _no_certificate() -> Any:
    return vim.fault.NoClientCertificate(msg="No client certificate was presented.")


# Ways in that the fake does not open: each is refused as one whose credentials are no good.
SESSION_MANAGER.method("LoginBySSPI")(_refused(faults.invalid_login))
SESSION_MANAGER.method("LoginByToken")(_refused(faults.invalid_login))
SESSION_MANAGER.method("LoginExtensionByCertificate")(_refused(_no_certificate))
SESSION_MANAGER.method("LoginExtensionBySubjectName")(_refused(_no_certificate))
SESSION_MANAGER.method("AcquireLocalTicket")(_refused(faults.not_supported))


@SESSION_MANAGER.provides("currentSession")
def _current_session(call: Call, _: Singleton) -> Any:
    return _user_session(call, call.session) if call.session else None


@SESSION_MANAGER.provides("sessionList")
def _session_list(call: Call, _: Singleton) -> Any:
    return [_user_session(call, s) for s in call.service.sessions.active()]


@SESSION_MANAGER.provides("defaultLocale")
def _default_locale(call: Call, _: Singleton) -> str:
    return "en"


@SESSION_MANAGER.provides("messageLocaleList", "supportedLocaleList")
def _locales(call: Call, _: Singleton) -> list[str]:
    return list(LOCALES)
