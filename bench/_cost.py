"""CPU seconds of commands that ran, and of servers that go on running."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
GIB = 1 << 30
LOOK = 0.02
"""Seconds between two looks at how much memory a command takes; the kernel keeps its peak, so the last look counts."""
_GOVC = Path(__file__).parent.parent / "tests" / "interop" / "govc" / "0.55"


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds, wall seconds and bytes of one transfer, on one side; `peak` bytes resident, where it was looked."""

    cpu: float
    wall: float
    size: int
    peak: int = 0

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


def peak_of(pid: int) -> int:
    """Bytes that a running command has had resident at most, those that it runs included; 0 where it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0
    # Not ru_maxrss: that of a child begins with what its parent had when it was made.
    own = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return (int(own[1]) << 10 if own else 0) + sum(peak_of(int(child)) for child in below)


def govc_here(folder: Path) -> Path | None:
    """Return the govc on PATH, else the one that the interop tests pin, built; None where there is no Go to do it."""
    if (found := shutil.which("govc")) is not None:
        return Path(found)
    go, built = shutil.which("go", path=f"{os.environ['PATH']}:/usr/local/go/bin"), folder / "govc"
    command = [go or "", "build", "-mod=readonly", "-buildvcs=false", "-o", str(built), "."]
    if go is None or subprocess.run(command, cwd=_GOVC, capture_output=True).returncode:
        return None
    return built


def curl(url: str, ca_file: Path, target: Path) -> Cost:
    """Fetch with curl into `target`, which may be /dev/null; the cost is curl's."""
    seconds, wall, size, _ = _run(
        "curl", "-sS", "--fail", "--http1.1", "--cacert", ca_file, "-o", target, "-w", "%{size_download}", url
    )
    return Cost(seconds, wall, int(size))


def curl_and_sha256sum(url: str, ca_file: Path, target: Path) -> Cost:
    """Fetch with curl and digest what came, as somebody without the exporter would."""
    fetched = curl(url, ca_file, target)
    seconds, wall, _, _ = _run("sha256sum", target)
    return Cost(fetched.cpu + seconds, fetched.wall + wall, fetched.size)


def exporter(url: str, ca_file: Path, target: Path) -> Cost:
    """Fetch with the exporter, in a process of its own; what it takes Python to start is left out."""
    target.unlink(missing_ok=True)
    _, _, said, _ = _run(sys.executable, "-m", "bench._fetch", url, ca_file, target)
    return Cost(**json.loads(said))


def curl_tee_sha256sum(url: str, ca_file: Path, target: Path) -> Cost:
    """Fetch with curl through tee into sha256sum: what a careful person would type."""
    line = 'curl -sS --fail --http1.1 --cacert "$0" "$1" | tee "$2" | sha256sum'
    seconds, wall, _, peak = _run("bash", "-c", line, ca_file, url, target)
    return Cost(seconds, wall, target.stat().st_size, peak)


def whole_export(env: Mapping[str, str], folder: Path, vm: str) -> Cost:
    """Export a machine with `twohop export`: all of the command, from the start of Python to its end."""
    return _package(folder, (sys.executable, "-m", "twohop.cli", "export", vm, "-o", folder), env)


def govc_export(govc: Path, env: Mapping[str, str], folder: Path, vm: str) -> Cost:
    """Export a machine with `govc export.ovf -sha 256`."""
    return _package(folder, (govc, "export.ovf", "-sha", "256", "-vm", vm, folder), env)


def started(*arguments: str) -> Cost:
    """Run Python with these arguments, to its end; counted as one GiB, so that the cost per GiB is that of one run."""
    seconds, wall, _, peak = _run(sys.executable, *arguments)
    return Cost(seconds, wall, GIB, peak)


def _package(folder: Path, command: tuple[str | Path, ...], env: Mapping[str, str]) -> Cost:
    shutil.rmtree(folder, ignore_errors=True)
    seconds, wall, _, peak = _run(*command, env=env)
    return Cost(seconds, wall, sum(path.stat().st_size for path in folder.rglob("*.vmdk")), peak)


@contextmanager
def _watched(pid: int) -> Iterator[list[int]]:
    """Give a list whose last item is the most bytes that a command has had resident so far."""
    seen, ended = [0], threading.Event()

    def look() -> None:
        while not ended.wait(LOOK):
            seen.append(max(seen[-1], peak_of(pid)))

    watching = threading.Thread(target=look, daemon=True)
    watching.start()
    try:
        yield seen
    finally:
        ended.set()
        watching.join()


def _run(*command: str | Path, env: Mapping[str, str] | None = None) -> tuple[float, float, str, int]:
    started = time.monotonic()
    process = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, text=True, env={**os.environ, **(env or {})}
    )
    assert process.stdout is not None
    with process.stdout as out, _watched(process.pid) as seen:
        said = out.read()
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"bench: {command[0]} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - started, said, seen[-1]
