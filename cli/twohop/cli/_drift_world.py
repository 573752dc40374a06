"""The own world of `twohop drift`: the default one, and machines of kinds that vCenters have besides.

Nothing here knows of a recording: each machine is a world file's row, and what is told of it is computed as for any.
"""

from __future__ import annotations

from typing import Any

from twohop.fakes import default_spec

AGENT = "agent-1"
APPLIANCE = "vcenter-1"

_MACHINES: list[dict[str, Any]] = [
    {
        # An agent of the cluster: deployed from a template by an extension, which owns it, and without a network card.
        "name": AGENT,
        "power": "on",
        "tools": True,
        "customized": True,
        "nics": [],
        "memory": "128 MiB",
        "guest": "other26xLinux64Guest",
        "note": "An agent of the cluster.",
        "managed_by": {"extension": "com.example.agents", "type": "cluster-agent"},
        "vapp": {"product": {"name": "Agent", "vendor": "Example"}, "eulas": ["Terms of the agent."]},
        "disks": [{"size": "2 GiB", "data": "64 MiB", "content": "seed:11"}],
    },
    {
        # The appliance that the vCenter itself runs in: a machine with a drive, which bears the vCenter's tag.
        "name": APPLIANCE,
        "power": "on",
        "tools": True,
        "tags": ["SYSTEM/COM.VMWARE.VIM.VC"],
        "guest": "other3xLinux64Guest",
        "images": [{"kind": "iso", "empty": True, "backing": "host"}],
        "disks": [{"size": "12 GiB", "data": "64 MiB", "content": "seed:12"}],
    },
]
_USERS = [
    {
        "name": "agents@vsphere.local",
        "password": "of the agents",
        "permissions": [{"on": f"DC0/vm/{AGENT}", "role": "Admin"}],
    },
]


def furnished(vms: int = 2) -> dict[str, Any]:
    """Return the default world of `vms` machines, with an agent and an appliance besides and a user for the agent."""
    spec = default_spec(vms)
    (datacenter,) = spec["datacenters"]
    # Among the first: of many objects of a type, a comparison takes the first few.
    datacenter["vms"][2:2] = _MACHINES
    return {**spec, "users": _USERS}
