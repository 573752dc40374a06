"""Building a package: a lease per VM, every file aside, both descriptors, and only then the directory's name (3.25).

Whatever goes wrong on the way, nothing of the package is left on the share.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from twohop.exporter._cancellation import Cancellation
from twohop.exporter._errors import TargetRefused
from twohop.runtime import Clock, Journal
from twohop.runtime.profiles import Profile

from ._catalogue import Entity
from ._ledger import Leg, Passage, record
from ._package import Merge, documents, file_name
from ._quota import Quota
from ._source import PulledMachine, Source
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
                machines: list[PulledMachine] = []
                for number in range(len(entity.vms)):
                    before = sum(file.size for machine in machines for file in machine.files)
                    told = self._progress(entity, number, before, stored, on_percent)
                    machines.append(self._pull(transfer_id, entity, number, directory, told, switch))
                expected = {file.name: file.size for machine in machines for file in machine.files}
                expected |= self._describe(entity, machines, directory, transfer_id)
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
            cancelled=switch,
        )
        cell, share = self._address, f"share:{self._spool.root.name}"
        with self._store.change() as db:
            for f in machine.files:
                read = Passage(Leg.HOST_TO_CELL, f.name, f.host, cell, f.size, f.began, f.ended, f.seconds - f.writing)
                record(db, transfer_id, read)
                record(
                    db, transfer_id,
                    Passage(Leg.CELL_TO_SHARE, f.name, cell, share, f.size, f.began, f.ended, f.writing),
                )  # fmt: skip
        self._on_step(Step.PULLED)
        return machine

    @staticmethod
    def _progress(
        entity: Entity, number: int, before: int, stored: Callable[[int], None], on_percent: OnPercent
    ) -> Callable[[int, int], None]:
        shown = -1

        def progress(done: int, expected: int) -> None:
            nonlocal shown
            stored(before + done)
            share = min(done / expected, 1.0) if expected else 0.0
            percent = int(100 * (number + share) / len(entity.vms))
            if percent > shown + 2:
                shown = percent
                on_percent(percent)

        return progress

    def _describe(
        self, entity: Entity, machines: Sequence[PulledMachine], directory: Path, transfer_id: str
    ) -> dict[str, int]:
        made = documents(self._profile, entity, machines, self._merge, self._since())
        now, share = self._clock.now(), f"share:{self._spool.root.name}"
        for name, data in made.items():
            self._spool.write(directory, name, data)
        with self._store.change() as db:
            for name, data in made.items():
                record(
                    db, transfer_id, Passage(Leg.CELL_TO_SHARE, name, self._address, share, len(data), now, now, 0.0)
                )
        return {name: len(data) for name, data in made.items()}


def _check(files: dict[str, int], expected: dict[str, int]) -> None:
    wrong = sorted(name for name, size in expected.items() if files.get(name) != size)
    if wrong:
        raise TargetRefused(
            f"{', '.join(wrong)} was deleted or changed by somebody else while the package was built; keep others off"
            " the cell's directories and try again"
        )
