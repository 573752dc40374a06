"""Small vCenters and ESXi hosts for tests."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pyVmomi import VmomiSupport

from twohop.fakes import fake_for
from twohop.runtime import Clock
from twohop.runtime.certificates import Authority
from twohop.runtime.profiles import Profile

AUTHORITY = Authority()
START = 1_700_000_000.0
SMALL = {"size": "4 MiB", "data": "192 KiB"}


def small_world(vms: int = 2, hosts: int = 1, disks: int = 1) -> dict[str, Any]:
    """Plain data of a world of small machines, all powered off but the last."""
    names = [f"H{n}" for n in range(hosts)]
    machines = [
        {
            "name": f"VM{n}",
            "power": "on" if n == vms - 1 else "off",
            "host": names[n % hosts],
            "disks": [dict(SMALL) for _ in range(disks)],
        }
        for n in range(vms)
    ]
    return {"datacenters": [{"name": "DC0", "hosts": names, "vms": machines}]}


def make(profile: str | Profile = "vcenter-8.0", **options: Any) -> Any:
    """A vCenter, or an ESXi host by its profile, on a clock that stands, with the certificates of this run."""
    options.setdefault("world", small_world())
    options.setdefault("clock", Clock(start=START))
    return fake_for(profile, authority=AUTHORITY, **options)


def newest(api: str) -> str:
    """The newest version of the API that pyVmomi here knows and that is not newer than this one."""
    known = [v for v in VmomiSupport.versionIdMap.values() if re.fullmatch(r"\d+(\.\d+){3}", v)]
    return max((v for v in known if _numbers(v) <= _numbers(api)), key=_numbers)


def _numbers(api: str) -> list[int]:
    return [int(part) for part in api.split(".")]


def knows(api: str) -> pytest.MarkDecorator:
    """Skip what is about all that a version of the API tells, where pyVmomi here does not know all of it."""
    return pytest.mark.skipif(
        newest(api) != api, reason=f"this pyVmomi does not know vSphere API {api}, nor its members"
    )
