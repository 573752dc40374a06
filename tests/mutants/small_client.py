"""A small client that exports one machine, and does it right; and clients like it that are wrong in one thing each.

None of them is the exporter of this project, or knows it: pyVmomi for the calls, http.client for the bytes, and no more
than an export needs. What each must not do is one method, so each wrong client is another way to write that method.
"""

from __future__ import annotations

import contextlib
import http.client
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pyVmomi import SoapStubAdapter, vim, vmodl

from twohop.fakes import VCenter
from twohop.runtime import thumbprint_of
from twohop.runtime.observing import ObservedBody, Observer, Request, Response, observing_connection

PIECE = 1 << 18
PATIENCE = 60.0


class Failed(Exception):
    """A file did not come as it should."""


class SmallClient:
    """Export the machine at `path` into `folder`; `moved` is called after every piece."""

    def __init__(self, vc: VCenter, observer: Observer, moved: Callable[[], None], folder: Path) -> None:
        self.vc, self.observer, self.folder = vc, observer, folder
        self._moved, self._renewed = moved, 0.0
        parts = urlsplit(vc.url)
        self._stub = SoapStubAdapter(
            host=parts.hostname, port=parts.port, version="vim.version.version12", acceptCompressedResponses=False,
            sslContext=ssl.create_default_context(cafile=str(vc.ca_file)),
        )  # fmt: skip
        self._stub.scheme = observing_connection(observer)
        self._content: Any = vim.ServiceInstance("ServiceInstance", self._stub).RetrieveContent()

    def run(self, path: str) -> bool:
        """Log in, export, log out; tell whether there is a package."""
        self._content.sessionManager.Login(userName=self.vc.user, password=self.vc.password)
        try:
            self.export(self._content.searchIndex.FindByInventoryPath(path))
        except (OSError, http.client.HTTPException, vmodl.MethodFault, Failed):
            return False
        finally:
            self.tick()
            # A session that was left alone for long has ended by itself.
            with contextlib.suppress(vim.fault.NotAuthenticated):
                self._content.sessionManager.Logout()
            self._stub.DropConnections()
        return True

    def export(self, vm: Any) -> None:
        """Hold one lease, from its grant to its one end."""
        lease = self.ask(vm)
        self._renewed = self.vc.clock.now()
        try:
            while lease.state == "initializing":
                self.tick()
            info = lease.info
            for device in info.deviceUrl:
                self.fetch(lease, info, device)
            self.tick()
            self.finish(lease)
        except (OSError, http.client.HTTPException, vmodl.MethodFault, Failed):
            self.clean()
            self.tick()
            with contextlib.suppress(vmodl.MethodFault):
                self.give_up(lease)
            raise

    def fetch(self, lease: Any, info: Any, device: Any) -> None:
        """Fetch a file, and see that it is whole."""
        path = self.folder / f"{device.targetId or 'file'}.part"
        parts = urlsplit(device.url)
        tls = ssl.create_default_context()
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, context=tls, timeout=PATIENCE)
        body, t0, shown = ObservedBody(), self.observer.now(), None
        answer: http.client.HTTPResponse | None = None
        end = "cut"
        try:
            connection.connect()
            shown = thumbprint_of(connection.sock.getpeercert(binary_form=True))  # type: ignore[union-attr]
            if not self.trusts(device, shown):
                raise Failed(f"{parts.hostname} is somebody else")
            connection.request("GET", parts.path)
            answer = connection.getresponse()
            if answer.status != 200:
                raise Failed(f"{answer.status}")
            with path.open("xb") as file:
                while piece := answer.read(PIECE):
                    body.feed(piece)
                    file.write(piece)
                    self.tick()
                    self.piece_came(lease)
                    self.renew(lease, info)
            end = "complete"
        finally:
            connection.close()
            self._write_down(device.url, shown, answer, body, end, t0)
        if device.disk and not self.whole(path):
            raise Failed("half a disk")

    def tick(self) -> None:
        """Let time pass, so that everybody can tell what came first."""
        self.vc.clock.advance(0.01)

    def _write_down(
        self, url: str, shown: str | None, answer: http.client.HTTPResponse | None, body: ObservedBody, end: Any,
        t0: float,
    ) -> None:  # fmt: skip
        see = self.observer
        response = None
        if answer is not None:
            framing: Any = "chunked" if answer.chunked else "length"
            response = Response(
                answer.status, see.headers(answer.getheaders()), digest=body.digest(), framing=framing, end=end
            )
        see.saw(see.connection(url, shown), Request("GET", see.scrub(url)), response, t0=t0)

    # -- what others do wrong --------------------------------------------------------------------------------------

    def ask(self, vm: Any) -> Any:
        """Ask for a lease, once: an answer that was lost may have granted one (2.14a)."""
        return vm.ExportVm()

    def trusts(self, device: Any, shown: str) -> bool:
        """Believe the host that the lease names (4.7)."""
        return bool(device.sslThumbprint.upper() == shown.upper())

    def piece_came(self, lease: Any) -> None:
        """Hear of a piece."""
        self._moved()

    def renew(self, lease: Any, info: Any) -> None:
        """Renew at a third of the timeout (3.4)."""
        if self.vc.clock.now() - self._renewed >= info.leaseTimeout / 3:
            lease.Progress(1)
            self._renewed = self.vc.clock.now()

    def whole(self, path: Path) -> bool:
        """Look for the end of a disk: its footer, and an empty marker (7.2)."""
        tail = path.read_bytes()[-1024:]
        return tail[:4] == b"KDMV" and tail[512:] == bytes(512)

    def finish(self, lease: Any) -> None:
        """Complete, once everything is there."""
        lease.Complete()

    def give_up(self, lease: Any) -> None:
        """Abort on every way out but success."""
        lease.Abort()

    def clean(self) -> None:
        """Leave nothing."""
        for path in self.folder.glob("*.part"):
            path.unlink()


class NeverRenews(SmallClient):
    """Takes its time without a word (12 rows 1, 19)."""

    def renew(self, lease: Any, info: Any) -> None:
        pass


class CompletesOnEveryWayOut(SmallClient):
    """Completes in its `finally`, as the community's samples do (2.10)."""

    def give_up(self, lease: Any) -> None:
        lease.Complete()


class LeavesTheLeaseToItsTimeout(SmallClient):
    """Neither completes nor aborts after an error (12 row 11)."""

    def give_up(self, lease: Any) -> None:
        pass


class CompletesBeforeTheLastByte(SmallClient):
    """Completes as soon as bytes come."""

    done = False

    def piece_came(self, lease: Any) -> None:
        if not self.done:
            self.done = True
            lease.Complete()

    def renew(self, lease: Any, info: Any) -> None:
        pass

    def finish(self, lease: Any) -> None:
        pass


class CompletesTwice(SmallClient):
    """Completes for every file (12 row 12)."""

    def finish(self, lease: Any) -> None:
        lease.Complete()
        self.tick()
        with contextlib.suppress(vmodl.MethodFault):
            lease.Complete()


class GoesOnAfterTheEnd(SmallClient):
    """Reports its progress when all is over."""

    def finish(self, lease: Any) -> None:
        lease.Complete()
        self.tick()
        with contextlib.suppress(vmodl.MethodFault):
            lease.Progress(100)


class BelievesTheFraming(SmallClient):
    """Takes a proper end for a whole file (12 row 14)."""

    def whole(self, path: Path) -> bool:
        return True


class BelievesWhoeverAnswers(SmallClient):
    """Verifies no certificate of a host, as most scripts do (6.3)."""

    def trusts(self, device: Any, shown: str) -> bool:
        return True


class LeavesHalfAFile(SmallClient):
    """Takes nothing back."""

    def clean(self) -> None:
        pass


class AsksAgain(SmallClient):
    """Sends a call again after a cut, as a stub that re-sends does (2.14a)."""

    def ask(self, vm: Any) -> Any:
        try:
            return vm.ExportVm()
        except OSError:
            self.tick()
            return vm.ExportVm()
