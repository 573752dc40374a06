"""An import costs the same memory whatever its size: what has come lies in a file, and is read from there."""

from __future__ import annotations

import tracemalloc

from pyVmomi import vim

from importing import Importer
from plain_pyvmomi import Plain
from twohop.fakes.vmdk import SeededContent, stream
from vcenters import make

CAPACITY = 4 << 40
DATA = 48 << 20
BOUND = 12 << 20
"""Bytes that may be allocated at any one time while a disk arrives, by client and server together."""


def test_a_large_disk_is_taken_at_constant_memory() -> None:
    disk = {"size": CAPACITY, "data": 0}
    world = {
        "datacenters": [
            {
                "name": "DC0", "hosts": ["H0"], "datastores": [{"name": "S", "capacity": "8 TiB"}],
                "vms": [{"name": "VM0", "disks": [disk]}],
            }
        ]
    }  # fmt: skip
    with make(world=world) as vc, Plain(vc) as me:
        to = Importer(me)
        params = vim.OvfManager.CreateDescriptorParams()
        text = me.content.ovfManager.CreateDescriptor(me.vm(), params).ovfDescriptor
        lease = to.started(to.spec(text).importSpec)
        (url,) = (device.url for device in lease.info.deviceUrl if device.disk)
        content = SeededContent(CAPACITY, DATA, 7)
        tracemalloc.start()
        try:
            assert to.send(url, stream(content, cid=1)) == 200
            lease.HttpNfcLeaseComplete()
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert vc.world.vm("new").disks[0].content.populated == content.populated == DATA
        assert peak < BOUND, f"{peak >> 20} MiB at once"
