"""All clauses, room by room, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ._cell_rooms import CELL_ROOMS
from ._clause import Clause
from ._descriptor import DESCRIPTOR_CLAUSES
from ._exporter import EXPORTER_CLAUSES
from ._faults import FAULT_CLAUSES
from ._import import IMPORT_CLAUSES
from ._lease import LEASE_CLAUSES
from ._lease_properties import LEASE_PROPERTY_CLAUSES
from ._lock import LOCK_CLAUSES
from ._logins import LOGIN_CLAUSES
from ._manifest import MANIFEST_CLAUSES
from ._nfc import NFC_CLAUSES
from ._properties import PROPERTY_CLAUSES
from ._renewal import RENEWAL_CLAUSES
from ._stream import STREAM_CLAUSES
from ._task import TASK_CLAUSES
from ._updates import UPDATE_CLAUSES
from ._url import URL_CLAUSES
from ._url_sets import URL_SET_CLAUSES

ROOMS: Mapping[str, tuple[Clause, ...]] = MappingProxyType(
    {
        "lease": (*LEASE_CLAUSES, *LEASE_PROPERTY_CLAUSES),
        "faults": FAULT_CLAUSES,
        "renewal": RENEWAL_CLAUSES,
        "device-urls": (*URL_CLAUSES, *URL_SET_CLAUSES),
        "transfer-endpoint": NFC_CLAUSES,
        "disk-stream": (*STREAM_CLAUSES, *MANIFEST_CLAUSES),
        "locking": LOCK_CLAUSES,
        "tasks": TASK_CLAUSES,
        "sessions": LOGIN_CLAUSES,
        "properties": PROPERTY_CLAUSES,
        "updates": UPDATE_CLAUSES,
        "descriptor": DESCRIPTOR_CLAUSES,
        "import": IMPORT_CLAUSES,
        "exporter": EXPORTER_CLAUSES,
        **CELL_ROOMS,
    }
)
"""Clauses by what they are about. The last rooms are the cell's."""

CLAUSES: tuple[Clause, ...] = tuple(clause for room in ROOMS.values() for clause in room)


def clause(wanted: str) -> Clause:
    """Return a clause by its id."""
    for known in CLAUSES:
        if known.id == wanted:
            return known
    raise KeyError(f"no clause {wanted!r}; `twohop clauses` lists those there are")
