"""Packages that are built when somebody asks for them: the download request itself builds (3.3b).

The session is linked with nothing behind it; the first GET builds the package and every other one waits for it.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping

from sqlalchemy.orm import Session

from twohop.exporter._cancellation import Cancellation

from ._building import Builder
from ._catalogue import Entity
from ._debts import Debts
from ._downloads import LinkDead
from ._rows import TransferRow
from ._session import Refusal, SessionInput
from ._spool import Spool
from ._store import Store
from ._transfers import Transfers


class OnDemand:
    """Builds what sessions have promised."""

    def __init__(
        self,
        store: Store,
        spool: Spool,
        transfers: Transfers,
        builder: Builder,
        debts: Debts,
        entities: Callable[[], Mapping[str, Entity]],
    ) -> None:
        self._store, self._spool, self._transfers = store, spool, transfers
        self._builder, self._debts, self._entities = builder, debts, entities
        self._lock = threading.Lock()
        self._turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._under_way: dict[str, Cancellation] = {}

    def ensure(self, transfer_id: str) -> None:
        """Return once the package stands; raise what went wrong with it, or LinkDead where it was disabled."""
        if self._transfers.files(transfer_id):
            return
        with self._lock:
            turn = self._turns[transfer_id]
        with turn:
            if not self._transfers.files(transfer_id):
                self._build(transfer_id)
        with self._lock:
            self._turns.pop(transfer_id, None)

    def stop(self, transfer_id: str | None = None) -> None:
        """Stop the building of a package, or of all of them."""
        with self._lock:
            switches = [s for id, s in self._under_way.items() if transfer_id in (None, id)]
        for switch in switches:
            switch.cancel()

    def _build(self, transfer_id: str) -> None:
        switch, directory = Cancellation(), self._spool.aside_name()
        with self._lock:
            self._under_way[transfer_id] = switch
        try:
            with self._store.change() as db:
                row = db.get(TransferRow, transfer_id, with_for_update=True)
                entity = self._entities().get(row.entity_id) if row is not None else None
                if row is None or entity is None:
                    raise LinkDead
                row.scratch = directory.name
            with self._builder.building(transfer_id, entity, directory, lambda percent: None, switch) as files:
                self._hand_over(transfer_id, files)
        except BaseException:
            self._debts.settle(lambda: self._transfers.empty(transfer_id), "the end of a failed build")
            raise
        finally:
            with self._lock:
                self._under_way.pop(transfer_id, None)

    def _hand_over(self, transfer_id: str, files: dict[str, int]) -> None:
        def take(db: Session, row: TransferRow) -> None:
            row.holds(files, self._transfers.now())

        # Disabled in the meantime, it has nobody to give the package to.
        if isinstance(self._transfers.apply(transfer_id, SessionInput.BUILT_LATE, take), Refusal):
            raise LinkDead
