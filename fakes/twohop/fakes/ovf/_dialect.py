"""How servers differ in what they write: vCenter or a standalone host, and which rows of VMware's own (8.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from twohop.runtime.profiles import Profile

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
    "windows8_64Guest": (114, None, "Microsoft Windows 8 (64-bit)"),
    "windows8Server64Guest": (112, None, "Microsoft Windows Server 2012 (64-bit)"),
    "rhel7Guest": (79, "7", "Red Hat Enterprise Linux 7 (32-bit)"),
    "debian10_64Guest": (96, "10", "Debian GNU/Linux 10 (64-bit)"),
    "vmwarePhoton64Guest": (36, None, "VMware Photon OS (64-bit)"),
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
    """What a server calls itself and devices, and what it writes.

    `rows` says which of VMware's own rows it writes, and in which order: `none`, which leaves out video cards, VMCI
    devices and subtypes of drives too, `sorted`, `listed`, or `listed-8.0`. `guest_control`, `mpt` and `vmci_slot` say
    whether one of them is among these, `cores` which items say how many cores a socket has, `without_subtypes` which
    devices have no subtype for whoever asks for none, `guest_names` whether the guest operating system is described,
    `left_out` whether what it cannot describe is left out.
    """

    generator: str
    words: Mapping[str, str]
    guests: Mapping[str, Guest]
    guest_names: bool
    rows: str
    guest_control: bool
    mpt: bool
    vmci_slot: bool
    cores: str
    without_subtypes: frozenset[str]
    left_out: bool

    @property
    def settings(self) -> bool:
        """Whether it writes rows of VMware's own."""
        return self.rows != "none"

    @property
    def listed(self) -> bool:
        """Whether it writes them in an order of their own, with those that came later."""
        return self.rows.startswith("listed")

    def guest(self, guest_id: str) -> Guest:
        """Return what it writes of a guest operating system; of an unknown one its id."""
        return self.guests.get(guest_id, (1, None, guest_id))


def dialect_of(profile: Profile, *, vmci_slot: bool) -> Dialect:
    """Return what a server of a profile writes; `vmci_slot` says whether it tells the slot of the VMCI device."""
    host, rows = profile.product == "esxi", profile.text("descriptor_rows")
    return Dialect(
        generator="ESX Server" if host else "VirtualCenter Server",
        words=_ESX if host else _VCENTER | {"cd": profile.text("descriptor_cd_name")},
        guests=GUESTS | (_EARLY_GUESTS if rows == "none" else {}),
        guest_names=not host,
        rows=rows,
        guest_control=profile.text("descriptor_guest_control") == "written",
        mpt=profile.text("descriptor_mpt") == "written",
        vmci_slot=vmci_slot,
        cores=profile.text("descriptor_cores"),
        without_subtypes=frozenset(profile.text("nodevicesubtypes").split("-and-")),
        left_out=profile.text("undescribed") == "left-out",
    )
