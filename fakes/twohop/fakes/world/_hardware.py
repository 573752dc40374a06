"""What a machine is built of: controllers, disks, drives, cards; plain values like the machine itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..vmdk import DiskContent
from ._plain import PlainContent

if TYPE_CHECKING:
    from ._entities import Datastore, Network


@dataclass(eq=False, kw_only=True)
class Controller:
    """A disk controller; `kind` is the vim class that a device key names, such as ParaVirtualSCSIController (4.3).

    `slot` is its place on the PCI bus, where somebody has chosen it.
    """

    key: int
    kind: str
    bus: int = 0
    slot: int | None = None


@dataclass(eq=False, kw_only=True)
class Disk:
    """A virtual disk on a controller; `content` knows its capacity and its grains, those of every layer (7.7).

    `file_name` is `[datastore] path` of the file that is written to, `parents` are those below it, the nearest first.
    `export_error` names the fault by which CreateDescriptor tells that it cannot describe a device (8.9).
    A disk does not change: whoever edits one puts another in its place, since snapshots hold the same.
    """

    key: int
    controller: Controller
    unit: int
    content: DiskContent
    datastore: Datastore
    file_name: str
    parents: tuple[str, ...] = ()
    thin: bool = True
    export_error: str = ""

    @property
    def capacity(self) -> int:
        """Capacity in bytes."""
        return self.content.capacity


@dataclass(eq=False, kw_only=True)
class Drive:
    """A CD drive (kind iso) or a floppy drive, with nothing in it that is exported.

    `backing` is what it passes on: the client's device by default (`atapi`: the client's, emulated), or the host's.
    `guest_control` says whether the guest may connect it.
    """

    key: int
    controller: Controller
    unit: int
    kind: Literal["iso", "floppy"]
    backing: Literal["", "atapi", "host"] = ""
    guest_control: bool = True
    export_error: str = ""


@dataclass(eq=False, kw_only=True)
class Image(Drive):
    """A drive with an image in it; `content` is None where the file behind it has been deleted (2.16)."""

    datastore: Datastore
    file_name: str
    content: PlainContent | None


@dataclass(eq=False, kw_only=True)
class Nvram:
    """The file with a machine's firmware variables."""

    file_name: str
    content: PlainContent


@dataclass(eq=False, kw_only=True)
class Nic:
    """A network card; `connected` says whether it is once the machine is on, `guest_control` whether the guest may.

    `wake_on_lan` says whether a packet wakes the machine, `slot` is its place on the PCI bus, where it was chosen.
    """

    key: int
    network: Network
    mac: str
    kind: str = "VirtualVmxnet3"
    connected: bool = True
    guest_control: bool = True
    wake_on_lan: bool = True
    export_error: str = ""
    slot: int | None = None
