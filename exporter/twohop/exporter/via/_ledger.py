"""What a cell says of its own legs in the details of a task; a real one says nothing there that we could read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .._events import Event

_LINE = re.compile(
    r"(?P<leg>[a-z]+->[a-z]+): (?P<bytes>\d+) bytes in (?P<passages>\d+) passages from (?P<source>.+?)"
    r" to (?P<target>.+?), (?P<began>\S+) to (?P<ended>\S+), (?P<seconds>[\d.]+) s busy$"
)


@dataclass(frozen=True, slots=True)
class LegTold(Event):
    """One of the four legs, as the cell's ledger has it: bytes in how many passages, between which addresses.

    `began` and `ended` are times of the cell's clock, `seconds` of real time in which the leg was busy.
    """

    leg: str
    source: str
    target: str
    bytes: int
    passages: int
    began: str
    ended: str
    seconds: float


def read_ledger(details: str) -> Iterator[LegTold]:
    """Yield the legs that a task's details tell of."""
    for line in details.splitlines():
        found = _LINE.match(line.strip())
        if found is not None:
            yield LegTold(
                found["leg"], found["source"], found["target"], int(found["bytes"]), int(found["passages"]),
                found["began"], found["ended"], float(found["seconds"]),
            )  # fmt: skip
