"""`python -m bench`: disks beside nginx and curl, property reads beside vcsim, how much is held at once, in one run.

See bench/README.md.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ._cost import (
    GIB,
    Cost,
    curl,
    curl_and_sha256sum,
    curl_tee_sha256sum,
    exporter,
    govc_export,
    govc_here,
    server_cpu,
    started,
    whole_export,
)
from ._reads import CLIENTS, Reads, measure_reads
from ._scale import SMOKE, Figure, Size, measure_scale
from ._servers import Serving, fake_host, nginx
from ._vcsim import build

EXPORTING, GOVC = "exporting a machine from the fake", "govc export.ovf -sha 256"
STARTING = "starting, CPU s and not per GiB"
NOWHERE = Path(os.devnull)
READS, HELD = "property reads", "held at once"
TARGETS = {
    "serving to curl": "target of the fake: ratio <= 1.4",
    READS: "target of the fake: ratios >= 0.5, 0.4, 0.3; then 1.0",
}
DEFLATED = 0.42
"""Bytes of stream for a byte of a disk that is made from a seed, about."""


def served(serving: Serving, url: str) -> Cost:
    """Let curl fetch from a server; the cost is the server's."""
    if serving.renew is not None:
        serving.renew()
    before = server_cpu(serving.pid)
    fetched = curl(url, serving.ca_file, NOWHERE)
    return replace(fetched, cpu=server_cpu(serving.pid) - before)


def renewed(serving: Serving, once: Callable[[], Cost]) -> Cost:
    """Keep the lease on which curl fetches alive, and do something once."""
    if serving.renew is not None:
        serving.renew()
    return once()


def _piped(serving: Serving, target: Path) -> Cost:
    return curl_tee_sha256sum(serving.url, serving.ca_file, target)


def measure(folder: Path, gib: float, rounds: int, only: str = "") -> dict[str, dict[str, list[Cost]]]:
    """Return every round's cost by bench and by side; the first side of a bench is what the others are held against."""
    files, target, package = folder / "files-of-nginx", folder / "target", folder / "package"
    files.mkdir()
    data = int(gib * GIB / DEFLATED) >> 16 << 16
    seeded = {"size": 2 * data, "data": data, "content": "seed:1"}
    with fake_host(folder, seeded) as host:
        curl(host.url, host.ca_file, files / "disk.vmdk")
    stored = {"content": str(files / "disk.vmdk")}
    with (
        fake_host(folder, seeded) as from_seed,
        fake_host(folder, stored) as from_file,
        nginx(folder, files) as web,
    ):
        url = f"{web.url}/disk.vmdk"
        benches: dict[str, dict[str, Callable[[], Cost]]] = {
            "serving to curl": {
                "nginx, a file": lambda: served(web, url),
                "fake host, from a seed": lambda: served(from_seed, from_seed.url),
                "fake host, from a VMDK": lambda: served(from_file, from_file.url),
            },
            "fetching from nginx to disk": {
                "curl": lambda: curl(url, web.ca_file, target),
                "curl, then sha256sum": lambda: curl_and_sha256sum(url, web.ca_file, target),
                "exporter: checked, SHA-256, fsync": lambda: exporter(url, web.ca_file, target),
            },
            STARTING: {
                "python -c pass": lambda: started("-c", "pass"),
                "twohop export --help": lambda: started("-m", "twohop.cli", "export", "--help"),
            },
            EXPORTING: {
                "curl | tee | sha256sum": lambda: renewed(from_file, lambda: _piped(from_file, target)),
                "twohop export": lambda: renewed(from_file, lambda: whole_export(from_file.env, package, "vm")),
            },
        }
        benches = {bench: sides for bench, sides in benches.items() if bench.startswith(only)}
        if EXPORTING in benches and (govc := govc_here(folder)) is not None:
            benches[EXPORTING][GOVC] = lambda: renewed(
                from_file, lambda: govc_export(govc, from_file.env, package, "vm")
            )
        # Round by round, so that whatever else the machine does hits every side alike.
        costs: dict[str, dict[str, list[Cost]]] = {b: {side: [] for side in sides} for b, sides in benches.items()}
        for _ in range(rounds):
            for bench, sides in benches.items():
                for side, once in sides.items():
                    costs[bench][side].append(once())
    return costs


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--gib", type=float, default=1.0, help="size of the disk's stream, about (default: 1)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of which the best counts (default: 5)")
    parser.add_argument("--only", default="", help="the bench whose title begins so, such as exporting")
    parser.add_argument("--smoke", action="store_true", help="a small disk and one round: does bench still work?")
    parser.add_argument("--seconds", type=float, default=2.0, help="of property reads at a time (default: 2)")
    parser.add_argument(
        "--vcsim-machines", type=int, default=1000,
        help="of vcsim beside the fake; 10,000 take it minutes (default: 1000)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one document instead of the table")
    arguments = parser.parse_args()
    missing = [name for name in ("nginx", "curl") if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") is None]
    if missing:
        sys.exit(f"bench: you: no {' and no '.join(missing)} here; on Debian: apt-get install nginx-light curl")
    gib, rounds, seconds = (0.03, 1, 0.2) if arguments.smoke else (arguments.gib, arguments.rounds, arguments.seconds)
    costs: dict[str, dict[str, list[Cost]]] = {}
    reads: dict[str, dict[int, list[Reads]]] = {}
    figures: list[Figure] = []
    load = os.getloadavg()
    with tempfile.TemporaryDirectory(prefix="twohop-bench-") as folder:
        theirs, vcsim = None, "vcsim: not asked for"
        if READS.startswith(arguments.only) or HELD.startswith(arguments.only):
            theirs, vcsim = build(Path(folder))
            if theirs is None:
                # Ratios to vcsim that are not there must not be taken for a bench without them.
                vcsim = f"no vcsim: {vcsim}"
                print(f"bench: {vcsim}", file=sys.stderr)
        if READS.startswith(arguments.only):
            reads = measure_reads(theirs, rounds, seconds)
        if HELD.startswith(arguments.only):
            size, beside = (SMOKE, 20) if arguments.smoke else (Size(), arguments.vcsim_machines)
            figures = measure_scale(rounds, size, theirs, beside)
        if not arguments.only or not (reads or figures):
            costs = measure(Path(folder), gib, rounds, arguments.only)
    report = {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="minutes"),
        "machine": f"{_cpu()}, {os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}",
        "tools": f"{_first_line('curl', '--version')}; {_first_line('nginx', '-v')}; {vcsim}",
        "load": {"before": load, "after": os.getloadavg()},
        "rounds": rounds,
        "benches": {bench: _summary(sides) for bench, sides in costs.items()},
        "reads": _summary_of_reads(reads),
        "scale": [asdict(figure) for figure in figures],
    }
    if arguments.json:
        print(json.dumps(report, indent=2))
    else:
        _table(report)
        _table_of_reads(report["reads"])
        if figures:
            print(f"\n{HELD:<52}{'':>10}  target")
        for figure in figures:
            print(f"  {figure.name:<48}{figure.value:>10.1f} {figure.unit:<4} {figure.target}")


def _summary_of_reads(reads: dict[str, dict[int, list[Reads]]]) -> dict[str, dict[int, dict[str, float]]]:
    return {
        side: {
            clients: {"a_second": max(run.rate for run in runs), "cpu_us": min(run.cpu for run in runs)}
            for clients, runs in counts.items()
        }
        for side, counts in reads.items()
    }


def _table_of_reads(sides: Any) -> None:
    if not sides:
        return
    first = next(iter(sides.values()))
    print(f"\n{READS:<24}" + "".join(f"{f'{n} clients: /s':>17}{'ratio':>7}{'CPU us':>8}" for n in CLIENTS))
    for side, counts in sides.items():
        cells = [
            f"{row['a_second']:>17.0f}{row['a_second'] / first[n]['a_second']:>7.2f}{row['cpu_us']:>8.0f}"
            for n, row in counts.items()
        ]
        print(f"  {side:<22}" + "".join(cells))
    if "vcsim" in sides:
        print(f"  {TARGETS[READS]}")
    else:
        print("  without vcsim, the ratios are to the fake itself")


def _summary(sides: dict[str, list[Cost]]) -> dict[str, dict[str, float]]:
    best = {side: min(cost.per_gib for cost in costs) for side, costs in sides.items()}
    first = next(iter(best.values()))
    return {
        side: {
            "cpu_s_per_gib": best[side],
            "gib_per_s": max(cost.rate for cost in costs),
            # A smoke run is too short for the kernel's clock ticks.
            "ratio": best[side] / first if first else float("nan"),
            "bytes": costs[0].size,
            "peak_mib": max(cost.peak for cost in costs) / 2**20,
        }
        for side, costs in sides.items()
    }


def _table(report: dict[str, object]) -> None:
    print(f"{report['date']}  {report['machine']}\n{report['tools']}")
    load = report["load"]
    assert isinstance(load, dict)
    print(f"load average before {_three(load['before'])}, after {_three(load['after'])}; best of {report['rounds']}")
    benches = report["benches"]
    assert isinstance(benches, dict)
    for bench, sides in benches.items():
        heads = f"{'CPU s/GiB':>10}{'ratio':>8}{'GiB/s':>8}{'peak MiB':>10}"
        print(f"\n{bench:<36}{heads}  {TARGETS.get(bench, '')}".rstrip())
        for side, row in sides.items():
            peak = f"{row['peak_mib']:>10.0f}" if row["peak_mib"] else ""
            print(f"  {side:<34}{row['cpu_s_per_gib']:>10.2f}{row['ratio']:>8.2f}{row['gib_per_s']:>8.2f}{peak}")
        if bench == EXPORTING and GOVC not in sides:
            print(f"  {GOVC}: not measured, no govc on PATH and no Go that can build it")


def _three(load: tuple[float, float, float]) -> str:
    return " ".join(f"{each:.2f}" for each in load)


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _first_line(*command: str) -> str:
    env = os.environ | {"PATH": f"{os.environ['PATH']}:/usr/sbin"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    return " ".join((done.stdout or done.stderr).splitlines()[0].split()[:3])


if __name__ == "__main__":
    main()
