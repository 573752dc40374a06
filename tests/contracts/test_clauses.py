"""Every clause on hand-written histories: kept, broken with the right witness, and never put to the test."""

from __future__ import annotations

import dataclasses
import importlib

import pytest

from contracts.stories import BROKEN, CELL, KEPT, SILENT
from contracts.synthetic import LEASE, Wire
from twohop.contracts.clauses import CLAUSES, ROOMS, Verdict, clause
from twohop.contracts.history import History
from twohop.contracts.report import judge

TOLD = (
    "exporter",
    "cell",
    "descriptor",
    "fault",
    "import",
    "lease",
    "link",
    "lock",
    "login",
    "manifest",
    "nfc",
    "property",
    "read",
    "renewal",
    "session",
    "stream",
    "task",
    "update",
    "url",
)
for told in TOLD:
    importlib.import_module(f"contracts.{told}_stories")


def found(name: str, wire: Wire):
    (judged,) = judge(wire.history(), [clause(name)]).verdicts
    return judged.finding


def ids(cases):
    return [f"{name}-{story.__name__}" for name, story in cases]


@pytest.mark.parametrize(("name", "story"), KEPT, ids=ids(KEPT))
def test_kept(name, story):
    wire = Wire()
    story(wire)
    finding = found(name, wire)
    assert finding.verdict is Verdict.KEPT, finding
    assert finding.witness and finding.story


@pytest.mark.parametrize(("name", "story"), BROKEN, ids=ids(BROKEN))
def test_broken_with_its_witness(name, story):
    wire = Wire()
    witness = story(wire)
    finding = found(name, wire)
    assert finding.verdict is Verdict.BROKEN, finding
    assert finding.witness == tuple(sorted(witness))
    assert finding.story


@pytest.mark.parametrize(("name", "story"), SILENT, ids=ids(SILENT))
def test_not_put_to_the_test(name, story):
    wire = Wire()
    story(wire)
    assert found(name, wire).verdict is Verdict.NOT_OBSERVED, found(name, wire)


@pytest.mark.parametrize("known", CLAUSES, ids=lambda known: known.id)
def test_every_clause_has_each_of_the_three(known):
    for cases in (KEPT, BROKEN, SILENT):
        assert known.id in {name for name, _ in cases}


@pytest.mark.parametrize("known", CLAUSES, ids=lambda known: known.id)
def test_nothing_follows_from_an_empty_history(known):
    (judged,) = judge(History((), (), CELL), [known]).verdicts
    assert judged.verdict is Verdict.NOT_OBSERVED


def test_ids_are_unique_and_sources_numbered():
    assert len({known.id for known in CLAUSES}) == len(CLAUSES) >= 12
    for known in CLAUSES:
        sheet, _, numbers = known.source.partition(" ")
        assert sheet in ("vsphere", "vcd") and numbers[0].isdigit()


def test_rooms_hold_every_clause_once_and_are_told_by_their_ids():
    assert [known.id for room in ROOMS.values() for known in room] == [known.id for known in CLAUSES]
    assert len(ROOMS) == 20
    prefixes = [{known.id.partition("-")[0] for known in room} for room in ROOMS.values()]
    assert sum(map(len, prefixes)) == len(set().union(*prefixes))


def test_one_moid_on_two_servers_is_two_leases():
    here, there = Wire(), Wire()
    here.ready()
    there.ready()
    moved = [
        dataclasses.replace(made, id=made.id + 10, conn=dataclasses.replace(made.conn, host="other"))
        for made in there.exchanges
    ]
    leases = History.build([*here.exchanges, *moved]).leases
    assert [(record.server, record.lease) for record in leases] == [("vc:443", LEASE), ("other:443", LEASE)]
