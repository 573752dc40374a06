"""Building a world from plain data."""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..machines import PowerState
from ..vmdk import DiskContent, FileContent, SeededContent
from ._entities import (
    Cluster,
    Controller,
    Datacenter,
    Datastore,
    Disk,
    Folder,
    Host,
    Network,
    Nic,
    ResourcePool,
    Vm,
)
from ._spec import WorldFileError, check_keys, check_world, flag, name_of, rows, size, unlike, whole

if TYPE_CHECKING:
    from ._world import Change, World

_POWER = {"on": PowerState.ON, "off": PowerState.OFF, "suspended": PowerState.SUSPENDED}
_CONTROLLERS = {
    "pvscsi": "ParaVirtualSCSIController",
    "lsilogic": "VirtualLsiLogicController",
    "lsilogicsas": "VirtualLsiLogicSASController",
    "buslogic": "VirtualBusLogicController",
    "sata": "VirtualAHCIController",
    "ide": "VirtualIDEController",
    "nvme": "VirtualNVMEController",
}
_FIRST_KEY = {"sata": 15000, "ide": 200, "nvme": 31000}
_UNITS = {"sata": 30, "ide": 2, "nvme": 15}
SCSI_OWN_UNIT = 7


def build(world: World, tx: Change, spec: Mapping[str, Any]) -> Folder:
    """Build everything that `spec` describes and return the root folder."""
    check_world(spec, "this world")
    root = tx.add(Folder(moid=world.next_moid("group-d"), name="Datacenters", child_types=("Folder", "Datacenter")))
    # Ids of objects come from the seed; tickets and cookies never do.
    source = random.Random(f"twohop world {world.seed}")
    hosts: set[str] = set()
    names: set[str] = set()
    for number, row in enumerate(spec["datacenters"]):
        builder = _Datacenter(world, tx, root, source)
        builder.build(check_keys("datacenter", row, f"datacenter {number}"), number)
        unlike(builder.name, names, "two datacenters")
        for host in builder.hosts:
            unlike(host, hosts, "two hosts")
    return root


class _Datacenter:
    """Builds one datacenter."""

    def __init__(self, world: World, tx: Change, root: Folder, source: random.Random) -> None:
        self.world, self.tx, self.root, self.random = world, tx, root, source
        # Names that stand in one folder; a real server refuses the second of a name.
        self.names: dict[str, set[str]] = {kind: set() for kind in ("network", "datastore", "cluster", "host", "vm")}

    def build(self, row: Mapping[str, Any], number: int) -> None:
        self.name = name_of(row.get("name", f"DC{number}"), f"datacenter {number}")
        self._datacenter()
        for raw in rows(row, "networks", self.name, ["VM Network"]):
            name = self._new("network", raw)
            network = Network(moid=self.world.next_moid("network-"), name=name, parent=self.dc.network_folder)
            self.dc.network_folder.children.append(self.tx.add(network))
            self.dc.networks.append(network)
        for store in rows(row, "datastores", self.name, [{"name": "LocalDS_0"}]):
            self._datastore(check_keys("datastore", store, f"datastore in {self.name}"))
        if not self.dc.datastores:
            raise WorldFileError(f"{self.name}: a datacenter has at least one datastore, under 'datastores'")
        self.pools: dict[str, ResourcePool] = {}
        self.hosts: dict[str, Host] = {}
        for cluster in rows(row, "clusters", self.name):
            checked = check_keys("cluster", cluster, f"cluster in {self.name}")
            self._cluster(checked.get("name"), rows(checked, "hosts", f"cluster in {self.name}"))
        for host in rows(row, "hosts", self.name):
            self._cluster(host, [host])
        if not self.hosts:
            raise WorldFileError(f"{self.name}: a datacenter has at least one host, under 'clusters' or 'hosts'")
        for n, vm in enumerate(rows(row, "vms", self.name)):
            self._vm(check_keys("vm", vm, f"vm {n} in {self.name}"), n)

    def _new(self, kind: str, name: Any) -> str:
        checked = name_of(name, f"{kind} in {self.name}")
        unlike(checked, self.names[kind], f"{self.name}: two of kind {kind}")
        return checked

    def _datacenter(self) -> None:
        moid = self.world.next_moid
        folders = {
            kind: Folder(moid=moid(prefix), name=kind, child_types=types)
            for kind, prefix, types in (
                ("vm", "group-v", ("Folder", "VirtualMachine", "VirtualApp")),
                ("host", "group-h", ("Folder", "ComputeResource")),
                ("datastore", "group-s", ("Folder", "StoragePod", "Datastore")),
                ("network", "group-n", ("Folder", "Network", "DistributedVirtualSwitch")),
            )
        }
        self.dc = Datacenter(
            moid=moid("datacenter-"), name=self.name, parent=self.root,
            vm_folder=folders["vm"], host_folder=folders["host"],
            datastore_folder=folders["datastore"], network_folder=folders["network"],
        )  # fmt: skip
        self.tx.add(self.dc)
        self.root.children.append(self.dc)
        for folder in folders.values():
            folder.parent = self.dc
            self.tx.add(folder)

    def _datastore(self, row: Mapping[str, Any]) -> None:
        name = self._new("datastore", row.get("name"))
        capacity = size(row.get("capacity", 4 << 40), f"capacity of datastore {name}")
        store = Datastore(
            moid=self.world.next_moid("datastore-"), name=name, parent=self.dc.datastore_folder,
            capacity=capacity, uuid=self._uuid(),
        )  # fmt: skip
        self.dc.datastore_folder.children.append(self.tx.add(store))
        self.dc.datastores.append(store)

    def _cluster(self, name: Any, hosts: list[Any]) -> None:
        named = self._new("cluster", name)
        cluster = Cluster(moid=self.world.next_moid("domain-c"), name=named, parent=self.dc.host_folder)
        self.dc.host_folder.children.append(self.tx.add(cluster))
        pool = ResourcePool(moid=self.world.next_moid("resgroup-"), name="Resources", parent=cluster, owner=cluster)
        cluster.pool = self.tx.add(pool)
        for raw in hosts:
            host_name = self._new("host", raw)
            host = Host(
                moid=self.world.next_moid("host-"), name=host_name, parent=cluster, uuid=self._uuid(), cluster=cluster,
                datastores=list(self.dc.datastores), networks=list(self.dc.networks),
            )  # fmt: skip
            cluster.hosts.append(self.tx.add(host))
            for store in self.dc.datastores:
                store.hosts.append(host)
            for network in self.dc.networks:
                network.hosts.append(host)
            self.hosts[host_name] = host
            self.pools[host_name] = pool

    def _vm(self, row: Mapping[str, Any], number: int) -> None:
        name = self._new("vm", row.get("name", f"vm{number}"))
        where = f"vm {name}"
        host_name = str(row.get("host", next(iter(self.hosts))))
        if host_name not in self.hosts:
            raise WorldFileError(f"{where}: no host {host_name!r}; there are {', '.join(self.hosts)}")
        power = row.get("power", "off")
        # YAML reads a bare on or off as a truth value.
        power = {True: "on", False: "off"}.get(power, power) if isinstance(power, bool) else power
        if power not in _POWER:
            raise WorldFileError(f"{where}: power is {', '.join(_POWER)}; got {power!r}")
        host = self.hosts[host_name]
        store = self._pick(self.dc.datastores, row.get("datastore"), f"{where}: datastore")
        vm = Vm(
            moid=self.world.next_moid("vm-"), name=name, parent=self.dc.vm_folder, host=host, datastore=store,
            pool=self.pools[host_name], uuid=self._given_uuid(row, where), instance_uuid=self._uuid(),
            power=_POWER[power], cpus=whole(row.get("cpus", 1), f"{where}: cpus"),
            memory_mib=whole(size(row.get("memory", 32 << 20), f"{where}: memory") >> 20, f"{where}: MiB of memory"),
            guest_id=str(row.get("guest", "otherGuest")), hardware=str(row.get("hardware", "vmx-13")),
            annotation=str(row.get("note", "")),
        )  # fmt: skip
        self._disks(vm, rows(row, "disks", where), where)
        if self.dc.networks:
            network = self._pick(self.dc.networks, row.get("network"), f"{where}: network")
            tail = ":".join(f"{self.random.randrange(256):02x}" for _ in range(2))
            mac = f"00:50:56:{self.random.randrange(0x80, 0xC0):02x}:{tail}"
            vm.nics.append(Nic(key=4000, network=network, mac=mac))
            network.vms.append(vm)
        for holder in (host.vms, store.vms, vm.pool.vms, self.dc.vm_folder.children):
            holder.append(vm)
        self.tx.add(vm)

    def _disks(self, vm: Vm, given: list[Any], where: str) -> None:
        used: dict[str, int] = {}
        for number, raw in enumerate(given):
            row = check_keys("disk", raw, f"{where}: disk {number}")
            kind = str(row.get("controller", "pvscsi"))
            if kind not in _CONTROLLERS:
                raise WorldFileError(f"{where}: disk {number}: controller is {', '.join(_CONTROLLERS)}; got {kind!r}")
            slots = _UNITS.get(kind, 15)
            slot = used[kind] = used.get(kind, -1) + 1
            bus, unit = divmod(slot, slots)
            if kind not in _UNITS and unit >= SCSI_OWN_UNIT:
                unit += 1
            key = _FIRST_KEY.get(kind, 1000) + bus
            controller = next((c for c in vm.controllers if c.key == key), None)
            if controller is None:
                controller = Controller(key=key, kind=_CONTROLLERS[kind], bus=bus)
                vm.controllers.append(controller)
            suffix = "" if number == 0 else f"_{number}"
            thin = flag(row.get("thin", True), f"{where}: disk {number}: thin")
            disk = Disk(
                key=2000 + number, controller=controller, unit=unit, content=self._content(row, number, where),
                file_name=f"[{vm.datastore.name}] {vm.name}/{vm.name}{suffix}.vmdk", thin=thin,
            )  # fmt: skip
            vm.disks.append(disk)

    def _content(self, row: Mapping[str, Any], number: int, where: str) -> DiskContent:
        content = str(row.get("content", f"seed:{number}"))
        if not content.startswith("seed:"):
            if "size" in row or "data" in row:
                raise WorldFileError(f"{where}: disk {number}: a disk from a file has that file's size and data")
            try:
                return _file_content(self.world.base / content)
            except (OSError, ValueError) as error:
                raise WorldFileError(f"{where}: disk {number}: {content} is no disk to read: {error}") from None
        capacity = size(row.get("size", 1 << 30), f"{where}: size of disk {number}")
        data = size(row.get("data", 64 << 20), f"{where}: data of disk {number}")
        if not (content[5:].isascii() and content[5:].isdigit()):
            raise WorldFileError(f"{where}: content is seed:N or a file; got {content!r}")
        if data > capacity or capacity == 0 or capacity % 512:
            raise WorldFileError(
                f"{where}: disk {number}: {data} bytes of data on {capacity}; give whole sectors, data within size"
            )
        return SeededContent(capacity, data, self.world.seed * 1_000_003 + int(content[5:]))

    def _pick(self, among: list[Any], name: Any, where: str) -> Any:
        if name is None:
            return among[0]
        for candidate in among:
            if candidate.name == name:
                return candidate
        raise WorldFileError(f"{where}: no {name!r}; there are {', '.join(c.name for c in among)}")

    def _given_uuid(self, row: Mapping[str, Any], where: str) -> str:
        drawn, given = self._uuid(), row.get("uuid")
        if given is None:
            return drawn
        try:
            return str(uuid.UUID(str(given)))
        except ValueError:
            raise WorldFileError(f"{where}: uuid is 32 hex digits with hyphens; got {given!r}") from None

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))


@cache
def _file_content(path: Path) -> DiskContent:
    return FileContent.open(path)
