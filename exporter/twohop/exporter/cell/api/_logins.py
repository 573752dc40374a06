"""Sessions of the API: who is logged in, by which token, until when (1.2-1.5, 1.7, 1.11)."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import select

from twohop.runtime import Clock, References
from twohop.runtime.profiles import Profile

from ..engine import ROLES, Catalogue, LoginRow, Org, Store, digest_of
from ._negotiation import number


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody who is logged in to an organisation, in a role; `id` names the session without opening it."""

    user: str
    org: Org
    id: str
    role: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a login gives: the session token, and the bearer token of the newer API."""

    session: str
    access: str


class Expired(LookupError):
    """The session has ended by itself."""


class Logins:
    """The sessions of one cell; `accounts` maps `user@org` to passwords."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        profile: Profile,
        catalogue: Callable[[], Catalogue],
        accounts: Mapping[str, str],
        references: References,
        *,
        cell: str,
    ) -> None:
        self._store, self._clock, self._profile, self._catalogue = store, clock, profile, catalogue
        self._accounts = dict(accounts)
        self._references, self._cell = references, cell

    def log_in(self, authorization: str) -> tuple[Login, Tokens] | None:
        """Log in by a Basic header for `user@org`; None where the two do not fit."""
        credentials = _basic(authorization)
        if credentials is None:
            return None
        name, password = credentials
        user, _, org_name = name.rpartition("@")
        # A stranger's password is compared too, so that the answer takes no shorter for an unknown name.
        expected = self._accounts.get(name, secrets.token_urlsafe())
        right = hmac.compare_digest(expected.encode(), password.encode())
        org = self._catalogue().org_named(org_name)
        if not right or org is None:
            return None
        tokens = Tokens(self._new_token(), secrets.token_urlsafe(48))
        self._references.name("token", tokens.session)
        self._references.name("token", tokens.access)
        now, digest = self._clock.now(), digest_of(tokens.session)
        with self._store.change() as db:
            db.add(
                LoginRow(
                    digest=digest, cell=self._cell, access_digest=digest_of(tokens.access), user=user, org_id=org.id,
                    created_at=now, used_at=now,
                )
            )  # fmt: skip
        return Login(user, org, digest[:32], _role(user, org)), tokens

    def find(self, token: str, *, bearer: bool) -> Login | None:
        """Return who a token belongs to, and count this as use; None for no token of ours, Expired for an old one."""
        digest, now = digest_of(token), self._clock.now()
        column = LoginRow.access_digest if bearer else LoginRow.digest
        with self._store.change() as db:
            row = db.scalars(select(LoginRow).where(column == digest)).one_or_none()
            if row is None or not hmac.compare_digest(row.access_digest if bearer else row.digest, digest):
                return None
            idle, absolute = self._profile.seconds("session_idle_s"), self._profile.seconds("session_absolute_s")
            over = now >= min(row.used_at + idle, row.created_at + absolute)
            if over:
                db.delete(row)
            else:
                row.used_at = now
            org = self._catalogue().orgs.get(row.org_id)
            login = Login(row.user, org, row.digest[:32], _role(row.user, org)) if org is not None else None
        if over:
            raise Expired
        return login

    def log_out(self, login: Login) -> None:
        """End a session."""
        with self._store.change() as db:
            for row in db.scalars(select(LoginRow).where(LoginRow.digest.startswith(login.id))):
                db.delete(row)

    def _new_token(self) -> str:
        if number(self._profile.version) >= (5, 6):
            return secrets.token_hex(16)
        return base64.b64encode(secrets.token_bytes(32)).decode()


def _role(user: str, org: Org) -> str:
    """Return somebody's role: the one that the catalogue gives, else that of an administrator."""
    return dict(org.users).get(user, ROLES[0])


def _basic(header: str) -> tuple[str, str] | None:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, password) if colon else None
