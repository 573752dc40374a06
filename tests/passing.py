"""Time that passes as soon as a fault makes somebody wait for it: a stall of an hour costs nothing."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def passing(server: Any) -> Iterator[None]:
    """Advance the clock of a server by what each wait of its plan asks for, until the block ends; the plan ends too."""
    threads = [
        threading.Thread(target=_advance, args=(server, rule.id, rule.args["seconds"]))
        for rule in server.faults.rules
        if rule.args.get("seconds") and rule.kind.name != "refuse" and rule.place != "lease"
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        server.faults.clear()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()


def _advance(server: Any, id: str, seconds: float) -> None:
    with contextlib.suppress(KeyError):
        for number in itertools.count(1):
            server.faults.wait_stalled(id, number, within=120.0)
            server.clock.advance(seconds)
