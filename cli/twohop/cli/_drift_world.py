"""The own world of `twohop drift`: the default one, and machines and datastores of kinds that vCenters have besides.

Nothing here knows of a recording: each machine is a world file's row, and what is told of it is computed as for any.
"""

from __future__ import annotations

from typing import Any

from twohop.fakes import default_host_spec, default_spec

AGENT = "agent-1"
APPLIANCE = "vcenter-1"

VSAN, FULL = "vsanDatastore", "Archive"
SERVERS = ("old-server", "new-server")

_STORES: list[dict[str, Any]] = [
    {"name": VSAN, "type": "vsan", "capacity": "8 TiB"},
    {"name": "Share", "type": "nfs"},
    # Its one disk takes more of it than the default alarm lets pass.
    {"name": FULL, "capacity": "10 GiB"},
]
_MACHINES: list[dict[str, Any]] = [
    {
        # An agent of the cluster: deployed from a template by an extension, which owns it, and without a network card.
        "name": AGENT,
        "power": "on",
        "tools": True,
        "customized": True,
        "datastore": VSAN,
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
    {
        # A server as it was built for some years: LSI Logic, an image in its drive, e1000, disks that are not thin.
        "name": "old-server",
        "power": "on",
        "tools": True,
        "datastore": FULL,
        "guest": "windows7Server64Guest",
        "controllers": [{"kind": "buslogic", "bus": 2}, {"kind": "lsilogic", "bus": 3}],
        "disks": [
            {"size": "8 GiB", "data": "64 MiB", "controller": "lsilogic", "bus": 0, "thin": False},
            {"size": "1 GiB", "data": "1 MiB", "content": "seed:14", "controller": "lsilogicsas"},
        ],
        "images": [{"kind": "iso", "name": "iso/tools.iso", "size": "1 MiB"}, {"kind": "floppy", "empty": True}],
        "nics": [{"kind": "e1000"}, {"kind": "pcnet32", "connected": False}],
        "snapshots": [
            {"name": "installed", "note": "as it came", "children": [{"name": "patched", "power": "on"}]},
        ],
    },
    {
        "name": "new-server",
        "vtpm": True,
        "hardware": "vmx-19",
        "disks": [
            {"size": "4 GiB", "data": "64 MiB", "content": "seed:15", "controller": "nvme"},
            {"size": "1 GiB", "data": "1 MiB", "content": "seed:16", "controller": "sata"},
        ],
        "images": [{"kind": "iso", "controller": "sata", "empty": True, "backing": "atapi"}],
        "nics": [{"kind": "e1000e"}],
    },
]
_USERS = [
    {
        "name": "agents@vsphere.local",
        "password": "of the agents",
        "permissions": [{"on": f"DC0/vm/{AGENT}", "role": "Admin"}],
    },
]


def furnished(product: str, vms: int = 2) -> dict[str, Any]:
    """Return the default world of a product, of `vms` machines, with the datastores and machines above.

    A vCenter has all of them and a user for the agent; a host has no vSAN, and nobody's agents or appliances.
    """
    alone = product != "vcenter"
    spec = default_host_spec(vms) if alone else default_spec(vms)
    (datacenter,) = spec["datacenters"]
    # Among the first: of many objects of a type, a comparison takes the first few.
    datacenter["vms"][2:2] = [row for row in _MACHINES if not alone or row["name"] in SERVERS]
    datacenter["datastores"] += [row for row in _STORES if not alone or row["name"] != VSAN]
    return spec if alone else {**spec, "users": _USERS}
