"""Connections whose clients ask for little wait together: one thread looks at all of them.

With a thread for each, every small request costs several changes of threads, and the more clients there are the more
the threads of one interpreter are in each other's way. So a connection whose last request was answered from memory, or
was one that the application says it answers promptly, is left to this thread, which answers the next one likewise where
it can and otherwise wakes the connection's own thread, that goes on as if it had waited itself. Nothing here ever waits
for one client, nor for whoever holds a lock of the application.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._shared import Shared

ABLE = hasattr(select, "epoll")
"""Whether this system can wait for sockets that are added meanwhile; elsewhere every connection waits by itself."""


class Watch:
    """The waiting connections of one server."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._parked: dict[int, Shared] = {}
        self._thread: threading.Thread | None = None
        self._closed = False

    def park(self, shared: Shared) -> bool:
        """Take a connection over until it is given back; False where it has to wait by itself."""
        with self._lock:
            if self._closed or not (self._thread or self._begun()):
                return False
            number = shared.connection.fileno()
            self._parked[number] = shared
            try:
                self._poll.register(number, select.EPOLLIN)
            except OSError:
                del self._parked[number]
                return False
        return True

    def _begun(self) -> bool:
        """Start the thread; False where the system has no epoll, or no descriptor, memory or thread left for it."""
        if not ABLE:
            return False
        with contextlib.ExitStack() as undo:
            try:
                self._poll = undo.enter_context(contextlib.closing(select.epoll()))
                self._bell, ringing = socket.socketpair()
                undo.callback(self._bell.close)
                undo.callback(ringing.close)
                self._poll.register(ringing, select.EPOLLIN)
                thread = threading.Thread(target=self._run, args=(ringing,), name=f"{self._name}-watch", daemon=True)
                thread.start()
            except (OSError, RuntimeError, MemoryError):
                return False
            undo.pop_all()
        self._thread = thread
        return True

    def close(self, seconds: float) -> None:
        """Give every connection back to its own thread, and end; wait so many real seconds for it."""
        with self._lock:
            self._closed = True
            thread = self._thread
        if thread is not None:
            self._bell.close()
            if thread is not threading.current_thread():
                thread.join(seconds)

    def _run(self, ringing: socket.socket) -> None:
        stop = ringing.fileno()
        try:
            while True:
                for number, _ in self._poll.poll():
                    if number == stop:
                        return
                    if not self._parked[number].look():
                        self._give_back(number)
        finally:
            for number in list(self._parked):
                self._give_back(number)
            self._poll.close()
            ringing.close()

    def _give_back(self, number: int) -> None:
        self._poll.unregister(number)
        self._parked.pop(number).give_back()
