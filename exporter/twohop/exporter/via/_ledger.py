"""What a cell says of its own legs in the details of a task; a real one says nothing there that we could read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

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


def downloaded(before: Iterable[LegTold], now: Iterable[LegTold]) -> Iterator[LegTold]:
    """Yield the legs of one download: its files cross the share once for all users, the last two legs once for each.

    `before` is the ledger as it was before the download, in which those of others stand.
    """
    others = {leg.leg: leg for leg in before if leg.leg in ("share->cell", "cell->user")}
    for leg in now:
        other = others.get(leg.leg)
        if other is None:
            yield leg
        elif leg.passages > other.passages:
            yield replace(
                leg, bytes=leg.bytes - other.bytes, passages=leg.passages - other.passages, began=other.ended,
                seconds=round(leg.seconds - other.seconds, 3),
            )  # fmt: skip
