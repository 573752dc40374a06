"""Values of a world file: each checked, each refused with where it stands and what was expected."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_UNITS = {"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_SIZE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*([KMGT]iB|B)?\s*$")


class WorldFileError(ValueError):
    """A world file says something that no world can be."""


def size(value: Any, where: str) -> int:
    """Return a number of bytes from a number or from text such as `64 MiB`."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = _SIZE.match(value) if isinstance(value, str) else None
    if match is None:
        raise WorldFileError(f"{where}: expected bytes, or text such as '64 MiB'; got {value!r}")
    return int(float(match[1]) * _UNITS[match[2] or ""])


def name_of(value: Any, where: str) -> str:
    """Return a name: text that is not empty and has no control characters, which XML could not carry."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise WorldFileError(f"{where}: expected a name; got {value!r}")
    if not str(value).strip() or not str(value).isprintable():
        raise WorldFileError(f"{where}: a name is printable text; got {value!r}")
    return str(value)


def text(value: Any, where: str) -> str:
    """Return text, which may have several lines."""
    if isinstance(value, bool | Mapping | Sequence) and not isinstance(value, str):
        raise WorldFileError(f"{where}: expected text; got {value!r}")
    if not all(letter.isprintable() or letter in "\n\t" for letter in str(value)):
        raise WorldFileError(f"{where}: expected printable text; got {value!r}")
    return str(value)


def unlike(name: str, among: set[str], what: str) -> None:
    """Remember a name; WorldFileError where another one of its kind has it."""
    if name in among:
        raise WorldFileError(f"{what} are called {name!r}; give each a name of its own")
    among.add(name)


def rows(row: Mapping[str, Any], key: str, where: str, default: Sequence[Any] = ()) -> list[Any]:
    """Return a list that a mapping holds."""
    if key not in row:
        return list(default)
    value = row[key]
    # A world file has lists; asking what else is one takes long, and there are seven for each machine.
    if type(value) is not list and (isinstance(value, str | Mapping) or not isinstance(value, Sequence)):
        raise WorldFileError(f"{where}: {key!r} is a list; got {value!r}")
    return list(value)


def whole(value: Any, where: str, least: int = 1) -> int:
    """Return a whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise WorldFileError(f"{where}: expected a whole number of at least {least}; got {value!r}")
    return value


def number(row: Mapping[str, Any], key: str, where: str) -> int | None:
    """Return a whole number of at least 0 that a mapping may hold."""
    return whole(row[key], f"{where}: {key}", least=0) if key in row else None


def flag(value: Any, where: str) -> bool:
    """Return a truth value."""
    if not isinstance(value, bool):
        raise WorldFileError(f"{where}: expected true or false; got {value!r}")
    return value


def choice(value: Any, among: Sequence[str], where: str) -> str:
    """Return one of some words."""
    if value not in among:
        raise WorldFileError(f"{where} is {', '.join(among)}; got {value!r}")
    return str(value)


def pick(among: list[Any], name: Any, where: str) -> Any:
    """Return the object of that name; without a name the first."""
    if name is None:
        return among[0]
    for candidate in among:
        if candidate.name == name:
            return candidate
    raise WorldFileError(f"{where}: no {name!r}; there are {', '.join(c.name for c in among)}")


DEVICE_ERRORS = ("OvfUnsupportedDeviceExport", "OvfUnknownDeviceBacking")
"""Faults by which a server tells that it cannot describe a device (8.9)."""
DISK_ERRORS = (*DEVICE_ERRORS, "OvfUnableToExportDisk")


def export_error(row: Mapping[str, Any], known: tuple[str, ...], where: str) -> str:
    """Return the name of the fault that a device or a property is described with; "" for none."""
    return str(choice(row["export_error"], known, f"{where}: export_error")) if "export_error" in row else ""
