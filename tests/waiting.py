"""Waiting for what another thread does: nothing tells us when, so we look again and again."""

from __future__ import annotations

import threading
from collections.abc import Callable

LONG = 60.0


def until(so: Callable[[], object], otherwise: str) -> None:
    """Look until it is so; a minute without is a failure."""
    pause = threading.Event()
    for _ in range(int(LONG * 100)):
        if so():
            return
        pause.wait(0.01)
    raise AssertionError(otherwise)
