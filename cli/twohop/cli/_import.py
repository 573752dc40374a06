"""`twohop import`: an OVF package or an OVA put back, whole or not at all."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._options import vcenter_options
from ._running import later, run_shown
from ._secrets import password_options

if TYPE_CHECKING:
    from twohop.exporter import ImportOptions

    from ._show import Show

PROVISIONING = ("thin", "thick", "eagerZeroedThick", "flat", "sparse", "seSparse")


@click.command("import")
@click.argument("package", type=click.Path(exists=True, path_type=Path))
@click.option("--name", help="Name of the new VM or vApp; by default the package's.")
@click.option("--pool", metavar="NAME", help="Resource pool, vApp, cluster or host to import into (name or path).")
@click.option("--folder", metavar="PATH", help="Folder for it; by default the datacenter's.")
@click.option("--datastore", metavar="NAME", help="Datastore for its files.")
@click.option("--host", metavar="NAME", help="Host that it is to run on; by default the server chooses.")
@click.option("--network", "networks", multiple=True, metavar="NAME=OTHER", help="A network of the package is OTHER.")
@click.option("--property", "properties", multiple=True, metavar="KEY=VALUE", help="A property that a user may set.")
@click.option("--deployment", default="", metavar="KEY", help="One of the package's deployment options.")
@click.option(
    "--provisioning", type=click.Choice(PROVISIONING), default="thin", show_default=True, help="How disks take room."
)
@vcenter_options(required=False, where=" of vCenter or ESXi", whose="the servers'")
@click.option("--user", envvar="TWOHOP_USER", help="Who logs in there.")
@password_options
@click.option("--parallel", type=click.IntRange(1), default=1, show_default=True, help="Files to send at a time.")
@click.option("--rate", type=click.FloatRange(0, min_open=True), metavar="MIB", help="MiB a second at most.")
@click.option(
    "--silence",
    type=click.FloatRange(0, min_open=True),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="Longest wait for a host.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--json", "as_json", is_flag=True, help="One event a line on standard output.")
def command(**given: Any) -> None:
    """Import PACKAGE, a directory, a descriptor or an OVA, as a new virtual machine or vApp.

    What is not named is chosen where there is one choice. Names, sizes and the manifest are checked and every disk is
    read grain by grain while it is sent; then the server's word on what came is compared with it. Only then is the
    import completed. On any other end it is given up, and the server keeps nothing of it.

    Options have their defaults in TWOHOP_VCENTER_URL, TWOHOP_USER and TWOHOP_CA_FILE; the password comes from
    TWOHOP_PASSWORD, a file descriptor, the keyring, or is asked for.
    """
    asked = _Asked(**given)
    options = asked.pairs("--network", asked.networks), asked.pairs("--property", asked.properties)
    # A usage error has to come before anything is shown.
    address = later(asked)

    def planned(show: Show) -> None:
        from twohop.exporter import plan_import

        plan = plan_import(address(), asked.package, options=asked.options(*options))
        show.say(json.dumps(plan.to_json(), ensure_ascii=False) if asked.as_json else "\n".join(plan.lines()))

    def imported(show: Show) -> None:
        from twohop.exporter import import_ovf

        import_ovf(address(), asked.package, options=asked.options(*options), events=show)

    run_shown(planned if asked.dry_run else imported, asked.as_json, "import")


@dataclass(frozen=True)
class _Asked:
    """The command line."""

    package: Path
    name: str | None
    pool: str | None
    folder: str | None
    datastore: str | None
    host: str | None
    networks: tuple[str, ...]
    properties: tuple[str, ...]
    deployment: str
    provisioning: str
    vcenter: str | None
    user: str | None
    ca_file: Path | None
    thumbprint: str | None
    insecure: bool
    password_fd: int | None
    keyring: bool
    parallel: int
    rate: float | None
    silence: float
    dry_run: bool
    as_json: bool

    def options(self, networks: dict[str, str], properties: dict[str, str]) -> ImportOptions:
        """How to import."""
        from twohop.exporter import ImportOptions, Wanted

        return ImportOptions(
            self.name, Wanted(self.pool, self.folder, self.datastore, self.host, networks), properties,
            self.provisioning, self.deployment, self.parallel, None if self.rate is None else self.rate * 2**20,
            self.silence,
        )  # fmt: skip

    @staticmethod
    def pairs(option: str, given: tuple[str, ...]) -> dict[str, str]:
        """Return what an option says as NAME=VALUE."""
        made = {}
        for each in given:
            name, equals, value = each.partition("=")
            if not (name and equals):
                raise click.UsageError(f"{option} takes NAME=VALUE; got {each!r}")
            made[name] = value
        return made
