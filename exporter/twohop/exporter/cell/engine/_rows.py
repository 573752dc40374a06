"""The tables of the cell's database: identity, tasks, transfer sessions, ledger legs, API sessions, catalogue.

The state of the cell is here and not in the file system (3.27). Tokens are kept as SHA-256, so that a copy of the
database opens no session; a transfer id is kept as it is, because every entity body prints it, and found by its digest.
"""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import JSON, BigInteger, Float, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from ._session import SessionState, TransferSession
from ._task import TaskState, TaskValue


def digest_of(secret: str) -> str:
    """Return what the database keeps of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Base(DeclarativeBase):
    """Base of all rows."""

    type_annotation_map = {float: Float(53), int: BigInteger()}  # noqa: RUF012


class IdentityRow(Base):
    """The database's own random name, by which it knows its directories on a share that others use too."""

    __tablename__ = "identity"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    value: Mapped[str] = mapped_column(String(32))


class TaskRow(Base):
    """A task; `cell` is the cell whose worker runs it."""

    __tablename__ = "tasks"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    cell: Mapped[str] = mapped_column(String(64))
    org_id: Mapped[str] = mapped_column(String(36))
    entity_id: Mapped[str] = mapped_column(String(36), index=True)
    user: Mapped[str] = mapped_column(String(256))
    operation: Mapped[str] = mapped_column(Text)
    operation_name: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16))
    queued_at: Mapped[float]
    started_at: Mapped[float | None]
    ended_at: Mapped[float | None]
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    progress: Mapped[int] = mapped_column(default=0)
    details: Mapped[str] = mapped_column(Text, default="")
    error: Mapped[str | None] = mapped_column(Text)
    error_request: Mapped[str | None] = mapped_column(String(36))

    def value(self) -> TaskValue:
        """Return the task as the machine sees it."""
        return TaskValue(self.queued_at, TaskState(self.state), self.started_at, self.ended_at, self.cancel_requested)

    def take(self, value: TaskValue) -> None:
        """Write the machine's value down."""
        self.state, self.queued_at, self.started_at = value.state.value, value.queued_at, value.started_at
        self.ended_at, self.cancel_requested = value.ended_at, value.cancel_requested


class TransferRow(Base):
    """A transfer session; `files` maps the names of a published package to their sizes in bytes.

    `scratch` is the directory in which it is being built, `claimed` the bytes it takes of the share's quota, `finished`
    names the files that somebody has read to their end, `published_at` is when the package got its name, `reading` has
    the readers by the cell that serves them, which is not always the session's own (6.1).
    """

    __tablename__ = "transfers"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    cell: Mapped[str] = mapped_column(String(64))
    entity_id: Mapped[str] = mapped_column(String(36), index=True)
    task_id: Mapped[str] = mapped_column(ForeignKey("tasks.id"))
    scratch: Mapped[str | None] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16), index=True)
    created_at: Mapped[float]
    idle_since: Mapped[float]
    readers: Mapped[int] = mapped_column(default=0)
    reading: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    url_expiry_s: Mapped[float]
    get_refreshes: Mapped[str] = mapped_column(String(8))
    enable_refreshes: Mapped[bool] = mapped_column(default=True)
    files: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    finished: Mapped[list[str]] = mapped_column(JSON, default=list)
    published_at: Mapped[float | None]
    claimed: Mapped[int] = mapped_column(default=0)

    def value(self) -> TransferSession:
        """Return the session as the machine sees it."""
        return TransferSession(
            self.url_expiry_s, self.idle_since, SessionState(self.state), self.readers, self.get_refreshes,
            self.enable_refreshes,
        )  # fmt: skip

    def take(self, value: TransferSession) -> None:
        """Write the machine's value down."""
        self.state, self.idle_since, self.readers = value.state.value, value.idle_since, value.readers

    def serves(self, cell: str, more: int) -> None:
        """Write down that a cell has begun or ended GETs of this session."""
        count = int((self.reading or {}).get(cell, 0)) + more
        others = {name: n for name, n in (self.reading or {}).items() if name != cell}
        self.reading = {**others, cell: count} if count > 0 else others

    def holds(self, files: dict[str, int], now: float | None = None) -> None:
        """Write down that the package is built by now, of files of these sizes; none where it is still to be built."""
        self.files, self.claimed, self.scratch = dict(files), sum(files.values()), None
        self.finished, self.published_at = [], now if files else None


class LegRow(Base):
    """One file over one leg: bytes, between which addresses, from when to when (POSIX seconds), in real seconds.

    `kept` is False for what was thrown away, since it came again or the export failed.
    """

    __tablename__ = "legs"
    __table_args__ = (Index("legs_of", "transfer_digest", "id"),)

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True)
    transfer_digest: Mapped[str] = mapped_column(String(64))
    leg: Mapped[str] = mapped_column(String(16))
    file: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    target: Mapped[str] = mapped_column(Text)
    bytes: Mapped[int]
    began: Mapped[float]
    ended: Mapped[float]
    seconds: Mapped[float]
    kept: Mapped[bool] = mapped_column(default=True)


class LoginRow(Base):
    """A session of the API: at which cell, digests of its tokens, whose it is, when it began and was last used."""

    __tablename__ = "logins"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    cell: Mapped[str] = mapped_column(String(64))
    access_digest: Mapped[str] = mapped_column(String(64), unique=True)
    user: Mapped[str] = mapped_column(String(256))
    org_id: Mapped[str] = mapped_column(String(36))
    created_at: Mapped[float]
    used_at: Mapped[float]


class CatalogueRow(Base):
    """The catalogue, as the plain data it was read from (none for the default one), and when it was first stored."""

    __tablename__ = "catalogue"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    spec: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    since: Mapped[float]
