"""A fake vCenter or ESXi host in this process as a target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from twohop.fakes import fake_for
from twohop.runtime import Clock
from twohop.runtime.profiles import Profile

SMALL_DISK = {"size": "4 MiB", "data": "192 KiB"}
"""Small, since a driver fetches disks by the hundred."""


class FakeTarget:
    """A fake vCenter, or ESXi host by its profile, with two small machines, off; use it as a context manager.

    One server serves many runs: `reset` between them takes milliseconds.
    """

    def __init__(self, profile: str | Profile = "vcenter-8.0", seed: int = 0) -> None:
        name = profile if isinstance(profile, str) else profile.name
        self.recipe = f"FakeTarget({name!r}, seed={seed})"
        self.vms: Sequence[str] = ("VM0", "VM1")
        disks = [SMALL_DISK]
        host = "H0"
        machines = [{"name": vm, "power": "off", "host": host, "disks": disks} for vm in self.vms]
        world = {"datacenters": [{"name": "DC0", "hosts": [host], "vms": machines}]}
        self.clock = Clock(start=1_700_000_000.0)
        self.vcenter = fake_for(profile, world=world, seed=seed, clock=self.clock)

    @property
    def url(self) -> str:
        """Scheme, host and port of the fake."""
        return self.vcenter.url

    @property
    def user(self) -> str:
        """Who may log in."""
        return self.vcenter.user

    @property
    def password(self) -> str:
        """The password of `user`."""
        return self.vcenter.password

    @property
    def ca_file(self) -> Path:
        """The authority that signed the certificates of the fake and of its hosts."""
        return self.vcenter.ca_file

    @property
    def declared(self) -> Mapping[str, Mapping[str, Any]]:
        """The profile of the fake."""
        return {self.vcenter.product: dict(self.vcenter.profile.values)}

    def reset(self) -> None:
        """Bring the fake back to its seed state; the clock goes on."""
        self.vcenter.reset()

    def __enter__(self) -> FakeTarget:
        self.vcenter.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.vcenter.stop()
        self.clock.close()
