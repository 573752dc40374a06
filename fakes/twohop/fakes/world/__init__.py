"""What exists in a fake vCenter: inventory, machines and their disks, leases and tasks, and how it changes."""

from ._entities import (
    Cluster,
    Controller,
    Datacenter,
    Datastore,
    Disk,
    Entity,
    Folder,
    Host,
    Image,
    Network,
    Nic,
    Nvram,
    ResourcePool,
    Snapshot,
    Standalone,
    VApp,
    Vm,
)
from ._leasing import end_task, look, step_lease
from ._operations import DeviceFile, ExportLease, ExportTask
from ._plain import FileBytes, PlainContent, SeededBytes
from ._spec import check_world, default_host_spec, default_spec, load_spec
from ._users import Grant, User, read_users
from ._values import WorldFileError
from ._world import Change, Changed, World

__all__ = [
    "Change",
    "Changed",
    "Cluster",
    "Controller",
    "Datacenter",
    "Datastore",
    "DeviceFile",
    "Disk",
    "Entity",
    "ExportLease",
    "ExportTask",
    "FileBytes",
    "Folder",
    "Grant",
    "Host",
    "Image",
    "Network",
    "Nic",
    "Nvram",
    "PlainContent",
    "ResourcePool",
    "SeededBytes",
    "Snapshot",
    "Standalone",
    "User",
    "VApp",
    "Vm",
    "World",
    "WorldFileError",
    "check_world",
    "default_host_spec",
    "default_spec",
    "end_task",
    "load_spec",
    "look",
    "read_users",
    "step_lease",
]
