"""`twohop cell`: the two-hop service in front of a vCenter, until somebody stops it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._main import fail
from ._options import vcenter_options
from ._until import Until, serving_options

if TYPE_CHECKING:
    from twohop.exporter import VCenterAddress
    from twohop.exporter.cell import Cell

DEFAULT = "default"


@click.command("cell")
@vcenter_options(required=True, where="", whose="vCenter's")
@click.option(
    "--transfer-dir",
    envvar="TWOHOP_TRANSFER_DIR",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The transfer share; made where it does not exist.",
)
@click.option("--world", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="YAML with a `cell` part.")
@click.option("--quota", metavar="SIZE", help="What the cell may fill of the share, as 200GiB; by default all of it.")
@click.option("--database", metavar="URL", help="SQLAlchemy URL; by default SQLite for as long as the cell runs.")
@click.option("--fail-tasks", is_flag=True, help="Fail the tasks that a dead cell of this name left running.")
@click.option("--name", default="cell", show_default=True, help="Name of this cell among those on one database.")
@click.option("--profile", default="cell-36.0", show_default=True, help="Version of the API, or a TOML file.")
@click.option("--cell-user", default=None, metavar="USER@ORG", help="Who may log in; by default administrator@ORG.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port to listen on; 0 picks one.")
@click.option("--faults", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Plan of faults (YAML).")
@click.option("--public-url", metavar="URL", help="Where clients reach the cell, if not at its own host and port.")
@serving_options
def command(
    vcenter: str,
    transfer_dir: Path,
    world: Path | None,
    quota: str | None,
    database: str | None,
    fail_tasks: bool,
    name: str,
    profile: str,
    cell_user: str | None,
    host: str,
    port: int,
    faults: Path | None,
    public_url: str | None,
    control_port: int,
    ca_file: Path | None,
    thumbprint: str | None,
    insecure: bool,
    env_file: Path | None,
    ready_file: Path | None,
) -> None:
    """Run the two-hop service in front of a vCenter, real or fake, until Ctrl-C or SIGTERM.

    vCenter's user and password come from TWOHOP_USER and TWOHOP_PASSWORD; the cell's own password from
    TWOHOP_CELL_PASSWORD, else it is random. Prints the variables with which clients find the cell; the file in
    TWOHOP_CA_FILE verifies the cell, and vCenter too where --ca-file was given.
    """
    from twohop.exporter import ExportError, VCenterAddress
    from twohop.exporter.cell import Cell, StoreError
    from twohop.runtime.faults import read_faults

    until = Until(control_port, env_file, ready_file)
    with until.heard():
        try:
            address = VCenterAddress(
                vcenter, _variable("TWOHOP_USER"), _variable("TWOHOP_PASSWORD"), ca_file, thumbprint, insecure
            )
            with Cell(
                address, transfer_dir=transfer_dir, profile=profile, catalogue=_catalogue(world), database=database,
                name=name, user=cell_user, password=os.environ.get("TWOHOP_CELL_PASSWORD"), host=host, port=port,
                public_url=public_url, quota=_bytes(quota), fail_tasks=fail_tasks,
                faults=None if faults is None else read_faults(faults),
            ) as cell:  # fmt: skip
                if cell.profile.note:
                    click.echo(f"twohop: {cell.profile.note}", err=True)
                _try(address)
                if ca_file is not None:
                    # One file for both legs: whoever reads these variables after those of a vCenter needs both.
                    cell.ca_file.write_bytes(cell.authority.pem + ca_file.read_bytes())
                until.serve(_OneCell(cell), cell.environment())
        except ExportError as error:
            fail(error.whose, str(error))
        except (ValueError, OSError, StoreError) as error:
            fail("you", str(error))


def _try(address: VCenterAddress) -> None:
    """Say at once what every export would say; the cell starts all the same, as a real one does without its vCenter."""
    from twohop.exporter import ExportError, VSphere

    try:
        with VSphere(address):
            pass
    except ExportError as error:
        click.echo(f"twohop: {error.whose}: {error}; until then every export will fail", err=True)


class _OneCell:
    """The control plane's keeper of the one world that a cell of its own has."""

    def __init__(self, cell: Cell) -> None:
        self._cell = cell

    def names(self) -> Iterable[str]:
        return [DEFAULT]

    def world(self, name: str) -> Cell:
        from twohop.runtime.control import UnknownWorld

        if name != DEFAULT:
            raise UnknownWorld(name)
        return self._cell

    def create(self, name: str, options: Mapping[str, Any]) -> Cell:
        raise ValueError("a cell of its own has the one world 'default'; `twohop serve --cell` keeps many")

    def remove(self, name: str) -> None:
        raise ValueError(f"the world {name!r} stays for as long as the process; reset it instead")


def _variable(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise click.UsageError(f"set {name}: vCenter's user and password come from the environment, never an argument")
    return value


def _bytes(size: str | None) -> int | None:
    if size is None:
        return None
    read = re.fullmatch(r"(\d+) ?([KMGT]i?)?B?", size.strip())
    if read is None:
        raise click.BadParameter(f"a size is a number with a unit, as 200GiB; got {size!r}", param_hint="--quota")
    unit = read[2] or ""
    base = 1024 if unit.endswith("i") else 1000
    return int(int(read[1]) * base ** " KMGT".index(unit[:1] or " "))


def _catalogue(world: Path | None) -> Mapping[str, Any] | None:
    if world is None:
        return None
    import yaml

    try:
        read = yaml.safe_load(world.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"the world file {world} is not YAML: {error}") from None
    # The rest of a world is the fakes' to judge; here it describes a vCenter that already stands.
    found = read.get("cell") if isinstance(read, Mapping) else None
    if found is None:
        raise ValueError(f"{world} has no 'cell' part: it says nothing of organisations, vApps and catalogs")
    if not isinstance(found, Mapping):
        raise ValueError(f"{world}: 'cell' is a mapping with 'orgs', got {found!r}")
    return found
