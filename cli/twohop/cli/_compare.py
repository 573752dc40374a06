"""Both paths for one vApp: how long each took, where the time went, and which leg was the bottleneck, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from twohop.exporter import Events, VCenterAddress, export_vm
from twohop.exporter.package import grain_digest
from twohop.exporter.via import LegTold, export_via_cell, machines_of

ONE, TWO = "one-hop", "two-hops"
WAYS = {
    "host->cell": "from the hosts to the cell",
    "cell->share": "from the cell to its share",
    "share->cell": "from the share to the cell",
    "cell->user": "from the cell to here",
}


@dataclass(frozen=True, slots=True)
class Paths:
    """What both paths took: bytes and real seconds of each, and the legs of the second as the cell tells them.

    `already` tells that the cell had the package from an earlier export, so that its legs are those of the download.
    """

    bytes: tuple[int, int]
    seconds: tuple[float, float]
    waited: float
    legs: Sequence[LegTold]
    same: bool
    already: bool = False


def compared(
    address: VCenterAddress,
    via: str,
    cell_user: str,
    cell_password: str,
    name: str,
    output: Path,
    *,
    force: bool = False,
    events: Events,
) -> str:
    """Run both paths into `output` and return what there is to say; raise ExportError where one of them fails."""
    ca_file, insecure = address.ca_file, address.insecure
    machines = machines_of(via, cell_user, cell_password, name, ca_file=ca_file, insecure=insecure)
    one = [export_vm(address, f"name:{vm}", output / ONE, force=force, events=events) for vm in machines]
    two = export_via_cell(
        via, cell_user, cell_password, name, output / TWO,
        force=force, events=events, ca_file=ca_file, insecure=insecure,
    )  # fmt: skip
    disks = [file for export in one for file in export.files if file.disk]
    same = [grain_digest(f.path) for f in disks] == [grain_digest(f.path) for f in two.files if f.disk]
    sizes = (sum(f.size for export in one for f in export.files), sum(f.size for f in two.files))
    seconds = (sum(export.seconds for export in one), two.seconds)
    return words(Paths(sizes, seconds, two.waited, two.moved, same, two.already))


def words(paths: Paths) -> str:
    """Return a few lines that a person reads."""
    one, two = paths.seconds
    rest = max(0.0, two - paths.waited)
    lines = [
        f"One hop took {one:.2f} s for {_size(paths.bytes[0])}. Two hops took {two:.2f} s for {_size(paths.bytes[1])},"
        f" {two / max(one, 1e-9):.1f} times as long.",
        f"{_share(paths.waited, two)} of it went by before the cell gave a link, {_share(rest, two)} was the download.",
    ]
    if paths.already:
        lines.append(
            "The cell had the package already, from an earlier export: disable its download first to see both hops."
        )
    if paths.legs:
        spent = ", ".join(f"{leg.seconds:.2f} s {WAYS.get(leg.leg, leg.leg)}" for leg in paths.legs)
        slow = max(paths.legs, key=lambda leg: leg.seconds)
        rate = _size(slow.bytes / max(slow.seconds, 1e-9))
        lines += [
            f"The cell was busy for {spent}.",
            f"The bottleneck was the leg {WAYS.get(slow.leg, slow.leg)}: {_size(slow.bytes)} at {rate} a second.",
        ]
    else:
        side = "export" if paths.waited > rest else "download"
        lines.append(f"The cell tells nothing of its legs; by the clock here its {side} was the bottleneck.")
    alike = "hold the same" if paths.same else "DO NOT hold the same"
    return "\n".join([*lines, f"The disks of both {alike}, grain by grain."])


def _share(part: float, whole: float) -> str:
    return f"{100 * part / max(whole, 1e-9):.0f} %"


def _size(size: float) -> str:
    return f"{size / 2**20:.1f} MiB"
