"""Takes leases through ready, progress, silence, timeout, complete and abort, in every order Hypothesis thinks of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis.stateful import run_state_machine_as_test

from twohop.contracts._target import Target
from twohop.contracts.clauses import Clause, Verdict
from twohop.contracts.report import Report

from ._broken import ContractBroken, Step
from ._lease_machine import LeaseMachine
from ._shrinking import shortest
from ._steps import DRIVEN, LeaseDriver


def drive(
    target: Target,
    *,
    examples: int = 50,
    steps: int = 25,
    seed: int | None = None,
    clauses: Sequence[Clause] = DRIVEN,
    shrink: bool = True,
) -> None:
    """Drive `target` through `examples` programs of at most `steps` rules; raise ContractBroken at the first failure.

    Without a `seed` the programs are always the same ones.
    """

    def judge(driver: LeaseDriver) -> None:
        report = driver.judge(clauses)
        if not report.ok or driver.surprises:
            raise ContractBroken(report, driver.surprises, driver.program, _said(seed))

    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
    try:
        _run(target, judge, examples, steps, seed, phases)
    except ContractBroken as broken:
        if not shrink:
            raise
        raise shortest(lambda program: replay(target, program, clauses, _said(seed)), broken) from None


def survey(
    target: Target, *, examples: int = 50, steps: int = 25, seed: int | None = None, clauses: Sequence[Clause] = DRIVEN
) -> dict[str, Counter[Verdict]]:
    """Drive `target` as `drive` does, never failing, and count the verdicts of each clause by its id.

    What the driver's own model finds is counted under `model`.
    """
    counts: dict[str, Counter[Verdict]] = {name: Counter() for name in (*(clause.id for clause in clauses), "model")}

    def judge(driver: LeaseDriver) -> None:
        for judged in driver.judge(clauses).verdicts:
            counts[judged.clause.id][judged.verdict] += 1
        counts["model"][Verdict.BROKEN if driver.surprises else Verdict.KEPT] += 1

    _run(target, judge, examples, steps, seed, (Phase.generate,))
    return counts


def _run(
    target: Target,
    judge: Callable[[LeaseDriver], None],
    examples: int,
    steps: int,
    seed: int | None,
    phases: tuple[Phase, ...],
) -> None:
    def machine() -> LeaseMachine:
        return LeaseMachine(target, judge)

    made: Any = machine if seed is None else seeded(seed)(machine)
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=seed is None,
        deadline=None,
        database=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        report_multiple_bugs=False,
    )
    run_state_machine_as_test(made, settings=chosen)


def _said(seed: int | None) -> str:
    return "none, the programs are always the same ones" if seed is None else str(seed)


def replay(
    target: Target, program: Sequence[Step], clauses: Sequence[Clause] = DRIVEN, seed: str = "none, this is a replay"
) -> Report:
    """Run a program again; raise ContractBroken as the driver did, or return the report where nothing is broken."""
    driver = LeaseDriver(target)
    try:
        for step, arguments in program:
            driver.take(step, **arguments)
        report = driver.judge(clauses)
    finally:
        driver.close()
    if not report.ok or driver.surprises:
        raise ContractBroken(report, driver.surprises, program, seed)
    return report
