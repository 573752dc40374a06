"""Takes leases through ready, progress, silence, timeout, complete and abort, in every order Hypothesis thinks of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from twohop.contracts.clauses import Clause
from twohop.contracts.report import Report
from twohop.contracts.targets._target import Target

from ._broken import ContractBroken, Step
from ._steps import DRIVEN, LeaseDriver

MOST_LEASES = 3
LEASES = st.integers(0, MOST_LEASES - 1)
MACHINES = st.integers(0, 1)
PERCENT = st.sampled_from([0, 0, 50, 100, 101])
SHORT = st.sampled_from([0.4, 0.7, 0.99])
LONG = st.sampled_from([1.01, 1.5])

granted = precondition(lambda machine: machine.driver.leases > 0)


class LeaseMachine(RuleBasedStateMachine):
    """One run of the driver; the history is judged when it ends."""

    def __init__(self, target: Target, clauses: Sequence[Clause] = DRIVEN, seed: str = "derandomized") -> None:
        super().__init__()
        self.clauses = clauses
        self.seed = seed
        self.driver = LeaseDriver(target)

    @initialize(vm=MACHINES)
    def begin(self, vm: int) -> None:
        """Every program begins with a lease."""
        self.driver.take("export", vm=vm)

    @precondition(lambda machine: machine.driver.leases < MOST_LEASES)
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

    @granted
    @rule(lease=LEASES, shares=st.lists(SHORT, min_size=2, max_size=3), percent=PERCENT)
    def keep_alive(self, lease: int, shares: list[float], percent: int) -> None:
        """Fetch and report progress in time, for longer than one timeout, and look again."""
        self.driver.take("read", lease=lease)
        for share in shares:
            self.driver.take("get", lease=lease)
            self.driver.take("progress", lease=lease, percent=percent)
            self.driver.take("advance", share=share)
        self.driver.take("read", lease=lease)

    @rule(share=SHORT)
    def wait(self, share: float) -> None:
        """Let less than a timeout pass."""
        self.driver.take("advance", share=share)

    @granted
    @rule(share=LONG)
    def fall_silent(self, share: float) -> None:
        """Let more than a timeout pass."""
        self.driver.take("advance", share=share)

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
        """Judge the run, and fail where a rule was broken."""
        try:
            report = self.driver.judge(self.clauses)
        finally:
            self.driver.close()
        if not report.ok or self.driver.surprises:
            raise ContractBroken(report, self.driver.surprises, self.driver.program, self.seed)


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
    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
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
    said = "derandomized" if seed is None else str(seed)

    def machine() -> LeaseMachine:
        return LeaseMachine(target, clauses, said)

    made: Any = machine if seed is None else seeded(seed)(machine)
    run_state_machine_as_test(made, settings=chosen)


def replay(target: Target, program: Sequence[Step], clauses: Sequence[Clause] = DRIVEN) -> Report:
    """Run a program again; raise ContractBroken as the driver did, or return the report where nothing is broken."""
    driver = LeaseDriver(target)
    try:
        for step, arguments in program:
            driver.take(step, **arguments)
        report = driver.judge(clauses)
    finally:
        driver.close()
    if not report.ok or driver.surprises:
        raise ContractBroken(report, driver.surprises, program, "replayed")
    return report
