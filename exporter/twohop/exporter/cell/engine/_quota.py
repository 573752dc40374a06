"""How much of the transfer share the cell may fill, and who is let in before it is full (3.22).

Every session that has files, or builds some, has its bytes written down in the database, so that all cells on it count
together. An export is let in where what its machines hold fits beside that, and ended where more comes than fits.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from twohop.exporter._errors import TargetFull

from ._catalogue import Entity
from ._rows import IdentityRow, TransferRow
from ._session import SessionState
from ._source import Source
from ._store import Store

GROWTH = 64 << 20
"""Bytes by which a claim grows where the machines hold more than vCenter said."""


class Quota:
    """The bytes of a database's packages on the share, `limit` at most; None for no limit."""

    def __init__(self, store: Store, source: Source, limit: int | None) -> None:
        if limit is not None and limit <= 0:
            raise ValueError(f"a quota is a number of bytes above 0, got {limit}")
        self._store, self._source, self.limit = store, source, limit

    @contextlib.contextmanager
    def held(self, transfer_id: str, entity: Entity) -> Iterator[Callable[[int], None]]:
        """Claim room for a package, or raise TargetFull; tell what is yielded how many bytes have come.

        After the block the claim is what the package takes.
        """
        if self.limit is None:
            yield lambda done: None
            return
        expected = (
            self._source.size_of(entity.image)
            if entity.image is not None
            else self._source.bytes_of([vm.name for vm in entity.vms])
        )
        self._claim(transfer_id, expected, entity)
        claimed = expected

        def stored(done: int) -> None:
            nonlocal claimed
            if done > claimed:
                claimed = done + max(0, min(GROWTH, self.room(transfer_id) - done))
                self._claim(transfer_id, claimed, entity)

        yield stored

    def room(self, but: str | None = None) -> int:
        """Return the bytes that are left, those that a session has claimed not counted."""
        with self._store.change() as db:
            return (self.limit or 0) - self._taken(db, but)

    def taken(self) -> int:
        """Return the bytes that all sessions have or have claimed."""
        with self._store.change() as db:
            return self._taken(db, None)

    def _claim(self, transfer_id: str, size: int, entity: Entity) -> None:
        with self._store.change() as db:
            # One row that all cells lock, so that two exports are not let in for the same room.
            db.get(IdentityRow, 1, with_for_update=True)
            left = (self.limit or 0) - self._taken(db, transfer_id)
            if size > left:
                raise TargetFull(
                    f"{entity.name} needs {size} bytes there and {max(left, 0)} of a quota of {self.limit} are left;"
                    " disable downloads that nobody needs, wait until others have expired, or raise the quota"
                )
            row = db.get(TransferRow, transfer_id)
            if row is not None:
                row.claimed = size

    @staticmethod
    def _taken(db: Session, but: str | None) -> int:
        query = select(func.coalesce(func.sum(TransferRow.claimed), 0)).where(
            TransferRow.state != SessionState.REMOVED.value, TransferRow.id != (but or "")
        )
        return int(db.scalar(query) or 0)
