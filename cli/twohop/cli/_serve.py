"""`twohop serve`: the fakes until somebody stops them."""

from __future__ import annotations

from pathlib import Path

import click

from ._main import fail
from ._until import Until, serving_options


@click.command("serve")
@click.option("--cell", is_flag=True, help="Add a cell in front of the vCenter.")
@click.option("--vms", type=click.IntRange(0), default=2, show_default=True, help="Machines of the default world.")
@click.option("--hosts", type=click.IntRange(1), help="Hosts of the default world; 2 at a vCenter.")
@click.option("--seed", type=int, help="Seed of inventory, ids and disk content; 0 unless the world names one.")
@click.option("--world", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="World file (YAML).")
@click.option("--profile", help="As vcenter-8.0 or esxi-8.0, or a TOML file; vcenter-8.0 unless the world names one.")
@click.option("--cell-profile", default="cell-36.0", show_default=True, help="Profile of the cell.")
@click.option("--transfer-dir", type=click.Path(file_okay=False, path_type=Path), help="Transfer share of the cell.")
@click.option("--faults", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Plan of faults (YAML).")
@click.option("--scenario", metavar="NAME", help="What somebody ran into; see docs/faults.md.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port of the vCenter or host; 0 picks one.")
@click.option("--cell-port", type=click.IntRange(0, 65535), default=0, help="Port of the cell; 0 picks one.")
@serving_options
def command(
    cell: bool,
    vms: int,
    hosts: int | None,
    seed: int | None,
    world: Path | None,
    profile: str | None,
    cell_profile: str,
    transfer_dir: Path | None,
    faults: Path | None,
    scenario: str | None,
    port: int,
    cell_port: int,
    control_port: int,
    env_file: Path | None,
    ready_file: Path | None,
) -> None:
    """Run a fake vCenter with its ESXi hosts, and with --cell a cell, until Ctrl-C or SIGTERM.

    With a profile of esxi it is one standalone host instead, whose address stands where a vCenter's would. Prints the
    variables with which clients find the servers. Time is real time plus what the control API adds to it.
    """
    from ._servers import WorldOptions
    from ._worlds import DEFAULT, Worlds

    until = Until(control_port, env_file, ready_file)
    worlds = Worlds()
    with until.heard():
        try:
            options = WorldOptions(
                vms=vms, hosts=hosts, seed=seed, profile=profile, cell_profile=cell_profile, cell=cell, world=world,
                transfer_dir=transfer_dir, port=port, cell_port=cell_port, faults=faults, scenario=scenario,
            )  # fmt: skip
            served = worlds.add(DEFAULT, options)
            if served.vsphere.profile.note:
                click.echo(f"twohop: {served.vsphere.profile.note}", err=True)
            until.serve(worlds, served.environment())
        except (ValueError, OSError) as error:
            fail("you", str(error))
        finally:
            worlds.stop()
