"""The figures of a replay: alike, different, not implemented, declared; per operation and in all."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from ._replay import Outcome

VERDICTS = ("alike", "different", "not_implemented", "declared")
LEAST_ALIKE = 97.0
"""Percent of what is not declared that have to be alike."""

MOST_DECLARED = 4.0
"""Percent of all exchanges that may be declared."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A declared gap: an operation, what the recorded answer holds, and the reason."""

    operation: str
    reason: str
    answer: str = ""

    def covers(self, outcome: Outcome) -> bool:
        """Tell whether this gap explains an outcome."""
        name = outcome.operation
        named = name.startswith(self.operation[:-1]) if self.operation.endswith("*") else name == self.operation
        return named and self.answer in outcome.exchange.answer.body


@cache
def known_gaps() -> tuple[Gap, ...]:
    """Return the gaps that are declared in gaps.toml."""
    data = tomllib.loads(resources.files(__package__).joinpath("gaps.toml").read_text("utf-8"))
    return tuple(Gap(**row) for row in data["gap"])


@dataclass(slots=True)
class Figures:
    """Counts of exchanges by verdict, in all and by operation; `different` holds what differs and where."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(VERDICTS, 0))
    operations: dict[str, dict[str, int]] = field(default_factory=dict)
    different: list[tuple[str, Outcome]] = field(default_factory=list)

    @property
    def exchanges(self) -> int:
        """How many exchanges were replayed."""
        return sum(self.counts.values())

    @property
    def alike_percent(self) -> float:
        """Percent alike of what is not declared; 100 where there is nothing else."""
        judged = self.exchanges - self.counts["declared"]
        return 100.0 * self.counts["alike"] / judged if judged else 100.0

    @property
    def declared_percent(self) -> float:
        """Percent of all exchanges that a declared gap explains."""
        return 100.0 * self.counts["declared"] / self.exchanges if self.exchanges else 0.0

    @property
    def near(self) -> bool:
        """Whether the distance is within the target."""
        return self.alike_percent >= LEAST_ALIKE and self.declared_percent <= MOST_DECLARED

    def add(self, name: str, outcomes: Iterable[Outcome]) -> None:
        """Count the outcomes of one cassette."""
        for outcome in outcomes:
            verdict = outcome.verdict
            if verdict != "alike" and any(gap.covers(outcome) for gap in known_gaps()):
                verdict = "declared"
            self.counts[verdict] += 1
            row = self.operations.setdefault(outcome.operation, dict.fromkeys(VERDICTS, 0))
            row[verdict] += 1
            if verdict in ("different", "not_implemented"):
                self.different.append((name, outcome))

    def plain(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {
            "exchanges": self.exchanges,
            **self.counts,
            "alike_percent": round(self.alike_percent, 2),
            "declared_percent": round(self.declared_percent, 2),
            "operations": {name: self.operations[name] for name in sorted(self.operations)},
            "differences": [
                {
                    "cassette": name,
                    "number": outcome.exchange.number,
                    "operation": outcome.operation,
                    "verdict": outcome.verdict,
                    "where": [str(difference) for difference in outcome.differences],
                }
                for name, outcome in self.different
            ],
        }
