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
from .._device_file import DeviceFile
from .._errors import BadAnswer, ExportError, NotFound, WrongPowerState
from .._shield import shielded
from ..engine._values import ManifestRow, Ready, Subject
from ..transfer._dialling import leads_here
from ._address import VCenterAddress
from ._calls import Calls, ended_by
from ._datastore import StoredImage, image_file, image_size
from ._describe import Descriptor, OvfFile, describe
from ._faults import asked_once, explained, said
from ._files import device_files
from ._inventory import find, find_snapshot, plain_name, read
from ._lease import Grant, HeldLease, wait_until_ready
from ._manifest import manifest_of
from ._stub import DIGESTING, PATIENCE, PROMPT, bounded, negotiate, open_stub

_POWERED_ON_MEANS = (vim.fault.InvalidPowerState, vim.fault.InvalidState, vim.fault.TaskInProgress)


class VSphere:
    """A session, logged in while the context is open; threads may share it.

    Every SOAP exchange is shown to `observer`. `cancelled` ends a call that waits, but those that grant or end a lease;
    what such a call raises then is HostUnreachable or BadAnswer. Raises LoginRefused, HostUnreachable, WrongThumbprint,
    Untrusted and BadAnswer on entering.
    """

    def __init__(
        self, address: VCenterAddress, *, observer: Observer | None = None, cancelled: Cancellation | None = None
    ) -> None:
        self.address = address
        self.version = self._version = ""
        self._scheme = bounded(observing_connection(observer, address.thumbprint))
        self._stub: Any = None
        self._prompt: Any = None
        self._content: Any = None
        self._grants: list[Grant] = []
        self.calls = Calls()
        self._cancelled = cancelled or Cancellation()
        self._heard = contextlib.ExitStack()

    def __enter__(self) -> VSphere:
        self._version = version = negotiate(self.address, self._scheme)
        self._stub = open_stub(self.address, ended_by(self._scheme, self.calls), version, PATIENCE)
        self._prompt = open_stub(self.address, self._scheme, version, PROMPT)
        self.version = versionIdMap[version]
        self._heard.enter_context(self._cancelled.on_cancel(self.calls.hang_up))
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
        """Return the virtual machine of that name, path, UUID or object id; raise NotFound or Ambiguous."""
        with explained(f"look up {name}", self.address.authority):
            return find(self._content, (vim.VirtualMachine,), "virtual machine", name)

    def find(self, name: str, *, snapshot: str | None = None) -> Subject:
        """Return the VM or vApp to be exported, or a snapshot of a VM by its name or path; raise NotFound or Ambiguous.

        `name` is a name, an inventory path, a UUID (BIOS or instance) or a managed object id; `name:`, `path:`, `uuid:`
        and `moid:` in front of it say which.
        """
        with explained(f"look up {name}", self.address.authority):
            found = find(self._content, (vim.VirtualMachine, vim.VirtualApp), "virtual machine or vApp", name)
        label = plain_name(self.name_of(found))
        if isinstance(found, vim.VirtualApp):
            if snapshot is not None:
                raise NotFound(f"{label} is a vApp, which has no snapshots; name one of its machines")
            return Subject(label, found._moId, "VirtualApp", ref=found)
        if snapshot is None:
            return Subject(label, found._moId, ref=found)
        with explained(f"look up the snapshot {snapshot}", self.address.authority):
            tree = read(self._content, found, "snapshot").get("snapshot")
            row = find_snapshot(tree, label, snapshot)
        return Subject(label, found._moId, snapshot=row.name, ref=found, snapshot_ref=row.snapshot)

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

    def image(self, image: StoredImage) -> tuple[DeviceFile, str]:
        """Return how to fetch a file of a datastore, and the cookie that opens it; raise NotFound and BadAnswer."""
        cookie = str(self._stub.cookie or "").partition(";")[0]
        return image_file(self.address, image, image_size(self.address, image, cookie)), cookie

    def disks(self, subject: Subject) -> Iterator[tuple[str, int, str]]:
        """Give label, capacity in bytes and backing file of every disk of a VM, as far as the server says."""
        if subject.kind != "VirtualMachine":
            return
        with explained("read the disks", self.address.authority):
            devices = read(self._content, subject.ref, "config.hardware.device").get("config.hardware.device") or ()
        for device in devices:
            if isinstance(device, vim.vm.device.VirtualDisk):
                label = device.deviceInfo.label if device.deviceInfo else f"disk {device.key}"
                capacity = getattr(device, "capacityInBytes", None) or device.capacityInKB * 1024
                yield label, capacity, str(getattr(device.backing, "fileName", "") or "no file")

    @contextlib.contextmanager
    def export(self, vm: Any, *, cancelled: Cancellation | None = None) -> Iterator[HeldLease]:
        """Hold an export lease on a VM that is powered off, ready when the context opens.

        Leaving without `complete` aborts it, exactly once, on every way out, a `cancelled` wait included. Raises
        WrongPowerState, Busy, NotPermitted, Refused, LeaseFailed, and the reason of `cancelled`.
        """
        mine: list[Grant] = []
        reason = "the client left without completing the lease"
        try:
            self._grant(Subject(str(vm._moId), vm._moId, ref=vm), mine)
            info = wait_until_ready(mine[0].lease, self._content, self.address, cancelled or Cancellation())
            yield HeldLease(mine[0], info, self.address)
            if not mine[0].ended:
                shielded(lambda: mine[0].abort(reason))
        except BaseException as error:
            reason = str(error) or type(error).__name__
            raise
        finally:
            self._give_up(mine, reason)

    def ask(self, subject: Subject) -> Grant:
        """Ask for an export lease, once; whoever gets it ends it.

        Raises WrongPowerState, Busy, NotPermitted and Refused.
        """
        mine: list[Grant] = []
        self._grant(subject, mine)
        return mine[0]

    def await_ready(self, grant: Grant, cancelled: Cancellation) -> Ready:
        """Wait until a lease is ready; raise LeaseFailed, and the reason of `cancelled`."""
        info = wait_until_ready(grant.lease, self._content, self.address, cancelled)
        return Ready(info.leaseTimeout, info.totalDiskCapacityInKB * 1024, device_files(info, self.address))

    def manifest(self, grant: Grant) -> tuple[ManifestRow, ...] | None:
        """Return what the server says it has sent, however long it digests that; None where it does not say."""
        stub = open_stub(self.address, ended_by(self._scheme, self.calls), self._version, DIGESTING)
        stub.cookie = self._stub.cookie
        try:
            return manifest_of(vim.HttpNfcLease(grant.id, stub), self.address.authority)
        finally:
            stub.DropConnections()

    def describe(
        self,
        vm: Any,
        files: Sequence[OvfFile],
        *,
        options: Sequence[str] = (),
        name: str | None = None,
        snapshot: Any = None,
    ) -> Descriptor:
        """Return the descriptor that the server writes for `files`; `options` such as `mac` are its own (8.8)."""
        with explained("write the descriptor", self.address.authority):
            return describe(self._content.ovfManager, vm, files, options, name, snapshot)

    def _grant(self, subject: Subject, mine: list[Grant]) -> None:
        # A host leaves a task behind each refused call (2.17), so the state is read before.
        running = subject.kind == "VirtualMachine" and subject.snapshot_ref is None
        if running:
            self._refuse_running(subject.ref, None)

        def ask() -> Any:
            with self.calls.kept():
                return asked()

        def asked() -> Any:
            if subject.snapshot_ref is not None:
                made = subject.snapshot_ref.ExportSnapshot()
            elif subject.kind == "VirtualApp":
                made = subject.ref.ExportVApp()
            else:
                made = subject.ref.ExportVm()
            if isinstance(made, vim.HttpNfcLease):
                grant = Grant(vim.HttpNfcLease(made._moId, self._prompt), self.address.authority)
                self._grants.append(grant)
                mine.append(grant)
            return made

        try:
            with asked_once(subject.name), explained(f"export {label_of(subject)}", self.address.authority):
                made = shielded(ask)
                if not mine:
                    raise BadAnswer(
                        f"the server answered the wish for a lease with {type(made).__name__}, expected a lease"
                    )
        except ExportError as error:
            if running and isinstance(error.__cause__, _POWERED_ON_MEANS):
                self._refuse_running(subject.ref, error.__cause__)
            raise

    def _refuse_running(self, vm: Any, fault: BaseException | None) -> None:
        if self.power_state(vm) == "poweredOn":
            came = f" ({said(fault)})" if fault else ""
            raise WrongPowerState(
                f"{self.name_of(vm)} is powered on, expected powered off{came};"
                " shut it down and try again, or export a snapshot of it, since a running VM cannot be exported"
            )

    def _give_up(self, grants: list[Grant], reason: str) -> None:
        """Abort the leases that have not ended; that it cannot be said matters less than what happened before."""
        for grant in list(grants):
            if not grant.ended:
                with contextlib.suppress(ExportError):
                    shielded(partial(grant.abort, reason))
            if grant in self._grants:
                self._grants.remove(grant)

    def forget(self, grant: Grant) -> None:
        """Leave a lease that has ended to itself."""
        if grant.ended and grant in self._grants:
            self._grants.remove(grant)

    def on_this_machine(self) -> bool:
        """Tell whether the server was reached on loopback; only then may its hosts be there too."""
        return leads_here(self.address.host, self.address.port)

    def _close(self) -> None:
        self._heard.close()
        for stub in (self._stub, self._prompt):
            if stub is not None:
                stub.DropConnections()


def label_of(subject: Subject) -> str:
    """Return what is exported as an error names it."""
    if subject.snapshot is not None:
        return f"the snapshot {subject.snapshot} of {subject.name}"
    return f"the {'vApp' if subject.kind == 'VirtualApp' else 'VM'} {subject.name}"
