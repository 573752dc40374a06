"""Property reads a second, of the fake and of vcsim, round by round in one run."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ._cost import server_cpu
from ._servers import served

CLIENTS = (1, 8, 64)
MACHINES = 100
MANY = 10_000
_MODULE = Path(__file__).parent.parent / "tests" / "interop" / "vcsim"


@dataclass(frozen=True, slots=True)
class Reads:
    """Calls a second, and what each cost the server: microseconds of CPU."""

    rate: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Asked:
    """A server of the vSphere API, who may log in, and its process."""

    url: str
    user: str
    password: str
    pid: int


def read(asked: Asked, clients: int, seconds: float, *, once: bool = False) -> Reads:
    """Let clients read for some seconds; with `once` each machine at most once, so that no answer was given before."""
    before = server_cpu(asked.pid)
    command = [sys.executable, "-m", "bench._load", asked.url, asked.user, str(clients), str(seconds), str(int(once))]
    done = subprocess.run(command, input=f"{asked.password}\n", capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"bench: {done.stderr.strip()}")
    said = json.loads(done.stdout)
    return Reads(said["calls"] / said["wall"], (server_cpu(asked.pid) - before) / said["calls"] * 1e6)


@contextlib.contextmanager
def fake(machines: int = MACHINES) -> Iterator[Asked]:
    """Serve the default world with so many machines."""
    with served("--vms", str(machines)) as (env, pid):
        yield Asked(env["TWOHOP_VCENTER_URL"], env["TWOHOP_USER"], env["TWOHOP_PASSWORD"], pid)


@contextlib.contextmanager
def vcsim(folder: Path, machines: int = MACHINES) -> Iterator[Asked | None]:
    """Serve as many machines by vcsim, built from govmomi; None where there is no Go."""
    go = shutil.which("go", path=f"{os.environ['PATH']}:/usr/local/go/bin")
    built = folder / "vcsim"
    command = [go or "", "build", "-mod=readonly", "-buildvcs=false", "-o", str(built), "./sim"]
    if go is None or subprocess.run(command, cwd=_MODULE, capture_output=True).returncode:
        yield None
        return
    with subprocess.Popen([built, str(machines // 2)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = urlsplit(process.stdout.readline().strip())
        try:
            where = f"https://{url.hostname}:{url.port}{url.path}"
            yield Asked(where, str(url.username), str(url.password), process.pid)
        finally:
            process.send_signal(signal.SIGINT)


def measure_reads(folder: Path, rounds: int, seconds: float) -> dict[str, dict[int, list[Reads]]]:
    """Return every round's reads by side and number of clients; vcsim is the first side where it can be built."""
    found: dict[str, dict[int, list[Reads]]] = {}
    with fake() as ours, fake(MANY) as many, vcsim(folder) as theirs:
        for _ in range(rounds):
            for clients in CLIENTS:
                if theirs is not None:
                    found.setdefault("vcsim", {}).setdefault(clients, []).append(read(theirs, clients, seconds))
                found.setdefault("fake", {}).setdefault(clients, []).append(read(ours, clients, seconds))
                again = found.setdefault("fake, never the same", {}).setdefault(clients, [])
                again.append(read(many, clients, seconds, once=True))
    return found
