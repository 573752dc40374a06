"""`twohop clauses` lists every rule, for people and for machines."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from twohop.contracts.clauses import CLAUSES


def clauses(*options: str) -> str:
    command = [sys.executable, "-m", "twohop.cli", "clauses", *options]
    environment = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=environment)
    return done.stdout


def test_the_table_shows_every_rule_with_its_source():
    said = clauses()
    for clause in CLAUSES:
        assert clause.id in said
    assert "vsphere 2.1, 2.2, 2.3" in said


def test_the_document_has_the_pinned_fields_and_no_verdict():
    rows = json.loads(clauses("--json"))["clauses"]
    assert [row["id"] for row in rows] == [clause.id for clause in CLAUSES]
    assert {frozenset(row) for row in rows} == {frozenset({"id", "kind", "grade", "source"})}
