"""Clients that start from the server's WSDL: suds, zeep, and OpenStack's library on suds; each in its own process."""

from __future__ import annotations

import importlib.util
import sys
from importlib import metadata
from pathlib import Path

import pytest

from interop.support import VM0, VM1, Environment, drove, is_unlocked, judge_descriptor, judge_disk, run, tool, validate

SCRIPTS = Path(__file__).parent / "wsdl"
pytestmark = [pytest.mark.interop, pytest.mark.timeout(300), tool("qemu-img", "qemu-utils")]


def needs(module: str, package: str) -> pytest.MarkDecorator:
    """Skip where a client is missing, and name the package that has it."""
    missing = importlib.util.find_spec(module) is None
    return pytest.mark.skipif(missing, reason=f"no {module}: pip install {package}")


@needs("suds", "suds-community")
def test_suds_runs_a_whole_export(servers: Environment, tmp_path: Path) -> None:
    drove("suds", metadata.version("suds-community"), "a whole export, from the WSDL")
    run(sys.executable, SCRIPTS / "suds_export.py", VM0, tmp_path, env=servers)
    assert judge_disk(tmp_path / "disk-0.vmdk")["virtual-size"] == 1 << 30
    assert set(judge_descriptor(tmp_path / f"{VM0}.ovf")) == {"disk-0.vmdk"}
    validate(tmp_path / f"{VM0}.ovf")
    assert is_unlocked(servers, VM0)


@needs("zeep", "zeep")
def test_zeep_reads_every_type_of_a_lease(servers: Environment) -> None:
    drove("zeep", metadata.version("zeep"), "a lease, from the WSDL")
    run(sys.executable, SCRIPTS / "zeep_export.py", VM0, env=servers)
    assert is_unlocked(servers, VM0)


@needs("oslo_vmware", "oslo.vmware")
def test_oslo_vmware_reads_a_disk(servers: Environment, tmp_path: Path) -> None:
    drove("oslo.vmware", metadata.version("oslo.vmware"), "VmdkReadHandle")
    run(sys.executable, SCRIPTS / "oslo_read.py", VM0, tmp_path, VM1, env=servers)
    assert judge_disk(tmp_path / "disk.vmdk")["virtual-size"] == 1 << 30
    assert is_unlocked(servers, VM0)
