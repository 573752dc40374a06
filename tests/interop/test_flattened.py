"""What stands on snapshots leaves as one flat disk, and qemu-img, which nobody here wrote, reads it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from machine_client import Machine
from twohop.fakes.vmdk import GRAIN_BYTES, DiskContent
from twohop.fakes.vmdk._deflate import inflate
from vcenters import make

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(shutil.which("qemu-img") is None, reason="no qemu-img: install qemu-utils"),
]

DISKS = [
    {"size": "3 MiB", "data": "1 MiB"}, {"size": "62 TiB", "data": "1 MiB", "controller": "nvme"},
    {"size": "1 MiB", "data": 0},
]  # fmt: skip
WORLD: dict[str, Any] = {
    "datacenters": [
        {
            "name": "DC0",
            "hosts": ["H0"],
            "vms": [
                {
                    "name": "VM0",
                    "disks": DISKS,
                    "snapshots": [
                        {"name": "a", "children": [{"name": "b", "delta": [{"data": "64 KiB"}, {"zeroed": "1 MiB"}]}]}
                    ],
                    "delta": [{"data": "128 KiB", "zeroed": "128 KiB"}, {"data": "64 KiB"}],
                },
                {"name": "twin", "clone_of": {"vm": "VM0", "snapshot": "a"}, "delta": [{"data": "64 KiB"}]},
            ],
        }
    ]
}


def raw(content: DiskContent) -> bytes:
    whole = bytearray(-(-content.capacity // GRAIN_BYTES) * GRAIN_BYTES)
    for number, squeezed in content.grains():
        whole[number * GRAIN_BYTES : (number + 1) * GRAIN_BYTES] = inflate(squeezed, GRAIN_BYTES)
    return bytes(whole[: content.capacity])


@pytest.mark.parametrize("what", ["VM0", "twin", "snapshot b"])
def test_a_disk_that_stands_on_others_leaves_flat(what: str, tmp_path: Path) -> None:
    with make(world=WORLD) as vc, Machine(vc, "VM0" if what == "snapshot b" else what) as m:
        if what == "snapshot b":
            lease, machine = m.ready(m.snapshot("b").ExportSnapshot()), m.snapshot_of("b").machine
        else:
            lease, machine = m.export(what), m.entity
        urls = [device.url for device in lease.info.deviceUrl if device.disk]
        assert len(urls) == 3
        for number, (url, disk) in enumerate(zip(urls, machine.disks, strict=True)):
            path = tmp_path / f"{number}.vmdk"
            path.write_bytes(m.get(url).data)
            checked = subprocess.run(["qemu-img", "check", path], capture_output=True, text=True, check=False)
            assert checked.returncode == 0, checked.stdout + checked.stderr
            if disk.capacity < 1 << 30:
                (tmp_path / "raw").write_bytes(raw(disk.content))
                command = ["qemu-img", "compare", "-f", "raw", "-F", "vmdk", tmp_path / "raw", path]
                assert subprocess.run(command, capture_output=True, check=False).returncode == 0
        lease.HttpNfcLeaseComplete()
