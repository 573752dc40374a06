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
        self._ended = threading.Event()

    def run(self) -> None:
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

    def undo(self, how: Callable[[T], None] | None) -> None:
        self._ended.wait()
        if how is not None and self._value:
            how(self._value[0])


def shielded(call: Callable[[], T], *, interrupted: Callable[[T], None] | None = None) -> T:
    """Return what `call` returns, and let the first Ctrl-C wait until it has.

    A request whose answer is thrown away may have been granted: an ExportVm interrupted in the middle would leave a
    lease that nobody knows and that holds the VM until it times out (3.12). `interrupted` is given the result in that
    case, to undo it, before KeyboardInterrupt goes on. A second Ctrl-C does not wait.
    """
    if threading.current_thread() is not threading.main_thread():
        return call()
    running = _Call(call)
    thread = threading.Thread(target=running.run, name="twohop-call", daemon=True)
    try:
        thread.start()
        return running.result()
    except KeyboardInterrupt:
        if thread.ident is not None:
            running.undo(interrupted)
        raise
