"""What exists in a fake vCenter: inventory, machines and their disks, leases and tasks, and how it changes."""

from ._device_files import device_files, device_key, missing_image
from ._entities import (
    STORE_TYPES,
    Cluster,
    Datacenter,
    Datastore,
    Entity,
    Folder,
    Host,
    Network,
    ResourcePool,
    Snapshot,
    Standalone,
    VApp,
    Vm,
)
from ._hardware import Controller, Disk, Drive, Image, Nic, Nvram
from ._history import child_disks, copied_disks, disk_file, frozen, merged, next_number
from ._leasing import end_task, look, note_bytes, prepare, step_lease
from ._moving import discard, enter, leave, wait_until_free
from ._operations import Arrived, DeviceFile, ExportLease, ExportTask, HostTicket, ImportLease
from ._pci import VMCI, extra_options, pci_slots
from ._plain import FileBytes, OpenBytes, PlainContent, SeededBytes
from ._settings import DEVICE_ORDER, Settings
from ._slots import FAMILIES, KINDS, NoPlaceError, Slots, hardware_key
from ._spec import check_world, default_host_spec, default_spec, load_spec
from ._spool import Spool
from ._users import Grant, User, read_users
from ._values import WorldFileError
from ._vapp_config import PRODUCT, VAppConfig, vapp_config_of
from ._world import Change, Changed, World

__all__ = [
    "DEVICE_ORDER",
    "FAMILIES",
    "KINDS",
    "PRODUCT",
    "STORE_TYPES",
    "VMCI",
    "Arrived",
    "Change",
    "Changed",
    "Cluster",
    "Controller",
    "Datacenter",
    "Datastore",
    "DeviceFile",
    "Disk",
    "Drive",
    "Entity",
    "ExportLease",
    "ExportTask",
    "FileBytes",
    "Folder",
    "Grant",
    "Host",
    "HostTicket",
    "Image",
    "ImportLease",
    "Network",
    "Nic",
    "NoPlaceError",
    "Nvram",
    "OpenBytes",
    "PlainContent",
    "ResourcePool",
    "SeededBytes",
    "Settings",
    "Slots",
    "Snapshot",
    "Spool",
    "Standalone",
    "User",
    "VApp",
    "VAppConfig",
    "Vm",
    "World",
    "WorldFileError",
    "check_world",
    "child_disks",
    "copied_disks",
    "default_host_spec",
    "default_spec",
    "device_files",
    "device_key",
    "discard",
    "disk_file",
    "end_task",
    "enter",
    "extra_options",
    "frozen",
    "hardware_key",
    "leave",
    "load_spec",
    "look",
    "merged",
    "missing_image",
    "next_number",
    "note_bytes",
    "pci_slots",
    "prepare",
    "read_users",
    "step_lease",
    "vapp_config_of",
    "wait_until_free",
]
