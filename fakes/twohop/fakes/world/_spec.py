"""The plain data a world is built from: the default world, and world files in YAML."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

FORMAT = 1
_UNITS = {"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_SIZE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*([KMGT]iB|B)?\s*$")

_KEYS: dict[str, frozenset[str]] = {
    "world file": frozenset({"twohop", "profile", "seed", "datacenters", "cell", "users"}),
    "datacenter": frozenset({"name", "clusters", "hosts", "datastores", "networks", "vms"}),
    "cluster": frozenset({"name", "hosts"}),
    "datastore": frozenset({"name", "capacity"}),
    "vm": frozenset(
        {
            "name",
            "power",
            "host",
            "datastore",
            "network",
            "cpus",
            "memory",
            "guest",
            "hardware",
            "uuid",
            "note",
            "disks",
        }
    ),
    "user": frozenset({"name", "password", "role", "privileges", "permissions"}),
    "permission": frozenset({"on", "role", "privileges", "propagate"}),
    "disk": frozenset({"size", "data", "content", "controller", "thin"}),
}


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


def check_keys(kind: str, row: Any, where: str) -> Mapping[str, Any]:
    """Return `row` where it is a mapping that names nothing unknown."""
    if not isinstance(row, Mapping):
        raise WorldFileError(f"{where}: expected a mapping that describes a {kind}; got {row!r}")
    unknown = set(row) - _KEYS[kind]
    if unknown:
        known = ", ".join(sorted(_KEYS[kind]))
        raise WorldFileError(
            f"{where}: a {kind} has no {', '.join(map(repr, sorted(map(str, unknown))))}; it has {known}"
        )
    return row


def name_of(value: Any, where: str) -> str:
    """Return a name: text that is not empty and has no control characters, which XML could not carry."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise WorldFileError(f"{where}: expected a name; got {value!r}")
    if not str(value).strip() or not str(value).isprintable():
        raise WorldFileError(f"{where}: a name is printable text; got {value!r}")
    return str(value)


def unlike(name: str, among: set[str], what: str) -> None:
    """Remember a name; WorldFileError where another one of its kind has it."""
    if name in among:
        raise WorldFileError(f"{what} are called {name!r}; give each a name of its own")
    among.add(name)


def rows(row: Mapping[str, Any], key: str, where: str, default: Sequence[Any] = ()) -> list[Any]:
    """Return a list that a mapping holds."""
    value = row.get(key, default)
    if isinstance(value, str | Mapping) or not isinstance(value, Sequence):
        raise WorldFileError(f"{where}: {key!r} is a list; got {value!r}")
    return list(value)


def whole(value: Any, where: str) -> int:
    """Return a whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise WorldFileError(f"{where}: expected a whole number of at least 1; got {value!r}")
    return value


def flag(value: Any, where: str) -> bool:
    """Return a truth value."""
    if not isinstance(value, bool):
        raise WorldFileError(f"{where}: expected true or false; got {value!r}")
    return value


def check_world(data: Any, where: str) -> Mapping[str, Any]:
    """Return the plain data of a world where its outer form is right."""
    checked = check_keys("world file", data, where)
    if checked.get("twohop", FORMAT) != FORMAT:
        raise WorldFileError(f"{where}: 'twohop' says the format, {FORMAT}; got {checked['twohop']!r}")
    if not isinstance(checked.get("datacenters"), list) or not checked["datacenters"]:
        raise WorldFileError(f"{where}: 'datacenters' is a list of at least one")
    seed, profile = checked.get("seed", 0), checked.get("profile", "vcenter")
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise WorldFileError(f"{where}: 'seed' is a whole number; got {seed!r}")
    if not isinstance(profile, str):
        raise WorldFileError(f"{where}: 'profile' is a name such as vcenter-8.0; got {profile!r}")
    return checked


def default_spec(vms: int = 2, hosts: int = 2) -> dict[str, Any]:
    """Return the default world: vcsim's names, one cluster whose hosts share a datastore.

    VM0 stands on H0 and is powered off, VM1 on the next host and is powered on, further ones follow, powered off.
    Each has one thin disk of 1 GiB with 64 MiB of data.
    """
    if hosts < 1 or vms < 0:
        raise WorldFileError(f"a world has at least 1 host and 0 machines; got {hosts} hosts, {vms} machines")
    names = [f"DC0_C0_H{n}" for n in range(hosts)]
    machines = [
        {
            "name": f"DC0_C0_RP0_VM{n}",
            "power": "on" if n == 1 else "off",
            "host": names[n % hosts],
            "disks": [{"size": 1 << 30, "data": 64 << 20, "content": f"seed:{n}"}],
        }
        for n in range(vms)
    ]
    datacenter = {
        "name": "DC0",
        "clusters": [{"name": "DC0_C0", "hosts": names}],
        "datastores": [{"name": "LocalDS_0"}],
        "networks": ["VM Network"],
        "vms": machines,
    }
    return {"twohop": FORMAT, "datacenters": [datacenter]}


def load_spec(path: Path) -> dict[str, Any]:
    """Read a world file; WorldFileError says which line or key is wrong."""
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise WorldFileError(f"the world file {path} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise WorldFileError(f"the world file {path} is not YAML: {error}") from None
    check_keys("world file", data, str(path))
    if data.get("twohop") != FORMAT:
        raise WorldFileError(f"{path}: the first key says the format: 'twohop: {FORMAT}'; got {data.get('twohop')!r}")
    return dict(check_world(data, str(path)))
