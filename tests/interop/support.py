"""Running `twohop serve` and the tools that judge what came out of it, each in a process of its own."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from lxml import etree
from pyVim.connect import Disconnect, SmartConnect
from pyVim.task import WaitForTask
from pyVmomi import vim

SCHEMAS = Path(os.environ.get("TWOHOP_SCHEMAS", Path(__file__).parents[3] / "shared" / "schemas")) / "ovf"
VM0, VM1 = "DC0_C0_RP0_VM0", "DC0_C0_RP0_VM1"
PATIENCE = 120
OVF = "{http://schemas.dmtf.org/ovf/envelope/1}"

Environment = Mapping[str, str]

DRIVEN: list[tuple[str, str, str]] = []
"""Clients that the test at hand has driven: name, version, what it did."""


def drove(client: str, version: str, does: str) -> None:
    """Say which client a test has driven, in which version, and what it did."""
    DRIVEN.append((client, version, does))


@contextlib.contextmanager
def served(folder: Path, *options: str | Path) -> Iterator[dict[str, str]]:
    """Run `twohop serve` and give the variables it prints; it has to end well when told to."""
    command = [sys.executable, "-m", "twohop.cli", "serve", *map(str, options)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder)
    try:
        assert process.stdout is not None
        environment = {}
        for line in process.stdout:
            name, _, value = line.partition("=")
            environment[name] = shlex.split(value)[0]
            if name == "TWOHOP_CONTROL_URL":  # the last of them
                break
        else:
            raise AssertionError(f"twohop serve ended: {process.communicate()}")
        yield environment
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=PATIENCE)
        assert (process.returncode, errors) == (0, "")
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def tool(name: str, package: str) -> pytest.MarkDecorator:
    """Skip where a tool of the machine is missing, and name the package that has it."""
    return pytest.mark.skipif(shutil.which(name) is None, reason=f"no {name}: install {package}")


def run(
    *command: str | Path, env: Environment | None = None, cwd: Path | None = None, code: int | None = 0
) -> subprocess.CompletedProcess[str]:
    """Run a command, which has to end with `code` unless that is None."""
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, check=False, timeout=PATIENCE, cwd=cwd,
        env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert code in (None, done.returncode), f"{command} ended with {done.returncode}: {done.stdout}{done.stderr}"
    return done


def twohop(*arguments: str | Path, env: Environment | None = None) -> str:
    """Run a command of twohop and return what it printed."""
    return run(sys.executable, "-m", "twohop.cli", *arguments, env=env).stdout


@contextlib.contextmanager
def logged_in(environment: Environment) -> Iterator[Any]:
    """Give pyVmomi's service instance, with TLS verified against the run's authority."""
    where = urlsplit(environment["TWOHOP_VCENTER_URL"])
    service = SmartConnect(
        host=where.hostname, port=where.port, user=environment["TWOHOP_USER"], pwd=environment["TWOHOP_PASSWORD"],
        sslContext=ssl.create_default_context(cafile=environment["TWOHOP_CA_FILE"]),
    )  # fmt: skip
    try:
        yield service
    finally:
        Disconnect(service)
        service._stub.DropConnections()


def is_unlocked(environment: Environment, name: str) -> bool:
    """Tell whether no lease holds the VM: it can be powered on, and off again."""
    with logged_in(environment) as service:
        vm = service.content.searchIndex.FindByInventoryPath(f"DC0/vm/{name}")
        try:
            WaitForTask(vm.PowerOnVM_Task())
        except (vim.fault.TaskInProgress, vim.fault.InvalidState):
            return False
        WaitForTask(vm.PowerOffVM_Task())
        return True


def judge_disk(disk: Path) -> dict[str, Any]:
    """Let qemu-img check a disk, and return what it knows of it."""
    assert "No errors" in run("qemu-img", "check", disk).stdout
    info: dict[str, Any] = json.loads(run("qemu-img", "info", "--output=json", disk).stdout)
    assert info["format-specific"]["data"]["create-type"] == "streamOptimized"
    return info


def judge_descriptor(descriptor: Path) -> dict[str, int]:
    """Return the files that a descriptor refers to, with the sizes it gives them; each has to be there."""
    document = etree.parse(descriptor, etree.XMLParser(resolve_entities=False, no_network=True))
    files = {}
    for reference in document.iterfind(f"{OVF}References/{OVF}File"):
        name = str(reference.get(f"{OVF}href"))
        assert (descriptor.parent / name).is_file(), f"{descriptor.name} refers to {name}, which is not there"
        files[name] = int(str(reference.get(f"{OVF}size")))
    return files


def validate(descriptor: Path) -> None:
    """Hold a descriptor against the OVF envelope's schema; skip where there is none."""
    if not (SCHEMAS / "ovf-envelope.xsd").exists():
        pytest.skip(f"no OVF schema in {SCHEMAS}: set TWOHOP_SCHEMAS")
    schema = etree.XMLSchema(file=str(SCHEMAS / "ovf-envelope.xsd"))
    assert schema.validate(etree.parse(descriptor)), schema.error_log


def judge_manifest(manifest: Path, algorithm: str = "sha256") -> set[str]:
    """Compute every digest of a manifest again; return the names it lists."""
    names = set()
    for line in manifest.read_text().splitlines():
        match = re.fullmatch(rf"{algorithm.upper()}\((.+)\)= ([0-9a-f]+)", line)
        assert match, f"{manifest.name}: {line!r}"
        with (manifest.parent / match[1]).open("rb") as file:
            assert hashlib.file_digest(file, algorithm).hexdigest() == match[2], match[1]
        names.add(match[1])
    return names
