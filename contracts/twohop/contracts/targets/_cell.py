"""A cell in this process, with a fake vCenter behind it, as a target."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import socket
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy.exc import OperationalError

from twohop.exporter import ExportError, VCenterAddress
from twohop.exporter.cell import Cell
from twohop.exporter.cell.engine import EXPORT, Step
from twohop.fakes import VCenter
from twohop.runtime import Clock
from twohop.runtime.observing import Observations
from twohop.runtime.profiles import Profile, load_profile

SMALL_DISK = {"size": "4 MiB", "data": "192 KiB"}
LONG_DISK = {"size": "64 MiB", "data": "48 MiB"}
"""More than sockets take at once, so that a download lasts until its reader goes on."""
ORG, IMAGE = "Org0", "iso/tools.iso"


class PowerCut(ExportError):
    """The cell has died."""


class FakeCellTarget:
    """A cell over a fake vCenter with two machines, each a vApp of its own, and a medium; use it as a context manager.

    The cell's database and share outlive it, so that it can die and come back.
    """

    def __init__(self, profile: str | Profile = "cell-36.0", seed: int = 0) -> None:
        self.profile = load_profile(profile) if isinstance(profile, str) else profile
        self.recipe = f"FakeCellTarget({self.profile.name!r}, seed={seed})"
        self.machines: Sequence[str] = ("VM0", "VM1")
        self.vapps: Sequence[str] = ("small", "long")
        self.media: Sequence[str] = ("tools",)
        disks = (SMALL_DISK, LONG_DISK)
        rows = [
            {"name": vm, "power": "off", "host": "H0", "disks": [disk]}
            for vm, disk in zip(self.machines, disks, strict=True)
        ]
        # The image stands on a datastore because some machine has it in its drive.
        rows.append({"name": "VM2", "host": "H0", "images": [{"name": IMAGE, "size": "192 KiB"}]})
        world = {"datacenters": [{"name": "DC0", "hosts": ["H0"], "vms": rows}]}
        self.clock = Clock(start=1_700_000_000.0)
        self.vsphere = VCenter(world=world, seed=seed, clock=self.clock)
        vapps = [{"name": name, "vms": [vm]} for name, vm in zip(self.vapps, self.machines, strict=True)]
        (store,) = {image.datastore.name for vm in self.vsphere.world.vms() for image in vm.images}
        media = [{"name": name, "datacenter": "DC0", "file": f"[{store}] {IMAGE}"} for name in self.media]
        catalogs = [{"name": "Catalog0", "media": media}]
        vdcs = [{"name": "Vdc0", "vapps": vapps}]
        self._catalogue = {"orgs": [{"name": ORG, "vdcs": vdcs, "catalogs": catalogs}]}
        self._home = Path(tempfile.mkdtemp(prefix="twohop-target-"))
        self._seen = Observations(self.clock.now)
        self._cell = contextlib.ExitStack()
        self._open: Cell | None = None
        self._fatal: Step | None = None
        self._dead = False
        self._port: socket.socket | None = None
        self._password = secrets.token_urlsafe(18)

    @property
    def cell(self) -> Cell:
        """The cell that is open."""
        assert self._open is not None
        return self._open

    @property
    def url(self) -> str:
        """Scheme, host and port of the cell."""
        return self.cell.url

    @property
    def user(self) -> str:
        """Who may log in at the cell."""
        return self.cell.user

    @property
    def password(self) -> str:
        """The password of `user`."""
        return self._password

    @property
    def ca_file(self) -> Path:
        """The authority that signed the certificates of the cell and of the fakes."""
        return self.vsphere.ca_file

    @property
    def transfer_dir(self) -> Path:
        """The transfer share."""
        return self._home / "share"

    @property
    def declared(self) -> Mapping[str, Mapping[str, Any]]:
        """The profiles of the cell and of the fake behind it."""
        return {"cell": dict(self.profile.values), "vcenter": dict(self.vsphere.profile.values)}

    @property
    def vcenter(self) -> VCenterTarget:
        """The fake vCenter."""
        return VCenterTarget(self)

    def begin(self, observations: Observations) -> None:
        """Bring cell and vCenter back to where they began."""
        self._cell.close()
        shutil.rmtree(self._home)
        self._home.mkdir()
        self.vsphere.reset()
        self._seen, self._fatal = observations, None
        self._start()

    def settle(self) -> None:
        """Return once no export is running."""
        self.cell.engine.settle()

    def steps(self) -> Sequence[str]:
        """The names of the steps of an export."""
        return [step.label for step in EXPORT]

    def crash_at(self, step: str) -> None:
        """Let the cell die when an export takes this step."""
        found = [known for known in EXPORT if known.label == step]
        if not found:
            raise LookupError(f"an export has no step {step!r}; it has {', '.join(self.steps())}")
        self._fatal = found[0]

    def restart(self) -> None:
        """Start the cell again over what it left, if it has died."""
        self._fatal = None
        if self._dead:
            self._cell.close()
            self._start()

    def _start(self) -> None:
        self._dead = False
        assert self._port is not None
        address = VCenterAddress(self.vsphere.url, self.vsphere.user, self.vsphere.password, self.vsphere.ca_file)
        cell = Cell(
            address, transfer_dir=self.transfer_dir, clock=self.clock, profile=self.profile,
            catalogue=self._catalogue, database=f"sqlite:///{self._home / 'cell.sqlite'}",
            authority=self.vsphere.authority, password=self._password, port=self._port.getsockname()[1],
            on_step=self._on_step, observer=self._seen.observer("cell"),
        )  # fmt: skip
        self._open = self._cell.enter_context(cell)

    def _on_step(self, step: Step) -> None:
        if self._dead:
            raise PowerCut("the cell is dead")
        if step is self._fatal:
            self._die()
            raise PowerCut("the cell has died")

    def _die(self) -> None:
        """Let nothing that the cell still does reach its share or its database."""
        self._dead, self._fatal = True, None
        engine = self.cell.engine
        engine.store.change = _away  # type: ignore[method-assign]
        for act in ("discard", "remove", "publish", "write", "begin"):
            setattr(engine._spool, act, _refuse)

    def __enter__(self) -> FakeCellTarget:
        self.vsphere.start()
        # Links outlive the cell that gave them: nobody else may get its port while it is away.
        self._port = socket.socket()
        self._port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._port.bind(("127.0.0.1", 0))
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cell.close()
        if self._port is not None:
            self._port.close()
        self.vsphere.stop()
        self.clock.close()
        shutil.rmtree(self._home, ignore_errors=True)


class VCenterTarget:
    """The vCenter behind a cell, as a target of its own; it is reset with the cell and not by itself."""

    def __init__(self, target: FakeCellTarget) -> None:
        self.recipe = target.recipe
        self.url, self.user = target.vsphere.url, target.vsphere.user
        self.password, self.ca_file = target.vsphere.password, target.vsphere.ca_file
        self.clock, self.vms = target.clock, target.machines
        self.vapps: Sequence[str] = ()
        self.declared: Mapping[str, Mapping[str, Any]] = target.declared

    def reset(self) -> None:
        """Do nothing."""


def _away() -> Any:
    raise OperationalError("BEGIN IMMEDIATE", None, OSError(5, "the cell is dead"))


def _refuse(*_: object, **__: object) -> Any:
    raise OSError(5, "the cell is dead")
