"""vcsim, built from govmomi by the Go module that the interop tests use; Go fetches it from the module proxy."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_MODULE = Path(__file__).parent.parent / "tests" / "interop" / "vcsim"


def build(folder: Path) -> tuple[Path | None, str]:
    """Build vcsim; return the binary and its version, or None and why there is none."""
    go = shutil.which("go", path=f"{os.environ['PATH']}:/usr/local/go/bin")
    if go is None:
        return None, "no Go toolchain on PATH or in /usr/local/go/bin to build it with"
    built = folder / "vcsim"
    command = [go, "build", "-mod=readonly", "-buildvcs=false", "-o", str(built), "./sim"]
    done = subprocess.run(command, cwd=_MODULE, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "it says nothing").splitlines()
        return None, f"{' '.join(command[:2])} in {_MODULE} ended with {done.returncode}: {said[-1]}"
    needed = (line.split() for line in (_MODULE / "go.mod").read_text().splitlines() if "vmware/govmomi" in line)
    return built, f"vcsim of govmomi {next(needed)[-1]}"


@contextlib.contextmanager
def vcsim(built: Path, machines: int = 0) -> Iterator[tuple[str, int]]:
    """Run vcsim with so many machines, or with its default world; gives its URL and its process id once it listens."""
    command = [str(built), *([str(machines // 2)] if machines else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            if not url:
                sys.exit(f"bench: vcsim ended before it was ready, {process.wait()}")
            yield url, process.pid
        finally:
            # Not SIGINT: whoever runs this in the background of a shell has it ignored, by every child too.
            process.terminate()
