"""The plan of one world: its rules in order, what each has seen, and who is told when rules come and go."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from .._clock import Clock
from .._journal import Journal
from ._file import faults_of
from ._kinds import SOCKET_KINDS, FaultError, Kind
from ._rules import Count, Event, Rule, decide, read_rule


@dataclass(frozen=True, slots=True)
class Strike:
    """A rule that strikes, at `at` seconds of the world's clock."""

    rule: Rule
    at: float

    @property
    def kind(self) -> str:
        """The name of the kind."""
        return self.rule.kind.name

    @property
    def args(self) -> Mapping[str, Any]:
        """All arguments of the kind."""
        return self.rule.args


class FaultPlan:
    """The faults of one world, in order; without rules it costs nothing.

    A rule is plain data, `{match, action: {kind, args}, times, seed}`. `seed` is that of rules which name none. `kinds`
    are those that the world's servers know how to do, `vocabulary` tells of a name of a match, such as `method`,
    whether there is such a thing, so that a word misspelt is refused and not silently never met.
    """

    def __init__(
        self,
        clock: Clock,
        journal: Journal | None = None,
        *,
        seed: int = 0,
        kinds: Mapping[str, Kind] = SOCKET_KINDS,
        vocabulary: Mapping[str, Callable[[str], bool]] | None = None,
    ) -> None:
        self.rules: tuple[Rule, ...] = ()
        self.clock = clock
        self.seed = seed
        self.servers: list[str] = []
        self._journal = journal
        self._kinds = kinds
        self._vocabulary = vocabulary or {}
        self._numbers = itertools.count(1)
        self._counts: dict[str, Count] = {}
        self._waits: Counter[str] = Counter()
        self._first: tuple[Rule, ...] = ()
        self._changed = threading.Condition(threading.RLock())
        self._watchers: list[Callable[[], None]] = []

    def begin(self, faults: Any) -> None:
        """Take the rules with which the world begins and to which `reset` goes back; data as of `read_faults`."""
        rules, seed = faults_of(faults, "faults")
        self.seed = self.seed if seed is None else seed
        for number, data in enumerate(rules, 1):
            self._insert(self._read(data, f"fault {number}"))
        self._first = self.rules

    def join(self, server: str) -> None:
        """Let rules name a server."""
        if server not in self.servers:
            self.servers.append(server)

    def check_servers(self) -> None:
        """Refuse rules that name no server there is; called once all have joined."""
        for number, rule in enumerate(self.rules, 1):
            self._check_server(rule, f"fault {number}")

    def add(self, data: Mapping[str, Any]) -> str:
        """Add a rule after the others and return its id; FaultError says what is wrong with it."""
        rule = self._read(data, "this fault")
        self._check_server(rule, "this fault")
        self._insert(rule)
        self._tell()
        return rule.id

    def extend(self, rules: Sequence[Any]) -> list[str]:
        """Add several rules, or none where one of them is wrong; return their ids."""
        read = []
        for number, data in enumerate(rules, 1):
            read.append(self._read(data, f"fault {number}"))
            self._check_server(read[-1], f"fault {number}")
        for rule in read:
            self._insert(rule)
        self._tell()
        return [rule.id for rule in read]

    def remove(self, id: str) -> None:
        """Forget a rule; KeyError where there is none of that id."""
        with self._changed:
            if id not in self._counts:
                raise KeyError(id)
            self.rules = tuple(rule for rule in self.rules if rule.id != id)
            del self._counts[id]
            self._changed.notify_all()
        self._tell()

    def clear(self) -> None:
        """Forget every rule."""
        with self._changed:
            self.rules, self._counts = (), {}
            self._changed.notify_all()
        self._tell()

    def reset(self) -> None:
        """Go back to the rules of the beginning, with nothing seen."""
        with self._changed:
            now = self.clock.now()
            self.rules = tuple(replace(rule, since=now) for rule in self._first)
            self._counts = {rule.id: Count() for rule in self.rules}
            self._waits.clear()
        self._tell()

    def strike(self, place: str, server: str, **facts: str | int) -> Strike | None:
        """Say that something happens, and return the rule that strikes."""
        now = self.clock.now()
        event = Event(place, server, facts)
        struck: Rule | None = None
        with self._changed:
            for rule in self.rules:
                before = self._counts[rule.id]
                after, strikes = decide(rule, before, event, now)
                if strikes and struck is not None:
                    after = Count(after.seen, before.struck)
                elif strikes:
                    struck = rule
                self._counts[rule.id] = after
            if struck is not None:
                self._changed.notify_all()
        if struck is None:
            return None
        if self._journal is not None:
            told: dict[str, Any] = {name: value for name, value in facts.items() if name != "server"}
            self._journal.record("fault", server=server, rule=struck.id, fault=struck.kind.name, place=place, **told)
        return Strike(struck, now)

    def at(self, place: str) -> bool:
        """Tell whether any rule strikes at a place."""
        return any(rule.place == place for rule in self.rules)

    def always(self, kind: str, server: str) -> bool:
        """Tell whether a kind strikes a server whatever comes, and whenever."""
        return any(
            rule.kind.name == kind and fnmatchcase(server, str(rule.where.get("server", "*"))) and rule.unbounded
            for rule in self.rules
        )

    def count(self, id: str) -> Count:
        """Return what a rule has seen and how often it struck; KeyError where there is none of that id."""
        with self._changed:
            return self._counts[id]

    def report(self) -> list[dict[str, Any]]:
        """Return every rule as plain data with its id, what it has seen, how often it struck and made somebody wait."""
        with self._changed:
            return [
                {"id": rule.id, **rule.to_data(), "seen": self._counts[rule.id].seen,
                 "struck": self._counts[rule.id].struck, "waited": self._waits[rule.id]}
                for rule in self.rules
            ]  # fmt: skip

    def waits(self, id: str) -> None:
        """Say that a strike of a rule waits for the clock now."""
        with self._changed:
            self._waits[id] += 1
            self._changed.notify_all()

    def wait_struck(self, id: str, times: int = 1, within: float = 30.0) -> None:
        """Wait until a rule has struck so often; TimeoutError after `within` real seconds."""
        self._wait_for(lambda: self._counts[id].struck, id, "struck", times, within)

    def wait_stalled(self, id: str, times: int = 1, within: float = 30.0) -> None:
        """Wait until a rule has made somebody wait so often, so that moving the clock now moves that wait."""
        self._wait_for(lambda: self._waits[id], id, "made somebody wait", times, within)

    def _wait_for(self, count: Callable[[], int], id: str, what: str, times: int, within: float) -> None:
        until = time.monotonic() + within
        with self._changed:
            while count() < times:
                if id not in self._counts:
                    raise KeyError(id)
                left = until - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    raise TimeoutError(f"{id} {what} {count()} times in {within} s, expected {times}")

    def watch(self, watcher: Callable[[], None]) -> None:
        """Have a function called whenever rules come or go."""
        self._watchers.append(watcher)

    def unwatch(self, watcher: Callable[[], None]) -> None:
        """Call it no more."""
        if watcher in self._watchers:
            self._watchers.remove(watcher)

    def _read(self, data: Any, where: str) -> Rule:
        rule = read_rule(data, self._kinds, f"fault-{next(self._numbers)}", self.seed, self.clock.now(), where)
        for name, known in self._vocabulary.items():
            wanted = rule.where.get(name)
            if isinstance(wanted, str) and not known(wanted):
                raise FaultError(f"{where}: there is no {name} {wanted!r}")
        return rule

    def _check_server(self, rule: Rule, where: str) -> None:
        wanted = rule.where.get("server")
        if isinstance(wanted, str) and not any(fnmatchcase(name, wanted) for name in self.servers):
            raise FaultError(f"{where}: there is no server {wanted!r}; there are {', '.join(self.servers)}")

    def _insert(self, rule: Rule) -> None:
        with self._changed:
            self._counts[rule.id] = Count()
            self.rules = (*self.rules, rule)

    def _tell(self) -> None:
        for watcher in list(self._watchers):
            watcher()
