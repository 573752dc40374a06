"""Transfer sessions as they live: rows stepped through the machine, timers on the clock.

Two clocks end a session, and they are not one (3.17-3.20): the idle timer here kills the URLs, the sweeper deletes
files on its own schedule.
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from twohop.runtime import Clock, Journal, Timer
from twohop.runtime.profiles import Profile

from ._debts import RETRY_S
from ._rows import TransferRow, digest_of
from ._session import Refusal, SessionInput, SessionState, TransferSession
from ._spool import new_transfer_id
from ._steps import OnStep, Step
from ._store import Store


@dataclass(frozen=True, slots=True)
class Linked:
    """A session whose URLs are valid: its id and its files with sizes in bytes; none before a late build (3.3b)."""

    id: str
    files: dict[str, int]


class Transfers:
    """The transfer sessions of one cell."""

    def __init__(
        self, store: Store, clock: Clock, profile: Profile, journal: Journal, *, cell: str, on_step: OnStep
    ) -> None:
        self._store, self._clock, self._profile = store, clock, profile
        self._journal, self._cell, self._on_step = journal, cell, on_step
        self._lock = threading.RLock()
        self._timers: dict[str, Timer] = {}

    def recover(self) -> None:
        """Take up what an earlier process of this cell left: dead exports fail, readers are gone, timers run again."""
        with self._store.change() as db:
            rows = db.scalars(select(TransferRow).where(TransferRow.state != SessionState.REMOVED.value)).all()
            for row in rows:
                # Of a session of ours another cell may have readers, who live, and we had some of its (6.1).
                gone = int(row.reading.get(self._cell, 0))
                row.readers = max(0, row.readers - gone)
                row.serves(self._cell, -gone)
            mine = [row for row in rows if row.cell == self._cell]
            for row in mine:
                if row.state == SessionState.LINKED.value:
                    row.scratch = None
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
            scratch=scratch.name, created_at=now, files={}, claimed=0,
            url_expiry_s=self._profile.seconds("url_expiry_s"), get_refreshes=self._profile.text("get_refreshes"),
            enable_refreshes=self._profile.text("repeat_restarts") == "yes",
        )  # fmt: skip
        row.take(TransferSession(row.url_expiry_s, now))
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
                value = self.aged(before) if input is not SessionInput.IDLE else before
                result = value.step(input, self._clock.now())
                after = value if isinstance(result, Refusal) else self.aged(result)
                row.take(after)
                row.serves(self._cell, after.readers - before.readers)
                if not isinstance(result, Refusal) and also is not None:
                    also(db, row)
            if after.state is not before.state:
                self._tell(transfer_id, before.state, after.state, input.value)
            self._arm(transfer_id, after)
        if after.state.dead and not before.state.dead:
            self._on_step(Step.ENDED)
        if after.state is SessionState.REMOVED and after.state is not before.state:
            self._on_step(Step.REMOVED)
        return result

    def empty(self, transfer_id: str) -> None:
        """Write down that a session has no package and none is being built."""
        with self._store.change() as db:
            row = db.get(TransferRow, transfer_id, with_for_update=True)
            if row is not None:
                row.holds({})

    def linked(self, entity_id: str) -> Linked | None:
        """Return the newest session of an entity whose URLs are valid."""
        with self._lock, self._store.change() as db:
            rows = db.scalars(
                select(TransferRow)
                .where(TransferRow.entity_id == entity_id, TransferRow.state == SessionState.LINKED.value)
                .order_by(TransferRow.created_at.desc())
            ).all()
            live = [row for row in rows if self.aged(row.value()).state is SessionState.LINKED]
            return Linked(live[0].id, dict(live[0].files)) if live else None

    def now(self) -> float:
        """Return the moment on the cell's clock."""
        return self._clock.now()

    def in_sight(self, transfer_id: str) -> bool:
        """Tell whether this cell sees a package yet: one that another cell put on the share it sees later (6.1, F1)."""
        with self._store.change() as db:
            row = db.get(TransferRow, transfer_id)
            if row is None or row.cell == self._cell or row.published_at is None:
                return True
            return self._clock.now() >= row.published_at + self._profile.seconds("per_cell_view_lag_s")

    def finish(self, transfer_id: str, names: set[str], over: Callable[[set[str], set[str]], bool]) -> bool:
        """Write down that files have been read to their end; tell whether that ends the session (3.19).

        `over` tells, given the files of the package and those that have been read, whether nobody wants more of it.
        """
        with self._store.change() as db:
            row = db.get(TransferRow, transfer_id, with_for_update=True)
            if row is None or row.state != SessionState.LINKED.value:
                return False
            row.finished = sorted({*row.finished, *names})
            if row.readers or not over(set(row.files), set(row.finished)):
                return False
        return not isinstance(self.apply(transfer_id, SessionInput.FINISHED), Refusal)

    def files(self, transfer_id: str) -> dict[str, int]:
        """Return names and sizes of a session's package; none where it is not built."""
        with self._store.change() as db:
            row = db.get(TransferRow, transfer_id)
            return dict(row.files) if row is not None else {}

    def published_at(self, transfer_id: str) -> float | None:
        """Return when a session's package got its name; None where it is not built."""
        with self._store.change() as db:
            row = db.get(TransferRow, transfer_id)
            return row.published_at if row is not None else None

    def of_entity(self, entity_id: str) -> list[str]:
        """Return the sessions of an entity that have not been removed."""
        with self._store.change() as db:
            gone = SessionState.REMOVED.value
            query = select(TransferRow.id).where(TransferRow.entity_id == entity_id, TransferRow.state != gone)
            return list(db.scalars(query))

    def find(self, transfer_id: str) -> str | None:
        """Return the session of an id that somebody showed; looked up by digest, so that timing tells nothing."""
        with self._store.change() as db:
            query = select(TransferRow.id).where(TransferRow.digest == digest_of(transfer_id))
            found = db.scalars(query).one_or_none()
        return found if found is not None and hmac.compare_digest(found.encode(), transfer_id.encode()) else None

    def aged(self, value: TransferSession) -> TransferSession:
        """Return a session as its idle time has left it by now."""
        result = value.step(SessionInput.IDLE, self._clock.now())
        return value if isinstance(result, Refusal) else result

    def close(self) -> None:
        """Forget every timer."""
        with self._lock:
            timers, self._timers = self._timers, {}
        for timer in timers.values():
            timer.cancel()

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

    def _tell(self, transfer_id: str, before: SessionState | None, after: SessionState, why: str) -> None:
        self._journal.record(
            "transition", server=self._cell, machine="transfer-session", id=transfer_id, why=why,
            before=before.value if before else None, after=after.value,
        )  # fmt: skip
