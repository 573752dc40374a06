"""The lease of an export or an import.

Theory. `ExportVm` grants a lease that is born *initializing* (1.1). The server alone makes it *ready* (1.2), and then
the client has `timeout` seconds to say Progress, again and again: each Progress renews the lease, whatever percentage
it names, even the same or 0 (2.7, 3.4), and already while the lease initialises (2.8). The client ends it by Complete
or Abort; silence ends it by the deadline (3.8); the server ends it when preparing fails (1.5), or when what came for an
import is no disk. No transition leaves an end.

A client sees only four states. The three ways into `error` are kept apart here, because they refuse later calls with
different faults: after a timeout everything is `Timedout` (2.2, 2.3), after an abort `InvalidState` (2.1, 2.3). Three
refusals are not settled by any source and are the profile's to choose (2.3, 2.5); they are named `*_AFTER_*` below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType


class LeaseState(Enum):
    """States of a lease; `seen` is what a client reads as HttpNfcLease.state."""

    INITIALIZING = "initializing"
    READY = "ready"
    DONE = "done"
    ABORTED = "aborted"
    TIMED_OUT = "timed out"
    FAILED = "failed"

    @property
    def seen(self) -> str:
        """One of initializing, ready, done, error (1.1)."""
        return self.value if self in (LeaseState.INITIALIZING, LeaseState.READY, LeaseState.DONE) else "error"

    @property
    def held(self) -> bool:
        """Whether the lease still holds its machines (9.1, 9.5)."""
        return self in (LeaseState.INITIALIZING, LeaseState.READY)


class LeaseInput(Enum):
    """What can happen to a lease."""

    PREPARED = "the server has prepared the export"
    UNPREPARED = "preparing the export failed"
    PROGRESS = "HttpNfcLeaseProgress"
    MOVED = "bytes left a host, or came to it"
    SPOILT = "what came to a host for an import is no disk"
    MANIFEST = "HttpNfcLeaseGetManifest"
    CHECKSUM = "HttpNfcLeaseSetManifestChecksumType"
    COMPLETE = "HttpNfcLeaseComplete"
    ABORT = "HttpNfcLeaseAbort"
    DEADLINE = "the timeout has passed without renewal"


class Refusal(Enum):
    """Why an input is refused; the state stays as it is."""

    INVALID_STATE = "InvalidState"
    TIMED_OUT = "Timedout"
    PROGRESS_AFTER_END = "the profile's progress_after_end"
    ABORT_AFTER_COMPLETE = "the profile's abort_after_complete"
    WHILE_INITIALIZING = "the profile's complete_while_initializing"
    NOTHING = "not an event in this state"


S, IN, R = LeaseState, LeaseInput, Refusal

TABLE: Mapping[tuple[LeaseState, LeaseInput], LeaseState | Refusal] = MappingProxyType(
    {
        (S.INITIALIZING, IN.PREPARED): S.READY,
        (S.INITIALIZING, IN.UNPREPARED): S.FAILED,
        (S.INITIALIZING, IN.PROGRESS): S.INITIALIZING,
        (S.INITIALIZING, IN.MOVED): R.NOTHING,
        (S.INITIALIZING, IN.SPOILT): R.NOTHING,
        (S.INITIALIZING, IN.MANIFEST): R.WHILE_INITIALIZING,
        (S.INITIALIZING, IN.CHECKSUM): S.INITIALIZING,
        (S.INITIALIZING, IN.COMPLETE): R.WHILE_INITIALIZING,
        (S.INITIALIZING, IN.ABORT): S.ABORTED,
        (S.INITIALIZING, IN.DEADLINE): S.TIMED_OUT,
        (S.READY, IN.PREPARED): R.NOTHING,
        (S.READY, IN.UNPREPARED): R.NOTHING,
        (S.READY, IN.PROGRESS): S.READY,
        (S.READY, IN.MOVED): S.READY,
        (S.READY, IN.SPOILT): S.FAILED,
        (S.READY, IN.MANIFEST): S.READY,
        (S.READY, IN.CHECKSUM): S.READY,
        (S.READY, IN.COMPLETE): S.DONE,
        (S.READY, IN.ABORT): S.ABORTED,
        (S.READY, IN.DEADLINE): S.TIMED_OUT,
        # ends
        (S.DONE, IN.PREPARED): R.NOTHING,
        (S.DONE, IN.UNPREPARED): R.NOTHING,
        (S.DONE, IN.PROGRESS): R.PROGRESS_AFTER_END,
        (S.DONE, IN.MOVED): R.NOTHING,
        (S.DONE, IN.SPOILT): R.NOTHING,
        (S.DONE, IN.MANIFEST): R.INVALID_STATE,
        (S.DONE, IN.CHECKSUM): R.INVALID_STATE,
        (S.DONE, IN.COMPLETE): R.INVALID_STATE,
        (S.DONE, IN.ABORT): R.ABORT_AFTER_COMPLETE,
        (S.DONE, IN.DEADLINE): R.NOTHING,
        (S.ABORTED, IN.PREPARED): R.NOTHING,
        (S.ABORTED, IN.UNPREPARED): R.NOTHING,
        (S.ABORTED, IN.PROGRESS): R.PROGRESS_AFTER_END,
        (S.ABORTED, IN.MOVED): R.NOTHING,
        (S.ABORTED, IN.SPOILT): R.NOTHING,
        (S.ABORTED, IN.MANIFEST): R.INVALID_STATE,
        (S.ABORTED, IN.CHECKSUM): R.INVALID_STATE,
        (S.ABORTED, IN.COMPLETE): R.INVALID_STATE,
        (S.ABORTED, IN.ABORT): R.INVALID_STATE,
        (S.ABORTED, IN.DEADLINE): R.NOTHING,
        (S.TIMED_OUT, IN.PREPARED): R.NOTHING,
        (S.TIMED_OUT, IN.UNPREPARED): R.NOTHING,
        (S.TIMED_OUT, IN.PROGRESS): R.TIMED_OUT,
        (S.TIMED_OUT, IN.MOVED): R.NOTHING,
        (S.TIMED_OUT, IN.SPOILT): R.NOTHING,
        (S.TIMED_OUT, IN.MANIFEST): R.TIMED_OUT,
        (S.TIMED_OUT, IN.CHECKSUM): R.INVALID_STATE,
        (S.TIMED_OUT, IN.COMPLETE): R.TIMED_OUT,
        (S.TIMED_OUT, IN.ABORT): R.TIMED_OUT,
        (S.TIMED_OUT, IN.DEADLINE): R.NOTHING,
        (S.FAILED, IN.PREPARED): R.NOTHING,
        (S.FAILED, IN.UNPREPARED): R.NOTHING,
        (S.FAILED, IN.PROGRESS): R.PROGRESS_AFTER_END,
        (S.FAILED, IN.MOVED): R.NOTHING,
        (S.FAILED, IN.SPOILT): R.NOTHING,
        (S.FAILED, IN.MANIFEST): R.INVALID_STATE,
        (S.FAILED, IN.CHECKSUM): R.INVALID_STATE,
        (S.FAILED, IN.COMPLETE): R.INVALID_STATE,
        (S.FAILED, IN.ABORT): R.INVALID_STATE,
        (S.FAILED, IN.DEADLINE): R.NOTHING,
    }
)
"""Every state with every input; a `Refusal` leaves the state as it is."""

_RENEWS = frozenset({IN.PREPARED, IN.PROGRESS})
_MOVES = frozenset({IN.PREPARED, IN.MOVED})


@dataclass(frozen=True, slots=True)
class Lease:
    """The value of a lease: its state, when it was last renewed (seconds), its timeout (seconds).

    `transfer_renews` is the profile's word on whether bytes that flow renew it without Progress (3.5);
    `require_transfer` on how long (seconds) a ready lease may send none before Progress is refused, 0 for ever (3.6).
    `moved_at` is when it last sent some, or became ready.
    """

    timeout: float
    renewed_at: float
    state: LeaseState = LeaseState.INITIALIZING
    transfer_renews: bool = False
    require_transfer: float = 0.0
    moved_at: float = 0.0

    def step(self, input: LeaseInput, now: float) -> Lease | Refusal:
        """Return the lease after `input`, or why it is refused."""
        target = TABLE[self.state, input]
        if isinstance(target, Refusal):
            return target
        if input is LeaseInput.PROGRESS and self._stalled(now):
            return Refusal.TIMED_OUT
        renews = input in _RENEWS or (input is LeaseInput.MOVED and self.transfer_renews)
        return replace(
            self,
            state=target,
            renewed_at=now if renews else self.renewed_at,
            moved_at=now if input in _MOVES else self.moved_at,
        )

    def _stalled(self, now: float) -> bool:
        # The server "has not detected data transfer progress", in the words of 8.x; nobody says for how long.
        ready = self.state is LeaseState.READY
        return ready and self.require_transfer > 0 and now - self.moved_at >= self.require_transfer

    def deadline(self) -> float | None:
        """Return the moment at which silence ends the lease; None once it has ended."""
        return self.renewed_at + self.timeout if self.state.held else None
