"""Exports of snapshots and vApps end in packages that qemu-img, which nobody here wrote, accepts (2.11, 7.7, 8.11)."""

from __future__ import annotations

import json
import shutil
import subprocess
import zlib
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from pyVmomi import vim, vmodl

from plain_pyvmomi import Plain
from twohop.fakes.vmdk import DiskContent
from twohop.runtime.profiles import known_profiles
from vcenters import SMALL, make

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(shutil.which("qemu-img") is None, reason="no qemu-img: install qemu-utils"),
]
VCENTERS = [name for name in known_profiles() if name.startswith("vcenter-")]
HOSTS = [name for name in known_profiles() if name.startswith("esxi-")]
OVF = "{http://schemas.dmtf.org/ovf/envelope/1}"
GRAIN = 64 * 1024
SNAPPED: dict[str, Any] = {
    "name": "RUNNING",
    "power": "on",
    "disks": [SMALL, {**SMALL, "controller": "sata", "content": "seed:9"}],
    "snapshots": [
        {"name": "first", "children": [{"name": "second", "delta": [{"data": "64 KiB", "content": "seed:3"}]}]}
    ],
    "delta": [{"data": "256 KiB", "content": "seed:4"}, {"zeroed": "1 MiB"}],
}


def qemu(*arguments: str | Path) -> str:
    done = subprocess.run(["qemu-img", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def raw(content: DiskContent, path: Path) -> Path:
    """Write what a disk holds, grain by grain."""
    with path.open("wb") as file:
        file.truncate(content.capacity)
        for number, squeezed in content.grains():
            file.seek(number * GRAIN)
            file.write(zlib.decompress(squeezed)[: content.capacity - number * GRAIN])
    return path


def package(me: Plain, entity: Any, lease: Any, folder: Path, **given: Any) -> dict[str, Path]:
    """Write every file of a lease and the descriptor, complete the lease; return the disks by their device keys."""
    files, disks = [], {}
    for url in me.ready(lease).info.deviceUrl:
        answer = me.get(url.url)
        assert answer.status == 200
        path = folder / (url.targetId or url.url.rpartition("/")[2])
        path.write_bytes(answer.data)
        files.append(vim.OvfManager.OvfFile(deviceId=url.key, path=path.name, size=len(answer.data)))
        if url.disk is not False:
            disks[url.key] = path
    params = vim.OvfManager.CreateDescriptorParams(ovfFiles=files, **given)
    result = me.content.ovfManager.CreateDescriptor(entity, params)
    lease.HttpNfcLeaseComplete()
    (folder / "package.ovf").write_text(result.ovfDescriptor, "utf-8")
    judge(folder)
    return disks


def judge(folder: Path) -> None:
    """Every file of the descriptor is there with its size, and every disk is one."""
    root = etree.fromstring((folder / "package.ovf").read_bytes())
    references = {row.get(f"{OVF}id"): row for row in root.iter(f"{OVF}File")}
    assert references
    for row in references.values():
        assert (folder / row.get(f"{OVF}href")).stat().st_size == int(row.get(f"{OVF}size"))
    for row in root.iter(f"{OVF}Disk"):
        disk = folder / references[row.get(f"{OVF}fileRef")].get(f"{OVF}href")
        assert "No errors" in qemu("check", disk)
        info = json.loads(qemu("info", "--output=json", disk))
        assert info["format-specific"]["data"]["create-type"] == "streamOptimized"
        unit = {"byte * 2^20": 1 << 20, "byte * 2^30": 1 << 30, "byte": 1}[row.get(f"{OVF}capacityAllocationUnits")]
        assert info["virtual-size"] == int(row.get(f"{OVF}capacity")) * unit


def same(disk: Path, content: DiskContent) -> bool:
    """Whether a disk holds exactly this, in qemu-img's eyes, read and converted."""
    expected = raw(content, disk.with_suffix(".expected"))
    compared = subprocess.run(
        ["qemu-img", "compare", "-f", "vmdk", "-F", "raw", str(disk), str(expected)], capture_output=True, check=False
    )
    assert compared.returncode in (0, 1), compared.stderr
    qemu("convert", "-O", "raw", disk, disk.with_suffix(".raw"))
    assert (disk.with_suffix(".raw").read_bytes() == expected.read_bytes()) == (compared.returncode == 0)
    return compared.returncode == 0


@pytest.mark.parametrize("profile", [*VCENTERS, *HOSTS])
def test_a_snapshot_of_a_running_machine(profile: str, tmp_path: Path) -> None:
    with make(profile=profile, world={"datacenters": [{"hosts": ["H0"], "vms": [SNAPPED]}]}) as vc, Plain(vc) as me:
        vm = me.vm("RUNNING")
        (first,) = vm.snapshot.rootSnapshotList
        (second,) = first.childSnapshotList
        if profile == "vcenter-4.1":
            with pytest.raises(vmodl.fault.MethodNotFound):
                first.snapshot.ExportSnapshot()
            return
        machine = vc.world.vm("RUNNING")
        for tree in (first, second):
            (kept,) = (s for s in machine.all_snapshots() if s.name == tree.name)
            folder = tmp_path / tree.name
            folder.mkdir()
            lease = tree.snapshot.ExportSnapshot()
            task = vm.recentTask[-1]
            assert (task.info.descriptionId, task.info.entity) == ("vm.Snapshot.exportSnapshot", vm)
            assert me.ready(lease).info.entity == vm
            disks = package(me, vm, lease, folder, snapshot=tree.snapshot)
            assert task.info.state == "success"
            assert list(disks) == [
                f"/{machine.moid}/ParaVirtualSCSIController0:0",
                f"/{machine.moid}/VirtualAHCIController0:0",
            ]
            for path, then, now in zip(disks.values(), kept.machine.disks, machine.disks, strict=True):
                assert same(path, then.content), "what the snapshot has, of every layer"
                assert not same(path, now.content), "not what was written since"
        assert vm.runtime.powerState == "poweredOn"


VAPPS: dict[str, Any] = {
    "name": "DC0",
    "clusters": [{"name": "C0", "hosts": ["H0", "H1"]}],
    "vapps": [
        {
            "name": "shop",
            "vms": [{"name": "web", "disks": [{**SMALL, "content": "seed:1"}], "firmware": "efi"}],
            "vapps": [
                {
                    "name": "data",
                    "vms": [{"name": "db", "host": "H1", "disks": [{**SMALL, "content": f"seed:{n}"} for n in (2, 3)]}],
                }
            ],
        }
    ],
}


@pytest.mark.parametrize("profile", VCENTERS)
def test_a_vapp_with_another_in_it_across_hosts(profile: str, tmp_path: Path) -> None:
    with make(profile=profile, world={"datacenters": [VAPPS]}) as vc, Plain(vc) as me:
        vapp = me.vapp("shop")
        lease = vapp.ExportVApp()
        task = vapp.recentTask[-1]
        assert (task.info.descriptionId, task.info.entity) == ("VirtualApp.exportVApp", vapp)
        machines = [me.vm("shop/web"), me.vm("shop/data/db")]
        for vm in machines:
            with pytest.raises(vim.fault.TaskInProgress) as locked:
                vm.PowerOnVM_Task()
            assert locked.value.task == task
        with pytest.raises(vim.fault.TaskInProgress):
            vapp.PowerOnVApp_Task()
        info = me.ready(lease).info
        assert info.entity == vapp
        assert info.totalDiskCapacityInKB == 3 * 4096
        hosts = {url.url.split("/")[2]: (url.url.split("/")[4], url.sslThumbprint) for url in info.deviceUrl}
        assert len(hosts) == len({ticket for ticket, _ in hosts.values()}) == len({t for _, t in hosts.values()}) == 2
        numbers = [url.url.rpartition("/")[2].partition(".")[0] for url in info.deviceUrl]
        assert numbers == [f"disk-{n}" for n in range(len(numbers))], "4.6: counted through the lease"
        disks = package(me, vapp, lease, tmp_path)
        contents = [disk.content for name in ("web", "db") for disk in vc.world.vm(name).disks]
        assert [same(path, content) for path, content in zip(disks.values(), contents, strict=True)] == [True] * 3
        assert task.info.state == "success"
        for vm in machines:
            assert vm.PowerOnVM_Task().info.state == "success"
        with pytest.raises((vim.fault.InvalidState, vim.fault.InvalidPowerState)):
            vapp.ExportVApp()
