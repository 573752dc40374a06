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


def resident(pid: int, *, most: bool = False) -> float:
    """MiB that a process holds now, or has held at most."""
    name = "VmHWM" if most else "VmRSS"
    text = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in text.splitlines() if line.startswith(name))) / 1024


def starting(rounds: int) -> list[Figure]:
    """Ready, fresh and stopped, the best of several processes."""
    runs: list[dict[str, float]] = [
        json.loads(subprocess.run([sys.executable, "-m", "bench._start"], capture_output=True, check=True).stdout)
        for _ in range(rounds)
    ]
    best = {name: min(run[name] for run in runs) for name in runs[0]}
    return [
        Figure("ready to serve after import", best["ready"], "ms", "< 150"),
        Figure("the same, CPU of server and client", best["ready_cpu"], "ms", ""),
        Figure("a fresh world on a running server", best["fresh"], "ms", "< 5"),
        Figure("stopped with 20 clients connected", best["stop"], "ms", "< 50"),
        Figure("building 10,000 machines", best["build"] / 1e3, "s", "< 2"),
        Figure("the same, CPU", best["build_cpu"] / 1e3, "s", ""),
    ]


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


def machines() -> list[Figure]:
    """10,000 machines: what they take, and a view over all of them."""
    with served("--vms", str(MANY), "--hosts", "4") as (env, pid):
        held = resident(pid)
        client = _log_in(env)
        view = re.search(r"<returnval[^>]*>([^<]*)<", client.call(VIEW.format("group-d1")))
        assert view is not None
        answers = []
        seconds = timed(lambda: answers.append(client.call(_ALL.format(view[1]))))
        if answers[0].count("runtime.powerState") != MANY:
            sys.exit("bench: a view over all machines does not tell of all")
        return [
            Figure("10,000 machines, resident", held, "MiB", "< 300"),
            Figure("name and power state of all through a view", seconds, "s", ""),
            Figure("resident after it", resident(pid), "MiB", "< 300"),
        ]


def leases(count: int = 1000) -> list[Figure]:
    """Leases alive at once."""
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
            Figure("leases ready at once", ready, "", "1000"),
            Figure("granting each, and reading its state", seconds / count * 1e3, "ms", ""),
            Figure("resident for each", (resident(pid) - before) / count * 1024, "KiB", ""),
        ]


def connections() -> list[Figure]:
    """Idle clients, slow ones, and one that never starts TLS: what a new request takes beside them."""
    disk = {"size": 2 << 30, "data": 1 << 30, "content": "seed:1"}
    figures = []
    with _folder() as folder, fake_host(folder, disk) as host, contextlib.ExitStack() as stack:
        where = urlsplit(host.env["TWOHOP_VCENTER_URL"])
        address = str(where.hostname), int(where.port or 443)
        before = resident(host.pid)
        for _ in range(500):
            stack.callback(Client(*address).socket.close)
        figures.append(Figure("500 idle connections, resident", resident(host.pid) - before, "MiB", ""))
        figures.append(Figure("a new request beside them", _new(address), "ms", ""))
        stack.enter_context(socket.create_connection(address))
        figures.append(Figure("beside one that never starts TLS", _new(address), "ms", ""))
        url = urlsplit(host.url)
        context = ssl.create_default_context(cafile=str(host.ca_file))
        for _ in range(20):
            raw = stack.enter_context(socket.create_connection((str(url.hostname), int(url.port or 443))))
            stream = stack.enter_context(context.wrap_socket(raw, server_hostname=url.hostname))
            stream.sendall(f"GET {url.path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
            if not stream.recv(16384).startswith(b"HTTP/1.1 200"):
                sys.exit("bench: a slow stream does not begin")
        slow = min(_new((str(url.hostname), int(url.port or 443)), "/none") for _ in range(3))
        figures.append(Figure("a new request to a host with 20 slow streams", slow, "ms", "< 100"))
    return figures


def _new(address: tuple[str, int], path: str = "/sdk/vimServiceVersions.xml") -> float:
    def once() -> None:
        client = Client(*address)
        with client.socket:
            client.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
            if not client.socket.recv(1024).startswith(b"HTTP/1.1"):
                sys.exit("bench: a new request is not answered")

    return timed(once) * 1e3


def sparse() -> list[Figure]:
    """A disk of 800 GB with 1 GiB of data."""
    disk = {"size": 800_000_000_000 // 512 * 512, "data": 1 << 30, "content": "seed:1"}
    with _folder() as folder, fake_host(folder, disk) as host:
        fetched = curl(host.url, host.ca_file, Path("/dev/null"))
        return [
            Figure("800 GB with 1 GiB of data, sent", fetched.size / (1 << 20), "MiB", ""),
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


def measure_scale(rounds: int) -> list[Figure]:
    """Return every figure."""
    return [*starting(rounds), *machines(), *leases(), *connections(), *sparse()]
