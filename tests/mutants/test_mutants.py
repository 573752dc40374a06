"""Every mutant has to be killed by the clauses it breaks, and the unbroken fake by none."""

from __future__ import annotations

import pytest

from mutants.broken_fakes import MUTANTS
from twohop.contracts.clauses import CLAUSES, Verdict
from twohop.contracts.drivers import DRIVEN, survey
from twohop.contracts.targets import FakeTarget

pytestmark = pytest.mark.mutants

KILLS = {
    "never_times_out": {"RENEWAL-002"},
    "times_out_early": {"RENEWAL-001"},
    "progress_does_not_renew": {"RENEWAL-001"},
    "progress_wakes_the_dead": {"LEASE-001", "RENEWAL-002"},
    "info_while_initializing": {"LEASE-002"},
    "complete_twice_accepted": {"LEASE-003"},
    "abort_after_timeout_accepted": {"LEASE-003"},
    "timeout_told_as_invalid_state": {"LEASE-003"},
    "abort_ends_in_done": {"LEASE-004"},
    "lock_not_kept": {"LOCK-001"},
    "lock_not_released_at_abort": {"LOCK-002"},
    "stream_truncated_but_ended_cleanly": {"STREAM-001"},
    "wrong_thumbprint_advertised": {"URL-001"},
    "exports_a_running_machine": {"model"},
}
"""The clauses that are there to kill each; others may well kill it too."""

ROUNDS = 6
"""Rounds of 20 programs that a mutant may survive."""


@pytest.fixture(scope="module")
def target():
    with FakeTarget() as running:
        yield running


def test_every_mutant_is_expected_and_every_driven_clause_bites():
    assert set(KILLS) == set(MUTANTS)
    assert {clause.id for clause in DRIVEN} <= set().union(*KILLS.values()), "a clause without a mutant of its own"


@pytest.mark.parametrize("name", MUTANTS)
def test_killed(name, target, monkeypatch, record_property):
    MUTANTS[name](monkeypatch, target)
    killers: set[str] = set()
    for seed in range(ROUNDS):
        counts = survey(target, examples=20, steps=12, seed=seed)
        killers |= {clause for clause, verdicts in counts.items() if verdicts[Verdict.BROKEN]}
        if KILLS[name] <= killers:
            break
    record_property("mutant", name)
    record_property("killed_by", sorted(killers))
    assert KILLS[name] <= killers, f"{MUTANTS[name].__doc__} Killed only by {sorted(killers) or 'nobody'}"


def test_the_unbroken_fake_lives_and_every_clause_is_put_to_the_test(target, record_property):
    counts = survey(target, examples=60, steps=12)
    record_property("mutant", "(unbroken)")
    record_property("killed_by", [clause for clause, verdicts in counts.items() if verdicts[Verdict.BROKEN]])
    for clause, verdicts in counts.items():
        assert verdicts[Verdict.KEPT] and not verdicts[Verdict.BROKEN] and not verdicts[Verdict.UNKNOWN], clause


def test_the_registry_is_what_is_driven():
    assert {clause.id for clause in DRIVEN} < {clause.id for clause in CLAUSES}
