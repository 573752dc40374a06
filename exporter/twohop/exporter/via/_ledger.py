"""What a cell says of its own legs in the details of a task; a real one says nothing there that we could read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from .._events import LegTold

_LINE = re.compile(
    r"(?P<leg>[a-z]+->[a-z]+): (?P<bytes>\d+) bytes in (?P<passages>\d+) passages from (?P<source>.+?)"
    r" to (?P<target>.+?), (?P<began>\S+) to (?P<ended>\S+), (?P<seconds>[\d.]+) s busy$"
)


def without_ledger(details: str) -> str:
    """Return what a task's details say besides."""
    return "\n".join(line for line in details.splitlines() if _LINE.match(line.strip()) is None)


def since(before: Sequence[LegTold], now: Sequence[LegTold]) -> tuple[LegTold, ...]:
    """Return what has crossed the legs between two looks at one ledger."""
    had = {leg.leg: leg for leg in before}
    moved = []
    for leg in now:
        old = had.get(leg.leg)
        if old is not None:
            seconds = max(0.0, leg.seconds - old.seconds)
            leg = replace(leg, bytes=leg.bytes - old.bytes, passages=leg.passages - old.passages, seconds=seconds)
        if leg.passages > 0:
            moved.append(leg)
    return tuple(moved)


def read_ledger(details: str) -> Iterator[LegTold]:
    """Yield the legs that a task's details tell of."""
    for line in details.splitlines():
        found = _LINE.match(line.strip())
        if found is not None:
            yield LegTold(
                found["leg"], found["source"], found["target"], int(found["bytes"]), int(found["passages"]),
                found["began"], found["ended"], float(found["seconds"]),
            )  # fmt: skip
