"""Ending the process at a step of a download, so that tests can see what a restart makes of it."""

from __future__ import annotations

import os
import signal

from .engine import OnStep, Step, step_named
from .engine._steps import unheard

VARIABLE = "TWOHOP_CRASH_AT"


def crashing(environment: str | None = None) -> OnStep:
    """Return what ends the process at the step that TWOHOP_CRASH_AT names; ValueError where there is no such step."""
    label = os.environ.get(VARIABLE, "") if environment is None else environment
    if not label:
        return unheard
    try:
        chosen = step_named(label)
    except ValueError as error:
        raise ValueError(f"{VARIABLE}: {error}") from None

    def on_step(step: Step) -> None:
        if step is chosen:
            # As kill -9 does: nothing is flushed, closed or cleaned up.
            os.kill(os.getpid(), signal.SIGKILL)

    return on_step
