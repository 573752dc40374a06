"""Guest operating systems by their id."""

from __future__ import annotations

GUESTS = {
    "otherGuest": ("Other (32-bit)", "otherGuestFamily"),
    "otherGuest64": ("Other (64-bit)", "otherGuestFamily"),
    "otherLinuxGuest": ("Other Linux (32-bit)", "linuxGuest"),
    "otherLinux64Guest": ("Other Linux (64-bit)", "linuxGuest"),
    "other3xLinux64Guest": ("Other 3.x Linux (64-bit)", "linuxGuest"),
    "ubuntu64Guest": ("Ubuntu Linux (64-bit)", "linuxGuest"),
    "debian10_64Guest": ("Debian GNU/Linux 10 (64-bit)", "linuxGuest"),
    "rhel8_64Guest": ("Red Hat Enterprise Linux 8 (64-bit)", "linuxGuest"),
    "windows9Server64Guest": ("Microsoft Windows Server 2016 (64-bit)", "windowsGuest"),
    "windows2019srv_64Guest": ("Microsoft Windows Server 2019 (64-bit)", "windowsGuest"),
}
"""Full name and family of some guests by id; of others the id stands for the name."""


def guest_name(guest_id: str) -> str:
    """Return the full name of a guest."""
    return GUESTS.get(guest_id, (guest_id, ""))[0]


def guest_family(guest_id: str) -> str:
    """Return the family of a guest."""
    usual = "linuxGuest" if "linux" in guest_id.lower() else "otherGuestFamily"
    return GUESTS.get(guest_id, ("", "windowsGuest" if guest_id.startswith("win") else usual))[1]
