"""The failure of a driver: which clause, by what witness, and how to see it again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twohop.contracts.clauses import Verdict
from twohop.contracts.report import Report

Step = tuple[str, dict[str, Any]]


class ContractBroken(AssertionError):
    """A target broke the contract. `clauses` are the ids, `program` the steps that show it."""

    def __init__(self, report: Report, surprises: Sequence[str], program: Sequence[Step], seed: str) -> None:
        self.report = report
        self.surprises = tuple(surprises)
        self.program = tuple(program)
        self.seed = seed
        self.clauses = tuple(judged.clause.id for judged in report.of(Verdict.BROKEN))
        told = [report.story(), *(f"model: {surprise}" for surprise in surprises)]
        super().__init__("\n\n".join([*told, f"seed: {seed}", replayable(report.target, program)]))


def replayable(recipe: str, program: Sequence[Step]) -> str:
    """Return the program as Python that runs it again."""
    kind = recipe.partition("(")[0]
    again = "replay_cell" if "Cell" in kind else "replay"
    steps = "".join(f"        ({step!r}, {arguments!r}),\n" for step, arguments in program)
    return (
        "to see it again:\n\n"
        f"    from twohop.contracts.drivers import {again}\n"
        f"    from twohop.contracts.targets import {kind}\n\n"
        f"    with {recipe} as target:\n"
        f"        {again}(target, [\n{steps}        ])\n"
    )
