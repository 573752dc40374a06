"""Which cell is alive: one process at a time holds a name on a database.

Tasks and readers are written down under the name of their cell (6.7). A cell that starts takes what stands under its
name for its dead predecessor's, so it must not start while that one lives. The lock is the operating system's or the
server's and goes with the process, however that ends: nothing has to be cleaned up after a crash.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")


class NameTaken(RuntimeError):
    """Another cell that is alive has this name on this database."""


def checked_name(name: str) -> str:
    """Return a name that a cell can have."""
    if not _NAME.match(name):
        raise ValueError(f"a cell is named by letters, digits, '.', '_' and '-', 64 at most; got {name!r}")
    return name


@contextlib.contextmanager
def held(engine: Engine, name: str) -> Iterator[None]:
    """Hold a cell's name on a database; NameTaken where a live cell holds it."""
    backend = engine.url.get_backend_name()
    if backend == "sqlite":
        hold = _by_file(Path(str(engine.url.database)).resolve(), name)
    elif backend == "postgresql":
        hold = _by_server(engine, name)
    else:
        raise NameTaken(f"a cell on {backend} cannot tell whether another one runs; use SQLite or PostgreSQL")
    with hold:
        yield


@contextlib.contextmanager
def _by_file(database: Path, name: str) -> Iterator[None]:
    # The file stays: deleting it would let two cells lock two files of one name.
    fd = os.open(f"{database}.{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _taken(name, os.pread(fd, 32, 0).decode("ascii", "replace").strip()) from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"process {os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(fd)


@contextlib.contextmanager
def _by_server(engine: Engine, name: str) -> Iterator[None]:
    key = int.from_bytes(hashlib.sha256(f"twohop cell {name}".encode()).digest()[:8], "big", signed=True)
    connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    try:
        # Out of the pool, so that closing it ends the server's session and the lock with it.
        connection.detach()
        if not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}).scalar_one():
            raise _taken(name, "on this host or another")
        yield
    finally:
        with contextlib.suppress(SQLAlchemyError):
            connection.close()


def _taken(name: str, who: str) -> NameTaken:
    return NameTaken(
        f"a cell named {name!r} ({who or 'just starting'}) is running on this database;"
        " give this one another --name, or stop that one first"
    )
