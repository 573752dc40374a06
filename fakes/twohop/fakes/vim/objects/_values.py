"""Writing data objects as plain values, and asking what a server of some age still tells."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from .._registry import older
from .._service import Call


def data(of: Any, **fields: Any) -> Any:
    """Return a data object of a type: fields may be mappings and lists of them, which take the declared type.

    Fields that this pyVmomi does not have are left out, and so are those that are None.
    """
    known = _fields(of)
    return of(
        **{name: _typed(known[name], value) for name, value in fields.items() if name in known and value is not None}
    )


@cache
def _fields(of: Any) -> dict[str, Any]:
    return {info.name: info.type for info in of._GetPropertyList()}


def _typed(declared: Any, value: Any) -> Any:
    if isinstance(value, Mapping):
        return data(declared, **value)
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return [data(declared.Item, **each) for each in value]
    return value


def before(call: Call, version: str) -> bool:
    """Tell whether the server is older than a version of the product: some fields are no longer told by newer ones."""
    return older(call.world.profile.version, version)


def epoch() -> Any:
    """Return the moment that servers write where there is none."""
    return datetime.fromtimestamp(0, UTC)


def moment_of(call: Call) -> Any:
    """Return the time of the world."""
    return datetime.fromtimestamp(call.world.clock.now(), UTC)


def created(call: Call) -> datetime:
    """Return when machines were created that stand there from the beginning: a day before it."""
    return datetime.fromtimestamp(call.service.began - 86_400, UTC)


def named(label: str, summary: str | None = None) -> dict[str, str]:
    """Return the fields of a Description."""
    return {"label": label, "summary": summary or label}


def allocation(
    call: Call, shares: int, *, expandable: bool = False, limit: int | None = None, reservation: int = 0
) -> dict[str, Any]:
    """Return the fields of a ResourceAllocationInfo; a limit of None is none."""
    # Servers before 7.0 say of a machine nothing about expanding.
    expands = None if before(call, "7.0") and not expandable else expandable
    return {
        "reservation": reservation,
        "expandableReservation": expands,
        "limit": -1 if limit is None else limit,
        "shares": {"shares": shares, "level": "normal"},
    }
