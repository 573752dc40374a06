"""What every room of the tests needs, and what every test must leave behind: no thread, and no port that listens."""

from __future__ import annotations

import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# No test is timed: a busy machine is no defect.
settings.register_profile("twohop", deadline=None)
# For a second run of tests whose inputs were searched already, with another version of a dependency.
settings.register_profile("few", deadline=None, max_examples=10)
settings.load_profile("twohop")

# A shell starts what runs in its background deaf to Ctrl-C, nohup to the end of a terminal; every child inherits that.
for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)

OURS = re.compile(r"twohop-|vcenter|control|cell|.*-accept$|(?:DC\d+_C\d+_)?H\d+-")
GRACE = 5.0
"""Real seconds that a thread which was told to stop may take."""


def _threads() -> dict[int, threading.Thread]:
    return {t.ident or 0: t for t in threading.enumerate() if OURS.match(t.name) and t.is_alive()}


def _listening() -> set[str]:
    """The ports on which this process listens, by the kernel's own word."""
    mine = set()
    for descriptor in Path("/proc/self/fd").glob("*"):
        try:
            target = str(descriptor.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            mine.add(target[8:-1])
    found = set()
    for table in ("tcp", "tcp6"):
        path = Path("/proc/self/net") / table
        for line in path.read_text().splitlines()[1:] if path.exists() else ():
            fields = line.split()
            if fields[3] == "0A" and fields[9] in mine:
                found.add(f"{table} port {int(fields[1].rpartition(':')[2], 16)}")
    return found


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """Fail a test that leaves a server, a clock's thread or a port behind."""
    threads, ports = _threads(), _listening()
    yield
    # A server that a wider fixture keeps goes on taking connections, each with a thread of its own.
    kept = tuple(t.name.removesuffix("accept") for t in threads.values() if t.name.endswith("-accept"))
    until = time.monotonic() + GRACE
    for ident, thread in _threads().items():
        if ident not in threads and not (kept and thread.name.startswith(kept)):
            thread.join(max(0.0, until - time.monotonic()))
            assert not thread.is_alive(), f"the test left the thread {thread.name} behind: stop what it started"
    left = _listening() - ports
    assert not left, f"the test left {', '.join(sorted(left))} listening: stop the server"


@pytest.fixture
def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
