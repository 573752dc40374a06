"""SessionManager: Login and Logout with the cookie rules (10.1, 10.2, 10.10, 10.11)."""

from __future__ import annotations

from typing import Any

from .. import _faults as faults
from .._access import VIEW, canonical, shown
from .._kinds import Kind
from .._registry import vim
from .._service import Call, Singleton
from .._sessions import Session
from ._service_instance import moment

SESSION_MANAGER = Kind("SessionManager")


def _user_session(session: Session) -> Any:
    return vim.UserSession(
        key=session.key,
        userName=session.user,
        fullName=session.user,
        loginTime=moment(session.login_time),
        lastActiveTime=moment(session.value.last_call),
        locale="en",
        messageLocale="en",
        extensionSession=False,
        ipAddress=session.address,
        userAgent=session.agent,
        callCount=session.value.calls,
    )


@SESSION_MANAGER.method("Login")
def _login(call: Call, _: Singleton, userName: str, password: str, locale: str | None) -> Any:
    # The cookie comes with the Login reply, a refused one too; older servers have set it before (10.1).
    first_reply = call.world.profile.text("cookie_from") == "first-reply"
    cookie = call.cookie if first_reply and call.cookie is not None else call.service.sessions.new_cookie()
    if not first_reply:
        call.set_cookie = cookie
    user = call.service.access.login(userName, password or "")
    history = call.service.history
    if user is None:
        history.post("BadUsernameSessionEvent", userName, about=call.world.root, ipAddress=call.address)
        call.world.stir()
        raise faults.invalid_login()
    if not call.service.access.has_any(user.name) and call.world.profile.text("login_without_access") != "granted":
        history.post("NoAccessUserEvent", shown(user.name), about=call.world.root, ipAddress=call.address)
        call.world.stir()
        raise faults.no_permission(call.ref(call.world.root), VIEW)
    if call.session is not None and call.session.cookie == cookie:
        raise faults.invalid_login()
    session = call.service.sessions.open(cookie, shown(user.name), call.address, call.agent)
    history.post(
        "UserLoginSessionEvent", session.user, about=call.world.root,
        ipAddress=session.address, userAgent=session.agent, locale="en", sessionId=session.key,
    )  # fmt: skip
    call.world.stir()
    return _user_session(session)


@SESSION_MANAGER.method("Logout")
def _logout(call: Call, _: Singleton) -> None:
    if call.session is not None:
        call.service.sessions.logout(call.session)


@SESSION_MANAGER.method("SessionIsActive")
def _session_is_active(call: Call, _: Singleton, sessionID: str, userName: str) -> bool:
    return any(s.key == sessionID and canonical(s.user) == canonical(userName) for s in call.service.sessions.active())


@SESSION_MANAGER.provides("currentSession")
def _current_session(call: Call, _: Singleton) -> Any:
    return _user_session(call.session) if call.session else None


@SESSION_MANAGER.provides("sessionList")
def _session_list(call: Call, _: Singleton) -> Any:
    return [_user_session(s) for s in call.service.sessions.active()]


@SESSION_MANAGER.provides("defaultLocale")
def _default_locale(call: Call, _: Singleton) -> str:
    return "en"


@SESSION_MANAGER.provides("messageLocaleList", "supportedLocaleList")
def _locales(call: Call, _: Singleton) -> list[str]:
    return ["en"]
