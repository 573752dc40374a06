"""The variables with which clients find the servers, as lines that a shell can read."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO


def write_environment(target: TextIO | Path, values: Mapping[str, str]) -> None:
    """Write `NAME=value` lines, quoted for a shell, to a stream or into a file that its owner alone can read.

    A file appears at once and whole, since passwords are in it and somebody may be waiting for it.
    """
    text = "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())
    if not isinstance(target, Path):
        target.write(text)
        target.flush()
        return
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
