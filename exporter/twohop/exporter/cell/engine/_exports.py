"""Exports, from the task to the link (3.1-3.4, 3.25): a thread for each, one at a time of an entity.

Whatever goes wrong on the way, the task says what. What the database does not take in that moment is owed to it, and
written down as soon as it can be.
"""

from __future__ import annotations

import contextlib
import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.orm import Session

from twohop.exporter._cancellation import Cancellation
from twohop.exporter._errors import Cancelled
from twohop.runtime import Journal
from twohop.runtime.profiles import Profile

from ._building import Builder
from ._catalogue import Entity
from ._causes import cause
from ._debts import Debts
from ._rows import TransferRow
from ._session import Refusal, SessionInput
from ._spool import Spool
from ._steps import OnStep, Step
from ._store import Store
from ._sweeper import Sweeper
from ._task import TaskInput
from ._tasks import Tasks
from ._transfers import Transfers


class EntityBusy(Exception):
    """Another export of the entity is running."""


class Exports:
    """The exports of one cell."""

    def __init__(
        self,
        store: Store,
        spool: Spool,
        profile: Profile,
        journal: Journal,
        tasks: Tasks,
        transfers: Transfers,
        sweeper: Sweeper,
        builder: Builder,
        debts: Debts,
        *,
        cell: str,
        on_step: OnStep,
    ) -> None:
        self._store, self._spool, self._profile = store, spool, profile
        self._journal, self._tasks, self._transfers = journal, tasks, transfers
        self._sweeper, self._builder, self._debts = sweeper, builder, debts
        self._cell, self._on_step = cell, on_step
        self._turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._threads: set[threading.Thread] = set()
        self._lock = threading.Lock()
        self._closing = False

    def start(self, entity: Entity, user: str, operation: str, operation_name: str, *, alone: bool = False) -> str:
        """Begin an export and return its task's id; one of an entity waits for the one before it.

        With `alone` it does not wait: EntityBusy.
        """
        with self._lock:
            turn = self._turns[entity.id]
        mine = turn.acquire(blocking=False)
        if not mine and alone:
            raise EntityBusy(entity.id)
        try:
            with self._store.change() as db:
                task_id = self._tasks.create(db, entity, user, operation, operation_name)
                if mine:
                    self._tasks.step(db, task_id, TaskInput.START)
        except BaseException:
            if mine:
                turn.release()
            raise
        try:
            self._on_step(Step.ASKED)
            thread = threading.Thread(
                target=self._run, args=(task_id, entity, turn, mine), name=f"{self._cell}-export", daemon=True
            )
            # Whoever settles joins what stands in the set, so it stands there only once it runs.
            with self._lock:
                thread.start()
                self._threads.add(thread)
        except BaseException as error:
            if mine:
                turn.release()
            self._end(task_id, TaskInput.FAIL, f"the export could not begin: {cause(error)}")
            self._tasks.forget(task_id)
            raise
        return task_id

    def close(self) -> None:
        """Stop every export and wait until it has cleaned up; its task is aborted."""
        self._closing = True
        self.settle(stop=True)

    def settle(self, *, stop: bool = False) -> None:
        """Wait until no export is running, after stopping them where asked."""
        if stop:
            self._tasks.stop_all()
        while True:
            with self._lock:
                threads = list(self._threads)
            if not threads:
                return
            for thread in threads:
                thread.join()

    def _run(self, task_id: str, entity: Entity, turn: threading.Lock, mine: bool) -> None:
        switch = self._tasks.switch(task_id)
        try:
            if not mine:
                self._await(turn, switch)
                mine = True
                with self._store.change() as db:
                    self._tasks.step(db, task_id, TaskInput.START)
            switch.check()
            self._export(task_id, entity, switch)
        except Cancelled as reason:
            self._end(task_id, TaskInput.ABORT if self._closing else TaskInput.CANCEL, str(reason))
        except Exception as error:
            self._end(task_id, TaskInput.FAIL, cause(error))
        finally:
            if mine:
                turn.release()
            self._tasks.forget(task_id)
            with self._lock:
                self._threads.discard(threading.current_thread())

    @staticmethod
    def _await(turn: threading.Lock, switch: Cancellation) -> None:
        while not turn.acquire(timeout=0.1):
            switch.check()

    def _end(self, task_id: str, input: TaskInput, message: str) -> None:
        def written() -> None:
            with self._store.change() as db:
                error = message if input is TaskInput.FAIL else None
                self._tasks.step(db, task_id, input, error=error, details=message)

        self._journal.record("fault", server=self._cell, what="export ended", task=task_id, message=message)
        self._debts.settle(written, f"the end of task {task_id}")

    def _export(self, task_id: str, entity: Entity, switch: Cancellation) -> None:
        if self._linked_again(task_id, entity):
            return
        with self._session(task_id, entity) as (transfer_id, directory):
            self._on_step(Step.RESERVED)
            if self._profile.text("build_at") == "get":
                self._link(task_id, transfer_id, {})
            else:
                told = self._tasks.on_percent(task_id)
                with self._builder.building(transfer_id, entity, directory, told, switch) as files:
                    self._link(task_id, transfer_id, files)
        self._on_step(Step.LINKED)

    def _link(self, task_id: str, transfer_id: str, files: dict[str, int]) -> None:
        def succeed(db: Session, row: TransferRow) -> None:
            row.holds(files, self._transfers.now())
            self._tasks.step(db, task_id, TaskInput.SUCCEED, details="")

        if isinstance(self._transfers.apply(transfer_id, SessionInput.BUILT, succeed), Refusal):
            raise Cancelled("the download was disabled while it was being enabled")

    def _linked_again(self, task_id: str, entity: Entity) -> bool:
        """Succeed at once where the package of an earlier enableDownload still stands whole (3.14)."""
        linked = self._transfers.linked(entity.id) if self._profile.text("repeat_enable") == "same" else None
        if linked is None:
            return False
        if self._spool.files(linked.id) != linked.files:
            self._sweeper.disable(linked.id)
            return False

        def succeed(db: Session, row: TransferRow) -> None:
            self._tasks.step(db, task_id, TaskInput.SUCCEED)

        return not isinstance(self._transfers.apply(linked.id, SessionInput.ENABLE_AGAIN, succeed), Refusal)

    @contextlib.contextmanager
    def _session(self, task_id: str, entity: Entity) -> Iterator[tuple[str, Path]]:
        """Open a session for a package and name the place to build it; end the session where the block fails."""
        directory = self._spool.aside_name()
        with self._store.change() as db:
            transfer_id = self._transfers.create(db, entity.id, task_id, directory)
        try:
            yield transfer_id, directory
        except BaseException:
            self._debts.settle(lambda: self._sweeper.fail(transfer_id, directory), "the end of a failed export")
            raise
