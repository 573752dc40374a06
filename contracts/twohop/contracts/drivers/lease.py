"""Takes leases through ready, progress, silence, timeout, complete and abort, in every order Hypothesis thinks of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from twohop.contracts._target import Target
from twohop.contracts.clauses import Clause, Verdict
from twohop.contracts.report import Report

from ._broken import ContractBroken, Step
from ._steps import DRIVEN, LeaseDriver

LEASES = st.integers(0, 2)
MACHINES = st.integers(0, 1)
PERCENT = st.sampled_from([0, 0, 50, 100, 101])
SHORT = st.sampled_from([0.4, 0.7, 0.99])
LONG = st.sampled_from([1.01, 1.5])
ENDS = st.sampled_from(["complete", "abort"])
AFTER_SILENCE = ["progress", "complete", "abort", "power_on"]

granted = precondition(lambda machine: machine.driver.leases > 0)


class LeaseMachine(RuleBasedStateMachine):
    """One run of the driver; when it ends, `judge` is given the driver."""

    def __init__(self, target: Target, judge: Callable[[LeaseDriver], None]) -> None:
        super().__init__()
        self.judge = judge
        self.driver = LeaseDriver(target)

    @initialize(vm=MACHINES)
    def begin(self, vm: int) -> None:
        """Every program begins with a lease."""
        self.driver.take("export", vm=vm)

    @rule(vm=MACHINES)
    def export(self, vm: int) -> None:
        """Ask for one more lease."""
        self.driver.take("export", vm=vm)

    @granted
    @rule(lease=LEASES)
    def read(self, lease: int) -> None:
        """Look at a lease."""
        self.driver.take("read", lease=lease)

    @granted
    @rule(lease=LEASES, path=st.sampled_from(["state", "info", "error"]))
    def peek(self, lease: int, path: str) -> None:
        """Look at one property of a lease."""
        self.driver.take("peek", lease=lease, path=path)

    @granted
    @rule(lease=LEASES, percent=PERCENT)
    def progress(self, lease: int, percent: int) -> None:
        """Report progress."""
        self.driver.take("progress", lease=lease, percent=percent)

    @rule(vm=MACHINES, shares=st.lists(SHORT, min_size=2, max_size=3), percent=PERCENT)
    def keep_alive(self, vm: int, shares: list[float], percent: int) -> None:
        """Fetch and report progress in time, for longer than one timeout, and look again."""
        self._ready(vm)
        for share in shares:
            self.driver.take("get", lease=0)
            self.driver.take("progress", lease=0, percent=percent)
            self.driver.take("advance", share=share)
        self.driver.take("read", lease=0)

    @rule(vm=MACHINES, share=LONG, look=st.booleans(), then=st.sampled_from(AFTER_SILENCE))
    def fall_silent(self, vm: int, share: float, look: bool, then: str) -> None:
        """Let more than a timeout pass, and see what is left."""
        self._ready(vm)
        self.driver.take("advance", share=share)
        if look:
            self.driver.take("read", lease=0)
        if then == "power_on":
            self._knock()
        elif then == "progress":
            self.driver.take("progress", lease=0, percent=0)
        else:
            self.driver.take(then, lease=0)
        self.driver.take("read", lease=0)

    @rule(vm=MACHINES, how=st.sampled_from(["complete", "abort", "neither"]))
    def knock(self, vm: int, how: str) -> None:
        """Try to power on the machine of a lease, held or ended just before, and to export it then."""
        self._ready(vm)
        if how != "neither":
            self.driver.take(how, lease=0)
        self._knock()

    @rule(vm=MACHINES, first=ENDS, second=ENDS)
    def end_twice(self, vm: int, first: str, second: str) -> None:
        """End a lease, look, and end it once more."""
        self._ready(vm)
        self.driver.take(first, lease=0)
        self.driver.take("read", lease=0)
        self.driver.take(second, lease=0)

    def _ready(self, vm: int) -> None:
        self.driver.open_lease(vm)
        self.driver.take("wait_until_ready", lease=0)

    def _knock(self) -> None:
        vm = self.driver.machine_of(0)
        self.driver.take("power_on", vm=vm)
        self.driver.take("export", vm=vm)
        self.driver.take("power_off", vm=vm)

    @granted
    @rule(lease=LEASES)
    def get(self, lease: int) -> None:
        """Fetch the disks of a lease."""
        self.driver.take("get", lease=lease)

    @granted
    @rule(lease=LEASES)
    def complete(self, lease: int) -> None:
        """Complete a lease."""
        self.driver.take("complete", lease=lease)

    @granted
    @rule(lease=LEASES)
    def abort(self, lease: int) -> None:
        """Abort a lease."""
        self.driver.take("abort", lease=lease)

    @rule(vm=MACHINES)
    def power_on(self, vm: int) -> None:
        """Try to power a machine on."""
        self.driver.take("power_on", vm=vm)

    @rule(vm=MACHINES)
    def power_off(self, vm: int) -> None:
        """Try to power a machine off."""
        self.driver.take("power_off", vm=vm)

    def teardown(self) -> None:
        """Leave the target and have the run judged."""
        self.driver.close()
        self.judge(self.driver)


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
        raise _shortest(target, broken, clauses) from None


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


def _shortest(target: Target, broken: ContractBroken, clauses: Sequence[Clause]) -> ContractBroken:
    """Leave out every step that the failure does without; Hypothesis can only leave out whole rules."""
    place = 0
    while place < len(broken.program):
        shorter = (*broken.program[:place], *broken.program[place + 1 :])
        try:
            replay(target, shorter, clauses, broken.seed)
        except ContractBroken as again:
            if again.clauses == broken.clauses and bool(again.surprises) == bool(broken.surprises):
                broken = again
                continue
        place += 1
    return broken


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
