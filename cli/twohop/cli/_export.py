"""`twohop export`: one VM as an OVF package, straight from the hosts or through a cell."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from ._options import vcenter_options

if TYPE_CHECKING:
    from twohop.exporter import Events

INTERRUPTED = 130
TERMINATED = 128 + signal.SIGTERM


class _Terminated(KeyboardInterrupt):
    """SIGTERM, which ends an export as Ctrl-C does: the lease is aborted first."""


@click.command("export")
@click.argument("name")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Directory for the package; made where it does not exist.",
)
@vcenter_options(required=False, where=" of vCenter or ESXi", whose="the servers'")
@click.option("--user", envvar="TWOHOP_USER", help="Who logs in there.")
@click.option("--via", metavar="CELL_URL", help="Fetch through this cell; NAME is a vApp or CATALOG/ITEM there.")
@click.option("--cell-user", envvar="TWOHOP_CELL_USER", metavar="USER@ORG", help="Who logs in at the cell.")
@click.option("--compare", is_flag=True, help="With --via: fetch one hop too, and say where the time goes.")
@click.option("--force", is_flag=True, help="Overwrite a package that is there already.")
@click.option("--json", "as_json", is_flag=True, help="One event a line on standard output.")
def command(
    name: str,
    output: Path,
    vcenter: str | None,
    user: str | None,
    ca_file: Path | None,
    thumbprint: str | None,
    insecure: bool,
    via: str | None,
    cell_user: str | None,
    compare: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Export the virtual machine NAME (or its inventory path) as an OVF package.

    With --compare, what the cell calls NAME is fetched machine by machine from vCenter into OUTPUT/one-hop, and through
    the cell into OUTPUT/two-hops; --thumbprint is not for it, since the two servers have two.

    Every option has its default in TWOHOP_VCENTER_URL, TWOHOP_USER, TWOHOP_CA_FILE, TWOHOP_CELL_USER; the password
    comes from TWOHOP_PASSWORD (with --via from TWOHOP_CELL_PASSWORD) or is asked for.
    """
    if compare and (via is None or thumbprint is not None):
        raise click.UsageError("--compare needs --via, and verifies both servers by --ca-file")
    if via is not None:
        who = _needed(cell_user, "--cell-user or TWOHOP_CELL_USER")
        password = _password("TWOHOP_CELL_PASSWORD", f"{who} at {via}")
    if via is None or compare:
        vcenter = _needed(vcenter, "--vcenter or TWOHOP_VCENTER_URL")
        user = _needed(user, "--user or TWOHOP_USER")
        own = _password("TWOHOP_PASSWORD", f"{user} at {vcenter}")

    def run(events: Events) -> None:
        if compare:
            from twohop.exporter import VCenterAddress

            from ._compare import compared

            assert via is not None and vcenter is not None and user is not None
            address = VCenterAddress(vcenter, user, own, ca_file, None, insecure)
            click.echo(compared(address, via, who, password, name, output, force=force, events=events))
            return
        if via is not None:
            from twohop.exporter.via import export_via_cell

            export_via_cell(
                via, who, password, name, output,
                ca_file=ca_file, thumbprint=thumbprint, insecure=insecure, force=force, events=events,
            )  # fmt: skip
            return
        from twohop.exporter import VCenterAddress, export_vm

        assert vcenter is not None and user is not None
        address = VCenterAddress(vcenter, user, own, ca_file, thumbprint, insecure)
        export_vm(address, name, output, force=force, events=events)

    _run(run, as_json)


def _run(export: Callable[[Events], None], as_json: bool) -> None:
    from twohop.exporter import ExportError

    from ._show import shown

    with _sigterm():
        try:
            with shown(as_json) as show:
                try:
                    export(show)
                except ExportError as error:
                    show.failed(error.whose, str(error))
                    _fail(error.whose, str(error), 1)
        except BrokenPipeError:
            raise
        except Exception as error:
            if "TWOHOP_TRACEBACK" in os.environ:
                raise
            _fail("twohop", f"{type(error).__name__}: {error}; this is a bug: report it with TWOHOP_TRACEBACK=1 set", 1)
        except KeyboardInterrupt as stop:
            code = TERMINATED if isinstance(stop, _Terminated) else INTERRUPTED
            _fail("you", "interrupted; the lease is given up and nothing of the export was kept", code)


def _needed(value: str | None, where: str) -> str:
    if not value:
        raise click.UsageError(f"give {where}")
    return value


def _password(variable: str, who: str) -> str:
    if variable in os.environ:
        return os.environ[variable]
    if not sys.stdin.isatty():
        raise click.UsageError(f"no password for {who}: set {variable}, since there is no terminal to ask at")
    return str(click.prompt(f"Password of {who}", hide_input=True, err=True))


def _fail(whose: str, message: str, code: int) -> NoReturn:
    click.echo(f"twohop: {whose}: {message}", err=True)
    raise SystemExit(code)


@contextmanager
def _sigterm() -> Iterator[None]:
    def stop(number: int, frame: object) -> None:
        raise _Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
