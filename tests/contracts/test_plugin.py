"""The plugin as an installed package brings it: cheap to load, and fixtures that work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"pyVmomi", "pyVim", "werkzeug", "hypothesis", "sqlalchemy", "lxml", "urllib3", "rich", "cryptography"}
PLUGIN = "twohop.contracts.plugin"


def test_loading_the_plugin_loads_nothing_heavy():
    script = f"import pytest, sys; before = set(sys.modules); import {PLUGIN}; print(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    loaded = done.stdout.split()
    assert PLUGIN in loaded
    assert not {name.partition(".")[0] for name in loaded} & HEAVY
    assert {name for name in loaded if name.startswith("twohop")} == {"twohop", "twohop.contracts", PLUGIN}


def run(folder: Path, test: str, *options: str) -> str:
    """Run a test file in a folder of its own with this plugin alone, and return what pytest said."""
    (folder / "test_it.py").write_text(test)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    return done.stdout + done.stderr


def test_a_vcenter_is_fresh_and_stands_still(tmp_path):
    said = run(
        tmp_path,
        """
import pytest

@pytest.mark.parametrize("round", [1, 2])
def test_fresh(vcenter, round):
    now = vcenter.clock.now()
    assert vcenter.world.vm("DC0_C0_RP0_VM0").power.value == "poweredOff"
    with vcenter.world.change() as tx:
        tx.set(vcenter.world.vm("DC0_C0_RP0_VM0"), "name", "renamed")
    assert vcenter.ca_file.exists() and vcenter.clock.now() == now
""",
    )
    assert "2 passed" in said, said


def test_an_esxi_host_stands_alone_and_still(tmp_path):
    said = run(
        tmp_path,
        """
def test_host(esxi):
    now = esxi.clock.now()
    assert esxi.profile.product == "esxi" and list(esxi.hosts.values())[0].url == esxi.url
    assert [vm.moid for vm in esxi.world.vms()] == ["1", "2"]
    assert esxi.ca_file.exists() and esxi.clock.now() == now
""",
    )
    assert "1 passed" in said, said


def test_a_cell_shares_the_clock_and_begins_empty(tmp_path):
    said = run(
        tmp_path,
        """
import ssl, urllib.request

def test_cell(cell, vcenter, tmp_path):
    assert cell.clock is vcenter.clock
    assert cell.transfer_dir.is_relative_to(tmp_path)
    assert not [path for path in cell.transfer_dir.rglob("*") if path.is_file()]
    tls = ssl.create_default_context(cafile=str(cell.ca_file))
    with urllib.request.urlopen(cell.url + "/api/versions", context=tls) as answer:
        assert answer.status == 200
    tls.load_verify_locations(vcenter.ca_file)
""",
    )
    assert "1 passed" in said, said


@pytest.mark.parametrize(("options", "seed"), [((), 0), (("--twohop-seed=7",), 7)])
def test_the_seed_is_an_option(tmp_path, options, seed):
    said = run(tmp_path, f"def test_seed(vcenter):\n    assert vcenter.world.seed == {seed}\n", *options)
    assert "1 passed" in said, said
