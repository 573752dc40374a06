"""The things of an inventory, as plain values without a word of SOAP."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..machines import PowerState
from ..vmdk import DiskContent


@dataclass(eq=False, kw_only=True)
class Entity:
    """Anything with a managed object id, a name and a place in the tree."""

    moid: str
    name: str
    parent: Entity | None = None


@dataclass(eq=False, kw_only=True)
class Folder(Entity):
    """A folder and what may stand in it."""

    child_types: tuple[str, ...]
    children: list[Entity] = field(default_factory=list)


@dataclass(eq=False, kw_only=True)
class Datacenter(Entity):
    """A datacenter and its four folders."""

    vm_folder: Folder
    host_folder: Folder
    datastore_folder: Folder
    network_folder: Folder
    datastores: list[Datastore] = field(default_factory=list)
    networks: list[Network] = field(default_factory=list)


@dataclass(eq=False, kw_only=True)
class Cluster(Entity):
    """A cluster, its hosts and its root resource pool."""

    hosts: list[Host] = field(default_factory=list)
    pool: ResourcePool | None = None


@dataclass(eq=False, kw_only=True)
class ResourcePool(Entity):
    """A resource pool and its machines."""

    owner: Cluster
    vms: list[Vm] = field(default_factory=list)
    vapps: list[VApp] = field(default_factory=list)


@dataclass(eq=False, kw_only=True)
class VApp(ResourcePool):
    """A vApp: a resource pool that is exported as one."""


@dataclass(eq=False, kw_only=True)
class Datastore(Entity):
    """A datastore and the hosts that see it; sizes in bytes."""

    capacity: int = 1 << 42
    uuid: str = ""
    hosts: list[Host] = field(default_factory=list)
    vms: list[Vm] = field(default_factory=list)


@dataclass(eq=False, kw_only=True)
class Network(Entity):
    """A standard network."""

    hosts: list[Host] = field(default_factory=list)
    vms: list[Vm] = field(default_factory=list)


@dataclass(eq=False, kw_only=True)
class Host(Entity):
    """An ESXi host. `authority` (host:port) and `thumbprint` are what vCenter knows of it and prints in device URLs."""

    uuid: str
    cluster: Cluster
    datastores: list[Datastore] = field(default_factory=list)
    networks: list[Network] = field(default_factory=list)
    vms: list[Vm] = field(default_factory=list)
    authority: str = ""
    thumbprint: str = ""


@dataclass(eq=False, kw_only=True)
class Controller:
    """A disk controller; `kind` is the vim class that a device key names, such as ParaVirtualSCSIController (4.3)."""

    key: int
    kind: str
    bus: int = 0


@dataclass(eq=False, kw_only=True)
class Disk:
    """A virtual disk on a controller; `content` knows its capacity and its grains."""

    key: int
    controller: Controller
    unit: int
    content: DiskContent
    file_name: str
    thin: bool = True

    @property
    def capacity(self) -> int:
        """Capacity in bytes."""
        return self.content.capacity


@dataclass(eq=False, kw_only=True)
class Nic:
    """A network card."""

    key: int
    network: Network
    mac: str
    kind: str = "VirtualVmxnet3"


@dataclass(eq=False, kw_only=True)
class Vm(Entity):
    """A virtual machine. `leases` are the ids of the leases that hold it: it unlocks when the last one ends (9.1)."""

    uuid: str
    instance_uuid: str
    host: Host
    datastore: Datastore
    pool: ResourcePool
    power: PowerState = PowerState.OFF
    cpus: int = 1
    memory_mib: int = 32
    guest_id: str = "otherGuest"
    hardware: str = "vmx-13"
    annotation: str = ""
    controllers: list[Controller] = field(default_factory=list)
    disks: list[Disk] = field(default_factory=list)
    nics: list[Nic] = field(default_factory=list)
    leases: frozenset[str] = frozenset()
    recent_tasks: tuple[str, ...] = ()
