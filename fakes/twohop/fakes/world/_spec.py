"""The plain data a world is built from: the default world, and world files in YAML."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ._values import WorldFileError, rows

FORMAT = 1

_KEYS: dict[str, frozenset[str]] = {
    kind: frozenset(keys.split())
    for kind, keys in {
        "world file": "twohop profile seed datacenters cell users",
        "user": "name password role privileges permissions",
        "permission": "on role privileges propagate",
        "datacenter": "name clusters hosts datastores networks vms vapps folders",
        "cluster": "name hosts",
        "datastore": "name capacity hosts type",
        "folder": "name vms vapps folders",
        "vapp": "name host note vms vapps start_order start_delay stop_delay",
        "vm": "name power host datastore network cpus memory guest hardware uuid note disks controllers images "
        "firmware nvram template encrypted vtpm tools snapshots clone_of delta start_order start_delay stop_delay nics "
        "settings vapp managed_by tags customized slots extra_config",
        "manager": "extension type",
        "vapp of a vm": "product properties eulas transports install_delay",
        "product": "name vendor version full_version product_url vendor_url app_url",
        "property": "id type value label category export_error",
        "nic": "network kind connected guest_control wake_on_lan slot export_error",
        "setting": "cores_per_socket cpu_limit cpu_reservation memory_limit memory_reservation video displays "
        "power_off reset suspend standby sync_time order vmci_slot "
        "cpu_hot_add cpu_hot_remove memory_hot_add nested_hv",
        "disk": "size data content controller bus unit thin datastore export_error",
        "controller": "kind bus slot",
        "image": "kind name size content missing empty backing controller bus unit datastore guest_control "
        "export_error",
        "nvram": "name size content",
        "snapshot": "name note power quiesced delta current children",
        "delta": "data content zeroed",
        "clone": "vm snapshot",
    }.items()
}


def check_keys(kind: str, row: Any, where: str) -> Mapping[str, Any]:
    """Return `row` where it is a mapping that names nothing unknown."""
    if not isinstance(row, Mapping):
        raise WorldFileError(f"{where}: expected a mapping that describes a {kind}; got {row!r}")
    if not row.keys() <= _KEYS[kind]:
        unknown = row.keys() - _KEYS[kind]
        known = ", ".join(sorted(_KEYS[kind]))
        raise WorldFileError(
            f"{where}: a {kind} has no {', '.join(map(repr, sorted(map(str, unknown))))}; it has {known}"
        )
    return row


def check_world(data: Any, where: str) -> Mapping[str, Any]:
    """Return the plain data of a world where its outer form is right."""
    checked = check_keys("world file", data, where)
    if checked.get("twohop", FORMAT) != FORMAT:
        raise WorldFileError(f"{where}: 'twohop' says the format, {FORMAT}; got {checked['twohop']!r}")
    if not isinstance(checked.get("datacenters"), list) or not checked["datacenters"]:
        raise WorldFileError(f"{where}: 'datacenters' is a list of at least one")
    seed, profile = checked.get("seed", 0), checked.get("profile", "vcenter")
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise WorldFileError(f"{where}: 'seed' is a whole number; got {seed!r}")
    if not isinstance(profile, str):
        raise WorldFileError(f"{where}: 'profile' is a name such as vcenter-8.0; got {profile!r}")
    return checked


def check_standalone(spec: Mapping[str, Any], where: str) -> None:
    """Refuse a world that is more than one standalone host; spec is one that `check_world` took."""
    whole_world = spec["datacenters"]
    if len(whole_world) != 1:
        raise WorldFileError(f"{where}: a standalone ESXi host has one datacenter; got {len(whole_world)}")
    row = check_keys("datacenter", whole_world[0], "datacenter 0")
    if row.get("clusters"):
        raise WorldFileError(
            f"{where}: a standalone ESXi host stands in no cluster: name it under 'hosts', or take a vCenter's profile"
        )
    for kind in ("folders", "vapps"):
        if row.get(kind):
            raise WorldFileError(f"{where}: a standalone ESXi host has no {kind}; they need a vCenter")
    hosts = rows(row, "hosts", "datacenter 0")
    if len(hosts) != 1:
        raise WorldFileError(f"{where}: a standalone ESXi host is one host; 'hosts' has {len(hosts)}")


def default_spec(vms: int = 2, hosts: int = 2) -> dict[str, Any]:
    """Return the default world: vcsim's names, one cluster whose hosts share a datastore.

    VM0 stands on H0 and is powered off, VM1 on the next host and is powered on, further ones follow, powered off.
    Each has one thin disk of 1 GiB with 64 MiB of data.
    """
    if hosts < 1 or vms < 0:
        raise WorldFileError(f"a world has at least 1 host and 0 machines; got {hosts} hosts, {vms} machines")
    names = [f"DC0_C0_H{n}" for n in range(hosts)]
    machines = [
        {
            "name": f"DC0_C0_RP0_VM{n}",
            "power": "on" if n == 1 else "off",
            "tools": n == 1,
            "host": names[n % hosts],
            "disks": [{"size": 1 << 30, "data": 64 << 20, "content": f"seed:{n}"}],
        }
        for n in range(vms)
    ]
    datacenter = {
        "name": "DC0",
        "clusters": [{"name": "DC0_C0", "hosts": names}],
        "datastores": [{"name": "LocalDS_0"}],
        "networks": ["VM Network"],
        "vms": machines,
    }
    return {"twohop": FORMAT, "datacenters": [datacenter]}


def default_host_spec(vms: int = 2) -> dict[str, Any]:
    """Return the default world for one standalone host: the same machines and disks, all on its one host."""
    spec = default_spec(vms, 1)
    (datacenter,) = spec["datacenters"]
    (cluster,) = datacenter.pop("clusters")
    datacenter["hosts"] = cluster["hosts"]
    return spec


def load_spec(path: Path) -> dict[str, Any]:
    """Read a world file; WorldFileError says which line or key is wrong."""
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise WorldFileError(f"the world file {path} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise WorldFileError(f"the world file {path} is not YAML: {error}") from None
    check_keys("world file", data, str(path))
    if data.get("twohop") != FORMAT:
        raise WorldFileError(f"{path}: the first key says the format: 'twohop: {FORMAT}'; got {data.get('twohop')!r}")
    return dict(check_world(data, str(path)))
