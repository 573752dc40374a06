"""A disk costs the same memory whatever its size: what has arrived is on disk, not in the process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from exporter.host_by_hand import host
from exporter.test_export import VM, address, assert_unlocked
from twohop.exporter import export_vm, fetch
from twohop.fakes import VCenter, default_spec
from twohop.fakes.vmdk import SeededContent, stream

DATA = 768 << 20
"""Bytes of data on the disk, of which more than LEAST go over the wire."""
LEAST = 300 << 20
BOUND = 8 << 20
"""Bytes that may be allocated at any one time while a file arrives, by client and server together."""
LOADED = 48 << 20
"""What pyVmomi allocates at its first calls, whatever is exported."""


@contextmanager
def peak() -> Iterator[list[int]]:
    """Give a list that holds, when the context has ended, the most that was allocated at once while it was open."""
    found: list[int] = []
    tracemalloc.start()
    try:
        yield found
        found.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("disk", [True, False])
def test_a_large_file_is_fetched_in_little_memory(tmp_path: Path, disk: bool) -> None:
    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterator[bytes]:
        start("200 OK", [])
        return stream(SeededContent(capacity=1 << 30, data=DATA, seed=7), cid=7)

    with host(app, tmp_path) as esx, peak() as most:
        got = fetch(esx.entry(disk=disk), tmp_path / "disk.vmdk")
    (tmp_path / "disk.vmdk").unlink()
    assert got.size > LEAST
    assert most[0] < BOUND, f"{most[0] >> 20} MiB for {got.size >> 20} MiB"


def test_a_large_vm_is_exported_in_little_memory(tmp_path: Path) -> None:
    world = default_spec()
    world["datacenters"][0]["vms"][0]["disks"] = [{"size": 1 << 30, "data": DATA, "content": "seed:7"}]
    with VCenter(world=world) as vc:
        with peak() as most:
            made = export_vm(address(vc), VM, tmp_path / "out", clock=vc.clock)
        assert_unlocked(vc)
    [file] = made.files
    file.path.unlink()
    assert file.size > LEAST
    assert most[0] < LOADED + BOUND, f"{most[0] >> 20} MiB for {file.size >> 20} MiB"


RESIDENT = 120 << 20
"""Bytes that the whole command may ever have resident, Python and pyVmomi in it."""
COMMAND = """
import re, sys
from pathlib import Path
from twohop.cli import main
try:
    main()
finally:
    print("peak", re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1], file=sys.stderr)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc here to read the peak from")
@pytest.mark.parametrize("target", ["out", "vm.ova"])
@pytest.mark.parametrize(("capacity", "data"), [(64 << 20, 1 << 20), (62 << 40, 256 << 20)], ids=["64 MiB", "62 TiB"])
def test_the_command_stays_small_whatever_the_disk(tmp_path: Path, capacity: int, data: int, target: str) -> None:
    """62 TiB is the largest disk that there is; its grain directory alone takes 8 MB."""
    world = default_spec()
    world["datacenters"][0]["vms"][0]["disks"] = [{"size": capacity, "data": data, "content": "seed:7"}]
    with VCenter(world=world) as vc:
        env = {"TWOHOP_VCENTER_URL": vc.url, "TWOHOP_USER": vc.user, "TWOHOP_PASSWORD": vc.password}
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, "export", VM, "-o", str(tmp_path / target), "--ca-file", str(vc.ca_file)],
            env={**os.environ, **env}, capture_output=True, text=True, timeout=150,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = re.search(r"^peak (\d+)$", done.stderr, re.MULTILINE)
    assert found is not None
    assert int(found[1]) << 10 < RESIDENT, f"{int(found[1]) >> 10} MiB"
