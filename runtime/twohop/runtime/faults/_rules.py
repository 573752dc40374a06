"""Rules of a plan, and whether one strikes: pure functions of the rule, its counts, what happens, the time and a seed.

Theory. Something happens: a connection comes, a request, a call of the API, the read of a property, a lease is granted.
A rule that matches has *seen* it. From the `nth` that it has seen on it strikes, `times` in all, each time with a
`chance` that the seed decides. Of several rules that would strike the first one does; the others have seen it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from ._kinds import PLACES, FaultError, Kind


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens at a place of `PLACES`; `facts` tell the rest by the names that a match may use."""

    place: str
    server: str
    facts: Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Count:
    """What a rule has seen, and how often it struck."""

    seen: int = 0
    struck: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, checked.

    `since` is when it was made, in seconds of the world's clock; `start` and `until` count from it. `times` is None for
    as often as it matches.
    """

    id: str
    kind: Kind
    place: str
    args: Mapping[str, Any]
    where: Mapping[str, str | int]
    nth: int
    times: int | None
    chance: float
    seed: int
    since: float = 0.0
    start: float | None = None
    until: float | None = None

    @property
    def unbounded(self) -> bool:
        """Whether it strikes each time, and at all times."""
        counted = self.nth > 1 or self.times is not None or self.chance < 1
        return not counted and self.start is None and self.until is None

    def to_data(self) -> dict[str, Any]:
        """Return the rule as it may be written, every default filled in."""
        match: dict[str, Any] = {**self.where, "nth": self.nth, "chance": self.chance}
        match |= {n: v for n, v in (("from", self.start), ("until", self.until)) if v is not None}
        return {
            "match": match,
            "action": {"kind": self.kind.name, "args": dict(self.args)},
            "times": self.times,
            "seed": self.seed,
        }


def matches(rule: Rule, event: Event, now: float) -> bool:
    """Tell whether an event at a moment of the world's clock is one that a rule is about; texts are globs."""
    if event.place != rule.place:
        return False
    age = now - rule.since
    if (rule.start is not None and age < rule.start) or (rule.until is not None and age >= rule.until):
        return False
    for name, wanted in rule.where.items():
        came = event.server if name == "server" else event.facts.get(name)
        if isinstance(wanted, int):
            if came != wanted:
                return False
        elif came is None or not fnmatchcase(str(came), wanted):
            return False
    return True


def decide(rule: Rule, count: Count, event: Event, now: float) -> tuple[Count, bool]:
    """Return what a rule has seen after an event, and whether it strikes."""
    if not matches(rule, event, now):
        return count, False
    seen = count.seen + 1
    due = seen >= rule.nth and (rule.times is None or count.struck < rule.times)
    strikes = due and (rule.chance >= 1.0 or drawn(rule.seed, rule.id, seen) < rule.chance)
    return replace(count, seen=seen, struck=count.struck + strikes), strikes


def drawn(seed: int, rule: str, seen: int) -> float:
    """Return a number from 0 to 1 that the seed, the rule and how much it has seen decide."""
    digest = hashlib.sha256(f"twohop fault {seed} {rule} {seen}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / (1 << 56)


def read_rule(data: Any, kinds: Mapping[str, Kind], id: str, seed: int, now: float, where: str) -> Rule:
    """Return a rule from plain data, `{match, action: {kind, args}, times, seed}`; FaultError says what is wrong."""
    rule = _mapping(data, where, "match", "action", "times", "seed")
    action = _mapping(rule.get("action"), f"{where}: action", "kind", "args")
    name = action.get("kind")
    if not isinstance(name, str) or name not in kinds:
        raise FaultError(f"{where}: there is no kind {name!r} of faults; kinds are {', '.join(kinds)}")
    kind = kinds[name]
    match = dict(_mapping(rule.get("match", {}), f"{where}: match", *_MATCHED))
    nth = _count(match.pop("nth", 1), f"{where}: nth")
    chance = _number(match.pop("chance", 1.0), f"{where}: chance")
    if not 0 <= chance <= 1:
        raise FaultError(f"{where}: chance is from 0 to 1; got {chance!r}")
    start, until = (_moment(match.pop(each, None), f"{where}: {each}") for each in ("from", "until"))
    named = "nth" in rule.get("match", {})
    times = rule.get("times", 1 if named or kind.lasts else None)
    if times is not None:
        times = _count(times, f"{where}: times")
    args = kind.read(action.get("args"), where)
    place = place_of(kind, match, where)
    if place == "connection" and args.get("after") is not None:
        # Bytes of a body come before it, so it is one of a request.
        place = "request"
    return Rule(
        id, kind, place, args, _where(match, where), nth, times,
        chance, _whole(rule.get("seed", seed), f"{where}: seed"), now, start, until,
    )  # fmt: skip


_WHERE = ("server", "method", "verb", "path", "file", "type", "property", "lease")
_MATCHED = (*_WHERE, "nth", "chance", "from", "until")


def place_of(kind: Kind, match: Mapping[str, Any], where: str) -> str:
    """Return where a rule strikes: at a request, if its match names anything that only a request has."""
    for place in kind.places:
        if set(match) <= PLACES[place]:
            return place
    last = kind.places[-1]
    wrong = ", ".join(sorted(set(match) - PLACES[last]))
    raise FaultError(
        f"{where}: {kind.name} strikes a {last}, which is not matched by {wrong}, but by"
        f" {', '.join(each for each in _WHERE if each in PLACES[last])}"
    )


def _mapping(value: Any, where: str, *known: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise FaultError(f"{where}: expected a mapping of {', '.join(known)}; got {value!r}")
    for name in value:
        if name not in known:
            raise FaultError(f"{where}: there is no {name!r}; there are {', '.join(known)}")
    return value


def _where(match: Mapping[str, Any], where: str) -> Mapping[str, str | int]:
    for name, value in match.items():
        if name == "lease":
            _count(value, f"{where}: lease")
        elif not isinstance(value, str) or not value:
            raise FaultError(f"{where}: {name} is a text, * and ? standing for anything; got {value!r}")
    return dict(match)


def _whole(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise FaultError(f"{where} is a whole number; got {value!r}")
    return value


def _count(value: Any, where: str) -> int:
    if _whole(value, where) < 1:
        raise FaultError(f"{where} counts from 1; got {value!r}")
    return int(value)


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise FaultError(f"{where} is a number; got {value!r}")
    return float(value)


def _moment(value: Any, where: str) -> float | None:
    return None if value is None else _number(value, where)
