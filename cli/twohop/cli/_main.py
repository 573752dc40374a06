"""The group of commands; each is imported only when it is called, so that `--help` answers at once."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from ._told import Unsaid, hushed, plain

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("_demo", "Export one VM both ways on fake servers, and judge the run."),
    "serve": ("_serve", "Run a fake vCenter with its ESXi hosts, and a cell, until stopped."),
    "export": ("_export", "Export a VM as an OVF package, straight from the hosts or through a cell."),
    "import": ("_import", "Import an OVF package or an OVA as a new VM or vApp."),
    "verify": ("_verify", "Check an OVF package or OVA, whoever made it, down to the grains of its disks."),
    "cell": ("_cell", "Run the two-hop service in front of a vCenter."),
    "drift": ("_drift", "Compare the fakes with recorded servers, answer by answer."),
    "clauses": ("_clauses", "List the rules of the contract."),
}
"""Name, module and short help of every command."""


class _Commands(click.Group):
    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"twohop.cli.{COMMANDS[name][0]}").command
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="twohop", prog_name="twohop")
def _twohop() -> None:
    """Fake vCenter, ESXi and vCloud Director cell, a reference exporter, and the contract that judges them."""


def main() -> None:
    """Run the command. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    try:
        _twohop.main(standalone_mode=False, prog_name="twohop")
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("twohop: interrupted", err=True)
        sys.exit(130)
    except Unsaid as error:
        fail("you", str(error))
    except BrokenPipeError:
        # Whoever read the output has gone; nothing is left to say, not even at exit.
        hushed(sys.stdout)
        sys.exit(1)


def fail(whose: str, message: str, code: int = 1) -> Any:
    """End the command with one line that says whose fault it was."""
    click.echo(plain(f"twohop: {whose}: {message}"), err=True)
    sys.exit(code)
