"""The two-hop engine: everything a cell does, without a word of HTTP."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, select

from twohop.runtime import Clock, Journal
from twohop.runtime.profiles import Profile

from ._building import Builder
from ._catalogue import Catalogue, Entity
from ._debts import Debts
from ._downloads import Download
from ._exports import Exports
from ._ledger import Passage, passages, plain, told
from ._on_demand import OnDemand
from ._package import Merge
from ._quota import Quota
from ._reading import Reading
from ._reaper import Reaper
from ._rows import CatalogueRow, TransferRow
from ._source import Power, Source
from ._spool import Spool
from ._status import POWERED_ON, RESOLVED, Status, status_of
from ._steps import OnStep, unheard
from ._store import Store
from ._sweeper import Sweeper
from ._task import TaskState
from ._tasks import Tasks, TaskView
from ._transfers import Linked, Transfers


class WrongState(Exception):
    """The entity is in no state to be downloaded; the message is the one a client gets (0.6, 2.16)."""


@dataclass(frozen=True, slots=True)
class Condition:
    """An entity as it is now: its status and what each of its VMs is doing, in their order."""

    status: Status
    powers: tuple[Power, ...]


class Engine:
    """One cell's engine: tasks, transfer sessions, spool, reaper.

    `source` is the vCenter, `merge` makes one descriptor of a vApp's machines, `quota` is how many bytes
    the cell may have on the share, `archives` whether it gives OVAs (3.5), `on_step` hears each step of a download.
    `start` before use, `close` after; `close` stops running exports and waits until they have cleaned up.
    """

    def __init__(
        self,
        *,
        store: Store,
        transfer_dir: Path,
        clock: Clock,
        profile: Profile,
        journal: Journal,
        source: Source,
        merge: Merge,
        catalogue: Mapping[str, Any] | None = None,
        cell: str = "cell",
        address: str = "cell",
        reaper_s: float | None = None,
        quota: int | None = None,
        archives: bool = True,
        on_step: OnStep = unheard,
    ) -> None:
        self.store, self.profile, self.clock = store, profile, clock
        self._spool = Spool(transfer_dir, store.identity, on_step)
        self._journal, self._source, self._cell = journal, source, cell
        self._given = catalogue
        self.catalogue, self.since = Catalogue([], [], [], []), 0.0
        self.quota = Quota(store, source, quota)
        self._debts = Debts(clock, self._complain)
        self._tasks = Tasks(store, clock, journal, cell=cell)
        self._transfers = Transfers(store, clock, profile, journal, cell=cell, on_step=on_step)
        self._sweeper = Sweeper(store, self._spool, clock, profile, journal, self._transfers, cell=cell)
        builder = Builder(
            store, self._spool, clock, profile, journal, source, merge, self.quota,
            cell=cell, address=address, since=lambda: self.since, on_step=on_step,
        )  # fmt: skip
        self._exports = Exports(
            store, self._spool, profile, journal, self._tasks, self._transfers, self._sweeper, builder, self._debts,
            cell=cell, on_step=on_step,
        )  # fmt: skip
        self._on_demand = OnDemand(
            store, self._spool, self._transfers, builder, self._debts, lambda: self.catalogue.entities
        )
        self._reading = Reading(
            store, self._spool, clock, self._transfers, self._on_demand,
            address=address, archives=archives, on_step=on_step,
        )  # fmt: skip
        interval = profile.seconds("reaper_s") if reaper_s is None else reaper_s
        if not (math.isfinite(interval) and interval > 0):
            raise ValueError(f"the reaper's interval is a number of seconds above 0, got {interval}")
        self._reaper = Reaper(clock, interval, self._round, self._complain)

    def start(self) -> None:
        """Take up what an earlier process left, and begin."""
        self._spool.prepare()
        self._load()
        self._transfers.recover()
        self._tasks.recover(fail=self.profile.text("dead_cell_tasks") == "fail-at-start")
        self._reaper.start()

    def close(self) -> None:
        """Stop: exports first, so that each leaves vCenter and the share clean."""
        self.stop_building()
        self._exports.close()
        self._reaper.stop()
        self._debts.close()
        self._transfers.close()
        self._source.close()

    def stop_building(self) -> None:
        """Stop whatever a GET is building; the GET is answered with an error."""
        self._on_demand.stop()

    def reset(self) -> None:
        """Go back to the beginning: exports stopped, every package deleted, database empty; the clock stays."""
        self.stop_building()
        self._exports.settle(stop=True)
        self._debts.pay()
        self._transfers.close()
        self.store.empty(self._cell)
        self._sweeper.round()
        self._load()

    def settle(self) -> None:
        """Wait until no export is running."""
        self._exports.settle()

    def condition(self, entity: Entity) -> Condition:
        """Tell how an entity is, by asking vCenter about its VMs."""
        known = self._source.power_states([vm.name for vm in entity.vms])
        powers = tuple(known.get(vm.name, "unknown") for vm in entity.vms)
        return Condition(status_of(entity, powers, self.since, self.clock.now()), powers)

    def enable(self, entity: Entity, user: str) -> TaskView:
        """Begin to make an entity downloadable; WrongState where it is not powered off and whole."""
        status = self.condition(entity).status
        template = entity.kind == "vAppTemplate"
        if status.deployed or status.number == POWERED_ON:
            raise WrongState(
                f'The requested operation could not be executed on vApp "{entity.name}". Stop the vApp and try again.'
            )
        if status.number == RESOLVED or not entity.vms:
            raise WrongState(
                f'The requested operation could not be executed since vApp "{entity.name}" does not have any VMs.'
            )
        if status.lease_expired:
            raise WrongState(
                f'The requested operation could not be executed on vApp "{entity.name}". Its storage lease has expired.'
            )
        what = "Template " if template else ""
        operation = f"Enabling download of Virtual Application {what}{entity.name}({entity.id})"
        name = "vdcEnableDownload" if template else self.profile.text("vapp_enable_operation_name")
        task = self._tasks.get(self._exports.start(entity, user, operation, name))
        assert task is not None
        return task

    def disable(self, entity: Entity) -> None:
        """End every download of an entity, and its exports under way; harmless where there is none (3.15)."""
        for task in self._tasks.running(entity.id):
            self._tasks.ask_cancel(task.id)
        for transfer_id in self._transfers.of_entity(entity.id):
            self._on_demand.stop(transfer_id)
            self._sweeper.disable(transfer_id)

    def link(self, entity: Entity) -> Linked | None:
        """Return the entity's download, where it has one."""
        return self._transfers.linked(entity.id)

    def open(self, transfer_id: str, name: str, user: str) -> Download:
        """Begin a GET by the user at address `user`; LinkDead, FileGone or BuildFailed where there is
        nothing to get.
        """
        return self._reading.open(transfer_id, name, user)

    def task(self, task_id: str) -> TaskView | None:
        """Return a task by id; the details of one that has succeeded are the ledger of its download up to now."""
        task = self._tasks.get(task_id)
        if task is None or task.value.state is not TaskState.SUCCESS:
            return task
        return replace(task, details=told(self._ledger(TransferRow.entity_id == task.entity_id)))

    def tasks_of(self, entity: Entity) -> list[TaskView]:
        """Return the entity's tasks that have not ended (2.15)."""
        return self._tasks.running(entity.id)

    def cancel(self, task_id: str) -> bool:
        """Ask a task to stop; False where it has ended."""
        return self._tasks.ask_cancel(task_id)

    def ledger(self, entity: Entity) -> list[Passage]:
        """Return every passage of the entity's latest transfer session."""
        return self._ledger(TransferRow.entity_id == entity.id)

    def ledgers(self) -> list[dict[str, Any]]:
        """Return the ledger of every transfer session as plain data, its id by reference."""
        with self.store.change() as db:
            rows = db.scalars(select(TransferRow).order_by(TransferRow.created_at)).all()
            return [
                {
                    "transfer": self._journal.references.name("transfer", row.id),
                    "entity": row.entity_id,
                    "state": row.state,
                    **plain(passages(db, row.id)),
                }
                for row in rows
            ]

    def _ledger(self, of: ColumnElement[bool]) -> list[Passage]:
        with self.store.change() as db:
            newest = select(TransferRow.id).where(of).order_by(TransferRow.created_at.desc()).limit(1)
            transfer_id = db.scalars(newest).one_or_none()
            return passages(db, transfer_id) if transfer_id is not None else []

    def _load(self) -> None:
        """Take the catalogue given, else the one stored, else the default; leases run from when it was first stored."""
        with self.store.change() as db:
            row = db.get(CatalogueRow, 1)
            spec = self._given if self._given is not None else row.spec if row is not None else None
            self.catalogue = Catalogue.read(spec)
            if row is None:
                row = CatalogueRow(id=1, spec=dict(spec) if spec is not None else None, since=self.clock.now())
                db.add(row)
            elif self._given is not None:
                row.spec = dict(self._given)
            self.since = row.since

    def _round(self) -> None:
        self._debts.pay()
        self._sweeper.round()

    def _complain(self, what: str) -> None:
        self._journal.record("fault", server=self._cell, what=what)
