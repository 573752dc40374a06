"""A fake vCenter or ESXi host in this process as a target."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from twohop.fakes import fake_for
from twohop.runtime import Clock
from twohop.runtime.profiles import Profile, load_profile

SMALL = {"size": "4 MiB", "data": "192 KiB"}
"""Small, since a driver fetches disks by the hundred."""
EMPTY = {"size": "2 MiB", "data": 0}

MACHINES: Mapping[str, Mapping[str, Any]] = {
    "VM0": {"disks": [SMALL, {**SMALL, "size": "3 MiB", "controller": "lsilogic"}]},
    "VM1": {"disks": [EMPTY]},
    "VM2": {
        "disks": [SMALL, EMPTY],
        "firmware": "efi",
        "images": [{"kind": "iso", "name": "tools.iso", "size": "4 KiB"}],
        "snapshots": [{"name": "before", "delta": [{"data": "64 KiB"}]}],
    },
    "VM3": {"disks": [EMPTY], "encrypted": True, "firmware": "efi", "vtpm": True},
}
"""Disks on two controllers; an empty one; nvram, an ISO and a snapshot; a machine that nobody may export."""

VAPPS: Sequence[Mapping[str, Any]] = (
    {
        "name": "VAPP0",
        "vms": [{"name": "WEB", "disks": [SMALL]}],
        "vapps": [{"name": "VAPP1", "vms": [{"name": "DB", "disks": [EMPTY, SMALL]}, {"name": "BARE"}]}],
    },
)


class FakeTarget:
    """A fake vCenter or ESXi host with four small machines, powered off; use it as a context manager.

    A vCenter has a vApp besides, with another in it.

    `profile` is the name of any profile of theirs. One server serves many runs: `reset` between them takes
    milliseconds.
    """

    def __init__(self, profile: str | Profile = "vcenter-8.0", seed: int = 0) -> None:
        self.profile = load_profile(profile) if isinstance(profile, str) else profile
        self.recipe = f"FakeTarget({self.profile.name!r}, seed={seed})"
        self.vms: Sequence[str] = tuple(MACHINES)
        host = "H0"
        machines = [{"name": vm, "power": "off", "host": host, **row} for vm, row in MACHINES.items()]
        vapps = VAPPS if self.profile.product == "vcenter" else ()
        self.vapps: Sequence[str] = tuple(row["name"] for row in vapps)
        datacenter = {"name": "DC0", "hosts": [host], "vms": machines, "vapps": list(vapps)}
        world: dict[str, Any] = {"datacenters": [datacenter]}
        self.clock = Clock(start=1_700_000_000.0)
        name = "reader@vsphere.local" if self.profile.product == "vcenter" else "reader"
        self.reader = (name, secrets.token_urlsafe(18))
        users = [{"name": name, "password": self.reader[1], "role": "ReadOnly"}]
        self.server = fake_for(self.profile, world=world, seed=seed, clock=self.clock, users=users)

    @property
    def url(self) -> str:
        """Scheme, host and port of the fake."""
        return self.server.url

    @property
    def user(self) -> str:
        """Who may log in."""
        return self.server.user

    @property
    def password(self) -> str:
        """The password of `user`."""
        return self.server.password

    @property
    def ca_file(self) -> Path:
        """The authority that signed the certificates of the fake and of its hosts."""
        return self.server.ca_file

    @property
    def declared(self) -> Mapping[str, Mapping[str, Any]]:
        """The profile of the fake."""
        return {self.profile.product: dict(self.profile.values)}

    def reset(self) -> None:
        """Bring the fake back to its seed state; the clock goes on."""
        self.server.reset()

    def __enter__(self) -> FakeTarget:
        self.server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.stop()
        self.clock.close()
