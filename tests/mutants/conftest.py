"""Prints which clause killed which mutant."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    from twohop.contracts.drivers import DRIVEN

    rows = []
    for report in (*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")):
        properties = dict(getattr(report, "user_properties", ()))
        if "mutant" in properties and report.when == "call":
            rows.append((str(properties["mutant"]), set(properties.get("killed_by", ()))))
    if not rows:
        return
    names = [*(clause.id for clause in DRIVEN), "model"]
    terminalreporter.section("kill matrix: clause x mutant")
    terminalreporter.write_line(" " * 36 + " ".join(names))
    for mutant, killers in sorted(rows):
        cells = " ".join(("x" if name in killers else ".").center(len(name)) for name in names)
        terminalreporter.write_line(f"{mutant:<36}{cells}")
