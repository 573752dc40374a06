"""A clause, and what it finds in a history.

A predicate does not answer yes or no. It yields a case each time a history puts the rule to the test, so that silence
is never taken for obedience: no case, no verdict but `not_observed`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from twohop.contracts.history import History


class Verdict(StrEnum):
    """What a history says about a clause. The worse of two comes first in `WORST_FIRST`."""

    KEPT = "kept"
    BROKEN = "broken"
    NOT_OBSERVED = "not_observed"
    UNKNOWN = "unknown"


WORST_FIRST = (Verdict.BROKEN, Verdict.UNKNOWN, Verdict.NOT_OBSERVED, Verdict.KEPT)

Kind = Literal["vendor", "profile"]
Grade = Literal["V", "R", "O", "C", "F", "DOC", "REC", "LOG", "CLI"]
Subject = Literal["vcenter", "host", "cell", "exporter"]


@dataclass(frozen=True, slots=True)
class Case:
    """One time the rule was put to the test.

    `witness` are the numbers of the exchanges and listings that show it, in order; `story` is a line or more on what
    they show.
    """

    kept: bool
    witness: tuple[int, ...]
    story: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict with its witness: of the broken cases the shortest, else one case that was kept."""

    verdict: Verdict
    witness: tuple[int, ...] = ()
    story: tuple[str, ...] = ()
    cases: int = 0


@dataclass(frozen=True, slots=True)
class Clause:
    """One rule that an observer can hold a server, or an exporter, to.

    `source` names the fact sheet and the numbers; `grade` is the weakest evidence the rule rests on. A `vendor` clause
    judges any server, a `profile` clause only one that declares what the clause asks for. `subject` is who has to keep
    the rule.
    """

    id: str
    sentence: str
    source: str
    grade: Grade
    kind: Kind
    subject: Subject
    cases: Callable[[History], Iterator[Case]]

    def judge(self, history: History) -> Finding:
        """Return what `history` says about the clause; a predicate that fails makes it unknown, never kept."""
        try:
            cases = list(self.cases(history))
        except Exception as error:
            return Finding(Verdict.UNKNOWN, (), (f"the clause itself failed: {type(error).__name__}: {error}",))
        broken = sorted((case for case in cases if not case.kept), key=lambda case: (len(case.witness), case.witness))
        if broken:
            return Finding(Verdict.BROKEN, broken[0].witness, broken[0].story, len(cases))
        if cases:
            shown = min(cases, key=lambda case: len(case.witness))
            return Finding(Verdict.KEPT, shown.witness, shown.story, len(cases))
        return Finding(Verdict.NOT_OBSERVED)


def kept(*story: str, by: tuple[int, ...]) -> Case:
    """Return a case in which the rule held, shown `by` these numbers."""
    return Case(True, _ordered(by), story)


def broken(*story: str, by: tuple[int, ...]) -> Case:
    """Return a case in which the rule did not hold, shown `by` these numbers."""
    return Case(False, _ordered(by), story)


def _ordered(numbers: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(set(numbers)))
