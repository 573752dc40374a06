"""The two-hop engine: everything a cell does, without a word of HTTP."""

from __future__ import annotations

import math
import re
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
from ._exports import EntityBusy, Exports
from ._ledger import Passage, passages, plain, told
from ._on_demand import OnDemand
from ._package import Merge
from ._quota import Quota
from ._reading import Reading
from ._reaper import Reaper
from ._rows import CatalogueRow, TransferRow
from ._source import Power, Source
from ._spool import Spool
from ._status import POWERED_ON, Status, status_of
from ._steps import OnStep, unheard
from ._store import Store
from ._sweeper import Sweeper
from ._task import TaskState
from ._tasks import Tasks, TaskView
from ._transfers import Linked, Transfers
from ._veil import Veil

_WHAT = {
    "vApp": "Virtual Application", "vAppTemplate": "Virtual Application Template", "media": "Media File",
}  # fmt: skip
"""What a task calls the entity (3.1, 3.1b; media as a task that uploads them is recorded to)."""
_OPERATION = {"vAppTemplate": "vdcEnableDownload", "media": "catalogItemEnableDownload"}
"""operationName by kind (0.7); that of vApps the profile says."""


class WrongState(Exception):
    """The entity is in no state to be downloaded; the message is the one a client gets (0.6, 2.16)."""


class Busy(Exception):
    """Another task on the entity has not ended, and the profile lets nobody in meanwhile (3.26)."""


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
            store, self._spool, clock, self._transfers, self._on_demand, self._sweeper, self._debts,
            finish_removes=profile.text("finish_removes") == "yes", address=address, archives=archives, on_step=on_step,
        )  # fmt: skip
        self._veil = Veil(waits=profile.count("task_waits"), lag=profile.count("link_lag"))
        interval = profile.seconds("reaper_s") if reaper_s is None else reaper_s
        if not (math.isfinite(interval) and interval > 0):
            raise ValueError(f"the reaper's interval is a number of seconds above 0, got {interval}")
        self._reaper = Reaper(clock, interval, self._round, self._complain)

    def start(self, *, fail_tasks: bool = False) -> None:
        """Take up what an earlier process left, and begin; `fail_tasks` fails its tasks in any case (6.6)."""
        self._spool.prepare()
        self._load()
        self._transfers.recover()
        self._tasks.recover(fail=fail_tasks or self.profile.text("dead_cell_tasks") == "fail-at-start")
        if self.profile.text("half_built") == "at-start":
            self._sweeper.clear_failed()
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
        """Begin to make an entity downloadable; WrongState where it is not powered off and whole, Busy where it is."""
        self._let_in(entity)
        status = self.condition(entity).status
        if status.deployed or status.number == POWERED_ON:
            raise self._wrong("running_message", entity)
        if entity.image is None and not entity.vms:
            raise self._wrong("empty_message", entity)
        if status.lease_expired:
            raise self._wrong("expired_message", entity)
        operation = f"Enabling download of {_WHAT[entity.kind]} {entity.name}({entity.id})"
        name = _OPERATION.get(entity.kind) or self.profile.text("vapp_enable_operation_name")
        try:
            task = self.task(self._exports.start(entity, user, operation, name, alone=self._locks))
        except EntityBusy:
            raise self._busy(entity) from None
        assert task is not None
        return self._veil.begun(task)

    def disable(self, entity: Entity) -> None:
        """End every download of an entity, and its exports under way; harmless where there is none (3.15).

        Busy where the profile lets nobody in while a task runs.
        """
        self._let_in(entity)
        for task in self._tasks.running(entity.id):
            self._tasks.ask_cancel(task.id)
        for transfer_id in self._transfers.of_entity(entity.id):
            self._on_demand.stop(transfer_id)
            self._sweeper.disable(transfer_id)

    def link(self, entity: Entity) -> Linked | None:
        """Return the entity's download, where it has one."""
        return self._transfers.linked(entity.id)

    def shown_link(self, entity: Entity, tasks: list[TaskView]) -> Linked | None:
        """Return the download that a client is shown who looks at the entity now and sees these tasks."""
        return self._veil.link(entity.id, self.link(entity), tasks)

    def open(self, transfer_id: str, name: str, user: str) -> Download:
        """Begin a GET by the user at address `user`; LinkDead, FileGone or BuildFailed where there is
        nothing to get.
        """
        return self._reading.open(transfer_id, name, user)

    def task(self, task_id: str) -> TaskView | None:
        """Return a task by id; what its download has moved up to now stands in its details once it has ended."""
        task = self._tasks.get(task_id)
        if task is None or not task.value.state.ended:
            return task
        return replace(task, details="\n".join(filter(None, (task.details, told(self._ledger_of(task))))))

    def shown_task(self, task_id: str) -> TaskView | None:
        """Return a task as a client is shown it who looks at it now."""
        task = self.task(task_id)
        return self._veil.task(task) if task is not None else None

    def tasks_of(self, entity: Entity) -> list[TaskView]:
        """Return the entity's tasks that have not ended, as a client is shown them who looks now (2.15)."""
        if self.profile.count("task_waits"):
            return self._veil.unended(self._tasks.of_entity(entity.id))
        return self._tasks.running(entity.id)

    def size_of(self, entity: Entity) -> int:
        """Tell how many bytes a medium has, 0 where that is not known."""
        return self._source.size_of(entity.image) if entity.image is not None else 0

    def cancel(self, task_id: str) -> bool:
        """Ask a task to stop; False where it has ended."""
        return self._tasks.ask_cancel(task_id)

    def ledger(self, entity: Entity) -> list[Passage]:
        """Return every passage of the entity's latest transfer session."""
        return self._ledger(TransferRow.entity_id == entity.id)

    def _ledger_of(self, task: TaskView) -> list[Passage]:
        """Return the passages of a task's own session, else of the one that it found linked and let live on (3.14)."""
        with self.store.change() as db:
            own = db.scalar(select(TransferRow.id).where(TransferRow.task_id == task.id).limit(1))
        if own is not None:
            return self._ledger(TransferRow.id == own)
        if task.value.state is not TaskState.SUCCESS:
            return []
        earlier = TransferRow.created_at <= (task.value.ended_at or self.clock.now())
        return self._ledger(TransferRow.entity_id == task.entity_id, earlier)

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

    def _ledger(self, *of: ColumnElement[bool]) -> list[Passage]:
        with self.store.change() as db:
            newest = select(TransferRow.id).where(*of).order_by(TransferRow.created_at.desc()).limit(1)
            transfer_id = db.scalars(newest).one_or_none()
            return passages(db, transfer_id) if transfer_id is not None else []

    @property
    def _locks(self) -> bool:
        return self.profile.text("lock_during_enable") == "BUSY_ENTITY"

    def _let_in(self, entity: Entity) -> None:
        if self._locks and self._tasks.running(entity.id):
            raise self._busy(entity)

    def _busy(self, entity: Entity) -> Busy:
        # As a later cell words it (go-vcloud-director issue 616); the operation's name is derived from the task's.
        task = next(iter(self._tasks.running(entity.id)), None)
        made = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", task.operation_name if task else "").upper()
        which = f" {made}. {made}(com.vmware.vcloud.entity.task:{task.id})" if task else "."
        kind = entity.kind.lower()
        return Busy(
            f"The entity Ref: com.vmware.vcloud.entity.{kind}:{entity.id} is busy completing an operation{which}"
        )

    def _wrong(self, message: str, entity: Entity) -> WrongState:
        return WrongState(self.profile.text(message).replace("{name}", entity.name))

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
