"""Prints which clause killed which mutant."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    rows = []
    for report in (*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")):
        properties = dict(getattr(report, "user_properties", ()))
        if "mutant" in properties and report.when == "call":
            rows.append((str(properties["mutant"]), properties.get("killed_by", ())))
    if not rows:
        return
    terminalreporter.section("which clause killed which mutant")
    for mutant, killers in sorted(rows):
        terminalreporter.write_line(f"{mutant:<40}{' '.join(killers) or 'none'}")
