"""Building a package: a lease per VM, every file aside, both descriptors, and only then the directory's name (3.25).

Whatever goes wrong on the way, nothing of the package is left on the share.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from twohop.exporter._cancellation import Cancellation
from twohop.exporter._errors import TargetRefused
from twohop.runtime import Clock, Journal
from twohop.runtime.profiles import Profile

from ._catalogue import Entity, Image
from ._ledger import Leg, Passage, record
from ._package import Merge, documents, file_name, medium_name
from ._quota import Quota
from ._source import PulledMachine, Source, StoredFile
from ._spool import Spool
from ._steps import OnStep, Step
from ._store import Store

OnPercent = Callable[[int], None]


class Builder:
    """Builds the packages of one cell, in the thread of whoever asks."""

    def __init__(
        self,
        store: Store,
        spool: Spool,
        clock: Clock,
        profile: Profile,
        journal: Journal,
        source: Source,
        merge: Merge,
        quota: Quota,
        *,
        cell: str,
        address: str,
        since: Callable[[], float],
        on_step: OnStep,
    ) -> None:
        self._store, self._spool, self._clock, self._profile = store, spool, clock, profile
        self._journal, self._source, self._merge, self._quota = journal, source, merge, quota
        self._cell, self._address, self._since, self._on_step = cell, address, since, on_step

    @contextlib.contextmanager
    def building(
        self, transfer_id: str, entity: Entity, directory: Path, on_percent: OnPercent, switch: Cancellation
    ) -> Iterator[dict[str, int]]:
        """Give the files of a published package and their sizes; where the block fails, nothing of it is left."""
        try:
            with self._quota.held(transfer_id, entity) as stored:
                self._spool.begin(directory)
                self._on_step(Step.OPENED)
                if entity.image is not None:
                    told = self._progress(1, 0, 0, stored, on_percent)
                    expected = self._copy(transfer_id, entity, entity.image, directory, told, switch)
                else:
                    expected = self._machines(transfer_id, entity, directory, stored, on_percent, switch)
                self._on_step(Step.DESCRIBED)
                switch.check()
                files = self._spool.publish(directory, transfer_id)
                _check(files, expected)
            for name, size in files.items():
                self._journal.record(
                    "file", server=self._cell, what="stored", transfer=transfer_id, file=name, size=size
                )
            self._on_step(Step.PUBLISHED)
            yield files
        except BaseException:
            # What cannot be deleted now the reaper finds without an owner.
            with contextlib.suppress(OSError):
                self._spool.discard(directory)
                self._spool.remove(transfer_id)
            raise

    def _machines(
        self,
        transfer_id: str,
        entity: Entity,
        directory: Path,
        stored: Callable[[int], None],
        on_percent: OnPercent,
        switch: Cancellation,
    ) -> dict[str, int]:
        machines: list[PulledMachine] = []
        for number in range(len(entity.vms)):
            before = sum(file.size for machine in machines for file in machine.files)
            told = self._progress(len(entity.vms), number, before, stored, on_percent)
            machines.append(self._pull(transfer_id, entity, number, directory, told, switch))
        files = {file.name: file.size for machine in machines for file in machine.files}
        return files | self._describe(entity, machines, directory, transfer_id)

    def _copy(
        self,
        transfer_id: str,
        entity: Entity,
        image: Image,
        directory: Path,
        progress: Callable[[int, int], None],
        switch: Cancellation,
    ) -> dict[str, int]:
        file = self._source.copy(
            image, directory, medium_name(self._profile, entity), progress=progress, on_step=self._on_step,
            on_lost=lambda file: self._lost(transfer_id, file), cancelled=switch,
        )  # fmt: skip
        self._came(transfer_id, [file])
        return {file.name: file.size}

    def _pull(
        self,
        transfer_id: str,
        entity: Entity,
        number: int,
        directory: Path,
        progress: Callable[[int, int], None],
        switch: Cancellation,
    ) -> PulledMachine:
        vm = entity.vms[number]
        machine = self._source.pull(
            vm.name,
            directory,
            name_file=lambda own, disk: file_name(self._profile, entity, vm, own, disk),
            progress=progress,
            on_step=self._on_step,
            on_lost=lambda file: self._lost(transfer_id, file),
            cancelled=switch,
        )
        self._came(transfer_id, machine.files)
        return machine

    def _came(self, transfer_id: str, files: Iterable[StoredFile]) -> None:
        """Write down what came from a host to the share, over two legs."""
        with self._store.change() as db:
            for file in files:
                self._cross(db, transfer_id, file, kept=True)
        self._on_step(Step.PULLED)

    def _lost(self, transfer_id: str, file: StoredFile) -> None:
        """Write down what came for nothing; a database that is locked for a while is no reason to end an export."""
        with contextlib.suppress(SQLAlchemyError), self._store.change() as db:
            self._cross(db, transfer_id, file, kept=False)

    def _cross(self, db: Session, transfer_id: str, f: StoredFile, *, kept: bool) -> None:
        cell, share, reading = self._address, f"share:{self._spool.root.name}", max(0.0, f.seconds - f.writing)
        record(
            db, transfer_id,
            Passage(Leg.HOST_TO_CELL, f.name, f.host, cell, f.size, f.began, f.ended, reading, kept),
            Passage(Leg.CELL_TO_SHARE, f.name, cell, share, f.size, f.began, f.ended, f.writing, kept),
        )  # fmt: skip

    @staticmethod
    def _progress(
        machines: int, number: int, before: int, stored: Callable[[int], None], on_percent: OnPercent
    ) -> Callable[[int, int], None]:
        shown = -1

        def progress(done: int, expected: int) -> None:
            nonlocal shown
            stored(before + done)
            share = min(done / expected, 1.0) if expected else 0.0
            percent = int(100 * (number + share) / machines)
            if percent > shown + 2:
                shown = percent
                on_percent(percent)

        return progress

    def _describe(
        self, entity: Entity, machines: Sequence[PulledMachine], directory: Path, transfer_id: str
    ) -> dict[str, int]:
        made = documents(self._profile, entity, machines, self._merge, self._since())
        share, written = f"share:{self._spool.root.name}", list[Passage]()
        for name, data in made.items():
            began, started = self._clock.now(), time.monotonic()
            self._spool.write(directory, name, data)
            ended, seconds = self._clock.now(), time.monotonic() - started
            written.append(Passage(Leg.CELL_TO_SHARE, name, self._address, share, len(data), began, ended, seconds))
        with self._store.change() as db:
            record(db, transfer_id, *written)
        return {name: len(data) for name, data in made.items()}


def _check(files: dict[str, int], expected: dict[str, int]) -> None:
    wrong = sorted(name for name, size in expected.items() if files.get(name) != size)
    if wrong:
        raise TargetRefused(
            f"{', '.join(wrong)} was deleted or changed by somebody else while the package was built; keep others off"
            " the cell's directories and try again"
        )
