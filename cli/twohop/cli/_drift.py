"""`twohop drift`: how far the fakes are from servers that somebody has recorded."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ._main import fail

if TYPE_CHECKING:
    from twohop.contracts.drift import Figures

MODES = {"imported": "the inventory of the recording", "own": "the fake's own world"}


@click.command("drift")
@click.argument("cassettes", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("-v", "--verbose", is_flag=True, help="Name every difference.")
def command(cassettes: tuple[Path, ...], as_json: bool, verbose: bool) -> None:
    """Replay recorded requests against the fakes and compare the answers by shape.

    CASSETTES are files of vcrpy, Ruby's VCR or betamax, in YAML or JSON, or directories of them. Exit code: 0 where the
    distance is within its target in both modes, 1 where it is not in one, 2 for a file that is no cassette.
    """
    from twohop.contracts.drift import CassetteError, Figures, read_cassette

    from ._drift_run import replay_both

    figures = {mode: Figures() for mode in MODES}
    try:
        read = [(path, read_cassette(path)) for path in _files(cassettes)]
    except CassetteError as error:
        fail("input", str(error), 2)
    for path, cassette in read:
        for mode, outcomes in replay_both(cassette).items():
            figures[mode].add(str(path), outcomes)
    if as_json:
        document = figures["imported"].plain()
        document["modes"] = {mode: figures[mode].plain() for mode in MODES}
        click.echo(json.dumps(document, indent=2))
    else:
        for mode, each in figures.items():
            _print(mode, each, verbose)
    sys.exit(0 if all(each.near for each in figures.values()) else 1)


def _files(given: tuple[Path, ...]) -> list[Path]:
    found = []
    for path in given:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if _may_be_cassette(p))
            if not inside:
                fail("input", f"{path}: there is no cassette in this directory", 2)
            found += inside
        else:
            found.append(path)
    return found


def _may_be_cassette(path: Path) -> bool:
    """Tell whether a file in a directory is taken for a cassette: of JSON files those that have interactions."""
    if path.suffix == ".json":
        return path.is_file() and b'interactions"' in path.read_bytes()
    return path.suffix in (".yaml", ".yml") and path.is_file()


def _print(mode: str, figures: Figures, verbose: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    from twohop.contracts.drift import VERDICTS

    console = Console(highlight=False)
    table = Table("operation", "exchanges", *(v.replace("_", " ") for v in VERDICTS), title=f"Against {MODES[mode]}")
    for name, row in sorted(figures.operations.items()):
        table.add_row(name, str(sum(row.values())), *(str(row[v]) for v in VERDICTS))
    table.add_section()
    table.add_row("in all", str(figures.exchanges), *(str(figures.counts[v]) for v in VERDICTS))
    console.print(table)
    console.print(
        f"{figures.alike_percent:.1f} % alike of what is not declared; {figures.declared_percent:.1f} % declared"
    )
    for name, outcome in figures.different if verbose else []:
        what = outcome.verdict.replace("_", " ")
        console.print(f"{name} #{outcome.exchange.number} {outcome.operation}: {what}", markup=False, soft_wrap=True)
        for difference in outcome.differences:
            console.print(f"    {difference}", markup=False, soft_wrap=True)
