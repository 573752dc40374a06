"""Transfer sessions as they live: rows stepped through the machine, timers on the clock, files taken by the reaper.

Two clocks end a session, and they are not one (3.17-3.20): the idle timer kills the URLs, the reaper deletes files on
its own schedule.
"""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from twohop.runtime import Clock, Journal, Timer
from twohop.runtime.profiles import Profile

from ._downloads import Download, FileGone, LinkDead
from ._ledger import Leg, Passage, amend, record
from ._rows import TransferRow, digest_of
from ._session import Refusal, SessionInput, SessionState, TransferSession
from ._spool import Spool, is_transfer_id, new_transfer_id
from ._store import Store

RETRY_S = 60.0
"""Seconds of the clock after which a timer that failed runs again."""


@dataclass(frozen=True, slots=True)
class Linked:
    """A session whose URLs are valid: its id and its files with sizes in bytes."""

    id: str
    files: dict[str, int]


class Transfers:
    """The transfer sessions of one cell."""

    def __init__(
        self, store: Store, spool: Spool, clock: Clock, profile: Profile, journal: Journal, *, cell: str, address: str
    ) -> None:
        self._store, self._spool, self._clock, self._profile = store, spool, clock, profile
        self._journal, self._cell, self._address = journal, cell, address
        self._lock = threading.RLock()
        self._timers: dict[str, Timer] = {}
        self._foreign: set[str] = set()

    def recover(self) -> None:
        """Take up what an earlier process of this cell left: dead exports fail, readers are gone, timers run again."""
        with self._store.change() as db:
            mine = db.scalars(select(TransferRow).where(TransferRow.cell == self._cell)).all()
            for row in mine:
                row.readers = 0
            found = [(row.id, SessionState(row.state)) for row in mine]
        for transfer_id, state in found:
            self._journal.references.name("transfer", transfer_id)
            if state is SessionState.BUILDING:
                self.apply(transfer_id, SessionInput.BUILD_FAILED)
            elif state is SessionState.LINKED:
                self.apply(transfer_id, SessionInput.IDLE)

    def create(self, db: Session, entity_id: str, task_id: str, scratch: Path) -> str:
        """Write down a new session, whose package is built in `scratch`."""
        transfer_id, now = new_transfer_id(), self._clock.now()
        self._journal.references.name("transfer", transfer_id)
        row = TransferRow(
            id=transfer_id, digest=digest_of(transfer_id), cell=self._cell, entity_id=entity_id, task_id=task_id,
            scratch=scratch.name, created_at=now, files={},
            url_expiry_s=self._profile.seconds("url_expiry_s"), get_refreshes=self._profile.text("get_refreshes"),
        )  # fmt: skip
        row.take(TransferSession(row.url_expiry_s, now, get_refreshes=row.get_refreshes))
        db.add(row)
        self._tell(transfer_id, None, SessionState.BUILDING, "enableDownload")
        return transfer_id

    def apply(
        self,
        transfer_id: str,
        input: SessionInput,
        also: Callable[[Session, TransferRow], None] | None = None,
    ) -> TransferSession | Refusal:
        """Take a session through one input; `also` changes more rows in the same transaction."""
        with self._lock:
            with self._store.change() as db:
                row = db.get(TransferRow, transfer_id, with_for_update=True)
                if row is None:
                    return Refusal.GONE
                before = row.value()
                value = self._expired(before) if input is not SessionInput.IDLE else before
                result = value.step(input, self._clock.now())
                after = value if isinstance(result, Refusal) else self._expired(result)
                row.take(after)
                if not isinstance(result, Refusal) and also is not None:
                    also(db, row)
            if after.state is not before.state:
                self._tell(transfer_id, before.state, after.state, input.value)
            self._arm(transfer_id, after)
        if input is SessionInput.DISABLE and self._profile.text("disable_removes") == "at-once":
            self._take_files(transfer_id, after)
        return result

    def linked(self, entity_id: str) -> Linked | None:
        """Return the newest session of an entity whose URLs are valid."""
        with self._lock, self._store.change() as db:
            rows = db.scalars(
                select(TransferRow)
                .where(TransferRow.entity_id == entity_id, TransferRow.state == SessionState.LINKED.value)
                .order_by(TransferRow.created_at.desc())
            ).all()
            live = [row for row in rows if self._expired(row.value()).state is SessionState.LINKED]
            return Linked(live[0].id, dict(live[0].files)) if live else None

    def of_entity(self, entity_id: str) -> list[str]:
        """Return the sessions of an entity that have not been removed."""
        with self._store.change() as db:
            gone = SessionState.REMOVED.value
            query = select(TransferRow.id).where(TransferRow.entity_id == entity_id, TransferRow.state != gone)
            return list(db.scalars(query))

    def open(self, transfer_id: str, name: str, user: str) -> Download:
        """Begin a GET of a file; LinkDead or FileGone where there is nothing to get."""
        known = self._find(transfer_id)
        if known is None or isinstance(self.apply(known, SessionInput.GET_BEGINS), Refusal):
            raise LinkDead
        try:
            file, size = self._spool.open(known, name)
        except OSError:
            self.apply(known, SessionInput.GET_ENDS)
            raise FileGone from None
        return Download(self, known, name, file, size, user, self._clock.now())

    def ended(self, download: Download, sent: int) -> int:
        """End a GET and write its two legs down, if anything went over them; return what `amend` takes."""
        now, share, cell = self._clock.now(), f"share:{self._spool.root.name}", self._address
        self.apply(download.transfer_id, SessionInput.GET_ENDS)
        if sent == 0:
            return 0
        name, began, seconds = download.name, download.began, time.monotonic() - download.started
        with self._store.change() as db:
            record(db, download.transfer_id, Passage(Leg.SHARE_TO_CELL, name, share, cell, sent, began, now, seconds))
            to_user = Passage(Leg.CELL_TO_USER, name, cell, download.user, sent, began, now, seconds)
            return record(db, download.transfer_id, to_user)

    def amend(self, leg: int, sent: int) -> None:
        """Correct a leg whose last bytes did not leave."""
        with self._store.change() as db:
            amend(db, leg, sent)

    def reap(self) -> None:
        """Delete the files of dead sessions, and directories of this database's that no session owns.

        What cannot be deleted now is tried again in the next round. The directories are listed before the sessions are
        read, since a session is written down before it has one. What others put on the share stays (3.21).
        """
        found, now = self._spool.look(), self._clock.now()
        with self._store.change() as db:
            rows = db.scalars(select(TransferRow).where(TransferRow.state != SessionState.REMOVED.value)).all()
            values = {row.id: row.value() for row in rows}
            building = {row.scratch for row in rows if row.state == SessionState.BUILDING.value}
        for transfer_id, value in values.items():
            due = value.deadline()
            if due is not None and due <= now:
                self.apply(transfer_id, SessionInput.IDLE)
                value = self._expired(value)
            self._take_files(transfer_id, value)
        for name in found.packages:
            if name not in values:
                self._removed("orphan removed", partial(self._spool.remove, name))
        for directory in found.aside:
            if directory.name not in building:
                self._removed("orphan removed", partial(self._spool.discard, directory))
        self._leave_alone(set(found.foreign) - set(values))

    def close(self) -> None:
        """Forget every timer."""
        with self._lock:
            timers, self._timers = self._timers, {}
        for timer in timers.values():
            timer.cancel()

    def _find(self, transfer_id: str) -> str | None:
        with self._store.change() as db:
            query = select(TransferRow.id).where(TransferRow.digest == digest_of(transfer_id))
            found = db.scalars(query).one_or_none()
        return found if found is not None and hmac.compare_digest(found.encode(), transfer_id.encode()) else None

    def _expired(self, value: TransferSession) -> TransferSession:
        result = value.step(SessionInput.IDLE, self._clock.now())
        return value if isinstance(result, Refusal) else result

    def _arm(self, transfer_id: str, value: TransferSession) -> None:
        timer = self._timers.pop(transfer_id, None)
        if timer is not None:
            timer.cancel()
        due = value.deadline()
        if due is not None:
            self._timers[transfer_id] = self._clock.call_at(due, lambda: self._on_idle(transfer_id))

    def _on_idle(self, transfer_id: str) -> None:
        # The clock's own thread runs this, or whoever advances the clock; neither has a part in our troubles.
        try:
            self.apply(transfer_id, SessionInput.IDLE)
        except Exception as error:
            what = f"the end of an idle link was not written down: {type(error).__name__}; tried again"
            self._journal.record("fault", server=self._cell, what=what, transfer=transfer_id)
            with self._lock:
                if transfer_id in self._timers:
                    due = self._clock.now() + RETRY_S
                    self._timers[transfer_id] = self._clock.call_at(due, lambda: self._on_idle(transfer_id))

    def _take_files(self, transfer_id: str, value: TransferSession) -> None:
        if value.state.dead and self._removed("package removed", partial(self._spool.remove, transfer_id), transfer_id):
            self.apply(transfer_id, SessionInput.FILES_REMOVED)

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

    def _tell(self, transfer_id: str, before: SessionState | None, after: SessionState, why: str) -> None:
        self._journal.record(
            "transition", server=self._cell, machine="transfer-session", id=transfer_id, why=why,
            before=before.value if before else None, after=after.value,
        )  # fmt: skip
