"""Calls that must not be torn in two by Ctrl-C."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class _Call(Generic[T]):
    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._value: list[T] = []
        self._error: BaseException | None = None
        self._turn = threading.Lock()
        self._ended = threading.Event()

    def run(self) -> None:
        # Whoever takes the turn decides: this thread by beginning, the caller by giving up before it has begun.
        if not self._turn.acquire(blocking=False):
            return
        try:
            self._value.append(self._call())
        except BaseException as error:
            self._error = error
        finally:
            self._ended.set()

    def result(self) -> T:
        self._ended.wait()
        if self._error is not None:
            raise self._error
        return self._value[0]

    def settle(self) -> None:
        """Return when the call is over, or when it is sure that it will never begin."""
        if not self._turn.acquire(blocking=False):
            self._ended.wait()


def shielded(call: Callable[[], T]) -> T:
    """Return what `call` returns, and let the first Ctrl-C wait until it has.

    A request whose answer is thrown away may have been granted: an ExportVm interrupted in the middle would leave a
    lease that nobody knows and that holds the VM until it times out (3.12). The result is lost to whoever is
    interrupted, so a `call` that is granted something writes it down itself. A second Ctrl-C does not wait.
    """
    if threading.current_thread() is not threading.main_thread():
        return call()
    running = _Call(call)
    try:
        threading.Thread(target=running.run, name="twohop-call", daemon=True).start()
        return running.result()
    except BaseException:
        running.settle()
        raise
