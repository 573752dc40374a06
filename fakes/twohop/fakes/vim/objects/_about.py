"""AboutInfo of a vCenter and of a host."""

from __future__ import annotations

import uuid
from typing import Any

from .._registry import newest_known, vim
from .._service import Call


def vcenter_about(call: Call) -> Any:
    """Return AboutInfo of a vCenter by its profile."""
    return vim.AboutInfo(
        **_common(call, "VMware vCenter Server"),
        osType="linux-x64",
        productLineId="vpx",
        apiType="VirtualCenter",
        instanceUuid=str(uuid.uuid5(uuid.NAMESPACE_OID, f"twohop vcenter {call.world.seed}")),
        licenseProductName="VMware VirtualCenter Server",
    )


def host_about(call: Call) -> Any:
    """Return AboutInfo of a host, which has no instanceUuid (10.12)."""
    return vim.AboutInfo(
        **_common(call, "VMware ESXi"),
        osType="vmnix-x86",
        productLineId="embeddedEsx",
        apiType="HostAgent",
        licenseProductName="VMware ESX Server",
    )


def _common(call: Call, name: str) -> dict[str, Any]:
    profile = call.world.profile
    version, build = profile.text("about_version"), profile.text("build")
    return {
        "name": name,
        "fullName": f"{name} {version} build-{build}",
        "vendor": "VMware, Inc.",
        "version": version,
        "patchLevel": "0",
        "build": build,
        "localeVersion": "INTL",
        "localeBuild": "000",
        "apiVersion": newest_known(profile.text("api_version")),
        "licenseProductVersion": version.rpartition(".")[0],
    }
