"""An export, from the task to the link, step by step (3.1-3.4, 3.25).

Ask vCenter for a lease per VM and store every file in a directory aside; write both descriptors; give the directory its
name; only then link it (3.3). Whatever goes wrong on the way, the task says what, and nothing is left on the share.
"""

from __future__ import annotations

import contextlib
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from twohop.exporter._cancellation import Cancellation
from twohop.exporter._errors import Cancelled, ExportError
from twohop.runtime import Clock, Journal
from twohop.runtime.profiles import Profile

from ._catalogue import Entity
from ._ledger import Leg, Passage, record
from ._package import Merge, documents, file_name
from ._rows import TransferRow
from ._session import Refusal, SessionInput
from ._source import PulledMachine, Source
from ._spool import Spool
from ._store import Store
from ._task import TaskInput
from ._tasks import Tasks
from ._transfers import Transfers


class ExportStep(Enum):
    """The steps of an export, in order; each is reported when it has been taken."""

    ASKED = "the task is written down"
    RESERVED = "a directory is made and the session written down"
    PULLED = "a machine's files are stored and its lease is complete"
    DESCRIBED = "both descriptors are stored"
    PUBLISHED = "the directory has its name"
    LINKED = "the session is linked and the task has succeeded"


class Exports:
    """The exports of one cell, a thread for each."""

    def __init__(
        self,
        store: Store,
        spool: Spool,
        clock: Clock,
        profile: Profile,
        journal: Journal,
        tasks: Tasks,
        transfers: Transfers,
        source: Source,
        merge: Merge,
        *,
        cell: str,
        address: str,
        since: Callable[[], float],
        on_step: Callable[[ExportStep], None] | None = None,
    ) -> None:
        self._store, self._spool, self._clock, self._profile = store, spool, clock, profile
        self._journal, self._tasks, self._transfers = journal, tasks, transfers
        self._source, self._merge = source, merge
        self._cell, self._address, self._since = cell, address, since
        self._on_step = on_step or (lambda step: None)
        self._turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._threads: set[threading.Thread] = set()
        self._lock = threading.Lock()
        self._closing = False

    def start(self, entity: Entity, user: str, operation: str, operation_name: str) -> str:
        """Begin an export and return its task's id; one of an entity waits for the one before it."""
        with self._lock:
            turn = self._turns[entity.id]
        mine = turn.acquire(blocking=False)
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
            self._on_step(ExportStep.ASKED)
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
            self._end(task_id, TaskInput.FAIL, f"the export could not begin: {_line(error)}")
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
        except (ExportError, OSError, SQLAlchemyError) as error:
            self._end(task_id, TaskInput.FAIL, _line(error))
        except Exception as error:
            self._end(task_id, TaskInput.FAIL, f"twohop's own fault, please report it: {_line(error)}")
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
        self._journal.record("fault", server=self._cell, what="export ended", task=task_id, message=message)
        with contextlib.suppress(SQLAlchemyError), self._store.change() as db:
            self._tasks.step(db, task_id, input, error=message if input is TaskInput.FAIL else None, details=message)

    def _export(self, task_id: str, entity: Entity, switch: Cancellation) -> None:
        if self._linked_again(task_id, entity):
            return
        directory = self._spool.aside_name()
        with self._building(task_id, entity, directory) as transfer_id:
            self._on_step(ExportStep.RESERVED)
            machines = []
            for number in range(len(entity.vms)):
                machines.append(self._pull(task_id, transfer_id, entity, number, directory, switch))
                self._on_step(ExportStep.PULLED)
            self._describe(entity, machines, directory, transfer_id)
            self._on_step(ExportStep.DESCRIBED)
            switch.check()
            files = self._spool.publish(directory, transfer_id)
            for name, size in files.items():
                self._journal.record(
                    "file", server=self._cell, what="stored", transfer=transfer_id, file=name, size=size
                )
            self._on_step(ExportStep.PUBLISHED)

            def succeed(db: Session, row: TransferRow) -> None:
                row.files, row.scratch = dict(files), None
                self._tasks.step(db, task_id, TaskInput.SUCCEED, details="")

            if isinstance(self._transfers.apply(transfer_id, SessionInput.BUILT, succeed), Refusal):
                raise Cancelled("the download was disabled while it was being enabled")
        self._on_step(ExportStep.LINKED)

    def _linked_again(self, task_id: str, entity: Entity) -> bool:
        """Succeed at once where the package of an earlier enableDownload still stands whole (3.14)."""
        linked = self._transfers.linked(entity.id) if self._profile.text("repeat_enable") == "same" else None
        if linked is None:
            return False
        if self._spool.files(linked.id) != linked.files:
            self._transfers.apply(linked.id, SessionInput.DISABLE)
            return False

        def succeed(db: Session, row: TransferRow) -> None:
            self._tasks.step(db, task_id, TaskInput.SUCCEED)

        return not isinstance(self._transfers.apply(linked.id, SessionInput.ENABLE_AGAIN, succeed), Refusal)

    @contextlib.contextmanager
    def _building(self, task_id: str, entity: Entity, directory: Path) -> Iterator[str]:
        """Open a session for a package under way, and leave nothing of it where the block fails."""
        transfer_id: str | None = None
        try:
            with self._store.change() as db:
                transfer_id = self._transfers.create(db, entity.id, task_id, directory)
            self._spool.begin(directory)
            yield transfer_id
        except BaseException:
            gone = False
            with contextlib.suppress(OSError):
                self._spool.discard(directory)
                gone = True if transfer_id is None else self._spool.remove(transfer_id) or True
            if transfer_id is not None:
                with contextlib.suppress(SQLAlchemyError):
                    self._transfers.apply(transfer_id, SessionInput.BUILD_FAILED)
                    if gone:
                        self._transfers.apply(transfer_id, SessionInput.FILES_REMOVED)
            raise

    def _pull(
        self, task_id: str, transfer_id: str, entity: Entity, number: int, directory: Path, switch: Cancellation
    ) -> PulledMachine:
        shown, began, vm = -1, self._clock.now(), entity.vms[number]

        def progress(done: int, expected: int) -> None:
            nonlocal shown
            share = min(done / expected, 1.0) if expected else 0.0
            percent = int(100 * (number + share) / len(entity.vms))
            if percent > shown + 2:
                shown = percent
                self._tasks.progress(task_id, percent)

        machine = self._source.pull(
            vm.name,
            directory,
            name_file=lambda own, disk: file_name(self._profile, entity, vm, own, disk),
            progress=progress,
            cancelled=switch,
        )
        ended, cell, share = self._clock.now(), self._address, f"share:{self._spool.root.name}"
        with self._store.change() as db:
            for file in machine.files:
                for leg, source, target in ((Leg.HOST_TO_CELL, file.host, cell), (Leg.CELL_TO_SHARE, cell, share)):
                    passage = Passage(leg, file.name, source, target, file.size, began, ended, file.seconds)
                    record(db, transfer_id, passage)
        return machine

    def _describe(self, entity: Entity, machines: Sequence[PulledMachine], directory: Path, transfer_id: str) -> None:
        stored = documents(self._profile, entity, machines, self._merge, self._since())
        now, share = self._clock.now(), f"share:{self._spool.root.name}"
        for name, data in stored.items():
            self._spool.write(directory, name, data)
        with self._store.change() as db:
            for name, data in stored.items():
                record(
                    db, transfer_id, Passage(Leg.CELL_TO_SHARE, name, self._address, share, len(data), now, now, 0.0)
                )


def _line(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"the transfer share: {error.strerror}; check its space, permissions and mount"
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__
