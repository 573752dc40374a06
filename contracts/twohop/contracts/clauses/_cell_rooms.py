"""The rooms of the contract that are about a cell."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ._cell_task import CELL_TASK_CLAUSES
from ._clause import Clause
from ._clean_up import CLEAN_CLAUSES
from ._link import LINK_CLAUSES
from ._link_shape import LINK_SHAPE_CLAUSES
from ._path import PATH_CLAUSES
from ._session import SESSION_CLAUSES
from ._transfer import TRANSFER_CLAUSES
from ._two_clocks import CLOCK_CLAUSES

CELL_ROOMS: Mapping[str, tuple[Clause, ...]] = MappingProxyType(
    {
        "links": (*LINK_CLAUSES, *LINK_SHAPE_CLAUSES),
        "task": CELL_TASK_CLAUSES,
        "transfer-session": (*SESSION_CLAUSES, *TRANSFER_CLAUSES),
        "two-clocks": CLOCK_CLAUSES,
        "clean-up": CLEAN_CLAUSES,
        "two-hop-path": PATH_CLAUSES,
    }
)
"""Clauses by what they are about."""

CELL_CLAUSES: tuple[Clause, ...] = tuple(clause for room in CELL_ROOMS.values() for clause in room)
