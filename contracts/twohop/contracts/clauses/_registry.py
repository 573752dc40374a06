"""All clauses, in the order in which they are shown."""

from __future__ import annotations

from ._clause import Clause
from ._lease import LEASE_CLAUSES
from ._link import LINK_CLAUSES
from ._lock import LOCK_CLAUSES
from ._renewal import RENEWAL_CLAUSES
from ._session import SESSION_CLAUSES
from ._stream import STREAM_CLAUSES

CLAUSES: tuple[Clause, ...] = (
    *LEASE_CLAUSES, *RENEWAL_CLAUSES, *LOCK_CLAUSES, *STREAM_CLAUSES, *LINK_CLAUSES, *SESSION_CLAUSES,
)  # fmt: skip


def clause(wanted: str) -> Clause:
    """Return a clause by its id."""
    for known in CLAUSES:
        if known.id == wanted:
            return known
    raise KeyError(f"no clause {wanted!r}; `twohop clauses` lists those there are")
