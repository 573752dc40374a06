"""`twohop clauses`: the rules of the contract; and the table of verdicts on a run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.table import Table

    from twohop.contracts.report import Report

COLOURS = {"kept": "green", "broken": "red", "unknown": "red", "not_observed": "yellow"}


@click.command("clauses")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def command(as_json: bool) -> None:
    """List the rules that a server, or an exporter, is judged by, with their sources and grades."""
    from rich.console import Console
    from rich.table import Table

    from twohop.contracts.clauses import CLAUSES
    from twohop.contracts.report import listed

    if as_json:
        click.echo(json.dumps({"clauses": [listed(clause) for clause in CLAUSES]}, indent=2))
        return
    table = Table("clause", "rule", "source", "grade", "kind")
    for clause in CLAUSES:
        table.add_row(clause.id, clause.sentence, clause.source, clause.grade, clause.kind)
    Console(highlight=False).print(table)


def verdict_table(report: Report) -> Table:
    """Return the verdicts of a report as a table."""
    from rich.table import Table

    table = Table("clause", "rule", "verdict", "cases", title=f"What the contract says of {report.target}")
    for judged in report.verdicts:
        verdict = str(judged.verdict)
        shown = f"[{COLOURS[verdict]}]{verdict.replace('_', ' ')}[/]"
        table.add_row(judged.clause.id, judged.clause.sentence, shown, str(judged.finding.cases))
    return table
