"""`twohop verify`: is a package whole, and what it says it is?"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ._main import fail
from ._told import told

if TYPE_CHECKING:
    from collections.abc import Callable

    from twohop.exporter.verify import Report, Seen


@click.command("verify")
@click.argument("package", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One document on standard output.")
def command(package: Path, as_json: bool) -> None:
    """Check PACKAGE, a directory with one descriptor, a descriptor, or an OVA, whoever made it.

    Checked are the descriptor, names, sizes, the manifest and how it is spelled, the order of an OVA, and the disk
    streams grain by grain. Exit code 0: sound; 1: an error was found, or there is no package.
    """
    from twohop.exporter import BadPackage
    from twohop.exporter.verify import verify_package

    try:
        with _watched() as on_seen:
            report = verify_package(package, on_seen=on_seen)
    except BadPackage as error:
        fail(error.whose, str(error))
    if as_json:
        click.echo(json.dumps(report.to_json(), ensure_ascii=False))
    else:
        _show(report)
    sys.exit(0 if report.sound else 1)


def _show(report: Report) -> None:
    for disk in report.disks:
        told(
            f"{disk.file}  whole disk stream, {disk.capacity} bytes of capacity, {disk.data_bytes} of data,"
            f" content {disk.content_sha256}"
        )
    for finding in report.findings:
        told(f"{finding.level}: {finding.file}: {finding.message} ({finding.rule})", err=finding.level == "error")
    verdict = "sound" if report.sound else "not sound"
    told(f"{report.path}: {verdict}, {report.files} files, {report.bytes} bytes read")


@contextmanager
def _watched() -> Iterator[Callable[[Seen], None]]:
    if not sys.stderr.isatty():
        yield lambda seen: None
        return
    from ._bars import verifying

    with verifying() as on_seen:
        yield on_seen
