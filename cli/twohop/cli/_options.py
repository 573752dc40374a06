"""Options that several commands have: where a vCenter is and how its certificate is judged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


def vcenter_options(*, required: bool, where: str, whose: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add --vcenter, --ca-file, --thumbprint and --insecure; `where` says what --vcenter is, `whose` the rest's."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(
            (
                click.option(
                    "--vcenter", envvar="TWOHOP_VCENTER_URL", required=required, metavar="URL",
                    help=f"https://HOST[:PORT]{where}.",
                ),
                click.option(
                    "--ca-file", envvar="TWOHOP_CA_FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path),
                    help=f"Authorities that may have signed {whose} certificate, as PEM.",
                ),
                click.option("--thumbprint", help=f"SHA-1 of {whose} certificate, instead of an authority."),
                click.option("--insecure", is_flag=True, help="Believe whatever certificate is shown."),
            )
        ):  # fmt: skip
            command = option(command)
        return command

    return add
