"""LicenseManager: the one licence of the server, which a free one of a host is told by (2.19)."""

from __future__ import annotations

from typing import Any

from .._kinds import Kind
from .._registry import vim
from .._service import Call, Singleton

LICENSE_MANAGER = Kind("LicenseManager")

LICENSES = {
    "full": ("00000-00000-00000-00000-00000", "eval", "Evaluation Mode"),
    "free": ("00000-00000-00000-00000-00001", "esx.hypervisor.cpuPackageCoreLimited", "vSphere Hypervisor"),
}
"""Key, edition and name by the profile's licence; nobody's real key."""


@LICENSE_MANAGER.provides("licenses")
def _licenses(call: Call, _: Singleton) -> list[Any]:
    key, edition, name = LICENSES[call.world.profile.text("license")]
    return [vim.LicenseManager.LicenseInfo(licenseKey=key, editionKey=edition, name=name, total=0)]


@LICENSE_MANAGER.provides("licensedEdition")
def _licensed_edition(call: Call, _: Singleton) -> str:
    # Deprecated, and empty on a real host.
    return ""
