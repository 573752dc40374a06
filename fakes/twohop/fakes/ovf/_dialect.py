"""How servers differ in what they write: vCenter, vCenter before 5.1, and a standalone host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_VCENTER = {
    "scsi": "SCSI controller", "sata": "SATA controller", "nvme": "NVME controller", "ide": "IDE",
    "video": "Video card", "vmci": "VMCI device", "disk": "Hard disk", "cd": "CD/DVD drive", "floppy": "Floppy drive",
    "nic": "Network adapter",
}  # fmt: skip
_ESX = {
    "scsi": "SCSI Controller", "sata": "SATA Controller", "nvme": "NVME Controller", "ide": "VirtualIDEController",
    "video": "VirtualVideoCard", "vmci": "VirtualVMCIDevice", "disk": "Hard Disk", "cd": "CD-ROM", "floppy": "Floppy",
    "nic": "Ethernet",
}  # fmt: skip
"""What devices are called; the host's words for SATA and NVMe follow that for SCSI."""

Guest = tuple[int, str | None, str]
"""CIM operating system number, its version, and a description."""

GUESTS: dict[str, Guest] = {
    "otherGuest": (1, None, "Other (32-bit)"),
    "otherGuest64": (102, None, "Other (64-bit)"),
    "otherLinuxGuest": (36, None, "Other Linux (32-bit)"),
    "dosGuest": (14, None, "Microsoft MS-DOS"),
    "ubuntuGuest": (93, None, "Ubuntu Linux (32-bit)"),
    "ubuntu64Guest": (94, None, "Ubuntu Linux (64-bit)"),
    "centosGuest": (106, None, "CentOS 4/5/6 (32-bit)"),
    "rhel6Guest": (79, "6", "Red Hat Enterprise Linux 6 (32-bit)"),
    "rhel6_64Guest": (80, "6", "Red Hat Enterprise Linux 6 (64-bit)"),
    "winXPProGuest": (67, None, "Microsoft Windows XP Professional (32-bit)"),
    "winNetStandardGuest": (69, None, "Microsoft Windows Server 2003 Standard (32-bit)"),
    "winNetEnterpriseGuest": (69, None, "Microsoft Windows Server 2003 (32-bit)"),
    "winNetEnterprise64Guest": (70, None, "Microsoft Windows Server 2003 (64-bit)"),
    "windows7Guest": (105, None, "Microsoft Windows 7 (32-bit)"),
    "windows7Server64Guest": (103, None, "Microsoft Windows Server 2008 R2 (64-bit)"),
    "windows8Guest": (113, None, "Microsoft Windows 8 (32-bit)"),
}
_EARLY_GUESTS: dict[str, Guest] = {
    "dosGuest": (14, None, "DOS"),
    "winNetStandardGuest": (69, None, "Microsoft Windows Server 2003, Standard Edition (32-bit)"),
    "windows7Guest": (73, None, "Microsoft Windows 7 (32-bit)"),
    "windows7Server64Guest": (1, None, "Microsoft Windows Server 2008 R2 (64-bit)"),
}
"""Those for which CIM had no number yet, or that went by another name."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a server calls itself and devices, and what it leaves out.

    `settings` says whether it writes VMware's own rows, video cards, VMCI devices and subtypes of drives, `guest_names`
    whether it describes the guest operating system.
    """

    generator: str
    words: Mapping[str, str]
    guests: Mapping[str, Guest] = field(default_factory=lambda: GUESTS)
    settings: bool = True
    guest_names: bool = True

    def guest(self, guest_id: str) -> Guest:
        """Return what it writes of a guest operating system; of an unknown one its id."""
        return self.guests.get(guest_id, (1, None, guest_id))


VCENTER = Dialect("VirtualCenter Server", _VCENTER)
EARLY_VCENTER = Dialect(
    "VirtualCenter Server", _VCENTER | {"cd": "CD/DVD Drive"}, GUESTS | _EARLY_GUESTS, settings=False
)
ESX = Dialect("ESX Server", _ESX, guest_names=False)
