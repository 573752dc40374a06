"""The driver of leases: clients, a model, and the program of the steps that were taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pyVmomi import vim, vmodl

from twohop.contracts._target import Target
from twohop.contracts.clauses import CLAUSES, Clause
from twohop.contracts.history import History
from twohop.contracts.report import Report, judge
from twohop.runtime.observing import Observations

from ._model import ASSUMED_TIMEOUT, NO_MACHINE, Held, Model
from ._speaker import Speaker

Step = tuple[str, dict[str, Any]]

DRIVEN = tuple(clause for clause in CLAUSES if clause.kind == "vendor" and clause.subject in ("vcenter", "host"))
"""The clauses that a driver of leases holds a target to."""

POLLS = 50
STRANGER = 2
"""The number of the client that has no session; 0 and 1 have one each."""
TICK = 1 / 1024
"""Seconds that pass between two steps, so that what is said on one connection comes before what is said on another."""

STEPS: dict[str, Callable[..., None]] = {}


def step(take: Callable[..., None]) -> Callable[..., None]:
    """Declare a step by the name of its function, which takes the driver and named arguments."""
    STEPS[take.__name__] = take
    return take


class LeaseDriver:
    """Takes the steps of one program against one target. Any step may be taken at any time; faults are no failures."""

    def __init__(self, target: Target, observations: Observations | None = None) -> None:
        """Start over at `target`; what is seen goes to `observations` where a larger run has some already."""
        target.reset()
        self.target = target
        self.program: list[Step] = []
        self.model = Model()
        self._observations = observations or Observations(target.clock.now)
        self._clients: dict[int, Speaker] = {}
        self._reader: Speaker | None = None
        self.vms = self.client(0).machines(tuple(target.vms))
        self.vapps = self.client(0).vapps(tuple(target.vapps))

    @property
    def leases(self) -> int:
        """How many leases have been granted."""
        return len(self.model.held)

    @property
    def surprises(self) -> list[str]:
        """What the driver's own model did not expect."""
        return self.model.surprises

    def client(self, number: int) -> Speaker:
        """Return a client, who comes when he is first asked for."""
        known = self._clients.get(number % 3)
        if known is None:
            known = Speaker(self.target, self._observations, stranger=number % 3 == STRANGER)
            self._clients[number % 3] = known
        return known

    def reader(self) -> Speaker | None:
        """Return a client who may only read; None where the target knows none."""
        credentials = getattr(self.target, "reader", None)
        if self._reader is None and credentials is not None:
            self._reader = Speaker(self.target, self._observations, credentials=credentials)
        return self._reader

    def open_lease(self, vm: int) -> None:
        """See to it that the newest lease is open, as far as the driver knows, and on a machine; or ask for one."""
        number, newest = vm % len(self.vms), self.model.lease(0)
        if newest is not None and not newest.ended and newest.vm != NO_MACHINE:
            return
        if number in self.model.on:
            self.take("power_off", vm=number)
        self.take("export", vm=number)

    def machine_of(self, lease: int) -> int:
        """Return the number of the machine that a lease is on; of one on a vApp, that of any machine."""
        held = self.model.lease(lease)
        return held.vm if held is not None and held.vm != NO_MACHINE else 0

    def take(self, step: str, **arguments: Any) -> None:
        """Take one step and remember it."""
        if step not in STEPS:
            raise LookupError(f"no step {step!r}; there are {', '.join(STEPS)}")
        self.program.append((step, arguments))
        self.tick()
        speaker = self.client(arguments.get("client", 0))
        try:
            STEPS[step](self, **arguments)
        except vim.fault.NotAuthenticated:
            if not speaker.stranger:
                speaker.login()
        except vmodl.MethodFault:
            pass  # whether the fault was right is for the clauses to say
        except (AttributeError, KeyError, TypeError) as error:
            # pyVmomi hands on whatever a foreign answer holds (10.9).
            self.model.surprises.append(f"the answer to {step} was not understood: {type(error).__name__}: {error}")

    def tick(self) -> None:
        """Let a moment pass."""
        self.target.clock.advance(TICK)

    def history(self) -> History:
        """Return what was seen up to now."""
        return History.of(self._observations, self.target.declared)

    def judge(self, clauses: Sequence[Clause] = DRIVEN) -> Report:
        """Judge what was seen up to now."""
        return judge(self.history(), clauses, self.target.recipe)

    def close(self) -> None:
        """Leave the target."""
        for client in (*self._clients.values(), *([self._reader] if self._reader is not None else [])):
            client.close()

    def look(self, held: Held, client: int = 0) -> str | None:
        """Read state, info and error of a lease at once; return the state."""
        speaker = self.client(client)
        seen = speaker.read(speaker.lease(held.moid), "state", "info", "error")
        held.learn(seen.get("info"))
        state = seen.get("state")
        held.ended = held.ended or state in ("done", "error")
        return state

    def settled(self, task: Any) -> bool:
        """Wait for the end of a task; tell whether it was a success."""
        for _ in range(POLLS):
            state = str(self.client(0).read(task, "info")["info"].state)
            if state in ("success", "error"):
                return state == "success"
        return False

    def longest_timeout(self) -> float:
        """Return the longest timeout, in seconds, of all leases."""
        return max((held.timeout for held in self.model.held), default=ASSUMED_TIMEOUT)
