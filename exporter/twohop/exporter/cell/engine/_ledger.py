"""The ledger: which file went over which leg, how many bytes, between whom and when.

Two hops make four legs: a host to the cell, the cell to the share, the share to the cell, the cell to the user. Every
byte of a package crosses each of them once, and the user's two once more for each GET.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sqlalchemy import select
from sqlalchemy.orm import Session

from ._rows import LegRow, digest_of


class Leg(Enum):
    """The four legs, in the order a byte travels them."""

    HOST_TO_CELL = "host->cell"
    CELL_TO_SHARE = "cell->share"
    SHARE_TO_CELL = "share->cell"
    CELL_TO_USER = "cell->user"


@dataclass(frozen=True, slots=True)
class Passage:
    """One file over one leg: `bytes` from `source` to `target`.

    `began` and `ended` by the cell's clock, which may stand still; `seconds` of real time.
    """

    leg: Leg
    file: str
    source: str
    target: str
    bytes: int
    began: float
    ended: float
    seconds: float


def record(db: Session, transfer_id: str, *passages: Passage) -> int:
    """Write passages down under their transfer session; return what `amend` needs for the last of them."""
    digest, row = digest_of(transfer_id), LegRow()
    for p in passages:
        row = LegRow(
            transfer_digest=digest, leg=p.leg.value, file=p.file, source=p.source, target=p.target, bytes=p.bytes,
            began=p.began, ended=p.ended, seconds=p.seconds,
        )  # fmt: skip
        db.add(row)
    db.flush()
    return row.id


def amend(db: Session, leg: int, sent: int) -> None:
    """Correct the bytes of a passage."""
    row = db.get(LegRow, leg)
    if row is not None:
        row.bytes = sent


def passages(db: Session, transfer_id: str) -> list[Passage]:
    """Return everything that was written down under a transfer session, oldest first."""
    rows = db.scalars(select(LegRow).where(LegRow.transfer_digest == digest_of(transfer_id)).order_by(LegRow.id))
    return [Passage(Leg(r.leg), r.file, r.source, r.target, r.bytes, r.began, r.ended, r.seconds) for r in rows]


def totals(entries: list[Passage]) -> dict[str, int]:
    """Return the bytes over each leg."""
    return {leg.value: sum(p.bytes for p in entries if p.leg is leg) for leg in Leg}
