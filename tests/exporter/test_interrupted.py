"""Ctrl-C at any line after the grant: the lease ends, and the VM is free."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import twohop.exporter
from exporter.test_export import VM, address, assert_unlocked
from exporter.test_lease import calls
from twohop.exporter import VSphere
from twohop.fakes import VCenter
from twohop.runtime.observing import Observations

OURS = str(Path(twohop.exporter.__file__).parent)
SOCKET = "ignore::pytest.PytestUnraisableExceptionWarning"
"""Where Ctrl-C comes in the last lines of a session, its connections are left to the collector."""
FEW = 30
"""Fewer places than this to be interrupted at mean that the trace has missed the code."""


class CtrlC:
    """Raise KeyboardInterrupt at the `nth` line (or `bytecode`) of the exporter after a lease was granted."""

    def __init__(self, vc: VCenter, nth: int, *, bytecode: bool = False, within: str = "") -> None:
        self._vc, self._nth, self._bytecode, self._within = vc, nth, bytecode, within
        self._before = len(vc.world.leases())
        self._seen = 0
        self.pressed = False

    def __enter__(self) -> CtrlC:
        self._others = sys.gettrace()
        sys.settrace(self._frame)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._others)

    def _frame(self, frame: FrameType, event: str, arg: object) -> Any:
        name = frame.f_code.co_filename
        if name == contextlib.__file__ and frame.f_back is not None:
            name = frame.f_back.f_code.co_filename
        if not name.startswith(OURS) or self._within not in name:
            return None
        frame.f_trace_opcodes = self._bytecode
        return self._at

    def _at(self, frame: FrameType, event: str, arg: object) -> Any:
        wanted = event == ("opcode" if self._bytecode else "line") and not self.pressed
        if wanted and len(self._vc.world.leases()) > self._before:
            self._seen += 1
            if self._seen == self._nth:
                self.pressed = True
                raise KeyboardInterrupt
        return self._at


@pytest.fixture
def vc() -> Iterator[VCenter]:
    with VCenter() as running:
        yield running


def points(vc: VCenter, once: Any, step: int = 1, **more: Any) -> int:
    """Run `once` interrupted at every `step`th point there is; each time one lease is granted, and ended once."""
    for nth in range(1, 100_000, step):
        observations = Observations(vc.clock.now)
        granted = len(vc.world.leases())
        with CtrlC(vc, nth, **more) as ctrl_c, contextlib.suppress(KeyboardInterrupt):
            once(observations.observer("user"))
        assert_unlocked(vc)
        said = calls(observations)
        assert len(vc.world.leases()) == granted + 1
        ends = said.count("HttpNfcLeaseAbort") + said.count("HttpNfcLeaseComplete")
        assert ends == 1, (nth, said)
        if not ctrl_c.pressed:
            return nth
    raise AssertionError("it never came to an end")


@pytest.mark.filterwarnings(SOCKET)
@pytest.mark.parametrize("more", [{}, {"bytecode": True, "within": "_session.py", "step": 5}], ids=["line", "bytecode"])
def test_wherever_ctrl_c_comes_the_lease_of_a_session_ends(vc: VCenter, more: dict[str, Any]) -> None:
    def once(observer: Any) -> None:
        with VSphere(address(vc), observer=observer) as vsphere, vsphere.export(vsphere.find_vm(VM)):
            pass

    try:
        assert points(vc, once, **more) > FEW
    finally:
        # They are collected here, where that is expected, and not in whichever test comes next.
        gc.collect()
