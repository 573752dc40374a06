"""`twohop demo`: exit code 0 only if all of it held, and the document says what held."""

from __future__ import annotations

import json

from twohop.cli._demo_result import NOT_SHOWN
from twohop.contracts.clauses import CLAUSES


def test_demo_holds_and_says_so_to_a_machine(run, tmp_path):
    ended = run("demo", "--json", "-o", tmp_path / "kept")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found = json.loads(ended.stdout)
    assert found["held"] is True and found["problems"] == []
    verdicts = {clause["id"]: clause["verdict"] for clause in found["clauses"]}
    assert len(verdicts) == len(CLAUSES)
    # What an exporter does in trouble is not shown.
    unseen = {name for name, verdict in verdicts.items() if verdict != "kept" and not name.startswith("EXPORT-")}
    assert unseen <= NOT_SHOWN
    assert set(verdicts.values()) <= {"kept", "not_observed"}
    assert found["grain_digests"]["equal"] is True
    legs = {(leg["path"], leg["leg"]): leg["bytes"] for leg in found["legs"]}
    assert legs["two hops", "host to cell"] == legs["two hops", "cell to share"] == legs["two hops", "cell to user"] > 0
    assert found["link"]["fresh"] == 200 and 400 <= found["link"]["expired"] < 500
    assert found["directory"]["fresh"] > 0 and found["directory"]["reaped"] == 0
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {"one-hop", "two-hops", "history.ndjson"}


def test_demo_tells_a_person(run):
    ended = run("demo")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Digests equal: yes" in ended.stdout and "All of it held." in ended.stdout
