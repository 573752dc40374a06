"""Every mutant has to be killed by the clauses it breaks, and the unbroken fake by none."""

from __future__ import annotations

from collections import Counter

import pytest

from mutants.broken_fakes import KILLS, MUTANTS
from twohop.contracts.clauses import CLAUSES, Verdict
from twohop.contracts.drivers import DRIVEN, TOUR, ContractBroken, replay, survey
from twohop.contracts.targets import FakeTarget
from twohop.runtime.profiles import load_profile

# A mutant that only chance meets takes minutes on a busy machine.
pytestmark = [pytest.mark.mutants, pytest.mark.timeout(900)]

ROUNDS = 6
"""Rounds of 20 programs that a mutant may survive."""
LEASE, FIRST, SECOND = {"lease": 0}, {"vm": 0}, {"vm": 1}
HARD = (
    ("survey_machines", {}), ("export", FIRST), ("wait_until_ready", LEASE), ("get_one", {**LEASE, "file": 0}),
    ("manifest", LEASE), ("abort", LEASE),
    ("export", SECOND), ("wait_until_ready", LEASE), ("advance", {"share": 1.01}), ("read", LEASE),
    ("progress", {**LEASE, "percent": 0}), ("read", LEASE), ("abort", LEASE),
    ("export", SECOND), ("wait_until_ready", LEASE), ("advance", {"share": 1.01}), ("abort", LEASE), ("read", LEASE),
    ("export", SECOND), ("wait_until_ready", LEASE), ("abort", LEASE), ("power_on", SECOND), ("survey_machines", {}),
    ("export", SECOND), ("power_off", SECOND),
    ("export", SECOND), ("wait_until_ready", LEASE), ("change", {**LEASE, "how": "destroy"}), ("read", LEASE),
)  # fmt: skip
"""What the tour, which is for live servers too, leaves out: not to be left to chance, which another Hypothesis draws
otherwise."""
VARIANTS = ({}, {"nfc_framing": "length", "nfc_head": "200"})
"""Switches of the profile without which some clause is never put to the test."""


def test_every_driven_clause_bites():
    assert {clause.id for clause in DRIVEN} <= set().union(*KILLS.values()), "a clause without a mutant of its own"


def toured(target: FakeTarget) -> set[str]:
    """The clauses that the programs broke which put each of them to the test."""
    found: set[str] = set()
    for program in (TOUR, HARD):
        try:
            replay(target, program)
        except ContractBroken as broken:
            found |= set(broken.clauses)
    return found


@pytest.mark.parametrize("name", MUTANTS)
def test_killed(name, monkeypatch, record_property):
    killers: set[str] = set()
    with FakeTarget() as target:
        MUTANTS[name](monkeypatch, target)
        killers |= toured(target)
        for seed in range(0 if KILLS[name] <= killers else ROUNDS):
            counts = survey(target, examples=20, steps=12, seed=seed)
            killers |= {clause for clause, verdicts in counts.items() if verdicts[Verdict.BROKEN]}
            if KILLS[name] <= killers:
                break
    record_property("mutant", name)
    record_property("killed_by", sorted(killers))
    assert KILLS[name] <= killers, f"{MUTANTS[name].__doc__} Killed only by {sorted(killers) or 'nobody'}"


def test_the_unbroken_fake_lives_and_every_clause_is_put_to_the_test(record_property):
    counts: dict[str, Counter[Verdict]] = {}
    for choice in VARIANTS:
        with FakeTarget(load_profile("vcenter-8.0").but(**choice)) as target:
            for program in (TOUR, HARD):
                for judged in replay(target, program).verdicts:
                    counts.setdefault(judged.clause.id, Counter())[judged.verdict] += 1
            for clause, verdicts in survey(target, examples=60, steps=12).items():
                counts.setdefault(clause, Counter()).update(verdicts)
    record_property("mutant", "(unbroken)")
    record_property("killed_by", [clause for clause, verdicts in counts.items() if verdicts[Verdict.BROKEN]])
    for clause, verdicts in counts.items():
        assert verdicts[Verdict.KEPT] and not verdicts[Verdict.BROKEN] and not verdicts[Verdict.UNKNOWN], clause


def test_the_registry_is_what_is_driven():
    assert {clause.id for clause in DRIVEN} < {clause.id for clause in CLAUSES}
