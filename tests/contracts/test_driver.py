"""The driver of leases against the fake: it keeps quiet about what is right and says clearly what is wrong."""

from __future__ import annotations

import pytest

from mutants.broken_fakes import MUTANTS
from twohop.contracts.clauses import Verdict
from twohop.contracts.drivers import TOUR, ContractBroken, LeaseDriver, drive, replay, survey
from twohop.contracts.history import dump, load
from twohop.contracts.report import judge
from twohop.contracts.targets import FakeTarget
from twohop.runtime.profiles import Profile, known_profiles, load_profile


@pytest.fixture(scope="module")
def target():
    with FakeTarget() as running:
        yield running


def test_one_story_puts_every_driven_clause_to_the_test():
    with FakeTarget(load_profile("vcenter-8.0").but(nfc_head="200")) as target:
        report = replay(target, TOUR)
    assert {judged.clause.id: judged.verdict for judged in report.verdicts if judged.verdict is not Verdict.KEPT} == {}


def test_what_was_seen_survives_its_file_and_is_judged_alike(target):
    driver = LeaseDriver(target)
    for step, arguments in TOUR:
        driver.take(step, **arguments)
    driver.close()
    history = driver.history()
    again = load(dump(history).splitlines())
    assert judge(again).to_json() == judge(history).to_json()
    assert again.declared == history.declared


def test_no_secret_gets_into_a_history(target):
    driver = LeaseDriver(target)
    for step, arguments in TOUR:
        driver.take(step, **arguments)
    driver.close()
    text = dump(driver.history())
    assert target.password not in text
    assert "ticket:1" in text
    assert "vmware_soap_session=" not in text or 'vmware_soap_session=\\"session:1' in text


# Every point that no source answers is accepted either way.
@pytest.mark.parametrize(
    "choice",
    [
        {"second_export": "TaskInProgress"},
        {"done_lingers_s": 0},
        {"error_lingers_s": 0},
        {"lease_initializing_reads": 0},
        {"lease_initializing_reads": 4},
        {"transfer_renews": True},
        {"progress_after_end": "Timedout"},
        {"progress_after_end": "ManagedObjectNotFound"},
        {"abort_after_complete": "ManagedObjectNotFound"},
        {"locked_fault": "InvalidState"},
        {"nfc_framing": "length"},
        {"nfc_second_get": "empty"},
        {"manifest_of_two_gets": "each"},
        {"nfc_connections": 1, "nfc_full_status": 500},
        {"dead_ticket_status": 503},
        {"progress_out_of_range": "InvalidArgument"},
        {"lease_timeout_s": 30},
        {"stream_bytes": "equal"},
    ],
    ids=str,
)
def test_accepts_whatever_a_profile_may_choose(choice):
    with FakeTarget(load_profile("vcenter-8.0").but(**choice)) as target:
        drive(target, examples=4, steps=10, seed=1, shrink=False)


CONVICTED = {
    "nfc_cookie": "a host that wants a cookie beside the ticket: one client claims it, three exports disprove it (6.1)",
    "nfc_next_disk": "an empty 200 for a disk that nobody has fetched, which is a broken stream (7.3, 12 row 14)",
    "license": "a host that exports nothing, of which nothing can be said",
}
"""Fields of which a value is there to be convicted, or silences the contract."""


def _otherwise(base: Profile, number: int) -> Profile:
    """A profile in which every point of the lease and its files is settled otherwise, in one of several ways."""
    changes = {}
    for name, field in base.fields.items():
        accepted = (True, False) if field.type == "flag" else field.accepted or ()
        others = [value for value in accepted if value != base.values[name]]
        of_the_lease = field.fact.partition(".")[0] in ("1", "2", "3", "4", "5", "6", "7", "9")
        if of_the_lease and name not in CONVICTED and others:
            changes[name] = others[number % len(others)]
    assert len(changes) > 30
    return base.but(**changes)


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("profile", ["vcenter-8.0", "esxi-8.0"])
def test_accepts_all_points_settled_otherwise_at_once(profile, number):
    with FakeTarget(_otherwise(load_profile(profile), number)) as target:
        assert not replay(target, TOUR).of(Verdict.BROKEN)
        drive(target, examples=2, steps=10, seed=4, shrink=False)


@pytest.mark.parametrize("profile", [name for name in known_profiles() if not name.startswith("cell")])
def test_no_profile_breaks_a_clause(profile):
    with FakeTarget(profile) as target:
        assert not replay(target, TOUR).of(Verdict.BROKEN)
        drive(target, examples=2, steps=10, seed=2, shrink=False)


def test_a_failure_names_clause_seed_and_the_shortest_program(target, monkeypatch):
    MUTANTS["complete_twice_accepted"](monkeypatch, target)
    with pytest.raises(ContractBroken) as caught:
        drive(target, examples=20, steps=8, seed=6)
    broken = caught.value
    assert broken.clauses == ("LEASE-003",)
    # A lease completes only once it is ready, which takes a look.
    assert [step for step, _ in broken.program][-2:] == ["complete", "complete"]
    assert len(broken.program) <= 4
    said = str(broken)
    for part in ("LEASE-003 broken", "HttpNfcLeaseComplete", "seed: 6", "FakeTarget('vcenter-8.0', seed=0)"):
        assert part in said
    with pytest.raises(ContractBroken):
        replay(target, broken.program)
    monkeypatch.undo()
    assert replay(target, broken.program).ok


def test_the_same_seed_gives_the_same_programs(target):
    assert survey(target, examples=4, steps=6, seed=3) == survey(target, examples=4, steps=6, seed=3)


def test_a_step_nobody_knows_is_refused(target):
    driver = LeaseDriver(target)
    with pytest.raises(LookupError, match="no step 'juggle'"):
        driver.take("juggle")
    driver.close()
