"""The ledger: which file went over which leg, how many bytes, between whom and when.

Two hops make four legs: a host to the cell, the cell to the share, the share to the cell, the cell to the user. Every
byte of a package crosses each of them once, and the user's two once more for each GET. What came for nothing, since a
host fell silent, a lease was lost or the export failed, stands there too, as not kept, and explains what crossed twice.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

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

    `began` and `ended` by the cell's clock, which may stand still; `seconds` of real time. `kept` is False for bytes
    that were thrown away: the file was fetched again, or the export failed.
    """

    leg: Leg
    file: str
    source: str
    target: str
    bytes: int
    began: float
    ended: float
    seconds: float
    kept: bool = True


def record(db: Session, transfer_id: str, *passages: Passage) -> int:
    """Write passages down under their transfer session; return what `amend` needs for the last of them."""
    digest, row = digest_of(transfer_id), LegRow()
    for p in passages:
        row = LegRow(
            transfer_digest=digest, leg=p.leg.value, file=p.file, source=p.source, target=p.target, bytes=p.bytes,
            began=p.began, ended=p.ended, seconds=p.seconds, kept=p.kept,
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
    return [Passage(Leg(r.leg), r.file, r.source, r.target, r.bytes, r.began, r.ended, r.seconds, r.kept) for r in rows]


def totals(entries: list[Passage]) -> dict[str, int]:
    """Return the bytes over each leg."""
    return {leg.value: sum(p.bytes for p in entries if p.leg is leg) for leg in Leg}


def told(entries: list[Passage]) -> str:
    """Return a line for each leg that was travelled, as a task shows them to whoever reads it."""
    lines = []
    for leg in Leg:
        over = [p for p in entries if p.leg is leg]
        if over:
            sources, targets = (", ".join(dict.fromkeys(names)) for names in _ends(over))
            began, ended = moment(min(p.began for p in over)), moment(max(p.ended for p in over))
            lines.append(
                f"{leg.value}: {sum(p.bytes for p in over)} bytes in {len(over)} passages from {sources} to {targets},"
                f" {began} to {ended}, {sum(p.seconds for p in over):.3f} s busy"
            )
    return "\n".join(lines)


def plain(entries: list[Passage]) -> dict[str, Any]:
    """Return the ledger of a session as JSON has it: every passage, and what went over each leg."""
    return {
        "totals": totals(entries),
        "passages": [{**asdict(p), "leg": p.leg.value} for p in entries],
    }


def moment(seconds: float) -> str:
    """Return a time of the clock as tasks print it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _ends(over: list[Passage]) -> tuple[list[str], list[str]]:
    return [p.source for p in over], [p.target for p in over]
