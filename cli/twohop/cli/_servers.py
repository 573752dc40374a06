"""One world's servers on one clock and with one journal: a fake vCenter with its hosts and, by choice, a cell; or one
standalone ESXi host."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

from twohop.exporter import Events
from twohop.exporter.cell import Cell
from twohop.exporter.cell._cell import NAME as CELL
from twohop.exporter.vsphere import VCenterAddress
from twohop.fakes import ESXi, VCenter, default_host_spec, default_spec, fake_for, load_spec
from twohop.fakes.scenarios import scenario
from twohop.runtime import Clock, Journal
from twohop.runtime.certificates import Authority
from twohop.runtime.faults import FaultPlan
from twohop.runtime.observing import Observer
from twohop.runtime.profiles import Profile, load_profile


@dataclass(frozen=True, slots=True)
class WorldOptions:
    """What a world is made of; `world` is a world file, its data, or None for the default world.

    `profile` and `seed` go before those that the world names. `hosts` is for the default world of a vCenter, 2 unless
    said otherwise.
    """

    vms: int = 2
    hosts: int | None = None
    seed: int | None = None
    profile: str | None = None
    cell_profile: str = "cell-36.0"
    cell: bool = False
    world: Path | Mapping[str, Any] | None = None
    transfer_dir: Path | None = None
    running: bool = True
    port: int = 0
    cell_port: int = 0
    faults: Path | Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    scenario: str | None = None

    def __post_init__(self) -> None:
        """Refuse what a scenario brings itself."""
        for name in ("profile", "world", "faults"):
            if self.scenario is not None and getattr(self, name) is not None:
                raise ValueError(f"the scenario {self.scenario} brings its own {name}; leave one of them out")

    @classmethod
    def read(cls, options: Mapping[str, Any]) -> WorldOptions:
        """Read the options of a world from JSON; ValueError names what is wrong."""
        allowed = {"vms": int, "hosts": int, "seed": int, "profile": str, "cell_profile": str, "cell": bool,
                   "world": dict, "running": bool, "faults": list, "scenario": str}  # fmt: skip
        for name, value in options.items():
            if name not in allowed:
                raise ValueError(f"a world has no option {name!r}; it has {', '.join(sorted(allowed))}")
            kind = allowed[name]
            if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
                raise ValueError(f"{name} is a {kind.__name__}, got {value!r}")
        for content in _contents(options.get("world")):
            if not str(content).startswith("seed:"):
                raise ValueError(
                    f"disk content {content!r}: over HTTP a disk is made from seed:N; files need serve --world"
                )
        return cls(**options)


def _default(options: WorldOptions, profile: Profile) -> Mapping[str, Any]:
    if profile.product != ESXi.product:
        return default_spec(options.vms, 2 if options.hosts is None else options.hosts)
    if options.hosts not in (None, 1):
        raise ValueError(f"{profile.name} is one host by itself; got {options.hosts} hosts")
    return default_host_spec(options.vms)


def _contents(value: Any) -> Iterator[Any]:
    """Yield what disks are to hold, anywhere in the data of a world."""
    if isinstance(value, Mapping):
        if "content" in value:
            yield value["content"]
        for inner in value.values():
            yield from _contents(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _contents(inner)


class WorldServers:
    """The servers of one world; a context manager, or `start` and `stop`.

    `observer` sees what the cell does as a client of vCenter and the hosts, `events` hears of its exports; set them
    before the start.
    """

    def __init__(
        self,
        name: str,
        options: WorldOptions,
        *,
        authority: Authority | None = None,
        clock: Clock | None = None,
        journal: Journal | None = None,
    ) -> None:
        self.name = name
        self.options = options
        self.clock = clock or Clock(running=options.running)
        self.journal = journal or Journal(name, self.clock.now)
        self.observer: Observer | None = None
        self.events: Events = lambda event: None
        self.cell: Cell | None = None
        spec = options.world
        if isinstance(spec, Path):
            self._base: Path | None = spec.resolve().parent
            spec = load_spec(spec)
        else:
            self._base = None
        played = scenario(options.scenario) if options.scenario is not None else None
        if played is not None:
            spec, profile = played.world, played.profile
        else:
            profile = load_profile(options.profile or (spec or {}).get("profile", VCenter.default_profile))
        self._spec = spec or _default(options, profile)
        if options.cell and profile.product != VCenter.product:
            raise ValueError(f"a cell stands before a vCenter, not before {profile.name}; leave the cell out")
        self.vsphere = fake_for(
            profile,
            world=self._spec,
            base=self._base,
            seed=options.seed,
            clock=self.clock,
            journal=self.journal,
            authority=authority,
            port=options.port,
            name=name,
            faults=played.faults if played is not None else options.faults,
        )
        if options.cell:
            self.vsphere.faults.join(CELL)
        self._stack = contextlib.ExitStack()

    def start(self) -> WorldServers:
        """Start everything; once this returns, every port answers."""
        with contextlib.ExitStack() as stack:
            stack.callback(self.clock.close)
            stack.enter_context(self.vsphere)
            if self.options.cell:
                self.cell = stack.enter_context(self._cell(stack))
            self._stack = stack.pop_all()
        return self

    def stop(self) -> None:
        """Stop everything."""
        self._stack.close()

    @property
    def faults(self) -> FaultPlan:
        """The plan of faults of all servers of this world."""
        return self.vsphere.faults

    def reset(self) -> None:
        """Go back to the seed state: sessions, leases, tasks and packages gone, journal cut, clock kept."""
        if self.cell is not None:
            self.cell.reset()
        self.vsphere.reset()

    def ready(self) -> bool:
        """Tell whether every port answers."""
        return self.vsphere.ready() and (self.cell is None or self.cell.ready())

    def about(self) -> dict[str, Any]:
        """Describe the servers."""
        about = {self.vsphere.product: self.vsphere.about()}
        if self.cell is not None:
            about["cell"] = self.cell.about()
        return about

    def ledger(self) -> list[dict[str, Any]] | None:
        """Return what crossed each leg of the cell's exports; None without a cell."""
        return self.cell.ledger() if self.cell is not None else None

    def address(self) -> VCenterAddress:
        """Return how a client of the exporter reaches the vCenter or host."""
        return VCenterAddress(self.vsphere.url, self.vsphere.user, self.vsphere.password, self.vsphere.ca_file)

    def environment(self) -> dict[str, str]:
        """Return the variables with which clients find the servers."""
        vc = self.vsphere
        scheme, _, authority = vc.url.partition("://")
        values = {
            "TWOHOP_VCENTER_URL": vc.url,
            "TWOHOP_USER": vc.user,
            "TWOHOP_PASSWORD": vc.password,
            "TWOHOP_CA_FILE": str(vc.ca_file),
        }
        if self.cell is not None:
            values |= {
                "TWOHOP_CELL_URL": self.cell.url,
                "TWOHOP_CELL_USER": self.cell.user,
                "TWOHOP_CELL_PASSWORD": self.cell.password,
                "TWOHOP_TRANSFER_DIR": str(self.cell.transfer_dir),
            }
        user, password = quote(vc.user, safe=""), quote(vc.password, safe="")
        values["GOVC_URL"] = f"{scheme}://{user}:{password}@{authority}/sdk"
        values["GOVC_TLS_CA_CERTS"] = str(vc.ca_file)
        return values

    def _cell(self, stack: contextlib.ExitStack) -> Cell:
        transfer = self.options.transfer_dir
        if transfer is None:
            transfer = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="twohop-transfer-")))
        return Cell(
            self.address(),
            transfer_dir=transfer,
            clock=self.clock,
            profile=self.options.cell_profile,
            catalogue=self._spec.get("cell"),
            authority=self.vsphere.authority,
            journal=self.journal,
            observer=self.observer,
            events=self.events,
            port=self.options.cell_port,
            faults=self.vsphere.faults,
        )

    def __enter__(self) -> WorldServers:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
