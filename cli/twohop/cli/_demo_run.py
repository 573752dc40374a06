"""The demo itself: servers, both paths, expiry, probes, verdicts."""

from __future__ import annotations

import ssl
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import urllib3

from twohop.contracts.drivers import TOUR, LeaseDriver
from twohop.contracts.history import DiskFetched, FileTransferred, History, write
from twohop.contracts.report import judge
from twohop.exporter import Event, Events, FileDone, export_vm
from twohop.exporter.package import grain_digest
from twohop.exporter.via import export_via_cell
from twohop.runtime import Clock
from twohop.runtime.observing import Observations, Observer, Request, Response

from ._demo_result import DemoResult, Leg
from ._servers import WorldOptions, WorldServers

VM, VAPP = "DC0_C0_RP0_VM0", "vApp0"
ONE, TWO = "one hop", "two hops"

USER_LEG, CELL_LEG, STORE_LEG, LINK_LEG = "host to user", "host to cell", "cell to share", "cell to user"


class Told(Protocol):
    """Who listens to the run."""

    def say(self, text: str) -> None: ...

    def hop(self, label: str, event: Event) -> None: ...


class _Hops:
    """Passes the events of each hop on, and adds up the real seconds of its files."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def on(self, path: str, leg: str) -> Events:
        """Return a listener for one leg."""

        def hear(event: Event) -> None:
            if isinstance(event, FileDone):
                self.seconds[leg] += event.seconds
            self._told.hop(f"{path}: {leg}", event)

        return hear


@dataclass(frozen=True)
class _Target:
    """The demo's vCenter as the contract's driver wants it; its history goes on, so reset does nothing."""

    servers: WorldServers
    vms: Sequence[str] = (VM,)
    vapps: Sequence[str] = ()
    recipe: str = "twohop demo"
    declared: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.servers.vsphere.url

    @property
    def user(self) -> str:
        return self.servers.vsphere.user

    @property
    def password(self) -> str:
        return self.servers.vsphere.password

    @property
    def ca_file(self) -> Path:
        return self.servers.vsphere.ca_file

    @property
    def clock(self) -> Clock:
        return self.servers.clock

    def reset(self) -> None:
        """Leave the run as it is."""


def run(where: Path, seed: int, told: Told) -> DemoResult:
    """Run the demo into `where`; raise ExportError where a path fails."""
    # It runs, so that what came before what is certain; the waiting is done by moving it.
    clock = Clock(running=True)
    servers = WorldServers("demo", WorldOptions(seed=seed, cell=True), clock=clock)
    seen = Observations(clock.now, servers.journal.references)
    servers.observer = seen.observer("cell")
    hops = _Hops(told)
    servers.events = hops.on(TWO, CELL_LEG)
    with servers:
        assert servers.cell is not None
        vcenter, cell = servers.vsphere, servers.cell
        hosts = ", ".join(server.url for server in vcenter.hosts.values())
        told.say(f"vCenter {vcenter.url}, hosts {hosts}, cell {cell.url}")

        told.say(f"One hop: {VM} straight from its host")
        one = export_vm(
            servers.address(), VM, where / "one-hop", clock=clock, observer=seen.observer("user"),
            events=hops.on(ONE, USER_LEG),
        )  # fmt: skip

        told.say(f"Two hops: {VAPP} through the cell")
        two = export_via_cell(
            cell.url, cell.user, cell.password, VAPP, where / "two-hops", ca_file=cell.ca_file, clock=clock,
            observer=seen.observer("user"), events=hops.on(TWO, LINK_LEG),
        )  # fmt: skip
        link, directory = _expire(servers, seen, two.link, told)
        told.say("A client that tries its luck: four leases, completed, shared, renewed, left to time out")
        _probe(servers, seen)
        history = History.of(
            seen, {"vcenter": dict(vcenter.profile.values), "cell": dict(cell.profile.values)}
        )  # fmt: skip
    digests = {
        ONE: _digest(where / "one-hop", [f.name for f in one.files if f.disk]),
        TWO: _digest(where / "two-hops", [f.name for f in two.files if f.disk]),
    }
    write(history, where / "history.ndjson")
    report = judge(history, target="demo")
    return DemoResult(_legs(history, hops), digests, link, directory, report, _wrong(link, directory))


def _expire(servers: WorldServers, seen: Observations, url: str, told: Told) -> tuple[dict[str, int], dict[str, int]]:
    """Watch the link die and the directory empty, each on its own clock (vcd 3.17 to 3.20)."""
    cell = servers.cell
    assert cell is not None
    idle, reaper = cell.profile.seconds("url_expiry_s"), cell.profile.seconds("reaper_s")
    eyes = seen.observer("user")
    link, directory = {}, {}
    link["fresh"] = _get(eyes, url, cell.ca_file)
    directory["fresh"] = len(seen.list_directory(cell.transfer_dir).entries)
    told.say(f"The link answers {link['fresh']}; the transfer directory holds {directory['fresh']} files")
    servers.clock.advance(idle + 1)
    link["expired"] = _get(eyes, url, cell.ca_file)
    directory["expired"] = len(seen.list_directory(cell.transfer_dir).entries)
    told.say(f"{idle + 1:.0f} s of idle time later the link answers {link['expired']}")
    servers.clock.advance(reaper + 1)
    directory["reaped"] = len(seen.list_directory(cell.transfer_dir).entries)
    told.say(f"After the reaper's round the transfer directory holds {directory['reaped']} files")
    return link, directory


def _wrong(link: Mapping[str, int], directory: Mapping[str, int]) -> tuple[str, ...]:
    wrong = []
    if link["fresh"] != 200:
        wrong.append(f"the fresh link answered {link['fresh']}, expected 200")
    if not 400 <= link["expired"] < 500:
        wrong.append(f"the expired link answered {link['expired']}, expected 4xx")
    if directory["fresh"] == 0:
        wrong.append("the transfer directory was empty while the link was alive")
    if directory["reaped"] != 0:
        wrong.append(f"the transfer directory still holds {directory['reaped']} files after the reaper's round")
    return tuple(wrong)


def _get(eyes: Observer, url: str, ca_file: Path) -> int:
    tls = ssl.create_default_context(cafile=str(ca_file))
    with urllib3.PoolManager(ssl_context=tls, retries=False) as pool:
        t0 = eyes.now()
        answer = pool.request("GET", url)
        response = Response(
            answer.status, eyes.headers(answer.headers.items()), eyes.scrub(answer.data.decode("utf-8", "replace")),
            framing="length",
        )  # fmt: skip
        eyes.saw(eyes.connection(url), Request("GET", eyes.scrub(url)), response, t0=t0)
    return answer.status


def _probe(servers: WorldServers, seen: Observations) -> None:
    driver = LeaseDriver(_Target(servers), seen)
    try:
        for step, arguments in TOUR:
            driver.take(step, **arguments)
    finally:
        driver.close()


def _digest(package: Path, disks: Sequence[str]) -> str:
    return " ".join(grain_digest(package / name).hexdigest for name in disks)


def _legs(history: History, hops: _Hops) -> tuple[Leg, ...]:
    fetched = list(history.all(DiskFetched))

    def from_host(observer: str) -> int:
        return sum(event.size or 0 for event in fetched if event.exchange.observer == observer)

    looks = (sum(size for name, size in look.entries if name.endswith(".vmdk")) for look in history.listings)
    served = sum(e.size or 0 for e in history.all(FileTransferred) if e.whole and e.file.endswith(".vmdk"))
    crossed = (
        (ONE, USER_LEG, from_host("user")),
        (TWO, CELL_LEG, from_host("cell")),
        # What is fetched is written as it comes, so both legs take the same time.
        (TWO, STORE_LEG, max(looks, default=0)),
        (TWO, LINK_LEG, served),
    )
    hops.seconds[STORE_LEG] = hops.seconds[CELL_LEG]
    return tuple(Leg(path, leg, size, hops.seconds[leg]) for path, leg, size in crossed)
