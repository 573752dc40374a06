"""Ansible's modules for vSphere, unmodified; TLS is verified where the module can be told by what."""

from __future__ import annotations

import importlib.util
import json
import sys
import tarfile
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from interop.support import (
    VM0,
    Environment,
    drove,
    is_unlocked,
    judge_descriptor,
    judge_disk,
    run,
    served,
    tool,
    twohop,
)

pytestmark = [
    pytest.mark.interop,
    pytest.mark.timeout(600),
    tool("qemu-img", "qemu-utils"),
    pytest.mark.skipif(importlib.util.find_spec("ansible") is None, reason="no ansible: pip install ansible"),
]


def module(of: str, servers: Environment, folder: Path, **arguments: Any) -> dict[str, Any]:
    """Run one module of community.vmware as a task on this machine and return its result."""
    where = urlsplit(servers["TWOHOP_VCENTER_URL"])
    given = {
        "hostname": where.hostname,
        "port": where.port,
        "username": servers["TWOHOP_USER"],
        "password": servers["TWOHOP_PASSWORD"],
        "validate_certs": True,
        **arguments,
    }
    env = {
        "HOME": str(folder),
        "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_LOAD_CALLBACK_PLUGINS": "true",
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        "LC_ALL": "C.UTF-8",
        # Where Python's own ssl finds the authorities that it trusts.
        "SSL_CERT_FILE": servers["TWOHOP_CA_FILE"],
    }
    command = [sys.executable, "-m", "ansible", "adhoc", "localhost", "-m", f"community.vmware.{of}"]
    command += ["-e", f"ansible_python_interpreter={sys.executable}", "-a", json.dumps(given)]
    drove("Ansible", metadata.version("ansible"), f"community.vmware.{of}")
    done = run(*command, env=env, cwd=folder)
    result: dict[str, Any] = json.loads(done.stdout)["plays"][0]["tasks"][0]["hosts"]["localhost"]
    assert not result.get("failed"), result
    return result


def test_guest_info(servers: Environment, tmp_path: Path) -> None:
    told = module("vmware_guest_info", servers, tmp_path, datacenter="DC0", name=VM0)["instance"]
    assert (told["hw_name"], told["hw_power_status"]) == (VM0, "poweredOff")
    assert (told["hw_datastores"], told["hw_memtotal_mb"], told["hw_esxi_host"]) == (["LocalDS_0"], 32, "DC0_C0_H0")


def test_export_ovf(servers: Environment, tmp_path: Path) -> None:
    target = tmp_path / "out"
    told = module("vmware_export_ovf", servers, tmp_path, datacenter="DC0", name=VM0, export_dir=str(target))
    package = target / VM0
    assert told["instance"]["ovf_file"] == str(package / f"{VM0}.ovf")
    (disk,) = package.glob("*.vmdk")
    assert judge_disk(disk)["virtual-size"] == 1 << 30
    assert disk.name in judge_descriptor(package / f"{VM0}.ovf")
    done = run(sys.executable, "-m", "twohop.cli", "verify", package, code=None)
    assert (done.returncode, done.stderr) == (0, "")
    assert is_unlocked(servers, VM0)


def test_deploy_ovf(tmp_path: Path) -> None:
    with served(tmp_path) as env:
        twohop("export", VM0, "-o", tmp_path / "vm.ova", env=env)
        for suffix, name in (("ova", "from-ova"), ("ovf", "from-ovf")):
            package = tmp_path / "vm.ova"
            if suffix == "ovf":
                with tarfile.open(package) as tar:
                    tar.extractall(tmp_path / "unpacked", filter="data")
                (package,) = (tmp_path / "unpacked").glob("*.ovf")
            told = module(
                "vmware_deploy_ovf", env, tmp_path, datacenter="DC0", cluster="DC0_C0", datastore="LocalDS_0",
                name=name, ovf=str(package), power_on=True, wait_for_ip_address=False,
            )  # fmt: skip
            assert (told["instance"]["hw_name"], told["instance"]["hw_power_status"]) == (name, "poweredOn")
