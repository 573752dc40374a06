"""Clauses put to what real servers answered: none may be broken there, and those that a session can show are kept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from twohop.contracts.clauses import Verdict
from twohop.contracts.drift import Cassette, read_cassette
from twohop.contracts.drivers import DRIVEN
from twohop.contracts.history import History
from twohop.contracts.report import judge
from twohop.runtime.observing import Connection, Exchange, Request, Response

ROOT = Path(os.environ.get("TWOHOP_RECORDINGS", Path(__file__).parents[3] / "shared" / "recordings")) / "vsphere"
SHOWN = {
    "FAULT-001", "FAULT-011", "LOGIN-001", "LOGIN-002", "LOGIN-003", "PROPERTY-001", "PROPERTY-002",
    "PROPERTY-005", "UPDATE-001", "UPDATE-002",
}  # fmt: skip
"""What ordinary sessions show: these clauses have to be kept by a real server at least once."""


def cassettes() -> list[Path]:
    return sorted(p for p in ROOT.rglob("*") if p.suffix in (".yaml", ".yml"))


def history_of(cassette: Cassette) -> History:
    """The recorded exchanges as if somebody had watched them, one after the other on one connection."""
    wire = Connection("recorded", "vc", 443, None)
    seen = []
    for each in cassette.exchanges:
        asked, told = each.request, each.answer
        request = Request(asked.method, f"https://vc:443{asked.path}", tuple(asked.headers.items()), asked.body)
        response = Response(told.status, tuple(told.headers.items()), told.body, framing="length")
        at = float(each.number)
        seen.append(Exchange(each.number + 1, wire, "probe", at, at, at, request, response))
    return History.build(seen)


@pytest.fixture(scope="module")
def verdicts() -> dict[str, dict[Verdict, list[str]]]:
    if not cassettes():
        pytest.skip(f"no recordings in {ROOT}: set TWOHOP_RECORDINGS to the directory that has vsphere/")
    found: dict[str, dict[Verdict, list[str]]] = {}
    for path in cassettes():
        for judged in judge(history_of(read_cassette(path)), DRIVEN).verdicts:
            found.setdefault(judged.clause.id, {}).setdefault(judged.verdict, []).append(f"{path.name}: {judged}")
    return found


def test_no_real_server_breaks_a_clause(verdicts: dict[str, dict[Verdict, list[str]]]) -> None:
    broken = {name: rows[Verdict.BROKEN] for name, rows in verdicts.items() if Verdict.BROKEN in rows}
    assert broken == {}


def test_real_servers_keep_what_a_session_can_show(verdicts: dict[str, dict[Verdict, list[str]]]) -> None:
    assert {name for name, rows in verdicts.items() if Verdict.KEPT in rows} == SHOWN
