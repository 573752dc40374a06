"""Takes downloads through enabling, reading, pauses, silence, disabling, crashes and all of it again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from twohop.contracts._cell_target import CellTarget
from twohop.contracts.clauses import Clause, Verdict
from twohop.contracts.report import Report

from ._broken import ContractBroken
from ._cell_steps import CELL_DRIVEN, CellDriver, Step
from ._shrinking import shortest

VAPPS = st.integers(0, 1)
RELS = st.sampled_from(["default", "identity", "ovaDefault", "ovaIdentity"])


class CellMachine(RuleBasedStateMachine):
    """One run of the driver; when it ends, `judge` is given the driver."""

    def __init__(self, target: CellTarget, judge: Callable[[CellDriver], None]) -> None:
        super().__init__()
        self.judge = judge
        self.driver = CellDriver(target)

    def do(self, *steps: str, vapp: int, **arguments: Any) -> None:
        """Take steps that only ask for a vApp, if that."""
        for step in steps:
            given = {} if step in ("list", "reap", "finish") else {"vapp": vapp}
            self.driver.take(step, **given, **arguments)

    def _export(self, vapp: int, rel: str = "default") -> None:
        self.do("power_off", "look", "enable", "wait", vapp=vapp)
        self.driver.take("read", vapp=vapp, rel=rel)

    @rule(vapp=VAPPS, rel=RELS)
    def export(self, vapp: int, rel: str) -> None:
        """Export and download, and see that the machine is free."""
        self._export(vapp, rel)
        self.do("list", "power_on", "power_off", vapp=vapp)

    @rule(vapp=VAPPS, first=st.integers(0, 100_000), last=st.one_of(st.none(), st.integers(100_000, 9_000_000)))
    def resume(self, vapp: int, first: int, last: int | None) -> None:
        """Get a part of what was downloaded."""
        self._export(vapp)
        self.driver.take("resume", vapp=vapp, first=first, last=last)

    @rule(vapp=VAPPS, shares=st.lists(st.sampled_from([0.4, 0.9]), max_size=3))
    def expire(self, vapp: int, shares: list[float]) -> None:
        """Come back in time, and then too late; and let the reaper come."""
        self._export(vapp)
        for share in shares:
            self.driver.take("advance", share=share)
            self.do("again", vapp=vapp)
        self.do("list", vapp=vapp)
        self.driver.take("advance", share=1.01)
        self.do("again", "look", "reap", "list", "power_on", "power_off", vapp=vapp)

    @rule(share=st.sampled_from([0.5, 1.5, 3.0]))
    def pause(self, share: float) -> None:
        """Begin a download, let time pass, and read on."""
        self._export(1)
        self.do("begin", vapp=1)
        self.driver.take("advance", share=share)
        self.do("finish", "again", vapp=1)

    @rule(vapp=VAPPS, again=st.booleans())
    def disable(self, vapp: int, again: bool) -> None:
        """End a download, once or twice."""
        self._export(vapp)
        self.do("disable", "list", "again", "look", vapp=vapp)
        if again:
            self.do("disable", "power_on", "look", "enable", "power_off", vapp=vapp)

    @rule(vapp=VAPPS, pause=st.sampled_from([0.0, 0.5, 1.5]))
    def repeat(self, vapp: int, pause: float) -> None:
        """Enable a download once more, while it stands or when it has died."""
        self._export(vapp)
        self.driver.take("advance", share=pause)
        self.do("look", "enable", "wait", "again", "list", "power_on", "power_off", vapp=vapp)

    @rule(rel=st.just("default"), end=st.sampled_from(["disable", "advance", "crash"]))
    def medium(self, rel: str, end: str) -> None:
        """Export an image, read it, and let its download end one way or another."""
        number = len(self.driver.target.vapps)
        self._export(number, rel)
        self.do("list", vapp=number)
        if end == "advance":
            self.driver.take("advance", share=1.01)
        elif end == "crash":
            self.driver.take("crash", vapp=number, at="stored")
        else:
            self.do("disable", vapp=number)
        self.do("list", "again", "reap", "list", "look", vapp=number)

    @rule()
    def many_readers(self) -> None:
        """Begin two downloads of one file, and read both to their end when a third has come and gone."""
        self._export(1)
        self.do("begin", "begin", "again", "finish", "finish", "again", vapp=1)

    @rule(vapp=VAPPS)
    def cancel(self, vapp: int) -> None:
        """Change one's mind."""
        self.do(
            "disable", "look", "enable", "cancel", "wait", "reap", "list", "power_on", "look", "power_off", vapp=vapp
        )

    @rule(vapp=VAPPS, at=st.integers(0, 99))
    def crash(self, vapp: int, at: int) -> None:
        """Let the cell die in an export, and go on."""
        self.do("disable", "power_off", vapp=vapp)
        steps = list(self.driver.target.steps())
        self.driver.take("crash", vapp=vapp, at=steps[at % len(steps)])
        self.do("look", "wait", "reap", "list", "again", "power_on", "power_off", vapp=vapp)
        self._export(vapp)

    def teardown(self) -> None:
        """Judge the run."""
        try:
            self.judge(self.driver)
        finally:
            self.driver.close()


def drive_cell(
    target: CellTarget, *, examples: int = 20, steps: int = 6, seed: int | None = None,
    clauses: Sequence[Clause] = CELL_DRIVEN, shrink: bool = True,
) -> None:  # fmt: skip
    """Drive a cell with `examples` programs of `steps` rules each; raise ContractBroken at the first broken clause.

    Of the program that broke it every step is left out that it does without, unless `shrink` is False. Without a `seed`
    the programs are always the same ones.
    """

    def judge(driver: CellDriver) -> None:
        report = driver.judge(clauses)
        if not report.ok or driver.surprises:
            raise ContractBroken(report, driver.surprises, driver.program, said)

    said = "none, the programs are always the same ones" if seed is None else str(seed)
    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
    try:
        _run(target, judge, examples, steps, seed, phases)
    except ContractBroken as broken:
        if not shrink:
            raise
        raise shortest(lambda program: replay_cell(target, program, clauses, said), broken) from None


def survey_cell(
    target: CellTarget, *, examples: int = 20, steps: int = 6, seed: int | None = None,
    clauses: Sequence[Clause] = CELL_DRIVEN,
) -> dict[str, Counter[Verdict]]:  # fmt: skip
    """Drive a cell as `drive_cell` does, never failing, and count the verdicts of each clause and of the model."""
    counts: dict[str, Counter[Verdict]] = {name: Counter() for name in (*(clause.id for clause in clauses), "model")}

    def judge(driver: CellDriver) -> None:
        for judged in driver.judge(clauses).verdicts:
            counts[judged.clause.id][judged.verdict] += 1
        counts["model"][Verdict.BROKEN if driver.surprises else Verdict.KEPT] += 1

    _run(target, judge, examples, steps, seed, (Phase.generate,))
    return counts


def replay_cell(
    target: CellTarget, program: Sequence[Step], clauses: Sequence[Clause] = CELL_DRIVEN,
    seed: str = "none, this is a replay",
) -> Report:  # fmt: skip
    """Run a program again; raise ContractBroken as the driver did, or return the report where nothing is broken."""
    driver = CellDriver(target)
    try:
        for step, arguments in program:
            driver.take(step, **arguments)
        report = driver.judge(clauses)
    finally:
        driver.close()
    if not report.ok or driver.surprises:
        raise ContractBroken(report, driver.surprises, program, seed)
    return report


def _run(
    target: CellTarget, judge: Callable[[CellDriver], None], examples: int, steps: int, seed: int | None,
    phases: Sequence[Phase],
) -> None:  # fmt: skip
    def machine() -> CellMachine:
        return CellMachine(target, judge)

    made: Any = machine if seed is None else seeded(seed)(machine)
    chosen = settings(
        max_examples=examples, stateful_step_count=steps, derandomize=seed is None, deadline=None, database=None,
        phases=phases, suppress_health_check=list(HealthCheck), print_blob=False,
        report_multiple_bugs=False,
    )  # fmt: skip
    run_state_machine_as_test(made, settings=chosen)
