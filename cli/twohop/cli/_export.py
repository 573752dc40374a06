"""`twohop export`: VMs and vApps as OVF packages, straight from the hosts or through a cell."""

from __future__ import annotations

import atexit
import gc
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from ._options import vcenter_options
from ._running import later, needed, run_shown
from ._secrets import password, password_options

if TYPE_CHECKING:
    from twohop.exporter import Options

    from ._show import Show


@click.command("export")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="Directory for the package, made where it does not exist, or FILE.ova; for several names the one above.",
)
@vcenter_options(required=False, where=" of vCenter or ESXi", whose="the servers'")
@click.option("--user", envvar="TWOHOP_USER", help="Who logs in there.")
@password_options
@click.option("--snapshot", metavar="NAME", help="Export this snapshot (name, path or id); the VM may be running.")
@click.option("--ova", is_flag=True, help="With several names: an OVA for each instead of a directory.")
@click.option(
    "--manifest",
    type=click.Choice(["sha256", "sha1", "sha512"]),
    default="sha256",
    show_default=True,
    help="Algorithm of the manifest.",
)
@click.option("--no-nvram", is_flag=True, help="Leave the non-volatile memory out.")
@click.option("--no-images", is_flag=True, help="Leave images of CD and floppy drives out.")
@click.option(
    "--export-option", "export_options", multiple=True, metavar="WORD", help="For the descriptor, as mac, uuid."
)
@click.option("--parallel", type=click.IntRange(1), default=1, show_default=True, help="Files of one VM at a time.")
@click.option("--vms", type=click.IntRange(1), default=1, show_default=True, help="Of several VMs, how many at a time.")
@click.option("--rate", type=click.FloatRange(0, min_open=True), metavar="MIB", help="MiB a second of each VM at most.")
@click.option(
    "--silence",
    type=click.FloatRange(0, min_open=True),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="Longest wait between two bytes; hosts fall silent for minutes.",
)
@click.option(
    "--leases",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="Leases to ask for at most; after a cut everything is fetched anew, since there is no resume.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--via", metavar="CELL_URL", help="Fetch through this cell; NAME is a vApp or CATALOG/ITEM there.")
@click.option("--cell-user", envvar="TWOHOP_CELL_USER", metavar="USER@ORG", help="Who logs in at the cell.")
@click.option("--compare", is_flag=True, help="With --via: fetch one hop too, and say where the time goes.")
@click.option("--force", is_flag=True, help="Overwrite a package that is there already.")
@click.option("--json", "as_json", is_flag=True, help="One event a line on standard output.")
@click.pass_context
def command(context: click.Context, /, **given: Any) -> None:
    """Export the virtual machine or vApp NAME as an OVF package.

    NAME is a name, an inventory path, a UUID or a managed object id; name:, path:, uuid: or moid: in front says which.
    Several are exported each into a directory of its own.

    With --compare, what the cell calls NAME is fetched machine by machine from vCenter into OUTPUT/one-hop, and through
    the cell into OUTPUT/two-hops; --thumbprint is not for it, since the two servers have two.

    Every option has its default in TWOHOP_VCENTER_URL, TWOHOP_USER, TWOHOP_CA_FILE, TWOHOP_CELL_USER; the password
    comes from TWOHOP_PASSWORD (with --via from TWOHOP_CELL_PASSWORD), a file descriptor, the keyring, or is asked for.
    """
    # Thousands of types are loaded once and stay: to look through them for garbage, over and over, only takes time.
    gc.set_threshold(100_000)
    # Nor once more when all is said, which takes a fifth of what it takes to start.
    atexit.register(gc.freeze)
    asked = _Asked(**given)
    if asked.compare and (asked.via is None or asked.thumbprint is not None):
        raise click.UsageError("--compare needs --via, and verifies both servers by --ca-file")
    if asked.via is not None:
        named = {name for name in _HERE_ONLY if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}
        if named or len(asked.names) > 1:
            what = ", ".join(sorted(f"--{name.replace('_', '-')}" for name in named)) or "several names"
            raise click.UsageError(f"{what} cannot be had with --via: the cell exports, and decides how")
        run_shown((_compared if asked.compare else _through)(asked, asked.via), asked.as_json)
    elif asked.dry_run:
        run_shown(_planned(asked), asked.as_json)
    else:
        run_shown(_straight(asked), asked.as_json)


_HERE_ONLY = frozenset(
    {
        *("snapshot", "ova", "manifest", "no_nvram", "no_images", "export_options"),
        *("parallel", "vms", "rate", "silence", "leases", "dry_run"),
    }
)


@dataclass(frozen=True)
class _Asked:
    """The command line."""

    names: tuple[str, ...]
    output: Path
    vcenter: str | None
    user: str | None
    ca_file: Path | None
    thumbprint: str | None
    insecure: bool
    password_fd: int | None
    keyring: bool
    snapshot: str | None
    ova: bool
    manifest: str
    no_nvram: bool
    no_images: bool
    export_options: tuple[str, ...]
    parallel: int
    vms: int
    rate: float | None
    silence: float
    leases: int
    dry_run: bool
    via: str | None
    cell_user: str | None
    compare: bool
    force: bool
    as_json: bool

    def options(self) -> Options:
        """How to export."""
        from twohop.exporter import Options

        return Options(
            snapshot=self.snapshot, algorithm=self.manifest.upper(), nvram=not self.no_nvram,  # type: ignore[arg-type]
            images=not self.no_images, at_once=self.parallel, rate=None if self.rate is None else self.rate * 2**20,
            silence=self.silence, leases=self.leases, force=self.force, export_options=self.export_options,
        )  # fmt: skip


def _through(asked: _Asked, via: str) -> Callable[[Show], None]:
    who = needed(asked.cell_user, "--cell-user or TWOHOP_CELL_USER")
    secret = password("TWOHOP_CELL_PASSWORD", who, via, asked.password_fd, asked.keyring)

    def run(show: Show) -> None:
        from twohop.exporter.via import export_via_cell

        export_via_cell(
            via, who, secret, asked.names[0], asked.output, ca_file=asked.ca_file, thumbprint=asked.thumbprint,
            insecure=asked.insecure, force=asked.force, events=show,
        )  # fmt: skip

    return run


def _compared(asked: _Asked, via: str) -> Callable[[Show], None]:
    who = needed(asked.cell_user, "--cell-user or TWOHOP_CELL_USER")
    secret = password("TWOHOP_CELL_PASSWORD", who, via, asked.password_fd, asked.keyring)
    address = later(asked)

    def run(show: Show) -> None:
        from ._compare import compared

        show.say(compared(address(), via, who, secret, asked.names[0], asked.output, force=asked.force, events=show))

    return run


def _planned(asked: _Asked) -> Callable[[Show], None]:
    # A usage error has to come before anything is shown.
    address = later(asked)

    def run(show: Show) -> None:
        from twohop.exporter import VSphere, plan_export
        from twohop.exporter.several import find_several, places

        options = asked.options()
        with VSphere(address()) as vsphere:
            subjects = find_several(vsphere, asked.names, asked.snapshot)
            several = len(subjects) > 1
            targets = places(asked.output, subjects, asked.ova) if several else [asked.output]
            for subject, target in zip(subjects, targets, strict=True):
                plan = plan_export(vsphere, subject, target, options=options)
                if asked.as_json:
                    show.say(json.dumps(plan.to_json(), ensure_ascii=False))
                else:
                    show.say("\n".join(plan.lines()))

    return run


def _straight(asked: _Asked) -> Callable[[Show], None]:
    address = later(asked)

    def run(show: Show) -> None:
        from twohop.exporter import ExportError, export_several, export_vm

        if len(asked.names) == 1:
            export_vm(address(), asked.names[0], asked.output, options=asked.options(), events=show)
            return
        outcomes = export_several(
            address(), asked.names, asked.output, options=asked.options(), at_once=asked.vms, ova=asked.ova, events=show
        )
        failed = [outcome for outcome in outcomes if outcome.error is not None]
        for outcome in failed:
            assert outcome.error is not None
            show.warn(f"twohop: {outcome.error.whose}: {outcome.subject.name}: {outcome.error}")
        if failed:
            raise ExportError(
                f"{len(failed)} of {len(outcomes)} exports failed; nothing of these was kept", whose="you"
            )

    return run
