"""Reading the profile tables (TOML beside this module) and choosing a value per field."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

PRODUCTS = ("vcenter", "esxi", "cell")
_TYPES: dict[str, type | tuple[type, ...]] = {
    "text": str, "count": int, "seconds": (int, float), "flag": bool, "list": list,
}  # fmt: skip


class ProfileError(ValueError):
    """A profile names a product, field or value that does not exist."""


@dataclass(frozen=True, slots=True)
class Field:
    """One row of the table: what it says, its type, the set it accepts and the fact's number."""

    name: str
    says: str
    type: str
    fact: str
    default: Any
    accepted: tuple[Any, ...] | None = None
    least: float | None = None
    most: float | None = None
    versions: Mapping[str, Any] = field(default_factory=dict)

    def check(self, value: Any, where: str) -> Any:
        """Return `value` where the field accepts it."""
        kind = _TYPES[self.type]
        right = isinstance(value, kind) and (self.type == "flag" or not isinstance(value, bool))
        if not right:
            raise ProfileError(f"{where}: {self.name} is a {self.type}, got {value!r}")
        if self.accepted is not None and value not in self.accepted:
            accepted = ", ".join(map(repr, self.accepted))
            raise ProfileError(f"{where}: {self.name} accepts {accepted}; got {value!r} (fact {self.fact})")
        # Asked this way round, since not-a-number lies nowhere.
        within = (self.least is None or value >= self.least) and (self.most is None or value <= self.most)
        if not within:
            raise ProfileError(
                f"{where}: {self.name} lies within {self.least}..{self.most}; got {value!r} (fact {self.fact})"
            )
        return value


@dataclass(frozen=True)
class Profile:
    """The chosen values of one server. `note` says so where the version asked for is not listed."""

    product: str
    version: str
    fields: Mapping[str, Field]
    values: Mapping[str, Any]
    note: str | None = None

    @property
    def name(self) -> str:
        """The name to ask for it by, such as `vcenter-8.0`."""
        return f"{self.product}-{self.version}"

    def text(self, name: str) -> str:
        """Return the value of a text field."""
        return str(self.values[name])

    def flag(self, name: str) -> bool:
        """Return the value of a flag."""
        return bool(self.values[name])

    def count(self, name: str) -> int:
        """Return the value of a count."""
        return int(self.values[name])

    def seconds(self, name: str) -> float:
        """Return the value of a span in seconds."""
        return float(self.values[name])

    def list(self, name: str) -> tuple[Any, ...]:
        """Return the value of a list."""
        return tuple(self.values[name])

    def but(self, **changes: Any) -> Profile:
        """Return a profile with some fields set to other accepted values."""
        where = f"profile {self.name}"
        values = dict(self.values)
        for key, value in changes.items():
            if key not in self.fields:
                raise ProfileError(f"{where} has no field {key!r}; it has {', '.join(sorted(self.fields))}")
            values[key] = self.fields[key].check(value, where)
        return Profile(self.product, self.version, self.fields, values, self.note)


@cache
def _table(product: str) -> tuple[dict[str, Field], tuple[str, ...], str]:
    data = _data(product)
    fields = {}
    for name, row in _rows(product).items():
        accepted = tuple(row["accepted"]) if "accepted" in row else None
        fields[name] = Field(
            name, row["says"], row["type"], row["fact"], row["default"], accepted,
            row.get("least"), row.get("most"), row.get("versions", {}),
        )  # fmt: skip
    return fields, tuple(data["versions"]), data["default_version"]


@cache
def _data(product: str) -> dict[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath(f"{product}.toml").read_text("utf-8"))


def _rows(product: str) -> dict[str, dict[str, Any]]:
    """Return a product's fields; one that is `like` another has all of its fields and says what is otherwise."""
    data = _data(product)
    rows = _rows(data["like"]) if "like" in data else {}
    for name, own in data["fields"].items():
        inherited = rows.get(name, {})
        if "default" in own:
            # A default of one's own is for all versions, whatever those of the other product have.
            inherited = {key: value for key, value in inherited.items() if key != "versions"}
        rows[name] = {**inherited, **own}
    return rows


def known_profiles() -> list[str]:
    """Return the names of all profiles that the tables list."""
    return [f"{product}-{version}" for product in PRODUCTS for version in _table(product)[1]]


def load_profile(name: str, overrides: Mapping[str, Any] | None = None) -> Profile:
    """Return the profile called `PRODUCT-VERSION`, or bare `PRODUCT`; or read a TOML file that starts from one.

    A version nobody listed takes the nearest and says so in `note`.
    """
    if name.endswith(".toml"):
        return _from_file(Path(name), overrides or {})
    product, _, version = name.partition("-")
    if product not in PRODUCTS:
        raise ProfileError(
            f"no profile {name!r}: the product is {', '.join(PRODUCTS)}; known: {', '.join(known_profiles())}"
        )
    fields, versions, default_version = _table(product)
    chosen, note = _nearest(version or default_version, versions, product)
    values = {
        key: row.check(row.versions.get(chosen, row.default), f"profile {product}-{chosen}")
        for key, row in fields.items()
    }
    return Profile(product, chosen, fields, values, note).but(**(overrides or {}))


def _from_file(path: Path, overrides: Mapping[str, Any]) -> Profile:
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProfileError(f"the profile file {path} cannot be read: {error}") from None
    base = data.pop("profile", None)
    if not isinstance(base, str) or base.endswith(".toml"):
        raise ProfileError(f'{path}: say which profile it starts from: profile = "vcenter-8.0"')
    return load_profile(base, {**data, **overrides})


def _nearest(version: str, versions: tuple[str, ...], product: str) -> tuple[str, str | None]:
    if version in versions:
        return version, None
    try:
        wanted = _number(version)
    except ValueError:
        raise ProfileError(f"{product} has no version {version!r}; known: {', '.join(versions)}") from None
    # Of two that are equally near the older: it tells nothing that the wanted one may not know.
    chosen = min(versions, key=lambda known: abs(_distance(_number(known)) - _distance(wanted)))
    return chosen, f"{product} {version} is not listed: taking the nearest profile, {product}-{chosen}"


def _distance(number: tuple[int, ...]) -> int:
    """Return how far a version is from none: each number counts a tenth of what the one before it counts."""
    return sum(part * 10 ** (9 - place) for place, part in enumerate(number[:9]))


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
