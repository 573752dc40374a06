"""Running the `twohop` command as a user does: in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 150


class Served:
    """A running `twohop serve`, found by its ready file."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.env_file, self.ready_file = folder / "servers.env", folder / "ready"
        command = [
            sys.executable,
            "-m",
            "twohop.cli",
            "serve",
            "--env-file",
            self.env_file,
            "--ready-file",
            self.ready_file,
        ]
        self.process = subprocess.Popen(
            [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder
        )
        assert self.process.stdout is not None
        self.printed: list[str] = []
        for line in self.process.stdout:
            self.printed.append(line)
            if line.startswith("TWOHOP_CONTROL_URL="):
                break
        else:
            raise AssertionError(f"twohop serve ended: {self.process.communicate()}")
        assert self.ready_file.exists()
        self.environment = {}
        self.lines = self.env_file.read_text().splitlines(keepends=True)
        for line in map(str.rstrip, self.lines):
            name, _, value = line.partition("=")
            self.environment[name] = value.strip("'")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        self.process.send_signal(how)
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    running: list[Served] = []

    def start(*arguments: str) -> Served:
        running.append(Served(tmp_path, *arguments))
        return running[-1]

    yield start
    for served in running:
        with served.process:
            try:
                # In order, so that the servers take their directory with them.
                served.stop()
            finally:
                served.process.kill()


def twohop(*arguments: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command of twohop to its end."""
    return subprocess.run(
        [sys.executable, "-m", "twohop.cli", *map(str, arguments)],
        capture_output=True, text=True, timeout=PATIENCE, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.fixture
def run() -> Callable[..., subprocess.CompletedProcess[str]]:
    return twohop


def document(text: str) -> Any:
    """Read one JSON document."""
    return json.loads(text)
