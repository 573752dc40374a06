"""What a cell says of its own legs in the details of a task; a real one says nothing there that we could read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .._events import LegTold

_LINE = re.compile(
    r"(?P<leg>[a-z]+->[a-z]+): (?P<bytes>\d+) bytes in (?P<passages>\d+) passages from (?P<source>.+?)"
    r" to (?P<target>.+?), (?P<began>\S+) to (?P<ended>\S+), (?P<seconds>[\d.]+) s busy$"
)


def read_ledger(details: str) -> Iterator[LegTold]:
    """Yield the legs that a task's details tell of."""
    for line in details.splitlines():
        found = _LINE.match(line.strip())
        if found is not None:
            yield LegTold(
                found["leg"], found["source"], found["target"], int(found["bytes"]), int(found["passages"]),
                found["began"], found["ended"], float(found["seconds"]),
            )  # fmt: skip
