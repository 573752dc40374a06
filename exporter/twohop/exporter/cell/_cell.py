"""A cell on a port of its own: the engine, its API, its certificate, its clock."""

from __future__ import annotations

import contextlib
import secrets
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from twohop.exporter._events import Event, Events, HostChosen, ignore
from twohop.exporter.engine import HostOrder, registered_first
from twohop.exporter.package import merge_descriptors
from twohop.exporter.vsphere import VCenterAddress
from twohop.runtime import Clock, Journal
from twohop.runtime.certificates import Authority, OtherLeaves
from twohop.runtime.faults import FaultPlan
from twohop.runtime.observing import Observer
from twohop.runtime.profiles import Profile, ProfileError, load_profile
from twohop.runtime.serving import HttpServer

from ._crash import crashing
from ._vcenter import VCenterSource
from .api import CellApp, Logins
from .api._negotiation import number
from .api._resources import OVA_SINCE
from .engine import Catalogue, Engine, OnStep, Source, Store, checked_name

NAME = "cell"
ADMINISTRATOR = "administrator"


class Cell:
    """The two-hop service in front of a vCenter; a context manager, and its ports answer while it is open.

    `transfer_dir` is the transfer share. `catalogue` is the `cell` part of a world: by default organisation Org0 with
    vDC Vdc0, vApp vApp0 and Catalog0/Template0, all of DC0_C0_RP0_VM0. `database` is a SQLAlchemy URL, by default a
    SQLite file that ends with the cell. Of several cells on one database each has a `name` of its own, and a restart
    takes up what the dead cell of its name left; StoreError where that one is alive. `user` is `user@org`, by default
    the administrator of every organisation; `password` is random by default, and that of the catalogue's users too.
    `public_url` is where clients reach it, if not at its own host and port (6.3). A clock that is given is not closed.
    `observer` sees and `events` hears what the cell does at vCenter and hosts. `order` says which of the hosts that
    have a file is asked first; the journal tells which one was chosen, and why. `quota` is how many bytes the packages
    of its database may take of the share. `fail_tasks` fails what a dead cell of its name left running, where the
    profile leaves that to somebody (6.6).
    `faults` are rules of its own, or the plan of the world that it is part of.
    For tests, `source` replaces the vCenter and `on_step` hears the steps of a download; without it the process ends at
    the step that TWOHOP_CRASH_AT names.
    """

    def __init__(
        self,
        address: VCenterAddress | None,
        *,
        transfer_dir: Path,
        clock: Clock | None = None,
        profile: str | Profile = "cell-36.0",
        catalogue: Mapping[str, Any] | None = None,
        database: str | None = None,
        name: str = NAME,
        authority: Authority | None = None,
        user: str | None = None,
        password: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        public_url: str | None = None,
        journal: Journal | None = None,
        observer: Observer | None = None,
        events: Events = ignore,
        order: HostOrder = registered_first,
        reaper_s: float | None = None,
        quota: int | None = None,
        fail_tasks: bool = False,
        source: Source | None = None,
        on_step: OnStep | None = None,
        faults: FaultPlan | Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        self.name = checked_name(name)
        self._own_clock = clock is None
        self.clock = clock or Clock(running=True)
        self.profile = load_profile(profile) if isinstance(profile, str) else profile
        if self.profile.product != "cell":
            raise ProfileError(f"a cell takes a profile such as cell-36.0, got {self.profile.name}")
        self.journal = journal or Journal("default", self.clock.now)
        self._own_plan = not isinstance(faults, FaultPlan)
        if not isinstance(faults, FaultPlan):
            given, faults = faults, FaultPlan(self.clock, self.journal)
            faults.join(self.name)
            faults.begin(given)
            faults.check_servers()
        self.faults = faults
        self.transfer_dir = Path(transfer_dir)
        self.authority = authority or Authority()
        org = next(iter(Catalogue.read(catalogue).orgs.values())).name
        self.user, self.password = user or f"{ADMINISTRATOR}@{org}", password or secrets.token_urlsafe(18)
        self._every_org = user is None
        self.journal.references.name("password", self.password)
        if source is None:
            if address is None:
                raise ValueError("a cell stands in front of a vCenter: give its address")
            source = VCenterSource(
                address, clock=self.clock, observer=observer, events=self._heard(events), order=order
            )
        self._address, self._source, self._given = address, source, catalogue
        self._database, self._reaper_s, self._quota = database, reaper_s, quota
        self._fail_tasks, self._on_step = fail_tasks, on_step or crashing()
        self._host, self._port, self._public_url = host, port, public_url
        self._stack = contextlib.ExitStack()
        self._server: HttpServer | None = None
        self._engine: Engine | None = None
        self._app: CellApp | None = None

    def __enter__(self) -> Cell:
        with contextlib.ExitStack() as stack:
            if self._own_clock:
                stack.callback(self.clock.close)
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="twohop-ca-")))
            self.ca_file = self.authority.write(home / "ca.pem")
            names = {self._host, "127.0.0.1", "localhost"}
            leaf = self.authority.leaf(sorted(names - {"0.0.0.0"}))
            self.thumbprint = leaf.thumbprint
            store = Store(self._database)
            stack.callback(store.close)
            stack.enter_context(store.holding(self.name))
            self._server = HttpServer(
                self._serve, name=self.name, tls=leaf.context, host=self._host, port=self._port, now=self.clock.now,
                observer=self.journal.exchange, faults=self.faults,
                certificates=OtherLeaves(self.authority, sorted(names - {"0.0.0.0"})),
            )  # fmt: skip
            engine = self._engine = Engine(
                store=store, transfer_dir=self.transfer_dir, clock=self.clock, profile=self.profile,
                journal=self.journal, source=self._source, merge=merge_descriptors, catalogue=self._given,
                cell=self.name, address=self.name, reaper_s=self._reaper_s, quota=self._quota,
                archives=any(number(str(v)) >= OVA_SINCE for v in self.profile.list("offered")), on_step=self._on_step,
            )  # fmt: skip
            engine.start(fail_tasks=self._fail_tasks)
            stack.callback(engine.close)
            logins = Logins(
                store, self.clock, self.profile, lambda: engine.catalogue, self._accounts(), self.journal.references,
                cell=self.name,
            )  # fmt: skip
            self._app = CellApp(engine, logins, self.profile, self.journal, lambda: self.url, name=self.name)
            self._server.start()
            stack.callback(self._server.stop)
            # A GET that builds would keep the server waiting.
            stack.callback(engine.stop_building)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        """Scheme, host and port, without a path."""
        return self._public_url or self._running().url

    @property
    def engine(self) -> Engine:
        """The engine below the API."""
        if self._engine is None:
            raise RuntimeError("the cell is not open; use it in a with statement")
        return self._engine

    def reset(self) -> None:
        """Go back to the beginning: exports stopped, packages, sessions and tasks gone, journal cut, clock kept."""
        self.engine.reset()
        if self._own_plan:
            self.faults.reset()
        self.journal.cut()

    def ledger(self) -> list[dict[str, Any]]:
        """Return what crossed each leg, for every transfer session, oldest first."""
        return self.engine.ledgers()

    def ready(self) -> bool:
        """Tell whether the port answers."""
        return self._server is not None and self._server.port != 0

    def about(self) -> dict[str, Any]:
        """Describe the cell."""
        return {
            "product": "cell",
            "name": self.name,
            "profile": self.profile.name,
            "note": self.profile.note,
            "values": dict(self.profile.values),
            "url": self.url,
            "vcenter": self._address.authority if self._address is not None else None,
            "transfer_dir": str(self.transfer_dir),
            "not_implemented": dict(self._app.gaps) if self._app is not None else {},
        }

    def environment(self) -> dict[str, str]:
        """Return the variables with which a client finds the cell."""
        return {
            "TWOHOP_CELL_URL": self.url,
            "TWOHOP_CELL_USER": self.user,
            "TWOHOP_CELL_PASSWORD": self.password,
            "TWOHOP_TRANSFER_DIR": str(self.transfer_dir),
            "TWOHOP_CA_FILE": str(self.ca_file),
        }

    def _heard(self, events: Events) -> Events:
        """Write down which host was chosen for each file and why, and pass every event on."""

        def hear(event: Event) -> None:
            if isinstance(event, HostChosen):
                self.journal.record("file", server=self.name, what="host chosen", host=event.host, why=event.why)
            events(event)

        return hear

    def _accounts(self) -> dict[str, str]:
        orgs = self.engine.catalogue.orgs.values()
        names = [self.user] if not self._every_org else [f"{ADMINISTRATOR}@{org.name}" for org in orgs]
        return dict.fromkeys([*names, *(f"{name}@{org.name}" for org in orgs for name, _ in org.users)], self.password)

    def _running(self) -> HttpServer:
        if self._server is None:
            raise RuntimeError("the cell is not open; use it in a with statement")
        return self._server

    def _serve(self, environ: Any, start_response: Any) -> Any:
        assert self._app is not None
        return self._app(environ, start_response)
