"""Stopping an export from another thread, a read that blocks for minutes included."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from ._errors import Cancelled, ExportError


class Cancellation:
    """A request to stop, with its reason; once made it stays.

    A transfer polls `check` and lets `on_cancel` close its socket, since the silence between two bytes may last
    minutes (6.11). A child stops with its parent, but not the other way round.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reason: ExportError | None = None
        self._actions: list[Callable[[ExportError], None]] = []

    @property
    def reason(self) -> ExportError | None:
        """Why to stop, or None while there is no need to."""
        return self._reason

    def is_set(self) -> bool:
        """Tell whether somebody asked to stop."""
        return self._reason is not None

    def cancel(self, reason: ExportError | None = None) -> None:
        """Ask to stop; the first reason is kept."""
        with self._lock:
            if self._reason is not None:
                return
            self._reason = reason or Cancelled("the export was cancelled; nothing of it was kept")
            actions = list(self._actions)
        for action in actions:
            action(self._reason)

    def check(self) -> None:
        """Raise the reason, if there is one."""
        if self._reason is not None:
            raise self._reason

    def wait(self, seconds: float) -> None:
        """Wait so many real seconds, or raise the reason as soon as there is one."""
        asked = threading.Event()
        with self.on_cancel(lambda _: asked.set()):
            asked.wait(seconds)
        self.check()

    @contextlib.contextmanager
    def on_cancel(self, action: Callable[[ExportError], None]) -> Iterator[None]:
        """Call `action` with the reason in the thread that cancels, at once where that has happened already."""
        with self._lock:
            self._actions.append(action)
            late = self._reason
        try:
            if late is not None:
                action(late)
            yield
        finally:
            with self._lock:
                self._actions.remove(action)

    @contextlib.contextmanager
    def child(self) -> Iterator[Cancellation]:
        """Give a cancellation that this one sets too."""
        child = Cancellation()
        with self.on_cancel(child.cancel):
            yield child
