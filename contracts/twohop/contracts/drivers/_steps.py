"""The steps a program of lease calls is made of, and what the driver itself expects of each.

The driver keeps a small model of what an observer may see: which machines it has powered on, which leases it has been
granted and whether it has ended them. It uses it to choose sensible steps, and to notice at once what no rule of the
history would call by its name: an export refused to a free machine, or granted for a running one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pyVmomi import vim, vmodl

from twohop.contracts._target import Target
from twohop.contracts.clauses import CLAUSES, Clause
from twohop.contracts.history import History
from twohop.contracts.report import Report, judge
from twohop.runtime.observing import Observations

from ._speaker import Speaker

Step = tuple[str, dict[str, Any]]

DRIVEN = tuple(clause for clause in CLAUSES if clause.kind == "vendor" and clause.subject in ("vcenter", "host"))
"""The clauses that a driver of leases holds a target to."""

ASSUMED_TIMEOUT = 300.0
"""Seconds taken for a lease's timeout until its info has been read (3.2)."""
POLLS = 50


@dataclass(slots=True)
class _Held:
    """A lease as the driver knows it."""

    lease: Any
    vm: int
    timeout: float = ASSUMED_TIMEOUT
    urls: tuple[str, ...] = ()
    ended: bool = False


class LeaseDriver:
    """Takes the steps of one program against one target. Any step may be taken at any time; faults are no failures."""

    def __init__(self, target: Target, observations: Observations | None = None) -> None:
        """Start over at `target`; what is seen goes to `observations` where a larger run has some already."""
        target.reset()
        self.target = target
        self.program: list[Step] = []
        self.surprises: list[str] = []
        self._observations = observations or Observations(target.clock.now)
        self._speaker = Speaker(target, self._observations)
        self._vms = self._speaker.machines(tuple(target.vms))
        self._on: set[int] = set()
        self._held: list[_Held] = []

    @property
    def leases(self) -> int:
        """How many leases have been granted."""
        return len(self._held)

    def open_lease(self, vm: int) -> None:
        """See to it that the newest lease is open, as far as the driver knows, by asking for one where it is not."""
        number = vm % len(self._vms)
        if self._held and not self._held[-1].ended:
            return
        if number in self._on:
            self.take("power_off", vm=number)
        self.take("export", vm=number)

    def machine_of(self, lease: int) -> int:
        """Return the number of the machine that a lease is on."""
        held = self._lease(lease)
        return held.vm if held is not None else 0

    def take(self, step: str, **arguments: Any) -> None:
        """Take one step and remember it."""
        if step not in STEPS:
            raise LookupError(f"no step {step!r}; there are {', '.join(STEPS)}")
        self.program.append((step, arguments))
        try:
            STEPS[step](self, **arguments)
        except vim.fault.NotAuthenticated:
            self._speaker.login()
        except vmodl.MethodFault:
            pass  # whether the fault was right is for the clauses to say

    def history(self) -> History:
        """Return what was seen up to now."""
        return History.of(self._observations, self.target.declared)

    def judge(self, clauses: Sequence[Clause] = DRIVEN) -> Report:
        """Judge what was seen up to now."""
        return judge(self.history(), clauses, self.target.recipe)

    def close(self) -> None:
        """Leave the target."""
        self._speaker.close()

    def export(self, vm: int) -> None:
        """Ask for a lease on a machine; a lease is due where it is off, a refusal where it is on (2.11)."""
        number = vm % len(self._vms)
        try:
            lease = self._vms[number].ExportVm()
        except vmodl.fault.NotSupported:
            raise
        except vmodl.MethodFault as fault:
            shared = any(held.vm == number for held in self._held) and isinstance(fault, vim.fault.TaskInProgress)
            expired = isinstance(fault, vim.fault.NotAuthenticated)
            if number not in self._on and not shared and not expired:
                self.surprises.append(f"ExportVm of a machine that is off was refused: {type(fault).__name__}")
            raise
        if number in self._on:
            self.surprises.append("ExportVm of a machine that is powered on was granted (2.11, 2.17)")
        self._held.append(_Held(lease, number))

    def read(self, lease: int) -> None:
        """Read state, info and error at once."""
        held = self._lease(lease)
        if held is not None:
            self._look(held)

    def wait_until_ready(self, lease: int) -> None:
        """Read a lease until it is no longer initializing, or the driver's patience ends."""
        held = self._lease(lease)
        for _ in range(POLLS if held is not None else 0):
            assert held is not None
            if self._look(held) != "initializing":
                return

    def peek(self, lease: int, path: str) -> None:
        """Read one property as pyVmomi does, by Fetch."""
        held = self._lease(lease)
        if held is not None:
            value = getattr(held.lease, path)
            if path == "info":
                self._learn(held, value)

    def progress(self, lease: int, percent: int) -> None:
        """Report progress."""
        held = self._lease(lease)
        if held is not None:
            held.lease.Progress(percent)

    def advance(self, share: float) -> None:
        """Let a share of the longest lease timeout pass."""
        longest = max((held.timeout for held in self._held), default=ASSUMED_TIMEOUT)
        self.target.clock.advance(share * longest)
        for held in self._held if share > 1 else ():
            held.ended = True

    def get(self, lease: int) -> None:
        """Fetch every disk whose URL the lease has shown."""
        held = self._lease(lease)
        for url in held.urls if held is not None else ():
            self._speaker.download(url)

    def complete(self, lease: int) -> None:
        """Complete a lease."""
        held = self._lease(lease)
        if held is not None:
            held.lease.Complete()
            held.ended = True

    def abort(self, lease: int) -> None:
        """Abort a lease."""
        held = self._lease(lease)
        if held is not None:
            held.lease.Abort()
            held.ended = True

    def power_on(self, vm: int) -> None:
        """Try to power a machine on."""
        number = vm % len(self._vms)
        if self._settled(self._vms[number].PowerOn()):
            self._on.add(number)

    def power_off(self, vm: int) -> None:
        """Try to power a machine off."""
        number = vm % len(self._vms)
        if self._settled(self._vms[number].PowerOff()):
            self._on.discard(number)

    def _settled(self, task: Any) -> bool:
        for _ in range(POLLS):
            state = str(self._speaker.read(task, "info")["info"].state)
            if state in ("success", "error"):
                return state == "success"
        return False

    def _lease(self, number: int) -> _Held | None:
        """Return a lease by its age: 0 is the newest."""
        return self._held[-1 - number % len(self._held)] if self._held else None

    def _look(self, held: _Held) -> str | None:
        seen = self._speaker.read(held.lease, "state", "info", "error")
        self._learn(held, seen.get("info"))
        state = seen.get("state")
        held.ended = held.ended or state in ("done", "error")
        return state

    def _learn(self, held: _Held, info: Any) -> None:
        if info is not None:
            held.timeout = float(info.leaseTimeout)
            held.urls = tuple(device.url for device in info.deviceUrl or () if device.disk is not False)


STEPS: dict[str, Callable[..., None]] = {
    "export": LeaseDriver.export,
    "read": LeaseDriver.read,
    "wait_until_ready": LeaseDriver.wait_until_ready,
    "peek": LeaseDriver.peek,
    "progress": LeaseDriver.progress,
    "advance": LeaseDriver.advance,
    "get": LeaseDriver.get,
    "complete": LeaseDriver.complete,
    "abort": LeaseDriver.abort,
    "power_on": LeaseDriver.power_on,
    "power_off": LeaseDriver.power_off,
}
