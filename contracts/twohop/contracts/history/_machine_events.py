"""What happened to sessions, tasks and machines of a vCenter or a host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ._event import Event
from ._soap import Outcome


@dataclass(frozen=True, slots=True)
class CallMade(Event):
    """Any call, whatever else it shows. `session` is the reference of the cookie that the caller sent, if any."""

    method: str
    this: str
    this_type: str
    session: str | None
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class LoggedIn(Event):
    """A login to a vCenter or a host; `sessions` are the cookies that the caller sent or was given.

    `granted` are the members of the UserSession that came back, by name, with their text (10.11).
    """

    user: str
    outcome: Outcome
    sessions: frozenset[str] = frozenset()
    granted: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class LoggedOut(Event):
    """A logout."""

    outcome: Outcome
    session: str | None = None


@dataclass(frozen=True, slots=True)
class PowerAsked(Event):
    """A power operation on a machine; where it was accepted, `task` tells what becomes of it."""

    vm: str
    operation: Literal["on", "off"]
    outcome: Outcome
    task: str | None


@dataclass(frozen=True, slots=True)
class ChangeAsked(Event):
    """Any other call that changes a machine, such as ReconfigVM_Task or Destroy_Task."""

    vm: str
    operation: str
    outcome: Outcome
    task: str | None


@dataclass(frozen=True, slots=True)
class MachineDisk:
    """A disk of a machine's hardware. `place` is its controller's class, bus and unit, as in device keys (4.3)."""

    place: str
    capacity_kb: int


@dataclass(frozen=True, slots=True)
class MachineSeen(Event):
    """A read of a machine; what was not read is None. `encrypted` is true of one with a key or a virtual TPM.

    `snapshots` are the ids of all that it has.
    """

    vm: str
    power: str | None
    disks: tuple[MachineDisk, ...] | None
    encrypted: bool | None
    snapshots: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class TaskSeen(Event):
    """The state of a vSphere task, and the fault where it ended in one; the rest where the whole `info` was read."""

    task: str
    state: str
    fault: str | None
    entity: str | None = None
    description: str | None = None
    cancelled: bool | None = None
    progress: int | None = None


@dataclass(frozen=True, slots=True)
class TaskCancelled(Event):
    """CancelTask."""

    task: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class RecentTasksRead(Event):
    """The `recentTask` of an entity or of the task manager."""

    owner: str
    tasks: tuple[str, ...]
