"""How much the fake holds at once: machines, leases, connections, streams, and a disk that is mostly empty."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ._cost import curl
from ._load import CONTENT, LOGIN, VIEW, Client
from ._servers import fake_host, served
from ._vcsim import vcsim

MANY = 10_000
_ALL = (
    '<RetrievePropertiesEx xmlns="urn:vim25"><_this type="PropertyCollector">propertyCollector</_this><specSet>'
    "<propSet><type>VirtualMachine</type><pathSet>name</pathSet><pathSet>runtime.powerState</pathSet></propSet><objectSet>"
    '<obj type="ContainerView">{}</obj><skip>true</skip><selectSet xsi:type="TraversalSpec"><name>v</name>'
    "<type>ContainerView</type><path>view</path></selectSet></objectSet></specSet><options/></RetrievePropertiesEx>"
)
_EXPORT = '<ExportVm xmlns="urn:vim25"><_this type="VirtualMachine">{}</_this></ExportVm>'
_STATE = '<Fetch xmlns="urn:vim25"><_this type="HttpNfcLease">{}</_this><prop>state</prop></Fetch>'


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure, its unit, and what is to be reached."""

    name: str
    value: float
    unit: str
    target: str


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is of what is held at once; a smoke run holds little of everything."""

    machines: int = MANY
    leases: int = 1000
    idle: int = 500
    streams: int = 20
    data: int = 1 << 30


SMOKE = Size(machines=200, leases=20, idle=20, streams=4, data=32 << 20)


def resident(pid: int, *, most: bool = False) -> float:
    """MiB that a process and its children hold now, or have held at most."""
    name = "VmHWM" if most else "VmRSS"
    text = Path(f"/proc/{pid}/status").read_text()
    own = int(next(line.split()[1] for line in text.splitlines() if line.startswith(name))) / 1024
    below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(resident(int(child), most=most) for child in below)


def best(runs: list[list[Figure]]) -> list[Figure]:
    """The best round of each time; of memory the most, of counts the least, since those are no matter of luck."""
    rounds = zip(*runs, strict=True)
    return [(max if of[0].unit.endswith("iB") else min)(of, key=lambda figure: figure.value) for of in rounds]


def starting(size: Size) -> list[Figure]:
    """Ready, fresh and stopped, in a process of its own."""
    command = [sys.executable, "-m", "bench._start", str(size.machines)]
    run: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return [
        Figure("ready to serve after import", run["ready"], "ms", "< 150"),
        Figure("the same, CPU of server and client", run["ready_cpu"], "ms", ""),
        Figure("a fresh world on a running server", run["fresh"], "ms", "< 5"),
        Figure("stopped with 20 clients connected", run["stop"], "ms", "< 50"),
        Figure(f"building {size.machines:,} machines", run["build"] / 1e3, "s", "< 2"),
        Figure("the same, CPU", run["build_cpu"] / 1e3, "s", ""),
    ]


def beside(built: Path | None, machines: int) -> list[Figure]:
    """From the start of a process to its URL, and so many machines, of the fake and of vcsim, one after the other."""
    figures = []
    for many in (0, machines):
        what = f"{many:,} machines" if many else "its default world"
        options = ("--vms", str(many)) if many else ()
        sides: dict[str, Any] = {"fake": lambda options=options: served(*options)}
        if built is not None:
            sides["vcsim"] = lambda many=many: vcsim(built, many)
        for side, start in sides.items():
            began = time.monotonic()
            with start() as (_, pid):
                figures.append(Figure(f"{side}, process to ready, {what}", time.monotonic() - began, "s", ""))
                figures.append(Figure(f"{side}, resident", resident(pid), "MiB", ""))
    return figures


def timed(once: Callable[[], Any]) -> float:
    """Seconds that something takes."""
    began = time.monotonic()
    once()
    return time.monotonic() - began


def _log_in(env: dict[str, str]) -> Client:
    where = urlsplit(env["TWOHOP_VCENTER_URL"])
    client = Client(str(where.hostname), int(where.port or 443))
    client.call(CONTENT)
    client.call(LOGIN.format(env["TWOHOP_USER"], env["TWOHOP_PASSWORD"]))
    return client


def machines(size: Size) -> list[Figure]:
    """10,000 machines: what they take, and a view over all of them."""
    with served("--vms", str(size.machines), "--hosts", "4") as (env, pid):
        held = resident(pid)
        client = _log_in(env)
        view = re.search(r"<returnval[^>]*>([^<]*)<", client.call(VIEW.format("group-d1")))
        assert view is not None
        answers = []
        seconds = timed(lambda: answers.append(client.call(_ALL.format(view[1]))))
        if answers[0].count("runtime.powerState") != size.machines:
            sys.exit("bench: a view over all machines does not tell of all")
        return [
            Figure(f"{size.machines:,} machines, resident with children", held, "MiB", "< 300"),
            Figure("name and power state of all through a view", seconds, "s", ""),
            Figure("resident after it", resident(pid), "MiB", "< 300"),
        ]


def leases(size: Size) -> list[Figure]:
    """Leases alive at once."""
    count = size.leases
    vms = [{"name": f"vm{n}", "host": "H0", "disks": [{"size": 1 << 20}]} for n in range(count)]
    world = {"twohop": 1, "datacenters": [{"clusters": [{"name": "C0", "hosts": ["H0"]}], "vms": vms}]}
    with _folder() as folder, _world(folder, world) as (env, pid):
        client = _log_in(env)
        view = re.search(r"<returnval[^>]*>([^<]*)<", client.call(VIEW.format("group-d1")))
        assert view is not None
        ids = sorted(set(re.findall(r'type="VirtualMachine"[^>]*>([^<]*)<', client.call(_ALL.format(view[1])))))
        before = resident(pid)
        found: list[str] = []

        def export() -> None:
            for machine in ids:
                lease = re.search(r"<returnval[^>]*>([^<]*)<", client.call(_EXPORT.format(machine)))
                assert lease is not None
                found.append(lease[1])
                client.call(_STATE.format(lease[1]))

        seconds = timed(export)
        ready = sum(">ready<" in client.call(_STATE.format(lease)) for lease in found)
        return [
            Figure("leases ready at once", ready, "", str(count)),
            Figure("granting each, and reading its state", seconds / count * 1e3, "ms", ""),
            Figure("resident for each", (resident(pid) - before) / count * 1024, "KiB", ""),
        ]


def connections(size: Size) -> list[Figure]:
    """Idle clients, slow ones, and one that never starts TLS: what a new request takes beside them."""
    disk = {"size": 2 << 30, "data": 1 << 30, "content": "seed:1"}
    figures = []
    with _folder() as folder, fake_host(folder, disk) as host, contextlib.ExitStack() as stack:
        where = urlsplit(host.env["TWOHOP_VCENTER_URL"])
        address = str(where.hostname), int(where.port or 443)
        before = resident(host.pid)
        for _ in range(size.idle):
            stack.callback(Client(*address).socket.close)
        figures.append(Figure(f"{size.idle} idle connections, resident", resident(host.pid) - before, "MiB", ""))
        figures.append(Figure("a new request beside them", _new(address), "ms", ""))
        stack.enter_context(socket.create_connection(address))
        figures.append(Figure("beside one that never starts TLS", _new(address), "ms", ""))
        url = urlsplit(host.url)
        context = ssl.create_default_context(cafile=str(host.ca_file))
        for _ in range(size.streams):
            raw = stack.enter_context(socket.create_connection((str(url.hostname), int(url.port or 443))))
            stream = stack.enter_context(context.wrap_socket(raw, server_hostname=url.hostname))
            stream.sendall(f"GET {url.path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
            if not stream.recv(16384).startswith(b"HTTP/1.1 200"):
                sys.exit("bench: a slow stream does not begin")
        slow = min(_new((str(url.hostname), int(url.port or 443)), "/none") for _ in range(3))
        figures.append(Figure(f"a new request to a host with {size.streams} slow streams", slow, "ms", "< 100"))
    return figures


def _new(address: tuple[str, int], path: str = "/sdk/vimServiceVersions.xml") -> float:
    def once() -> None:
        client = Client(*address)
        with client.socket:
            client.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
            if not client.socket.recv(1024).startswith(b"HTTP/1.1"):
                sys.exit("bench: a new request is not answered")

    return timed(once) * 1e3


def sparse(size: Size) -> list[Figure]:
    """A disk of 800 GB with 1 GiB of data."""
    disk = {"size": 800_000_000_000 // 512 * 512, "data": size.data, "content": "seed:1"}
    with _folder() as folder, fake_host(folder, disk) as host:
        fetched = curl(host.url, host.ca_file, Path("/dev/null"))
        return [
            Figure(f"800 GB with {size.data >> 20:,} MiB of data, sent", fetched.size / (1 << 20), "MiB", ""),
            Figure("held at most while it is sent", resident(host.pid, most=True), "MiB", "<= 150"),
        ]


@contextlib.contextmanager
def _world(folder: Path, world: dict[str, Any]) -> Iterator[tuple[dict[str, str], int]]:
    file = folder / "world.yaml"
    file.write_text(json.dumps(world))
    with served("--world", str(file)) as running:
        yield running


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="twohop-bench-") as folder:
        yield Path(folder)


def measure_scale(rounds: int, size: Size, built: Path | None, machines_of_vcsim: int) -> list[Figure]:
    """Return every figure, of several rounds each; what stands beside vcsim, which takes long, of one."""
    figures = []
    for each in (starting, machines, leases, connections, sparse):
        figures += best([each(size) for _ in range(rounds)])
    return figures + beside(built, machines_of_vcsim)
