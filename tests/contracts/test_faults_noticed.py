"""Faults that make a server break a clause: the contract notices each, and is quiet about those that break none."""

from __future__ import annotations

from typing import Any

import pytest

from twohop.contracts.clauses import Verdict
from twohop.contracts.drivers import TOUR, ContractBroken, replay
from twohop.contracts.targets import FakeTarget

DISKS = {"path": "/nfc/*.vmdk"}
COMPLETE = {"method": "HttpNfcLeaseComplete"}
LEASE = {"type": "HttpNfcLease"}


def broken(kind: str, match: dict[str, Any], **args: Any) -> set[str]:
    """The clauses that a fake with one fault breaks."""
    with FakeTarget() as target:
        target.server.faults.begin([{"match": match, "action": {"kind": kind, "args": args}}])
        try:
            report = replay(target, TOUR)
        except ContractBroken as caught:
            report = caught.report
        assert any(each["struck"] for each in target.server.faults.report())
        return {judged.clause.id for judged in report.of(Verdict.BROKEN)}


@pytest.mark.parametrize(
    ("kind", "match", "args", "clauses"),
    [
        ("short", DISKS, {"less": 1024}, {"STREAM-001"}),
        ("empty", DISKS, {}, {"STREAM-001", "STREAM-004"}),
        ("cut", DISKS, {"after": 1000, "final": True}, {"STREAM-001"}),
        ("foreign", COMPLETE, {}, {"FAULT-011"}),
        ("fault", {**COMPLETE, "nth": 2}, {"type": "ConcurrentAccess"}, {"FAULT-005"}),
        ("missing", {**LEASE, "property": "info"}, {}, {"LEASE-010"}),
        ("missing", {**LEASE, "property": "mode"}, {}, {"LEASE-008"}),
    ],
)
def test_the_contract_notices(kind: str, match: dict[str, Any], args: dict[str, Any], clauses: set[str]) -> None:
    assert clauses <= broken(kind, match, **args)


@pytest.mark.parametrize(
    ("kind", "match", "args"),
    [
        ("cut", {**DISKS, "nth": 1}, {"after": 1000}),
        ("reset", {**DISKS, "nth": 1}, {"after": 1000}),
        ("status", {**DISKS, "nth": 1}, {"status": 503}),
        ("slow-initialising", {"nth": 1}, {"reads": 3}),
        ("missing", {**LEASE, "property": "state", "nth": 1}, {}),
    ],
)
def test_what_servers_may_do_breaks_nothing(kind: str, match: dict[str, Any], args: dict[str, Any]) -> None:
    assert broken(kind, match, **args) == set()
