"""Users as plain data: who may log in, and what each may do where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ._spec import check_keys
from ._values import WorldFileError, flag, name_of, rows, unlike

ROLES = ("Admin", "ReadOnly", "NoAccess")
"""System roles that may be given; View and Anonymous are the server's own."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a user may do at a place and below it: a role by name, or privileges of their own.

    `on` is an inventory path, empty for the root folder.
    """

    role: str | None
    privileges: tuple[str, ...] = ()
    on: str = ""
    propagate: bool = True


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may log in, and the grants that decide what for. `full_name` is empty where it is the name."""

    name: str
    password: str
    grants: tuple[Grant, ...]
    full_name: str = ""


def read_users(given: Any, where: str) -> tuple[User, ...]:
    """Return the users that plain data describes: a list of `name`, `password`, and what they may do.

    That is `role` (Admin, ReadOnly, NoAccess) or `privileges` (a list of ids) on everything, and under `permissions` a
    list of the same with a place: `on` (an inventory path) and `propagate`. WorldFileError for anything else.
    """
    names: set[str] = set()
    users = []
    for number, raw in enumerate(rows({"users": given if given is not None else ()}, "users", where)):
        row = check_keys("user", raw, f"{where}: user {number}")
        name = name_of(row.get("name"), f"{where}: user {number}")
        unlike(name.lower(), names, f"{where}: two users")
        at = f"{where}: user {name}"
        password = row.get("password")
        if not isinstance(password, str) or not password:
            raise WorldFileError(f"{at}: a user has a password, which is text")
        grants = [_grant(row, at)] if "role" in row or "privileges" in row else []
        for place in rows(row, "permissions", at):
            checked = check_keys("permission", place, f"{at}: permission")
            grants.append(_grant(checked, f"{at}: permission"))
        users.append(User(name, password, tuple(grants)))
    return tuple(users)


def _grant(row: Any, where: str) -> Grant:
    if ("role" in row) == ("privileges" in row):
        raise WorldFileError(f"{where}: give either 'role' or 'privileges'")
    on, propagate = str(row.get("on", "")), flag(row.get("propagate", True), f"{where}: propagate")
    if "role" in row:
        if row["role"] not in ROLES:
            raise WorldFileError(f"{where}: role is {', '.join(ROLES)}; got {row['role']!r}")
        return Grant(row["role"], (), on, propagate)
    privileges: Sequence[Any] = rows(row, "privileges", where)
    return Grant(None, tuple(name_of(each, where) for each in privileges), on, propagate)
