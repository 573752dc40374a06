"""The transfer session: what stands between a finished export and the user's download.

Theory. While the enable task runs the session is *building*: the spool fills, no link exists (3.3). When the last byte
is stored it is *linked*: its URLs are valid while a transfer is in progress, and for a limited idle time besides (3.17,
3.17b). So a running GET holds the session alive and is never cut by the timer, and the idle time is counted while
nobody reads. Which moments of a GET restart that count no source says (0.3): `get_refreshes` is the profile's word.

Ways out of *linked* are silence and, where the profile says so, a finished download (*expired*, 3.19) and the user
(*disabled*, 3.15); out of *building* a failed export (*failed*). All of them only kill the URLs; the files go by
another clock (3.20), and when they have gone the session is *removed*, which is the one terminal state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType


class SessionState(Enum):
    """States of a transfer session."""

    BUILDING = "building"
    LINKED = "linked"
    EXPIRED = "expired"
    DISABLED = "disabled"
    FAILED = "failed"
    REMOVED = "removed"

    @property
    def dead(self) -> bool:
        """Whether the reaper may take its files."""
        return self in (SessionState.EXPIRED, SessionState.DISABLED, SessionState.FAILED)


TERMINAL = frozenset({SessionState.REMOVED})


class SessionInput(Enum):
    """What can happen to a transfer session."""

    BUILT = "the last byte is stored"
    BUILD_FAILED = "the export failed or was cancelled"
    BUILT_LATE = "a package that is built at the download request is stored"
    ENABLE_AGAIN = "enableDownload found it linked"
    GET_BEGINS = "a GET begins"
    GET_ENDS = "a GET ends"
    IDLE = "the idle time has passed"
    DISABLE = "disableDownload"
    FINISHED = "everything has been downloaded, nobody reads any more, and that ends it"
    FILES_REMOVED = "its files are gone"


class Refusal(Enum):
    """Why an input is refused; the session stays as it is."""

    NOT_YET = "no link exists before the last byte is stored"
    GONE = "the link is dead"
    NOTHING = "not an event in this state"


S, In, R = SessionState, SessionInput, Refusal

TABLE: Mapping[tuple[SessionState, SessionInput], SessionState | Refusal] = MappingProxyType(
    {
        (S.BUILDING, In.BUILT): S.LINKED,
        (S.BUILDING, In.BUILD_FAILED): S.FAILED,
        (S.BUILDING, In.BUILT_LATE): R.NOTHING,
        (S.BUILDING, In.ENABLE_AGAIN): R.NOT_YET,
        (S.BUILDING, In.GET_BEGINS): R.NOT_YET,
        (S.BUILDING, In.GET_ENDS): R.NOTHING,
        (S.BUILDING, In.IDLE): R.NOTHING,
        (S.BUILDING, In.DISABLE): S.DISABLED,
        (S.BUILDING, In.FINISHED): R.NOTHING,
        (S.BUILDING, In.FILES_REMOVED): R.NOTHING,
        (S.LINKED, In.BUILT): R.NOTHING,
        (S.LINKED, In.BUILD_FAILED): R.NOTHING,
        (S.LINKED, In.BUILT_LATE): S.LINKED,
        (S.LINKED, In.ENABLE_AGAIN): S.LINKED,
        (S.LINKED, In.GET_BEGINS): S.LINKED,
        (S.LINKED, In.GET_ENDS): S.LINKED,
        (S.LINKED, In.IDLE): S.EXPIRED,
        (S.LINKED, In.DISABLE): S.DISABLED,
        (S.LINKED, In.FINISHED): S.EXPIRED,
        # Files taken away by hand leave the link standing, since the state is not in the file system (3.27).
        (S.LINKED, In.FILES_REMOVED): R.NOTHING,
        (S.EXPIRED, In.BUILT): R.NOTHING,
        (S.EXPIRED, In.BUILD_FAILED): R.NOTHING,
        (S.EXPIRED, In.BUILT_LATE): R.GONE,
        (S.EXPIRED, In.ENABLE_AGAIN): R.GONE,
        (S.EXPIRED, In.GET_BEGINS): R.GONE,
        (S.EXPIRED, In.GET_ENDS): R.NOTHING,
        (S.EXPIRED, In.IDLE): R.NOTHING,
        (S.EXPIRED, In.DISABLE): S.DISABLED,
        (S.EXPIRED, In.FINISHED): R.NOTHING,
        (S.EXPIRED, In.FILES_REMOVED): S.REMOVED,
        (S.DISABLED, In.BUILT): R.GONE,
        (S.DISABLED, In.BUILD_FAILED): R.NOTHING,
        (S.DISABLED, In.BUILT_LATE): R.GONE,
        (S.DISABLED, In.ENABLE_AGAIN): R.GONE,
        (S.DISABLED, In.GET_BEGINS): R.GONE,
        (S.DISABLED, In.GET_ENDS): S.DISABLED,
        (S.DISABLED, In.IDLE): R.NOTHING,
        (S.DISABLED, In.DISABLE): S.DISABLED,
        (S.DISABLED, In.FINISHED): R.NOTHING,
        (S.DISABLED, In.FILES_REMOVED): S.REMOVED,
        (S.FAILED, In.BUILT): R.GONE,
        (S.FAILED, In.BUILD_FAILED): R.NOTHING,
        (S.FAILED, In.BUILT_LATE): R.GONE,
        (S.FAILED, In.ENABLE_AGAIN): R.GONE,
        (S.FAILED, In.GET_BEGINS): R.GONE,
        (S.FAILED, In.GET_ENDS): R.NOTHING,
        (S.FAILED, In.IDLE): R.NOTHING,
        (S.FAILED, In.DISABLE): S.DISABLED,
        (S.FAILED, In.FINISHED): R.NOTHING,
        (S.FAILED, In.FILES_REMOVED): S.REMOVED,
        # the end
        (S.REMOVED, In.BUILT): R.GONE,
        (S.REMOVED, In.BUILD_FAILED): R.NOTHING,
        (S.REMOVED, In.BUILT_LATE): R.GONE,
        (S.REMOVED, In.ENABLE_AGAIN): R.GONE,
        (S.REMOVED, In.GET_BEGINS): R.GONE,
        (S.REMOVED, In.GET_ENDS): S.REMOVED,
        (S.REMOVED, In.IDLE): R.NOTHING,
        (S.REMOVED, In.DISABLE): R.NOTHING,
        (S.REMOVED, In.FINISHED): R.NOTHING,
        (S.REMOVED, In.FILES_REMOVED): R.NOTHING,
    }
)
"""Every state with every input; a `Refusal` leaves the session as it is."""


@dataclass(frozen=True, slots=True)
class TransferSession:
    """The value of a transfer session.

    `idle_since` is the moment (seconds) from which idle time counts, `readers` the GETs in progress, `url_expiry_s` the
    idle time after which the URLs die (3.18), `get_refreshes` one of start, end, both, never; `enable_refreshes` tells
    whether a repeated enableDownload restarts it (3.14).
    """

    url_expiry_s: float
    idle_since: float
    state: SessionState = SessionState.BUILDING
    readers: int = 0
    get_refreshes: str = "both"
    enable_refreshes: bool = True

    def step(self, input: SessionInput, now: float) -> TransferSession | Refusal:
        """Return the session after `input`, or why it is refused."""
        target = TABLE[self.state, input]
        if isinstance(target, Refusal):
            return target
        due = self.deadline()
        if input is In.IDLE and (due is None or now < due):
            return R.NOTHING
        if input is In.FINISHED and self.readers:
            return R.NOTHING
        readers = self.readers
        if input is In.GET_BEGINS:
            readers += 1
        elif input is In.GET_ENDS:
            if readers == 0:
                return R.NOTHING
            readers -= 1
        idle_since = now if self._restarts(input) else self.idle_since
        return replace(self, state=target, readers=readers, idle_since=idle_since)

    def deadline(self) -> float | None:
        """Return the moment at which silence kills the URLs; None where no idle time is running."""
        if self.state is not S.LINKED or self.readers:
            return None
        return self.idle_since + self.url_expiry_s

    def _restarts(self, input: SessionInput) -> bool:
        if input is In.GET_BEGINS:
            return self.get_refreshes in ("start", "both")
        if input is In.GET_ENDS:
            return self.get_refreshes in ("end", "both")
        return input is In.BUILT or (input is In.ENABLE_AGAIN and self.enable_refreshes)
