"""Mutants of logins and logouts."""

from __future__ import annotations

import re
from typing import Any

import pytest

from twohop.contracts.targets import FakeTarget
from twohop.fakes.vim import _app
from twohop.fakes.vim import _faults as faults
from twohop.fakes.vim._registry import vim

from .mutant import answers, killed_by, method


@killed_by("LOGIN-001")
def cookies_below_sdk(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The session's cookie is good below /sdk alone (10.1)."""
    patch.setattr(_app, "_attributes", lambda form: "Path=/sdk; HttpOnly; Secure;")


@killed_by("LOGIN-002")
def sessions_without_a_beginning(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A UserSession does not say when it began (10.11)."""
    answers(patch, lambda name, text: re.sub(r"<loginTime>[^<]*</loginTime>", "", text) if name == "Login" else text)


@killed_by("LOGIN-003")
def tells_which_was_wrong(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """InvalidLogin tells that the user is unknown (10.11)."""
    patch.setattr(faults, "invalid_login", lambda: vim.fault.InvalidLogin(msg="There is no such user."))


@killed_by("LOGIN-004")
def logout_ends_all_sessions(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """Whoever logs out takes everybody with him (10.10)."""

    def all_of_them(honest: Any, call: Any, manager: Any) -> None:
        for session in list(call.service.sessions.active()):
            call.service.sessions.logout(session)

    method(patch, "SessionManager", "Logout", all_of_them)
