"""A report says what is broken so that a person can follow it, and the same for machines."""

from __future__ import annotations

import dataclasses

from contracts.synthetic import Wire, vmdk
from twohop.contracts.clauses import CLAUSES, Case, Verdict, clause
from twohop.contracts.report import judge


def test_a_clause_that_crashes_is_unknown_and_never_kept():
    def crash(history):
        yield Case(True, (1,), ("fine so far",))
        raise LookupError("oops")

    wire = Wire()
    wire.ready()
    report = judge(wire.history(), [dataclasses.replace(clause("LEASE-001"), cases=crash)])
    assert report.verdicts[0].verdict is Verdict.UNKNOWN
    assert not report.ok
    assert "LookupError: oops" in report.story()


def test_garbage_on_the_wire_breaks_no_clause():
    wire = Wire()
    wire.ready()
    wire.transfer("descriptor.ovf", b"?", text="<Envelope><unfinished")
    wire.api("GET", "/api/vApp/vapp-1", 200, "<VApp")
    wire.disk(vmdk())
    report = judge(wire.history())
    assert {judged.verdict for judged in report.verdicts} <= {Verdict.KEPT, Verdict.NOT_OBSERVED, Verdict.UNKNOWN}


def test_json_has_the_pinned_fields():
    wire = Wire()
    wire.ready()
    end = wire.complete()
    again = wire.complete()
    data = judge(wire.history(), target="the fake").to_json()
    assert set(data) == {"target", "clauses"}
    assert data["target"] == "the fake"
    assert [row["id"] for row in data["clauses"]] == [known.id for known in CLAUSES]
    row = next(row for row in data["clauses"] if row["id"] == "LEASE-003")
    assert row == {
        "id": "LEASE-003", "kind": "vendor", "grade": "V", "source": "vsphere 2.1, 2.2, 2.3",
        "verdict": "broken", "witness": [end, again],
    }  # fmt: skip


def test_the_story_names_rule_source_and_every_exchange_of_the_witness():
    wire = Wire()
    wire.ready()
    wire.complete()
    wire.complete()
    story = judge(wire.history()).story()
    assert "LEASE-003 broken (vendor, vsphere 2.1, 2.2, 2.3, grade V)" in story
    assert "#3 t=0.000 probe: HttpNfcLeaseComplete on session[52aa]52bb -> accepted" in story
    assert "1 broken" in story
