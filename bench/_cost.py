"""CPU seconds of commands that ran, and of servers that go on running."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds, wall seconds and bytes of one transfer, on one side."""

    cpu: float
    wall: float
    size: int

    @property
    def per_gib(self) -> float:
        """CPU seconds per GiB."""
        return self.cpu * GIB / self.size

    @property
    def rate(self) -> float:
        """GiB per second of wall time."""
        return self.size / GIB / self.wall


def server_cpu(pid: int) -> float:
    """CPU seconds that a running server has used so far, to 10 ms: its threads, ended ones too, and its workers."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return (int(fields[11]) + int(fields[12])) / TICK + sum(server_cpu(int(child)) for child in below)


def curl(url: str, ca_file: Path, target: Path) -> Cost:
    """Fetch with curl into `target`, which may be /dev/null; the cost is curl's."""
    seconds, wall, size = _run(
        "curl", "-sS", "--fail", "--http1.1", "--cacert", ca_file, "-o", target, "-w", "%{size_download}", url
    )
    return Cost(seconds, wall, int(size))


def curl_and_sha256sum(url: str, ca_file: Path, target: Path) -> Cost:
    """Fetch with curl and digest what came, as somebody without the exporter would."""
    fetched = curl(url, ca_file, target)
    seconds, wall, _ = _run("sha256sum", target)
    return Cost(fetched.cpu + seconds, fetched.wall + wall, fetched.size)


def exporter(url: str, ca_file: Path, target: Path) -> Cost:
    """Fetch with the exporter, in a process of its own; what it takes Python to start is left out."""
    target.unlink(missing_ok=True)
    _, _, said = _run(sys.executable, "-m", "bench._fetch", url, ca_file, target)
    return Cost(**json.loads(said))


def curl_tee_sha256sum(url: str, ca_file: Path, target: Path) -> Cost:
    """Fetch with curl through tee into sha256sum: what a careful person would type."""
    line = 'curl -sS --fail --http1.1 --cacert "$0" "$1" | tee "$2" | sha256sum'
    seconds, wall, _ = _run("bash", "-c", line, ca_file, url, target)
    return Cost(seconds, wall, target.stat().st_size)


def whole_export(env: Mapping[str, str], folder: Path, vm: str) -> Cost:
    """Export a machine with `twohop export`: all of the command, from the start of Python to its end."""
    return _package(folder, (sys.executable, "-m", "twohop.cli", "export", vm, "-o", folder), env)


def govc_export(govc: Path, env: Mapping[str, str], folder: Path, vm: str) -> Cost:
    """Export a machine with `govc export.ovf -sha 256`."""
    return _package(folder, (govc, "export.ovf", "-sha", "256", "-vm", vm, folder), env)


def started(*arguments: str) -> Cost:
    """Run Python with these arguments, to its end; counted as one GiB, so that the cost per GiB is that of one run."""
    seconds, wall, _ = _run(sys.executable, *arguments)
    return Cost(seconds, wall, GIB)


def _package(folder: Path, command: tuple[str | Path, ...], env: Mapping[str, str]) -> Cost:
    shutil.rmtree(folder, ignore_errors=True)
    seconds, wall, _ = _run(*command, env=env)
    return Cost(seconds, wall, sum(path.stat().st_size for path in folder.rglob("*.vmdk")))


def _run(*command: str | Path, env: Mapping[str, str] | None = None) -> tuple[float, float, str]:
    started = time.monotonic()
    process = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, text=True, env={**os.environ, **(env or {})}
    )
    assert process.stdout is not None
    with process.stdout as out:
        said = out.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"bench: {command[0]} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - started, said
