"""Building a world from what a recording tells of a real one: its objects, their places, their properties."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from ..world import (
    STORE_TYPES,
    Change,
    Cluster,
    Datacenter,
    Datastore,
    Entity,
    Folder,
    Host,
    Network,
    ResourcePool,
    Standalone,
    VApp,
    Vm,
)
from ._given import Given, read_given
from ._recorded_machines import number_of, read_machine, stand_in_uuid
from ._registry import VmomiSupport, known_type, wsdl_class
from ._service import Service
from ._vocabulary import vocabulary_of

E = TypeVar("E", bound=Entity)

CLASSES: tuple[tuple[str, type[Entity]], ...] = (
    ("VirtualMachine", Vm),
    ("HostSystem", Host),
    ("Datacenter", Datacenter),
    ("Folder", Folder),
    ("ClusterComputeResource", Cluster),
    ("ComputeResource", Standalone),
    ("VirtualApp", VApp),
    ("ResourcePool", ResourcePool),
    ("Datastore", Datastore),
    ("Network", Network),
)
"""Types of the inventory and the class of the world that stands for each; the narrowest first."""

_FOLDERS = {
    "vm_folder": ("vmFolder", "vm", "group-v", ("Folder", "VirtualMachine", "VirtualApp")),
    "host_folder": ("hostFolder", "host", "group-h", ("Folder", "ComputeResource")),
    "datastore_folder": ("datastoreFolder", "datastore", "group-s", ("Folder", "StoragePod", "Datastore")),
    "network_folder": ("networkFolder", "network", "group-n", ("Folder", "Network", "DistributedVirtualSwitch")),
}
_PASSING = ("Task", "PropertyFilter", "ContainerView", "ListView", "InventoryView", "HttpNfcLease")
"""Types of objects that come and go: a recording's mention brings none of them to life."""


def build_recorded(service: Service, inventory: Mapping[str, Mapping[str, Any]]) -> None:
    """Make a service's world the recorded one: `{id: {"type": …, "properties": {path: XML}, "unset": [path]}}`.

    What the service says of the world it has until then is what it can say of the recorded one.
    """
    service.vocabulary = vocabulary_of(service)
    if service.world.product.standalone and not any(row["type"] == "HostSystem" for row in inventory.values()):
        # A host that tells nothing of itself is the one that stands there.
        service.given = _given(inventory)
        return
    root = service.world.root.moid
    with service.world.change() as tx:
        for entity in list(service.world.objects.values()):
            tx.remove(entity)
        _Builder(service, tx, inventory).build()
    service.access.follow(root)


def _given(inventory: Mapping[str, Mapping[str, Any]]) -> dict[str, Given]:
    read = {moid: read_given(row.get("properties", {}), row.get("unset", ())) for moid, row in inventory.items()}
    return {moid: given for moid, given in read.items() if given.values or given.unset}


def _class_of(wsdl: str) -> type[Entity] | None:
    try:
        kind = wsdl_class(wsdl)
    except KeyError:
        return None
    return next((of for name, of in CLASSES if issubclass(kind, wsdl_class(name))), None)


class _Builder:
    """Builds one recorded world: first every object by itself, then the links between them."""

    def __init__(self, service: Service, tx: Change, inventory: Mapping[str, Mapping[str, Any]]) -> None:
        self.service, self.world, self.tx = service, service.world, tx
        self.types = {moid: str(row["type"]) for moid, row in inventory.items()}
        self.given = _given(inventory)
        self.made: dict[str, Entity] = {}

    def build(self) -> None:
        world = self.world
        self.service.given = self.given
        world.root = self._root()
        for moid, wsdl in self.types.items():
            of = _class_of(wsdl)
            if of is None:
                self._single(moid, wsdl)
            elif of is Datacenter:
                self._datacenter(moid)
        for of in (Folder, Cluster, ResourcePool, Datastore, Network, Host, Vm):
            for moid, wsdl in self.types.items():
                found = _class_of(wsdl)
                if found is not None and issubclass(found, of) and moid not in self.made:
                    self._make(moid, found)
        self._place()

    def _single(self, moid: str, wsdl: str) -> None:
        # A client may name a super-class; what the object is, it does not tell (10.5).
        if not moid.startswith("session[") and wsdl not in (*_PASSING, "ManagedEntity") and known_type(wsdl):
            self.service.manager(moid, wsdl)

    # Every object by itself.

    def _add(self, entity: E, wsdl: str | None = None) -> E:
        entity.wsdl = wsdl
        self.made[entity.moid] = entity
        return self.tx.add(entity)

    def _id(self, prefix: str, name: str = "") -> str:
        while True:
            moid = self.world.next_moid(prefix, name)
            if moid not in self.types and moid not in self.made:
                return moid
            if self.world.product.standalone:
                # Of what a host has one of, the id is fixed.
                name += "-"
                prefix += "other-"

    def _name(self, moid: str, default: str) -> str:
        name = self.given.get(moid, Given()).find("name", "summary.config.name", "summary.name", "config.name")
        return default if name is None else str(name).replace("%2f", "/").replace("%5c", "\\").replace("%25", "%")

    def _refs(self, moid: str, *paths: str) -> list[str]:
        value = self.given.get(moid, Given()).find(*paths)
        values = value if isinstance(value, list) else [] if value is None else [value]
        return [each._moId for each in values if isinstance(each, VmomiSupport.ManagedObject)]

    def _root(self) -> Folder:
        parents = {parent for moid in self.given for parent in self._refs(moid, "parent")}
        folders = [moid for moid, wsdl in self.types.items() if wsdl == "Folder"]
        orphans = [moid for moid in folders if not self._refs(moid, "parent")]
        usual = [moid for moid in orphans if moid.startswith(("group-d", "ha-folder-root"))]
        tops = [moid for moid in orphans if moid in parents]
        moid = next(iter([*usual, *tops]), "group-d1")
        types = ("Folder", "Datacenter")
        return self._add(Folder(moid=moid, name=self._name(moid, "Datacenters"), child_types=types))

    def _datacenter(self, moid: str) -> Datacenter:
        folders: dict[str, Any] = {}
        for slot, (path, name, prefix, types) in _FOLDERS.items():
            known = self._refs(moid, path) or [
                other for other, wsdl in self.types.items()
                if wsdl == "Folder" and moid in self._refs(other, "parent") and self._name(other, "") == name
            ]  # fmt: skip
            folder = Folder(moid=known[0] if known else self._id(prefix), name=name, child_types=types)
            folders[slot] = self._add(folder)
        datacenter = Datacenter(moid=moid, name=self._name(moid, moid), parent=self.world.root, **folders)
        for folder in folders.values():
            folder.parent = datacenter
        return self._add(datacenter)

    def _make(self, moid: str, of: type[Entity]) -> None:
        wsdl = self.types[moid]
        name = self._name(moid, moid)
        usual = next(known for known, kind in CLASSES if kind is of)
        other = None if wsdl == usual else wsdl
        entity: Entity
        if of is Folder:
            entity = Folder(moid=moid, name=name, child_types=("Folder",))
        elif of in (Cluster, Standalone):
            entity = of(moid=moid, name=name)
        elif of in (ResourcePool, VApp):
            entity = of(moid=moid, name=name, owner=self.some(Cluster, moid, "owner"))
        elif of is Datastore:
            given = self.given.get(moid, Given())
            capacity = number_of(given.find("summary.capacity"), 1 << 42)
            kind = str(given.find("summary.type") or "VMFS")
            entity = Datastore(
                moid=moid, name=name, capacity=max(capacity, 1), uuid=stand_in_uuid(moid),
                type=next((of for of, shown in STORE_TYPES.items() if kind.startswith(shown)), "vmfs"),
            )  # fmt: skip
        elif of is Network:
            entity = Network(moid=moid, name=name)
        elif of is Host:
            cluster = self.some(Cluster, moid, "parent")
            system = str(
                self.given.get(moid, Given()).find("hardware.systemInfo.uuid", "summary.hardware.uuid")
                or stand_in_uuid(moid)
            )
            entity = Host(moid=moid, name=name, uuid=system, cluster=cluster)
        else:
            entity = read_machine(self, self.given.get(moid, Given()), moid, name)
        self._add(entity, other)

    # What an object needs and the recording does not tell.

    def some(self, of: type[E], moid: str, *paths: str) -> E:
        """Return the object of a class that one refers to at these paths; where none is, any other, or a new one."""
        for reference in self._refs(moid, *paths):
            known = self.made.get(reference)
            if isinstance(known, of):
                return known
        return next((entity for entity in self._of(of)), None) or self._filler(of)

    def _of(self, of: type[E]) -> Iterator[E]:
        return (entity for entity in self.made.values() if isinstance(entity, of))

    def _filler(self, of: type[E]) -> E:
        entity: Entity
        if of is Cluster:
            alone = self.world.product.standalone
            entity = (
                Standalone(moid=self._id("domain-s"), name="host")
                if alone
                else Cluster(moid=self._id("domain-c"), name="Cluster")
            )
        elif of is ResourcePool:
            entity = ResourcePool(moid=self._id("resgroup-"), name="Resources", owner=self.some(Cluster, ""))
        elif of is Host:
            entity = Host(
                moid=self._id("host-"), name="host", uuid=stand_in_uuid("host"), cluster=self.some(Cluster, "")
            )
        elif of is Datastore:
            entity = Datastore(
                moid=self._id("datastore-", "datastore"), name="datastore", uuid=stand_in_uuid("datastore")
            )
        elif of is Network:
            entity = Network(moid=self._id("network-", "VM Network"), name="VM Network")
        elif of is Datacenter:
            entity = self._datacenter(self._id("datacenter-"))
        else:
            raise TypeError(f"a recorded world makes up no {of.__name__}")
        self._add(entity)
        assert isinstance(entity, of)
        return entity

    # The links.

    def _place(self) -> None:
        for entity in list(self.made.values()):
            if entity is self.world.root or isinstance(entity, Datacenter) or entity.parent is not None:
                continue
            entity.parent = self._told_parent(entity) or self._usual_place(entity)
        for cluster in list(self._of(Cluster)):
            if not any(p.parent is cluster for p in self._of(ResourcePool)):
                pool = ResourcePool(moid=self._id("resgroup-"), name="Resources", owner=cluster, parent=cluster)
                self._add(pool)
        for entity in self.made.values():
            self._link(entity)

    def _usual_place(self, entity: Entity) -> Entity:
        if isinstance(entity, Folder):
            return self.world.root
        if isinstance(entity, Host):
            return entity.cluster
        if isinstance(entity, VApp):
            return next((p for p in self._of(ResourcePool) if not isinstance(p, VApp)), entity.owner)
        if isinstance(entity, ResourcePool):
            return entity.owner
        datacenter = self.some(Datacenter, "")
        if isinstance(entity, Vm):
            return datacenter.vm_folder
        if isinstance(entity, Datastore):
            return datacenter.datastore_folder
        return datacenter.network_folder if isinstance(entity, Network) else datacenter.host_folder

    def _link(self, entity: Entity) -> None:
        parent = entity.parent
        if isinstance(entity, Datacenter):
            parent = entity.parent = self._told_parent(entity) or self.world.root
        if isinstance(parent, Folder):
            parent.children.append(entity)
        match entity:
            case VApp() | ResourcePool():
                entity.owner = self._owner(entity)
                if isinstance(parent, Cluster):
                    parent.pool = entity
                elif isinstance(parent, ResourcePool):
                    if isinstance(entity, VApp):
                        parent.vapps.append(entity)
                    else:
                        parent.pools.append(entity)
            case Host():
                if isinstance(parent, Cluster):
                    entity.cluster = parent
                entity.cluster.hosts.append(entity)
                self._reach(entity)
            case Vm():
                for holder in (entity.host.vms, entity.datastore.vms, entity.pool.vms):
                    holder.append(entity)
                for network in dict.fromkeys(nic.network for nic in entity.nics):
                    network.vms.append(entity)
            case Datastore():
                self._datacenter_of(entity).datastores.append(entity)
            case Network():
                self._datacenter_of(entity).networks.append(entity)

    def _told_parent(self, entity: Entity) -> Entity | None:
        """Return the place that a recording tells, where such an object can stand there."""
        places = next(of for kind, of in _PLACES if isinstance(entity, kind))
        known = [self.made[p] for p in self._refs(entity.moid, "parent") if p in self.made]
        return next((each for each in known if isinstance(each, places) and not self._is_below(each, entity)), None)

    def _is_below(self, place: Entity, entity: Entity) -> bool:
        """Tell whether a place is an object itself or stands somewhere below it: a recording may go round."""
        at: Entity | None = place
        while at is not None:
            if at is entity:
                return True
            at = at.parent
        return False

    def _owner(self, pool: ResourcePool) -> Cluster:
        at: Entity | None = pool.parent
        while at is not None and not isinstance(at, Cluster):
            at = at.parent
        return at or pool.owner

    def _reach(self, host: Host) -> None:
        datacenter = self._datacenter_of(host)
        stores, networks = self._refs(host.moid, "datastore"), self._refs(host.moid, "network")
        for store in list(self._of(Datastore)):
            if store.moid in stores or (not stores and self._datacenter_of(store) is datacenter):
                host.datastores.append(store)
                store.hosts.append(host)
        for network in list(self._of(Network)):
            if network.moid in networks or (not networks and self._datacenter_of(network) is datacenter):
                host.networks.append(network)
                network.hosts.append(host)

    def _datacenter_of(self, entity: Entity) -> Datacenter:
        at: Entity | None = entity
        while at is not None and not isinstance(at, Datacenter):
            at = at.parent
        return at if at is not None else self.some(Datacenter, "")


_PLACES: tuple[tuple[type[Entity], tuple[type[Entity], ...]], ...] = (
    (Vm, (Folder, VApp)),
    (VApp, (ResourcePool, Folder)),
    (ResourcePool, (Cluster, ResourcePool)),
    (Host, (Cluster,)),
    (Folder, (Folder, Datacenter)),
    (Entity, (Folder,)),
)
"""Where objects of a class can stand."""
