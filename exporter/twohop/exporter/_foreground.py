"""Ctrl-C as a wish to stop, never as an exception between any two lines of an export."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from ._cancellation import Cancellation
from ._errors import BadAnswer, Cancelled, HostUnreachable

R = TypeVar("R")
PULSE = 0.1
"""Real seconds after which a Ctrl-C is heard at the latest."""


def foreground(call: Callable[[], R], cancelled: Cancellation) -> R:
    """Return what `call` returns; Ctrl-C stops it by `cancelled`, and is raised once it has cleaned up.

    Python raises Ctrl-C in the main thread alone, at any line, so the call runs in a thread of its own, where every
    failure comes from a step that it took. Where it was done before it heard the wish, its result counts. A second
    Ctrl-C waits for nothing.
    """

    def heard() -> R:
        try:
            return call()
        except (BadAnswer, HostUnreachable):
            # A call that was ended by the wish says no more than that it was ended.
            cancelled.check()
            raise

    if threading.current_thread() is not threading.main_thread():
        return heard()
    results: list[R] = []
    errors: list[BaseException] = []
    ended = threading.Event()

    def work() -> None:
        try:
            results.append(heard())
        except BaseException as error:
            errors.append(error)
        finally:
            ended.set()

    thread = threading.Thread(target=work, name="twohop-export", daemon=True)
    pressed: BaseException | None = None
    try:
        thread.start()
        # The kernel may give the signal to another thread, and Python then waits for this one to move.
        while not ended.wait(PULSE):
            pass
    except BaseException as error:
        if thread.ident is None:
            raise
        pressed = error
        cancelled.cancel(Cancelled("interrupted"))
        while not ended.wait(PULSE):
            pass
    thread.join()
    if results:
        return results[0]
    if pressed is not None:
        raise pressed
    raise errors[0]
