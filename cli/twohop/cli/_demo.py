"""`twohop demo`: one VM leaves the cloud both ways, on fake servers and a clock that the demo moves itself."""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from ._main import fail


@click.command("demo")
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of the story.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep both packages and the history here; by default everything is removed at the end.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of inventory and disk content.")
def command(as_json: bool, output: Path | None, seed: int) -> None:
    """Start a fake vCenter, two fake ESXi hosts that share a datastore, and a cell; export a vApp's VM one hop and two
    hops; let the transfer session expire; judge the run by the contract.

    Exit code 0 only if all of it held.
    """
    from twohop.exporter import ExportError

    from ._demo_run import run
    from ._demo_show import Plain, Story

    with ExitStack() as stack:
        where = output or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="twohop-demo-")))
        story = stack.enter_context(Plain() if as_json else Story())
        try:
            result = run(where, seed, story)
        except ExportError as error:
            fail(error.whose, str(error))
        except OSError as error:
            fail("you", f"the demo cannot run here: {error}")
    if as_json:
        click.echo(json.dumps(result.to_json(), indent=2))
    else:
        story.end(result)
        if output is not None:
            click.echo(f"Packages and history are in {output}")
    if not result.held:
        raise SystemExit(1)
