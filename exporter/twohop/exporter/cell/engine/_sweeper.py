"""Who takes packages off the share: of dead sessions, and directories of this database's that no session owns."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from sqlalchemy import select

from twohop.runtime import Clock, Journal
from twohop.runtime.profiles import Profile

from ._rows import TransferRow
from ._session import Refusal, SessionInput, SessionState, TransferSession
from ._spool import Spool, is_transfer_id
from ._store import Store
from ._transfers import Transfers


class Sweeper:
    """Deletes what has to go, and nothing else (3.19-3.21)."""

    def __init__(
        self,
        store: Store,
        spool: Spool,
        clock: Clock,
        profile: Profile,
        journal: Journal,
        transfers: Transfers,
        *,
        cell: str,
    ) -> None:
        self._store, self._spool, self._clock, self._profile = store, spool, clock, profile
        self._journal, self._transfers, self._cell = journal, transfers, cell
        self._foreign: set[str] = set()

    def disable(self, transfer_id: str) -> None:
        """End a session by disableDownload; its files go at once or with the next round, as the profile says."""
        after = self._transfers.apply(transfer_id, SessionInput.DISABLE)
        if not isinstance(after, Refusal) and self._profile.text("disable_removes") == "at-once":
            self._take(transfer_id, after)

    def take(self, transfer_id: str) -> None:
        """Delete the files of a session that is over, at once."""
        with self._store.change() as db:
            row = db.get(TransferRow, transfer_id)
            value = row.value() if row is not None else None
        if value is not None:
            self._take(transfer_id, value)

    def fail(self, transfer_id: str, directory: Path) -> None:
        """End a session whose package could not be built; what is left of it goes with the next round."""
        self._transfers.apply(transfer_id, SessionInput.BUILD_FAILED)
        if self._spool.gone(directory, transfer_id):
            self._transfers.apply(transfer_id, SessionInput.FILES_REMOVED)

    def clear_failed(self) -> None:
        """Delete what failed exports of this cell have left, and leave every other session to its time (6.8)."""
        with self._store.change() as db:
            query = select(TransferRow).where(
                TransferRow.cell == self._cell, TransferRow.state == SessionState.FAILED.value
            )
            left = [(row.id, row.scratch, row.value()) for row in db.scalars(query)]
        for transfer_id, scratch, value in left:
            if scratch is not None:
                self._removed("orphan removed", partial(self._spool.discard, self._spool.root / scratch), transfer_id)
            self._take(transfer_id, value)

    def round(self) -> None:
        """Delete the files of dead sessions and what no session owns.

        What cannot be deleted now is tried again in the next round. The directories are listed before the sessions are
        read, since a session is written down before it has one. What others put on the share stays (3.21).
        """
        found, now = self._spool.look(), self._clock.now()
        with self._store.change() as db:
            rows = db.scalars(select(TransferRow).where(TransferRow.state != SessionState.REMOVED.value)).all()
            values = {row.id: row.value() for row in rows}
            building = {row.scratch for row in rows if not row.value().state.dead}
        for transfer_id, value in values.items():
            due = value.deadline()
            if due is not None and due <= now:
                self._transfers.apply(transfer_id, SessionInput.IDLE)
                value = self._transfers.aged(value)
            self._take(transfer_id, value)
        for name in found.packages:
            if name not in values:
                self._removed("orphan removed", partial(self._spool.remove, name))
        for directory in found.aside:
            if directory.name not in building:
                self._removed("orphan removed", partial(self._spool.discard, directory))
        self._leave_alone(set(found.foreign) - set(values))

    def _take(self, transfer_id: str, value: TransferSession) -> None:
        if value.state.dead and self._removed("package removed", partial(self._spool.remove, transfer_id), transfer_id):
            self._transfers.apply(transfer_id, SessionInput.FILES_REMOVED)

    def _removed(self, what: str, remove: Callable[[], object], transfer_id: str | None = None) -> bool:
        try:
            remove()
        except OSError as error:
            self._journal.record("fault", server=self._cell, what=f"the share keeps what has to go: {error.strerror}")
            return False
        self._journal.record("file", server=self._cell, what=what, transfer=transfer_id)
        return True

    def _leave_alone(self, names: set[str]) -> None:
        """Write down, once for each, what stands on the share and is not ours."""
        new, self._foreign = names - self._foreign, names
        for name in new:
            if is_transfer_id(name):
                # Of another cell's package this name is all that a download takes.
                self._journal.references.name("transfer", name)
        if new:
            self._journal.record("file", server=self._cell, what="not ours, left alone", names=sorted(new))
