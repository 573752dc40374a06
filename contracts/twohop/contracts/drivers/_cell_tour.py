"""One program that puts every clause on cells to the test, as far as a target's switches let it."""

from __future__ import annotations

from typing import Any

from ._broken import Step

SMALL, LONG, MEDIUM = 0, 1, 2
"""Two vApps, of which the second takes a while to read, and the medium behind them."""


def _of(vapp: int, *names: str) -> tuple[Step, ...]:
    return tuple((name, {} if name in ("list", "reap", "finish") else {"vapp": vapp}) for name in names)


def _read(vapp: int, rel: str) -> Step:
    return "read", {"vapp": vapp, "rel": rel}


def _advance(share: float) -> Step:
    return "advance", {"share": share}


_RESUME: dict[str, Any] = {"vapp": SMALL, "first": 5, "last": None}
CELL_TOUR: tuple[Step, ...] = (
    # enabled, read, and the machine is free; resumed, and come back to in time and too late
    *_of(SMALL, "look", "enable", "wait", "wait"), _read(SMALL, "default"),
    *_of(SMALL, "list", "power_on", "look", "enable", "power_off"), ("resume", _RESUME),
    _advance(0.6), *_of(SMALL, "again"), _advance(1.01), *_of(SMALL, "again", "list", "reap", "list"),
    # two readers, one of whom pauses for longer than a link lives; then it is disabled
    *_of(LONG, "look", "enable", "wait"), _read(LONG, "default"), *_of(LONG, "begin"), _advance(1.5),
    *_of(LONG, "again", "finish"), _advance(0.5),
    *_of(LONG, "again", "look", "list", "disable", "list", "again", "look"),
    # an image
    *_of(MEDIUM, "look", "enable", "wait", "look"), _read(MEDIUM, "default"), *_of(MEDIUM, "disable", "list", "look"),
    # the cell dies in an export, and goes on
    ("crash", {"vapp": LONG, "at": "described"}), *_of(LONG, "look", "wait", "reap", "list", "power_on", "power_off"),
    *_of(LONG, "disable", "disable"),
    # enabled, looked at before it is ready, cancelled or not; and once more, the other descriptor and both archives
    *_of(SMALL, "look", "enable", "look", "wait"), _read(SMALL, "identity"), _read(SMALL, "ovaDefault"),
    _read(SMALL, "ovaIdentity"), *_of(SMALL, "enable", "wait", "power_on", "power_off"),
)  # fmt: skip
"""Exports of two vApps and a medium, with all looks at them, pauses, silence, a crash, and what is left of it all."""
