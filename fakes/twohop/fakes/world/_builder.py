"""Building a world from plain data."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._contents import Contents
from ._entities import (
    STORE_TYPES,
    USUAL_DELAY,
    Cluster,
    Datacenter,
    Datastore,
    Folder,
    Host,
    Network,
    ResourcePool,
    Standalone,
    VApp,
)
from ._machine import Site, add_machine
from ._spec import check_keys, check_standalone, check_world
from ._values import WorldFileError, choice, name_of, rows, size, text, unlike, whole

if TYPE_CHECKING:
    from ._world import Change, World

_MACHINES = ("Folder", "VirtualMachine", "VirtualApp")


def build(world: World, tx: Change, spec: Mapping[str, Any]) -> Folder:
    """Build everything that `spec` describes and return the root folder."""
    check_world(spec, "this world")
    if world.product.standalone:
        check_standalone(spec, "this world")
    root = tx.add(
        Folder(moid=world.next_moid("group-d"), name=world.product.root, child_types=("Folder", "Datacenter"))
    )
    # Ids of objects come from the seed; tickets and cookies never do.
    source = random.Random(f"twohop world {world.seed}")
    hosts: set[str] = set()
    names: set[str] = set()
    for number, row in enumerate(spec["datacenters"]):
        builder = _Datacenter(world, tx, root, source)
        builder.build(check_keys("datacenter", row, f"datacenter {number}"), number)
        unlike(builder.name, names, "two datacenters")
        for host in builder.site.hosts:
            unlike(host, hosts, "two hosts")
    return root


class _Datacenter:
    """Builds one datacenter."""

    def __init__(self, world: World, tx: Change, root: Folder, source: random.Random) -> None:
        self.world, self.tx, self.root, self.random = world, tx, root, source
        # Names of machines are unlike in a datacenter, so that a test can ask for one by name.
        self.names: dict[str, set[str]] = {kind: set() for kind in ("network", "datastore", "cluster", "host", "vm")}
        self.vms = 0

    def build(self, row: Mapping[str, Any], number: int) -> None:
        named = name_of(row.get("name", f"DC{number}"), f"datacenter {number}")
        self.name = self.world.product.datacenter or named
        self.dc = self._datacenter()
        self.site = Site(self.world, self.tx, self.random, Contents(self.world.seed, self.world.base), self.dc, {})
        for raw in rows(row, "networks", self.name, ["VM Network"]):
            name = self._new("network", raw)
            network = Network(moid=self.world.next_moid("network-", name), name=name, parent=self.dc.network_folder)
            self.dc.network_folder.children.append(self.tx.add(network))
            self.dc.networks.append(network)
        stores = [
            check_keys("datastore", store, f"datastore in {self.name}")
            for store in rows(row, "datastores", self.name, [{"name": "LocalDS_0"}])
        ]
        for given in stores:
            self._datastore(given)
        if not self.dc.datastores:
            raise WorldFileError(f"{self.name}: a datacenter has at least one datastore, under 'datastores'")
        for cluster in rows(row, "clusters", self.name):
            checked = check_keys("cluster", cluster, f"cluster in {self.name}")
            self._cluster(checked.get("name"), rows(checked, "hosts", f"cluster in {self.name}"))
        for host in rows(row, "hosts", self.name):
            self._cluster(host, [host], Standalone, "domain-s")
        if not self.site.hosts:
            raise WorldFileError(f"{self.name}: a datacenter has at least one host, under 'clusters' or 'hosts'")
        for store, given in zip(self.dc.datastores, stores, strict=True):
            self._mount(store, given)
        self._contents_of(row, self.dc.vm_folder, self.name)

    def _new(self, kind: str, name: Any) -> str:
        checked = name_of(name, f"{kind} in {self.name}")
        unlike(checked, self.names[kind], f"{self.name}: two of kind {kind}")
        return checked

    def _datacenter(self) -> Datacenter:
        moid = self.world.next_moid
        folders = {
            kind: Folder(moid=moid(prefix), name=kind, child_types=types)
            for kind, prefix, types in (
                ("vm", "group-v", _MACHINES),
                ("host", "group-h", ("Folder", "ComputeResource")),
                ("datastore", "group-s", ("Folder", "StoragePod", "Datastore")),
                ("network", "group-n", ("Folder", "Network", "DistributedVirtualSwitch")),
            )
        }
        dc = Datacenter(
            moid=moid("datacenter-"), name=self.name, parent=self.root,
            vm_folder=folders["vm"], host_folder=folders["host"],
            datastore_folder=folders["datastore"], network_folder=folders["network"],
        )  # fmt: skip
        self.tx.add(dc)
        self.root.children.append(dc)
        for folder in folders.values():
            folder.parent = dc
            self.tx.add(folder)
        return dc

    def _datastore(self, row: Mapping[str, Any]) -> None:
        name = self._new("datastore", row.get("name"))
        capacity = size(row.get("capacity", 4 << 40), f"capacity of datastore {name}")
        kind = choice(row.get("type", "vmfs"), tuple(STORE_TYPES), f"type of datastore {name}")
        volume = volume_name(self.site.uuid(), kind)
        store = Datastore(
            moid=self.world.next_moid("datastore-", volume), name=name, parent=self.dc.datastore_folder,
            capacity=capacity, uuid=volume, type=kind,
        )  # fmt: skip
        self.dc.datastore_folder.children.append(self.tx.add(store))
        self.dc.datastores.append(store)

    def _cluster(self, name: Any, hosts: list[Any], kind: type[Cluster] = Cluster, prefix: str = "domain-c") -> None:
        named = self._new("cluster", name)
        cluster = kind(moid=self.world.next_moid(prefix), name=named, parent=self.dc.host_folder)
        self.dc.host_folder.children.append(self.tx.add(cluster))
        pool = ResourcePool(moid=self.world.next_moid("resgroup-"), name="Resources", parent=cluster, owner=cluster)
        cluster.pool = self.tx.add(pool)
        for raw in hosts:
            host_name = self._new("host", raw)
            host = Host(
                moid=self.world.next_moid("host-"), name=host_name, parent=cluster, uuid=self.site.uuid(),
                cluster=cluster, networks=list(self.dc.networks),
            )  # fmt: skip
            cluster.hosts.append(self.tx.add(host))
            for network in self.dc.networks:
                network.hosts.append(host)
            self.site.hosts[host_name] = host

    def _mount(self, store: Datastore, row: Mapping[str, Any]) -> None:
        """Let hosts see a datastore: those that it names, else all."""
        where = f"datastore {store.name}"
        names = rows(row, "hosts", where, list(self.site.hosts))
        if not names:
            raise WorldFileError(f"{where}: 'hosts' names at least one that sees it; leave it out for all")
        for host in dict.fromkeys(self.site.host(name, where) for name in names):
            store.hosts.append(host)
            host.datastores.append(store)

    def _contents_of(self, row: Mapping[str, Any], parent: Folder | VApp, where: str) -> None:
        """Build the machines, vApps and folders in a folder or a vApp."""
        for raw in rows(row, "vms", where):
            given = check_keys("vm", raw, f"vm {self.vms} in {where}")
            vm = add_machine(self.site, given, self._new("vm", given.get("name", f"vm{self.vms}")), parent)
            self._order(parent, vm.moid, given, f"vm {vm.name}")
            self.vms += 1
        for raw in rows(row, "vapps", where):
            self._vapp(check_keys("vapp", raw, f"vapp in {where}"), parent)
        for raw in rows(row, "folders", where):
            given = check_keys("folder", raw, f"folder in {where}")
            name = self._new("vm", given.get("name"))
            folder = Folder(moid=self.world.next_moid("group-v"), name=name, child_types=_MACHINES, parent=parent)
            if isinstance(parent, Folder):
                parent.children.append(self.tx.add(folder))
            self._contents_of(given, folder, f"folder {name}")

    def _vapp(self, row: Mapping[str, Any], parent: Folder | VApp) -> None:
        name = self._new("vm", row.get("name"))
        where = f"vapp {name}"
        if isinstance(parent, VApp) and "host" in row:
            raise WorldFileError(f"{where}: it stands where the vApp stands that it is in; leave 'host' out")
        pool = parent if isinstance(parent, VApp) else self.site.host(row.get("host"), where).cluster.pool
        assert pool is not None
        vapp = VApp(
            moid=self.world.next_moid("resgroup-v"), name=name, parent=pool, owner=pool.owner,
            folder=parent if isinstance(parent, Folder) else None,
            annotation=text(row.get("note", ""), f"{where}: note"),
        )  # fmt: skip
        pool.vapps.append(self.tx.add(vapp))
        if isinstance(parent, Folder):
            parent.children.append(vapp)
        self._order(parent, vapp.moid, row, where)
        self._contents_of(row, vapp, where)

    def _order(self, parent: Folder | VApp, moid: str, row: Mapping[str, Any], where: str) -> None:
        if isinstance(parent, VApp):
            first = max(parent.start_order.values(), default=0) + 1
            parent.start_order[moid] = whole(row.get("start_order", first), f"{where}: start_order")
            keys = ("start_delay", "stop_delay")
            start, stop = (whole(row.get(key, USUAL_DELAY), f"{where}: {key}", least=0) for key in keys)
            parent.delays[moid] = (start, stop)
            return
        for key in ("start_order", "start_delay", "stop_delay"):
            if key in row:
                raise WorldFileError(f"{where}: it starts in no order, since it stands in no vApp; leave {key!r} out")


def volume_name(drawn: str, kind: str) -> str:
    """Return what a volume of a type is called below /vmfs/volumes, from a UUID."""
    digits = drawn.replace("-", "")
    if kind == "vsan":
        return f"vsan:{digits[:16]}-{digits[16:]}"
    if kind == "nfs":
        # Of where the share is, a host takes a digest in two groups.
        return f"{digits[:8]}-{digits[8:16]}"
    # A VMFS volume writes its UUID in four groups, of 8, 8, 4 and 12 hex digits.
    return f"{digits[:8]}-{digits[8:16]}-{digits[16:20]}-{digits[20:]}"
