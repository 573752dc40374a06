"""Stories: hand-written histories, each put to one clause, which keeps, breaks or leaves open what they show."""

from __future__ import annotations

from collections.abc import Callable

from contracts.synthetic import PRINT, Wire, vmdk

OTHER_PRINT = PRINT.replace("AA", "00")
CELL = {"cell": {"url_expiry_s": 3600.0, "expired_status": 404, "reaper_s": 600.0}}
DISK = vmdk()

Story = Callable[[Wire], tuple[int, ...] | None]
KEPT: list[tuple[str, Story]] = []
BROKEN: list[tuple[str, Story]] = []
SILENT: list[tuple[str, Story]] = []


def keeps(name: str) -> Callable[[Story], Story]:
    return lambda story: KEPT.append((name, story)) or story  # type: ignore[func-returns-value]


def breaks(name: str) -> Callable[[Story], Story]:
    """The story returns the witness that the clause has to find."""
    return lambda story: BROKEN.append((name, story)) or story  # type: ignore[func-returns-value]


def leaves_open(name: str) -> Callable[[Story], Story]:
    return lambda story: SILENT.append((name, story)) or story  # type: ignore[func-returns-value]
