"""A client and one machine that things are done to, in a world that has some of everything."""

from __future__ import annotations

from typing import Any

from pyVmomi import vim

from plain_pyvmomi import Plain
from twohop.fakes import VCenter
from twohop.fakes.world import Snapshot

DISK = {"size": "4 MiB", "data": "192 KiB"}
WORLD: dict[str, Any] = {
    "datacenters": [
        {
            "name": "DC0",
            "clusters": [{"name": "C0", "hosts": ["H0", "H1"]}, {"name": "C1", "hosts": ["H2"]}],
            "datastores": [{"name": "Main"}, {"name": "Other"}, {"name": "Local", "hosts": ["H0"]}],
            "vms": [
                {"name": "other", "images": [{"name": "some.iso"}, {"name": "gone.iso", "missing": True}]},
                {
                    "name": "VM0", "tools": True, "firmware": "efi", "disks": [DISK, DISK],
                    "images": [{"controller": "ide"}, {"controller": "sata", "empty": True}],
                    "snapshots": [
                        {"name": "s1", "children": [{"name": "s2", "delta": [{"data": "64 KiB"}], "current": True},
                                                    {"name": "s3", "power": True}]}
                    ],
                },
                {"name": "running", "tools": True, "power": True, "disks": [DISK], "snapshots": [{"name": "r1"}]},
                {"name": "mould", "template": True, "disks": [DISK]},
            ],
            "folders": [{"name": "dev"}],
            "vapps": [{"name": "shop", "vms": [{"name": "front", "start_order": 2}, {"name": "back", "start_order": 1}],
                       "vapps": [{"name": "store", "vms": [{"name": "db", "disks": [DISK]}]}]}],
        }
    ]
}  # fmt: skip


class Machine(Plain):
    """A client, and the machine that things are done to."""

    def __init__(self, vcenter: VCenter, name: str = "VM0") -> None:
        super().__init__(vcenter)
        self.me = self.vm(name)

    def at(self, path: str) -> Any:
        """What stands at an inventory path."""
        return self.content.searchIndex.FindByInventoryPath(path)

    @property
    def entity(self) -> Any:
        """The machine as the world has it."""
        return self.vcenter.world.objects[self.me._moId]

    def store(self, name: str) -> Any:
        return next(s for s in self.at("DC0").datastore if s.name == name)

    def host(self, name: str) -> Any:
        clusters = self.at("DC0").hostFolder.childEntity
        return next(h for c in clusters for h in c.host if h.name == name)

    def snapshot(self, name: str) -> Any:
        moid = next(s.moid for s in self.entity.all_snapshots() if s.name == name)
        return vim.vm.Snapshot(moid, self.si._stub)

    def snapshot_of(self, name: str) -> Snapshot:
        """The same as the world has it."""
        found = self.vcenter.world.objects[self.snapshot(name)._moId]
        assert isinstance(found, Snapshot)
        return found

    def device(self, key: int) -> Any:
        return next(d for d in self.me.config.hardware.device if d.key == key)


def edit(operation: str, device: Any, **more: Any) -> dict[str, Any]:
    spec = vim.vm.device.VirtualDeviceSpec(operation=operation, device=device, **more)
    return {"spec": vim.vm.ConfigSpec(deviceChange=[spec])}


def place(**fields: Any) -> dict[str, Any]:
    return {"spec": vim.vm.RelocateSpec(**fields)}


def clone(m: Machine, name: str = "copy", *, location: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    fields = {"template": False, "powerOn": False} | fields
    spec = vim.vm.CloneSpec(location=vim.vm.RelocateSpec(**(location or {})), **fields)
    return {"folder": m.at("DC0/vm"), "name": name, "spec": spec}
