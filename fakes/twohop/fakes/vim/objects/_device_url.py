"""Where a client is told to fetch the files of a lease, and by which certificate (4.5, 4.7)."""

from __future__ import annotations

from ...world import DeviceFile, Host, World


def ticket_url(world: World, file: DeviceFile) -> str:
    """Return the URL that is common to the files of a lease at one host; it ends with a slash."""
    return f"https://{_address(world, file.host)}/{world.product.transfer_path}/{file.ticket}/"


def thumbprint(world: World, host: Host) -> str:
    """Return the thumbprint that stands beside a URL of a host."""
    return host.thumbprint if world.profile.text("device_url_thumbprint") == "sha1" else ""


def _address(world: World, host: Host) -> str:
    port = host.authority.rpartition(":")[2]
    return {"*": "*", "*:port": f"*:{port}", "address": host.authority}[world.profile.text("device_url_host")]
