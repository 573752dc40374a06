"""Property reads a second, of the fake and of vcsim, round by round in one run."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ._cost import server_cpu
from ._servers import served
from ._vcsim import vcsim

CLIENTS = (1, 8, 64)
MACHINES = 100
MANY = 10_000


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


def measure_reads(theirs: Path | None, rounds: int, seconds: float) -> dict[str, dict[int, list[Reads]]]:
    """Return every round's reads by side and number of clients; vcsim, if there is one, is the first side."""
    found: dict[str, dict[int, list[Reads]]] = {}
    with contextlib.ExitStack() as stack:
        ours, many = stack.enter_context(fake()), stack.enter_context(fake(MANY))
        other = asked(stack.enter_context(vcsim(theirs, MACHINES))) if theirs is not None else None
        for _ in range(rounds):
            for clients in CLIENTS:
                if other is not None:
                    found.setdefault("vcsim", {}).setdefault(clients, []).append(read(other, clients, seconds))
                found.setdefault("fake", {}).setdefault(clients, []).append(read(ours, clients, seconds))
                again = found.setdefault("fake, never the same", {}).setdefault(clients, [])
                again.append(read(many, clients, seconds, once=True))
    return found


def asked(running: tuple[str, int]) -> Asked:
    """Take vcsim's URL, which holds user and password, apart."""
    url = urlsplit(running[0])
    return Asked(f"https://{url.hostname}:{url.port}{url.path}", str(url.username), str(url.password), running[1])
