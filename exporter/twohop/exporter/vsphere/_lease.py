"""One export lease from ExportVm to its end, which comes on every way out (1.1 to 1.5)."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable
from typing import Any
from xml.parsers.expat import ExpatError

from pyVmomi import vim, vmodl

from .._cancellation import Cancellation
from .._device_file import DeviceFile
from .._errors import BadAnswer, ExportError, HostUnreachable, LeaseFailed, LeaseLost
from ..engine._values import Ending
from ._address import VCenterAddress
from ._faults import explained, meaning, said
from ._files import device_files
from ._inventory import read

WAIT = 5
"""Seconds of the server's clock that one WaitForUpdatesEx may take; so long may a wish to stop go unheard."""
ROUNDS = 720
"""Waits without news before a lease that stays `initializing` is given up."""

GONE = (vim.fault.Timedout, vim.fault.InvalidState, vmodl.fault.ManagedObjectNotFound)
"""Faults that say that a lease has ended already (1.10, 2.1, 2.3)."""

PAUSES = (0.5, 2.0)
"""Real seconds before an abort whose answer did not come is said again: said too often does no harm (2.3), a VM that
stays locked does."""
BRIEFLY = 10.0
"""Real seconds after which it is not said again; a network that swallows calls would hold whoever pressed Ctrl-C."""


class Grant:
    """A lease that this client was granted, ready or not, and its one end."""

    def __init__(self, lease: Any, server: str) -> None:
        self.lease = lease
        self._server = server
        self._lock = threading.Lock()
        self._ended = False

    @property
    def ended(self) -> bool:
        """Whether this client has completed or aborted the lease."""
        return self._ended

    @property
    def id(self) -> str:
        """The managed object's id (1.9)."""
        return str(self.lease._moId)

    def progress(self, percent: int) -> None:
        """Report `percent` and renew the lease (3.4); raise LeaseLost where the server has ended it."""
        try:
            with explained("renew the lease", self._server):
                self.lease.HttpNfcLeaseProgress(percent=min(100, max(0, percent)))
        except ExportError as error:
            if isinstance(error.__cause__, (*GONE, vim.fault.NotAuthenticated)):
                raise _lost("renew", error.__cause__) from error.__cause__
            raise

    def complete(self) -> None:
        """End the lease with success (1.3), once; raise LeaseLost where the server has ended it before.

        Where the answer is lost, or is another call's (10.9), the lease's state says whether it was completed.
        """
        with self._lock:
            if self._ended:
                raise LeaseLost("cannot complete the lease: it has ended already", whose="you")
            try:
                with explained("complete the lease", self._server):
                    self.lease.HttpNfcLeaseComplete()
            except ExportError as error:
                if isinstance(error.__cause__, GONE):
                    raise _lost("complete", error.__cause__) from error.__cause__
                if not isinstance(error, BadAnswer | HostUnreachable) or not self._is_done():
                    raise
            self._ended = True

    def _is_done(self) -> bool:
        try:
            return str(self.lease.state) == "done"
        except vmodl.fault.ManagedObjectNotFound:
            # It was held a moment ago, and a lease that is done may vanish at once (1.15).
            return True
        except (vmodl.MethodFault, OSError, http.client.HTTPException, ExpatError, AttributeError, ValueError):
            return False

    def abort(self, reason: str) -> Ending:
        """End the lease without success (1.4), once; return how it stood.

        `reason` is what others see on the server's task. A lease that has ended already is no error, here alone. Said
        again where no answer came to it.
        """
        fault = vmodl.fault.SystemError(msg=reason, reason=reason)
        with self._lock:
            if self._ended:
                return "gone"
            self._ended = True
            until = time.monotonic() + BRIEFLY
            for said_before, pause in enumerate((*PAUSES, None)):
                try:
                    with explained("abort the lease", self._server):
                        self.lease.HttpNfcLeaseAbort(fault=fault)
                except ExportError as error:
                    if isinstance(error.__cause__, vim.fault.Timedout):
                        return "timed out"
                    if isinstance(error.__cause__, GONE):
                        # What was said before may have been heard, and its answer lost.
                        return "aborted" if said_before else "gone"
                    unheard = isinstance(error, BadAnswer | HostUnreachable)
                    if not unheard or pause is None or time.monotonic() > until:
                        raise
                    time.sleep(pause)
                else:
                    break
            return "aborted"


class HeldLease:
    """A lease that is ready. Whoever holds it ends it, by `complete` or `abort`; VSphere.export sees to that.

    `id` is the managed object's id (1.9), `timeout` in seconds (3.1), `total_kib` the capacity of all disks (4.2).
    """

    def __init__(self, grant: Grant, info: Any, address: VCenterAddress) -> None:
        self._grant = grant
        self._server = address.authority
        self.id: str = grant.lease._moId
        self.timeout: int = info.leaseTimeout
        self.total_kib: int = info.totalDiskCapacityInKB
        self.entries: tuple[DeviceFile, ...] = device_files(info, address)

    @property
    def ended(self) -> bool:
        """Whether this client has completed or aborted the lease."""
        return self._grant.ended

    def progress(self, percent: int) -> None:
        """Report `percent` and renew the lease (3.4); raise LeaseLost where the server has ended it."""
        self._grant.progress(percent)

    def complete(self) -> None:
        """End the lease with success (1.3), once; raise LeaseLost where the server has ended it before."""
        self._grant.complete()

    def abort(self, reason: str) -> bool:
        """End the lease without success (1.4), once; return whether the server still had it."""
        return self._grant.abort(reason) == "aborted"


def wait_until_ready(lease: Any, content: Any, address: VCenterAddress, cancelled: Cancellation) -> Any:
    """Wait for a lease to leave `initializing` and return its info; raise LeaseFailed where it goes to `error`.

    Between two waits it looks at `cancelled` and raises its reason.

    A collector of our own, so that a wait of others in this session is not disturbed (10.8).
    """
    with explained("wait for the lease", address.authority):
        collector = content.propertyCollector.CreatePropertyCollector()
        try:
            return _follow(lease, content, collector, cancelled)
        finally:
            _quietly(collector.DestroyPropertyCollector)


def _follow(lease: Any, content: Any, collector: Any, cancelled: Cancellation) -> Any:
    spec = vmodl.query.PropertyCollector.FilterSpec(
        objectSet=[vmodl.query.PropertyCollector.ObjectSpec(obj=lease)],
        propSet=[vmodl.query.PropertyCollector.PropertySpec(type=type(lease), pathSet=["state", "info", "error"])],
    )
    collector.CreateFilter(spec=spec, partialUpdates=False)
    seen: dict[str, Any] = {}
    version = ""
    for _ in range(ROUNDS):
        cancelled.check()
        options = vmodl.query.PropertyCollector.WaitOptions(maxWaitSeconds=WAIT)
        update = collector.WaitForUpdatesEx(version=version, options=options)
        if update is not None:
            version = update.version
            seen.update(_changes(update))
        if seen.get("state") == "ready" and seen.get("info") is None:
            # A busy server can leave out what it has (10.9).
            seen.update(read(content, lease, "state", "info", "error"))
        if seen.get("state") == "error":
            cause = seen.get("error")
            came = said(cause) if cause is not None else "no cause given"
            raise LeaseFailed(f"the lease failed before any byte could be read: the server says {came}; try again")
        if seen.get("state") == "done":
            raise LeaseFailed("the lease was completed by somebody else before any byte could be read; export again")
        if seen.get("state") == "ready" and seen.get("info") is not None:
            return _checked(seen["info"])
    raise LeaseFailed(
        f"the lease was still {seen.get('state', 'without a state')} after {WAIT * ROUNDS // 60} minutes, expected"
        " ready; look at the export task in vCenter, then try again"
    )


def _changes(update: Any) -> dict[str, Any]:
    filters = update.filterSet or ()
    objects = [each for row in filters for each in row.objectSet or ()]
    return {change.name: change.val for each in objects for change in each.changeSet or ()}


def _checked(info: Any) -> Any:
    if not isinstance(info, vim.HttpNfcLease.Info) or not info.leaseTimeout or info.leaseTimeout < 1:
        raise BadAnswer("the lease is ready but its info has no timeout in seconds; this is not a vCenter's answer")
    return info


def _lost(doing: str, cause: BaseException) -> LeaseLost:
    if isinstance(cause, (vim.fault.InvalidState, vmodl.fault.ManagedObjectNotFound, vim.fault.NotAuthenticated)):
        return LeaseLost(
            f"cannot {doing} the lease: the server has ended it ({said(cause)}); nothing was kept, export again"
        )
    return LeaseLost(str(meaning(cause, f"{doing} the lease")))


def _quietly(call: Callable[[], Any]) -> None:
    # The server forgets the collector with the session; what went wrong before matters more.
    try:
        call()
    except (vmodl.MethodFault, OSError, http.client.HTTPException):
        pass
