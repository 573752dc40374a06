"""The cell's database, behind SQLAlchemy: SQLite unless another URL is given.

Several cells share one transfer directory and one database, so every change is one short transaction on rows that it
has locked; a row's cell says whose worker or reader it speaks of.
"""

from __future__ import annotations

import contextlib
import secrets
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, delete, event, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from ._presence import NameTaken, held
from ._rows import Base, CatalogueRow, IdentityRow, LegRow, LoginRow, TaskRow, TransferRow


class StoreError(RuntimeError):
    """The database cannot be used."""


class Store:
    """The database at `url`; without one, a SQLite file that lives as long as the store.

    `patience_s` are the real seconds that a change waits where somebody else holds a SQLite file. A catalogue, sessions
    and tasks that shall outlive the process need a URL of their own.
    """

    def __init__(self, url: str | None = None, *, patience_s: float = 10.0) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="twohop-cell-") if url is None else None
        where = f"sqlite:///{Path(self._temporary.name) / 'cell.sqlite'}" if self._temporary else url
        self._engine = _engine(str(where), durable=self._temporary is None, patience_s=patience_s)
        self._sessions = sessionmaker(self._engine, expire_on_commit=False)
        try:
            Base.metadata.create_all(self._engine)
        except OperationalError as error:
            self.close()
            message = f"the cell's database {self.describe()} cannot be used: {error.orig}; give another URL"
            raise StoreError(message) from None
        self.identity = self._identity()

    def describe(self) -> str:
        """Return the URL without its password."""
        return self._engine.url.render_as_string(hide_password=True)

    @contextlib.contextmanager
    def change(self) -> Iterator[Session]:
        """Open one transaction: committed at the end, rolled back where an exception leaves."""
        with self._sessions.begin() as session:
            yield session

    @contextlib.contextmanager
    def holding(self, name: str) -> Iterator[None]:
        """Be the cell of this name; StoreError where one that is alive has it."""
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(held(self._engine, name))
            except OSError as error:
                raise StoreError(f"the lock beside {self.describe()} cannot be made: {error.strerror}") from None
            except (NameTaken, OperationalError) as error:
                raise StoreError(str(error)) from None
            yield

    def empty(self, cell: str) -> None:
        """Forget what a cell has written down; the catalogue too where no other cell has anything here.

        The identity stays, since directories on the share bear it.
        """
        with self.change() as session:
            digests = select(TransferRow.digest).where(TransferRow.cell == cell)
            session.execute(delete(LegRow).where(LegRow.transfer_digest.in_(digests)))
            for kind in (TransferRow, TaskRow, LoginRow):
                session.execute(delete(kind).where(kind.cell == cell))
            if not any(session.scalar(select(kind.cell).limit(1)) for kind in (TransferRow, TaskRow, LoginRow)):
                session.execute(delete(CatalogueRow))

    def close(self) -> None:
        """Close every connection; a database of our own goes with it."""
        self._engine.dispose()
        if self._temporary is not None:
            self._temporary.cleanup()

    def _identity(self) -> str:
        with contextlib.suppress(IntegrityError), self.change() as session:
            # Another cell may open a new database at the same moment; the first name given stays.
            if session.get(IdentityRow, 1) is None:
                session.add(IdentityRow(id=1, value=secrets.token_hex(8)))
        with self.change() as session:
            row = session.get(IdentityRow, 1)
            assert row is not None
            return row.value


def _engine(url: str, *, durable: bool, patience_s: float) -> Engine:
    try:
        parsed = make_url(url)
        sqlite = parsed.get_backend_name() == "sqlite"
        if sqlite and parsed.database in (None, "", ":memory:"):
            raise StoreError("a SQLite database in memory belongs to one thread; give sqlite:////path/file, or no URL")
        if sqlite:
            # Transfer ids are in it, and whoever knows one may download.
            Path(str(parsed.database)).touch(mode=0o600)
        engine = create_engine(parsed, pool_pre_ping=not sqlite)
    except OSError as error:
        raise StoreError(f"the database {url} cannot be used: {error.strerror}; give another URL") from None
    except (ArgumentError, ImportError) as error:
        raise StoreError(f"the database URL cannot be used: {error}") from None
    if sqlite:
        event.listen(engine, "connect", partial(_pragmas, "NORMAL" if durable else "OFF", patience_s))
        event.listen(engine, "begin", _on_begin)
    return engine


def _pragmas(synchronous: str, patience_s: float, connection: Any, _: Any) -> None:
    # The driver's own notion of transactions would begin them too late for a lock on what is read.
    connection.isolation_level = None
    patience = f"busy_timeout={int(1000 * patience_s)}"
    for pragma in ("journal_mode=WAL", patience, "foreign_keys=ON", f"synchronous={synchronous}"):
        connection.execute(f"PRAGMA {pragma}").close()


def _on_begin(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
