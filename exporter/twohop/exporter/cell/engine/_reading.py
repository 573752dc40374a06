"""GETs of files: begun where the link lives, counted while they run, written down when they end.

A database that is locked when a GET ends cuts nobody off: the end is owed to it, since a session with a reader that
never ends would live for ever, and its files with it.
"""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

from twohop.exporter._errors import ExportError
from twohop.runtime import Clock

from ._causes import cause
from ._debts import Debts
from ._downloads import BuildFailed, Download, FileGone, LinkDead, Readable
from ._ledger import Leg, Passage, amend, record
from ._on_demand import OnDemand
from ._ova import ARCHIVES, open_archive
from ._package import DEFAULT, IDENTITY, MANIFEST
from ._session import Refusal, SessionInput
from ._spool import Spool
from ._steps import OnStep, Step
from ._store import Store
from ._sweeper import Sweeper
from ._transfers import Transfers


class Reading:
    """Opens files of a cell's sessions for users, and keeps the books of it."""

    def __init__(
        self,
        store: Store,
        spool: Spool,
        clock: Clock,
        transfers: Transfers,
        on_demand: OnDemand,
        sweeper: Sweeper,
        debts: Debts,
        *,
        finish_removes: bool,
        address: str,
        archives: bool,
        on_step: OnStep,
    ) -> None:
        self._store, self._spool, self._clock, self._transfers = store, spool, clock, transfers
        self._sweeper, self._debts, self._finish_removes = sweeper, debts, finish_removes
        self._on_demand, self._address, self._archives, self._on_step = on_demand, address, archives, on_step

    def open(self, transfer_id: str, name: str, user: str) -> Download:
        """Begin a GET of a file; LinkDead, FileGone or BuildFailed where there is nothing to get."""
        try:
            known = self._transfers.find(transfer_id)
            if known is None or isinstance(self._transfers.apply(known, SessionInput.GET_BEGINS), Refusal):
                raise LinkDead
        except SQLAlchemyError as error:
            raise BuildFailed(cause(error)) from error
        try:
            try:
                self._on_demand.ensure(known)
            except (ExportError, OSError, SQLAlchemyError) as error:
                raise BuildFailed(cause(error)) from error
            if not self._transfers.in_sight(known):
                raise FileNotFoundError("another cell has put it on the share, and this one does not see it yet")
            files = self._transfers.files(known)
            if name in ARCHIVES and self._archives:
                return self._begun(known, name, user, *open_archive(self._spool, known, name, files))
            return self._begun(known, name, user, *self._spool.open(known, name))
        except SQLAlchemyError as error:
            self._left(known)
            raise BuildFailed(cause(error)) from error
        except OSError:
            self._left(known)
            raise FileGone from None
        except BaseException:
            self._left(known)
            raise

    def _begun(self, transfer_id: str, name: str, user: str, file: Readable, size: int) -> Download:
        self._on_step(Step.BEGUN)
        now = self._clock.now()
        stored_at = self._transfers.published_at(transfer_id)
        return Download(self, transfer_id, name, file, size, user, now, now if stored_at is None else stored_at)

    def _left(self, transfer_id: str) -> None:
        def written() -> None:
            self._transfers.apply(transfer_id, SessionInput.GET_ENDS)

        self._debts.settle(written, "the end of a GET")

    def ended(self, download: Download, sent: int) -> int:
        """End a GET and write its two legs down, if anything went over them; return what `amend` takes."""
        now, share, cell = self._clock.now(), f"share:{self._spool.root.name}", self._address
        self._left(download.transfer_id)
        name, began, leg = download.name, download.began, 0
        reading, sending = download.seconds()
        stored = Passage(Leg.SHARE_TO_CELL, name, share, cell, download.stored(sent), began, now, reading)
        to_user = Passage(Leg.CELL_TO_USER, name, cell, download.user, sent, began, now, sending)

        def written() -> None:
            nonlocal leg
            with self._store.change() as db:
                leg = record(db, download.transfer_id, stored, to_user)

        if sent:
            self._debts.settle(written, "what a GET moved")
        self._debts.settle(lambda: self._finish(download), "what a GET finished")
        if sent:
            self._on_step(Step.SERVED)
        return leg

    def _finish(self, download: Download) -> None:
        """End a session of which everything has been downloaded, where the profile has it so (3.19)."""
        if not self._finish_removes:
            return
        names = {download.name} if download.to_the_end else set()
        if self._transfers.finish(download.transfer_id, names, _over):
            self._sweeper.take(download.transfer_id)

    def amend(self, leg: int, sent: int) -> None:
        """Correct a leg whose last bytes did not leave; one that the database has not taken yet stays as it was."""

        def written() -> None:
            with self._store.change() as db:
                amend(db, leg, sent)

        self._debts.settle(written, "the bytes of a GET that was cut")


def _over(files: set[str], read: set[str]) -> bool:
    """Tell whether a download has all that it consists of: an archive, or whatever is no descriptor.

    Of the two descriptors a client wants but one.
    """
    wanted = files - {DEFAULT, IDENTITY, MANIFEST}
    return bool(read & set(ARCHIVES)) or (bool(wanted) and wanted <= read)
