"""`python -m fuzz KIND [--seed N] [--seconds S] [--engine atheris [--runs N]]`, from the folder `tests`.

Without atheris: inputs one after another from a seed, until the time is over; what fails is written to the folder
`fuzz-found` with its seed, and counts. With it: libFuzzer, guided by what the readers do, from the same beginnings.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

KINDS = ("soap", "call", "http", "vmdk", "ovf", "manifest")
Throw = Callable[[bytes], object]
FOUND = Path("fuzz-found")
READERS = ["twohop.runtime.serving", "twohop.fakes.vim._request", "twohop.fakes.vim._simple", "twohop.fakes.vmdk",
           "twohop.fakes.ovf", "twohop.exporter.package"]  # fmt: skip
"""What guides a guided run."""


@contextlib.contextmanager
def thrown(kind: str, rng: random.Random, profile: str) -> Iterator[tuple[Throw, Iterator[bytes]]]:
    """What judges an input of a kind, and inputs without end."""
    # Late, so that what they import can be instrumented.
    from fuzz import http, readers, soap

    if kind not in ("soap", "call"):
        judge = http.http if kind == "http" else {"vmdk": readers.vmdk, "ovf": readers.ovf}.get(kind, readers.manifest)
        yield judge, http.inputs(rng) if kind == "http" else readers.inputs(kind, rng)
        return
    with soap.service(profile) as service:
        yield (soap.parse if kind == "soap" else service.ask), service.endless(rng)


def run(kind: str, seed: int, seconds: float, profile: str) -> int:
    """Throw inputs until the time is over; return how many different defects there were."""
    found: Counter[str] = Counter()
    until = time.monotonic() + seconds
    count = 0
    with thrown(kind, random.Random(seed), profile) as (judge, inputs):
        for data in inputs:
            count += 1
            try:
                judge(data)
            except Exception as error:
                where = traceback.extract_tb(error.__traceback__)[-1]
                name = f"{kind}-{type(error).__name__}-{Path(where.filename).stem}-{where.lineno}"
                found[name] += 1
                if found[name] == 1:
                    FOUND.mkdir(exist_ok=True)
                    (FOUND / name).write_bytes(data)
                    sys.stderr.write(f"{FOUND / name}: {error!r:.300}\n")
            if time.monotonic() >= until:
                break
    sys.stdout.write(f"{kind}, seed {seed}: {count} inputs, {len(found)} defects {dict(found)}\n")
    return len(found)


def guided(kind: str, seed: int, seconds: float, profile: str, runs: int) -> None:
    """The same under libFuzzer, for a time or so many inputs, which are those of the seed; it ends the process."""
    import atheris

    with atheris.instrument_imports(include=READERS):
        from fuzz import http, readers, soap
    assert http and readers and soap
    with thrown(kind, random.Random(seed), profile) as (judge, inputs):
        corpus = FOUND / f"corpus-{kind}"
        corpus.mkdir(parents=True, exist_ok=True)
        for number, data in enumerate(itertools.islice(inputs, 200)):
            (corpus / f"{number:03}").write_bytes(data)
        bound = f"-runs={runs}" if runs else f"-max_total_time={int(seconds)}"
        options = [f"-seed={seed or 1}", bound, "-timeout=30", "-rss_limit_mb=2048"]
        atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={FOUND}/{kind}-", str(corpus)], judge)
        atheris.Fuzz()


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("kind", choices=[*KINDS, "all"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=60.0, help="for each kind")
    parser.add_argument("--profile", default="vcenter-8.0", help="of the server behind SOAP")
    parser.add_argument("--engine", choices=["seeds", "atheris"], default="seeds")
    parser.add_argument("--runs", type=int, default=0, help="inputs of a guided run, in the place of --seconds")
    given = parser.parse_args()
    if given.engine == "atheris":
        guided(given.kind, given.seed, given.seconds, given.profile, given.runs)
    kinds = KINDS if given.kind == "all" else (given.kind,)
    return int(sum(run(kind, given.seed, given.seconds, given.profile) for kind in kinds) > 0)


if __name__ == "__main__":
    sys.exit(main())
