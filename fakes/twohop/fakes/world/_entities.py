"""The things of an inventory, as plain values without a word of SOAP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ..machines import PowerState
from ._hardware import Controller, Disk, Drive, Image, Nic, Nvram
from ._settings import Settings
from ._vapp_config import VAppConfig

USUAL_DELAY = 120


@dataclass(eq=False, kw_only=True, repr=False)
class Entity:
    """Anything with a managed object id, a name and a place in the tree.

    `wsdl` is its type where that is not the usual one of its class, as a DistributedVirtualPortgroup is a network.
    """

    moid: str
    name: str
    parent: Entity | None = None
    wsdl: str | None = None

    def __repr__(self) -> str:
        # Everything refers to everything else, so a whole one would never end.
        return f"<{type(self).__name__} {self.name} ({self.moid})>"


@dataclass(eq=False, kw_only=True, repr=False)
class Folder(Entity):
    """A folder and what may stand in it."""

    child_types: tuple[str, ...]
    children: list[Entity] = field(default_factory=list)


@dataclass(eq=False, kw_only=True, repr=False)
class Datacenter(Entity):
    """A datacenter and its four folders."""

    vm_folder: Folder
    host_folder: Folder
    datastore_folder: Folder
    network_folder: Folder
    datastores: list[Datastore] = field(default_factory=list)
    networks: list[Network] = field(default_factory=list)


@dataclass(eq=False, kw_only=True, repr=False)
class Cluster(Entity):
    """A cluster, its hosts and its root resource pool."""

    hosts: list[Host] = field(default_factory=list)
    pool: ResourcePool | None = None


@dataclass(eq=False, kw_only=True, repr=False)
class Standalone(Cluster):
    """What stands in a cluster's place for a host outside any: the host's own compute resource."""


@dataclass(eq=False, kw_only=True, repr=False)
class ResourcePool(Entity):
    """A resource pool, its machines, and the pools and vApps in it."""

    owner: Cluster
    vms: list[Vm] = field(default_factory=list)
    pools: list[ResourcePool] = field(default_factory=list)
    vapps: list[VApp] = field(default_factory=list)


@dataclass(eq=False, kw_only=True, repr=False)
class VApp(ResourcePool):
    """A vApp: a resource pool that is exported as one; vApps in it are `vapps`. `leases` are those of ExportVApp.

    `folder` is where it stands among the machines, for one that is in no other vApp. `start_order` has the place of
    each of its own machines and vApps by id, from 1; equal ones start together. `delays` has the
    seconds that it waits after the start and the stop of each, by id.
    """

    folder: Folder | None = None
    start_order: dict[str, int] = field(default_factory=dict)
    delays: dict[str, tuple[int, int]] = field(default_factory=dict)
    annotation: str = ""
    leases: frozenset[str] = frozenset()
    waiting: tuple[Callable[[], None], ...] = ()

    def machines(self) -> list[Vm]:
        """Return its machines and those of the vApps in it, in order."""
        return [*self.vms, *(vm for vapp in self.vapps for vm in vapp.machines())]

    def members(self) -> list[Vm | VApp]:
        """Return its own machines and vApps in the order in which they start."""
        own: list[Vm | VApp] = [*self.vms, *self.vapps]
        return sorted(own, key=lambda member: self.start_order[member.moid])

    def delay(self, moid: str) -> tuple[int, int]:
        """Return the seconds that it waits after the start and the stop of a member: 120 where nobody has chosen."""
        return self.delays.get(moid, (USUAL_DELAY, USUAL_DELAY))

    @property
    def started(self) -> bool:
        """Whether one of its machines runs, or is suspended."""
        return any(vm.power is not PowerState.OFF for vm in self.machines())


STORE_TYPES = {"vmfs": "VMFS", "nfs": "NFS", "vsan": "vsan"}
"""What a world file calls a type of datastore, and what a server does."""


@dataclass(eq=False, kw_only=True, repr=False)
class Datastore(Entity):
    """A datastore and the hosts that see it; sizes in bytes. `type` is a key of STORE_TYPES."""

    capacity: int = 1 << 42
    uuid: str = ""
    type: str = "vmfs"
    hosts: list[Host] = field(default_factory=list)
    vms: list[Vm] = field(default_factory=list)


@dataclass(eq=False, kw_only=True, repr=False)
class Network(Entity):
    """A standard network."""

    hosts: list[Host] = field(default_factory=list)
    vms: list[Vm] = field(default_factory=list)


@dataclass(eq=False, kw_only=True, repr=False)
class Host(Entity):
    """An ESXi host. Leases print its `authority` (host:port), `thumbprint` (SHA-1) and `certificate` (PEM).

    `clock_ahead` is how many seconds its own clock is ahead of the world's: somebody may have set it.
    """

    uuid: str
    cluster: Cluster
    datastores: list[Datastore] = field(default_factory=list)
    networks: list[Network] = field(default_factory=list)
    vms: list[Vm] = field(default_factory=list)
    clock_ahead: float = 0.0
    authority: str = ""
    thumbprint: str = ""
    certificate: str = ""


@dataclass(frozen=True, slots=True)
class ManagedBy:
    """Whose machine it is: the key of an extension of the vCenter, and what it calls machines of that kind."""

    extension: str
    type: str


@dataclass(eq=False, kw_only=True, repr=False)
class Vm(Entity):
    """A virtual machine. `leases` are the ids of the leases that hold it: it unlocks when the last one ends (9.1).

    `parent` is its folder or its vApp, `pool` then the same vApp. `datastore` holds `vmx`, `[datastore] path` of its
    configuration; `directory` is the same without the file, and neither follows a new name. `drives` are those without
    an image. `tools` says whether VMware Tools run in it while it is on, `changed_at` (seconds) when it was last
    reconfigured. `customized` says whether its guest was customised when it was deployed, `tags` are the keys of its
    tags. `slots` says whether its devices have slots on the PCI bus, as they have once it has been on; `extra_config`
    has options of its configuration file. `waiting` is what somebody asked for that begins when the last lease ends.
    """

    uuid: str
    instance_uuid: str
    host: Host
    datastore: Datastore
    pool: ResourcePool
    vmx: str
    power: PowerState = PowerState.OFF
    cpus: int = 1
    memory_mib: int = 32
    guest_id: str = "otherGuest"
    hardware: str = "vmx-13"
    annotation: str = ""
    controllers: list[Controller] = field(default_factory=list)
    disks: list[Disk] = field(default_factory=list)
    nics: list[Nic] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
    drives: list[Drive] = field(default_factory=list)
    nvram: Nvram | None = None
    firmware: Literal["bios", "efi"] = "bios"
    template: bool = False
    encrypted: bool = False
    vtpm: bool = False
    tools: bool = False
    settings: Settings = field(default_factory=Settings)
    vapp: VAppConfig | None = None
    managed_by: ManagedBy | None = None
    tags: tuple[str, ...] = ()
    customized: bool = False
    slots: bool = True
    extra_config: Mapping[str, str] = field(default_factory=dict)
    changed_at: float = 0.0
    snapshots: list[Snapshot] = field(default_factory=list)
    current_snapshot: Snapshot | None = None
    leases: frozenset[str] = frozenset()
    waiting: tuple[Callable[[], None], ...] = ()

    @property
    def directory(self) -> str:
        """The directory of its files, as `[datastore] path/`."""
        return self.vmx.rpartition("/")[0] + "/"

    def datastores(self) -> list[Datastore]:
        """Return every datastore that it has files on, that of its configuration first."""
        return list(
            dict.fromkeys((self.datastore, *(d.datastore for d in self.disks), *(i.datastore for i in self.images)))
        )

    def drives_and_images(self) -> list[Drive]:
        """Return its drives, those with an image first."""
        return [*self.images, *self.drives]

    def all_snapshots(self) -> list[Snapshot]:
        """Return all its snapshots, each before those taken after it."""
        found: list[Snapshot] = []
        left = list(reversed(self.snapshots))
        while left:
            found.append(left.pop())
            left += reversed(found[-1].children)
        return found


@dataclass(eq=False, kw_only=True, repr=False)
class Snapshot(Entity):
    """A snapshot: `machine` is the machine as it was, its disks with the content of that time.

    The first ones are in `Vm.snapshots`, later ones in `children`. `number` is VirtualMachineSnapshotTree.id.
    `created_at` is in seconds of the world's clock.
    """

    vm: Vm
    machine: Vm
    number: int
    created_at: float
    description: str = ""
    quiesced: bool = False
    above: Snapshot | None = None
    children: list[Snapshot] = field(default_factory=list)
