"""One logged-in session with a vCenter or an ESXi host."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from pyVmomi import vim
from pyVmomi.VmomiSupport import versionIdMap

from twohop.runtime.observing import Observer, observing_connection

from .._cancellation import Cancellation
from .._errors import BadAnswer, ExportError, WrongPowerState
from .._shield import shielded
from ._address import VCenterAddress
from ._describe import Descriptor, OvfFile, describe
from ._faults import explained, said
from ._inventory import find, read
from ._lease import Grant, HeldLease, wait_until_ready
from ._stub import PATIENCE, PROMPT, negotiate, open_stub

_POWERED_ON_MEANS = (vim.fault.InvalidPowerState, vim.fault.InvalidState, vim.fault.TaskInProgress)


class VSphere:
    """A session, logged in while the context is open; threads may share it.

    Every SOAP exchange is shown to `observer`. Raises LoginRefused, HostUnreachable, WrongThumbprint, Untrusted and
    BadAnswer on entering.
    """

    def __init__(self, address: VCenterAddress, *, observer: Observer | None = None) -> None:
        self.address = address
        self.version = ""
        self._scheme = observing_connection(observer, address.thumbprint)
        self._stub: Any = None
        self._prompt: Any = None
        self._content: Any = None
        self._grants: list[Grant] = []

    def __enter__(self) -> VSphere:
        version = negotiate(self.address, self._scheme)
        self._stub = open_stub(self.address, self._scheme, version, PATIENCE)
        self._prompt = open_stub(self.address, self._scheme, version, PROMPT)
        self.version = versionIdMap[version]
        try:
            with explained(f"log in at {self.address.authority} as {self.address.user}", self.address.authority):
                self._content = vim.ServiceInstance("ServiceInstance", self._stub).RetrieveContent()
                self._content.sessionManager.Login(userName=self.address.user, password=self.address.password)
        except BaseException:
            self._close()
            raise
        self._prompt.cookie = self._stub.cookie
        return self

    def __exit__(self, *_: object) -> None:
        try:
            # Ctrl-C can come between the grant and the `with` that was to end it.
            self._give_up(self._grants, "interrupted")
            # The session ends by itself in time; what happened before matters more than a failed logout.
            with contextlib.suppress(ExportError), explained("log out", self.address.authority):
                vim.SessionManager(self._content.sessionManager._moId, self._prompt).Logout()
        finally:
            self._close()

    def find_vm(self, name: str) -> Any:
        """Return the virtual machine of that name or inventory path; raise NotFound or Ambiguous."""
        with explained(f"look up {name}", self.address.authority):
            return find(self._content, vim.VirtualMachine, "virtual machine", name)

    def name_of(self, entity: Any) -> str:
        """Return an object's name."""
        with explained("read a name", self.address.authority):
            name = read(self._content, entity, "name").get("name")
        if not isinstance(name, str):
            raise BadAnswer(f"the server gives no name for {entity._moId}; check this user's permissions")
        return name

    def power_state(self, vm: Any) -> str:
        """Return `poweredOff`, `poweredOn` or `suspended`; raise BadAnswer where the server does not say."""
        with explained("read the power state", self.address.authority):
            state = read(self._content, vm, "runtime.powerState").get("runtime.powerState")
        if state is None:
            raise BadAnswer(f"the server gives no power state for {vm._moId}; check this user's permissions")
        return str(state)

    def committed_bytes(self, vm: Any) -> int:
        """Return the bytes that a VM takes on its datastores; 0 where the server does not say."""
        with explained("read the storage", self.address.authority):
            return int(read(self._content, vm, "summary.storage.committed").get("summary.storage.committed") or 0)

    @contextlib.contextmanager
    def export(self, vm: Any, *, cancelled: Cancellation | None = None) -> Iterator[HeldLease]:
        """Hold an export lease on a VM that is powered off, ready when the context opens.

        Leaving without `complete` aborts it, exactly once, on every way out, a `cancelled` wait included. Raises
        WrongPowerState, Busy, NotPermitted, Refused, LeaseFailed, and the reason of `cancelled`.
        """
        mine: list[Grant] = []
        reason = "the client left without completing the lease"
        try:
            self._grant(vm, mine)
            info = wait_until_ready(mine[0].lease, self._content, self.address, cancelled or Cancellation())
            yield HeldLease(mine[0], info, self.address)
            if not mine[0].ended:
                shielded(lambda: mine[0].abort(reason))
        except BaseException as error:
            reason = str(error) or type(error).__name__
            raise
        finally:
            self._give_up(mine, reason)

    def describe(
        self, vm: Any, files: Sequence[OvfFile], *, options: Sequence[str] = (), name: str | None = None
    ) -> Descriptor:
        """Return the descriptor that the server writes for `files`; `options` such as `mac` are its own (8.8)."""
        with explained("write the descriptor", self.address.authority):
            return describe(self._content.ovfManager, vm, files, options, name)

    def _grant(self, vm: Any, mine: list[Grant]) -> None:
        # A host leaves a task behind each refused call (2.17), so the state is read before.
        self._refuse_running(vm, None)

        def ask() -> Any:
            made = vm.ExportVm()
            if isinstance(made, vim.HttpNfcLease):
                grant = Grant(vim.HttpNfcLease(made._moId, self._prompt), self.address.authority)
                self._grants.append(grant)
                mine.append(grant)
            return made

        try:
            with explained("export the VM", self.address.authority):
                made = shielded(ask)
        except ExportError as error:
            if isinstance(error.__cause__, _POWERED_ON_MEANS):
                self._refuse_running(vm, error.__cause__)
            raise
        if not mine:
            raise BadAnswer(f"the server answered ExportVm with {type(made).__name__}, expected a lease; try again")

    def _refuse_running(self, vm: Any, fault: BaseException | None) -> None:
        if self.power_state(vm) == "poweredOn":
            came = f" ({said(fault)})" if fault else ""
            raise WrongPowerState(
                f"{self.name_of(vm)} is powered on, expected powered off{came};"
                " shut it down and try again, since a running VM cannot be exported"
            )

    def _give_up(self, grants: list[Grant], reason: str) -> None:
        """Abort the leases that have not ended; that it cannot be said matters less than what happened before."""
        for grant in list(grants):
            if not grant.ended:
                with contextlib.suppress(ExportError):
                    shielded(partial(grant.abort, reason))
            if grant in self._grants:
                self._grants.remove(grant)

    def _close(self) -> None:
        for stub in (self._stub, self._prompt):
            if stub is not None:
                stub.DropConnections()
