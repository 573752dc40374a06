"""`twohop import`: options, what it prints, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from twohop.exporter import VCenterAddress, export_vm
from twohop.fakes import VCenter

WORLD = {
    "datacenters": [{"hosts": ["H0"], "vms": [{"name": "VM0", "disks": [{"size": "8 MiB", "data": "1 MiB"}]}]}],
}


@pytest.fixture(scope="module")
def vc() -> Iterator[VCenter]:
    with VCenter(world=WORLD) as vc:
        yield vc


@pytest.fixture(scope="module")
def package(vc: VCenter, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("package") / "vm.ova"
    return export_vm(VCenterAddress(vc.url, vc.user, vc.password, vc.ca_file), "VM0", target, clock=vc.clock).descriptor


def twohop(vc: VCenter, *arguments: Any) -> subprocess.CompletedProcess[str]:
    env = {
        **os.environ, "TWOHOP_VCENTER_URL": vc.url, "TWOHOP_USER": vc.user, "TWOHOP_PASSWORD": vc.password,
        "TWOHOP_CA_FILE": str(vc.ca_file),
    }  # fmt: skip
    command = [sys.executable, "-m", "twohop.cli", "import", *map(str, arguments)]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def test_an_import_says_what_came_of_it(vc: VCenter, package: Path) -> None:
    done = twohop(vc, package, "--name", "told")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"imported told ({vc.world.vm('told').moid})" in done.stdout and "MiB/s" in done.stdout


def test_one_event_a_line(vc: VCenter, package: Path) -> None:
    done = twohop(vc, package, "--name", "lines", "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    kinds = [event["event"] for event in events if event["event"] != "BytesMoved"]
    assert done.returncode == 0 and kinds == [
        "LoggedIn", "PackageRead", "LeaseGranted", "HostChosen", "FileStarted", "FileSent", "ManifestCompared",
        "LeaseCompleted", "PackageImported",
    ]  # fmt: skip


def test_a_dry_run_changes_nothing(vc: VCenter, package: Path) -> None:
    before = set(vc.world.objects)
    said, plan = twohop(vc, package, "--dry-run"), twohop(vc, package, "--dry-run", "--json")
    assert set(vc.world.objects) == before
    assert "name      VM0" in said.stdout and json.loads(plan.stdout)["event"] == "ImportPlan"


def test_what_goes_wrong_is_one_line(vc: VCenter, package: Path, tmp_path: Path) -> None:
    done = twohop(vc, package, "--name", "VM0")
    assert done.returncode == 1 and done.stderr.startswith("twohop: ") and "DuplicateName" in done.stderr
    assert done.stderr.count("\n") == 1
    failed = twohop(vc, package, "--name", "VM0", "--json")
    assert json.loads(failed.stdout.splitlines()[-1])["event"] == "Failed"
    (tmp_path / "no.ova").write_bytes(b"nothing")
    assert twohop(vc, tmp_path / "no.ova").returncode == 1


@pytest.mark.parametrize("wrong", [["--network", "a"], ["--property", "=b"], ["--provisioning", "liquid"]])
def test_wrong_usage(vc: VCenter, package: Path, wrong: list[str]) -> None:
    assert twohop(vc, package, *wrong).returncode == 2
