"""`twohop cell` as a process of its own, and `twohop export --via` against it."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from twohop.fakes import VCenter
from twohop.runtime import Clock

TWOHOP = [sys.executable, "-m", "twohop.cli"]


def environment(vcenter: VCenter, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TWOHOP_")}
    return {
        **kept,
        "TWOHOP_VCENTER_URL": vcenter.url,
        "TWOHOP_USER": vcenter.user,
        "TWOHOP_PASSWORD": vcenter.password,
        "TWOHOP_CA_FILE": str(vcenter.ca_file),
        **more,
    }


@pytest.fixture
def vcenter() -> Iterator[VCenter]:
    clock = Clock(running=True)
    try:
        with VCenter(clock=clock) as running:
            yield running
    finally:
        clock.close()


def read(path: Path) -> dict[str, str]:
    pairs = (line.split("=", 1) for line in path.read_text().splitlines())
    return {name: shlex.split(value)[0] for name, value in pairs}


def test_a_cell_of_its_own_serves_an_export_and_stops_clean(vcenter: VCenter, tmp_path: Path) -> None:
    env_file, share = tmp_path / "cell env", tmp_path / "share"
    command = [*TWOHOP, "cell", "--transfer-dir", str(share), "--env-file", str(env_file)]
    with subprocess.Popen(command, env=environment(vcenter), stdout=subprocess.PIPE, text=True) as cell:
        try:
            assert cell.stdout is not None
            lines = [cell.stdout.readline() for _ in range(6)]
            assert [line.partition("=")[0] for line in lines] == [
                "TWOHOP_CELL_URL",
                "TWOHOP_CELL_USER",
                "TWOHOP_CELL_PASSWORD",
                "TWOHOP_TRANSFER_DIR",
                "TWOHOP_CA_FILE",
                "TWOHOP_CONTROL_URL",
            ]
            with urllib3.PoolManager() as pool:
                control = lines[5].partition("=")[2].strip()
                assert pool.request("GET", f"{control}/v1/ready").json() == {"ready": True}
            # The file is written before the ready file, right behind the lines.
            values = dict(line.strip().split("=", 1) for line in lines)
            values = {name: shlex.split(value)[0] for name, value in values.items()}
            done = subprocess.run(
                [*TWOHOP, "export", "vApp0", "-o", str(tmp_path / "out"), "--via", values["TWOHOP_CELL_URL"]],
                env=environment(vcenter, **values),
                capture_output=True,
                text=True,
                timeout=120,
            )
            assert done.returncode == 0, done.stderr
            assert (tmp_path / "out" / "vApp0.ovf").is_file()
            # The file of authorities verifies vCenter as well, for whoever reads both sets of variables.
            done = subprocess.run(
                [*TWOHOP, "export", "DC0_C0_RP0_VM0", "-o", str(tmp_path / "one")],
                env=environment(vcenter, **values),
                capture_output=True,
                text=True,
                timeout=120,
            )
            assert done.returncode == 0, done.stderr
            assert read(env_file) == values
            assert env_file.stat().st_mode & 0o777 == 0o600
            assert vcenter.password not in " ".join(lines)
        finally:
            cell.send_signal(signal.SIGTERM)
        assert cell.wait(30) == 0
    assert not env_file.exists()


@pytest.mark.parametrize(
    ("arguments", "without", "words"),
    [
        (["--transfer-dir", "/proc/nowhere"], "", "the transfer directory /proc/nowhere cannot be used"),
        (["--transfer-dir", "{tmp}", "--profile", "cell-x"], "", "cell has no version 'x'"),
        (["--transfer-dir", "{tmp}", "--database", "nonsense"], "", "database URL"),
        (["--transfer-dir", "{tmp}", "--thumbprint", "00"], "", "a thumbprint has to be"),
        (["--transfer-dir", "{tmp}", "--name", "a b"], "", "a cell is named by letters"),
        (["--transfer-dir", "{tmp}", "--world", "{tmp}/none.yaml"], "", "has no 'cell' part"),
        (["--transfer-dir", "{tmp}", "--world", "{tmp}/broken.yaml"], "", "is not YAML"),
        (["--transfer-dir", "{tmp}", "--world", "{tmp}/odd.yaml"], "", "a cell has no 'planets'; it has orgs"),
        (["--transfer-dir", "{tmp}"], "TWOHOP_PASSWORD", "set TWOHOP_PASSWORD"),
    ],
)
def test_what_it_cannot_start_with_is_one_clear_line(
    vcenter: VCenter, tmp_path: Path, arguments: list[str], without: str, words: str
) -> None:
    given = environment(vcenter)
    given.pop(without, None)
    (tmp_path / "none.yaml").write_text("twohop: 1\n")
    (tmp_path / "broken.yaml").write_text("cell: [\n")
    (tmp_path / "odd.yaml").write_text("cell: {planets: []}\n")
    command = [*TWOHOP, "cell", *(argument.format(tmp=tmp_path) for argument in arguments)]
    done = subprocess.run(command, env=given, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"TWOHOP_PASSWORD": "no"}, "cannot log in"),
        ({"TWOHOP_VCENTER_URL": "https://127.0.0.1:1"}, "cannot reach vCenter"),
    ],
)
def test_a_cell_that_cannot_use_its_vcenter_says_so_at_once_and_starts_all_the_same(
    vcenter: VCenter, tmp_path: Path, wrong: dict[str, str], said: str
) -> None:
    command = [*TWOHOP, "cell", "--transfer-dir", str(tmp_path / "share")]
    settings = environment(vcenter, **wrong)
    with subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as cell:
        try:
            assert cell.stdout is not None and cell.stderr is not None
            assert cell.stdout.readline().startswith("TWOHOP_CELL_URL=")
        finally:
            cell.send_signal(signal.SIGTERM)
        told = cell.stderr.read()
    assert said in told and told.count("\n") == 1 and "until then every export will fail" in told
    assert cell.returncode == 0


def test_a_wrong_plan_of_faults_is_one_line(vcenter: VCenter, tmp_path: Path) -> None:
    (tmp_path / "faults.yaml").write_text("faults: [{match: {server: vcenter}, action: {kind: reset}}]")
    command = [*TWOHOP, "cell", "--transfer-dir", str(tmp_path), "--faults", str(tmp_path / "faults.yaml")]
    ended = subprocess.run(command, env=environment(vcenter), capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1 and "there is no server 'vcenter'; there are cell" in ended.stderr
    assert ended.stderr.count("\n") == 1
