"""Lives of a cell's engine in processes of their own, which end at a step as by kill -9, and what is left of them."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cell.support import START, VM, Bench
from twohop.exporter.cell.engine import DEFAULT, Step, Store, default_catalogue
from twohop.runtime import Clock

EXPIRY = REAPER = 3600.0
TWO = default_catalogue([VM, "DC0_C0_RP0_VM2"])
"""One vApp of two machines, so that a step can be died at between them."""

_processes = multiprocessing.get_context("forkserver")
# The folder of the tests is not yet on the path where this is imported.
_processes.set_forkserver_preload(["twohop.exporter.cell", "twohop.exporter.cell.engine"])


def life(directory: Path, number: int, deeds: Sequence[str], crash: str, nth: int, profile: dict[str, Any]) -> None:
    """Open an engine on what earlier lives left, do some deeds, and die when a step is taken for the nth time."""
    taken = 0

    def on_step(step: Step) -> None:
        nonlocal taken
        taken += step.label == crash
        if taken == nth and step.label == crash:
            os.kill(os.getpid(), signal.SIGKILL)

    store = Store(f"sqlite:///{directory / 'cell.sqlite'}")
    clock = Clock(start=START + 100_000 * number)
    with Bench(directory, store=store, clock=clock, on_step=on_step, catalogue=TWO, **profile) as bench:
        for deed in deeds:
            link = bench.engine.link(bench.entity())
            if deed == "enable":
                bench.export()
            elif deed == "disable":
                bench.engine.disable(bench.entity())
            elif deed == "wait":
                clock.advance(EXPIRY + REAPER)
            elif deed == "read" and link is not None:
                download = bench.engine.open(link.id, DEFAULT, "user")
                download.close(len(download.file.read(1 << 20) or b""))
    store.close()


def lived(directory: Path, number: int, deeds: Sequence[str], crash: str, nth: int, **profile: Any) -> bool:
    """Let a life run in a process of its own; tell whether it died at its step."""
    process = _processes.Process(target=life, args=(directory, number, deeds, crash, nth, profile))
    process.start()
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL), process.exitcode
    return process.exitcode != 0
