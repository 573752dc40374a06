"""Where a client is told to fetch the files of a lease, and by which certificate (4.5, 4.7)."""

from __future__ import annotations

import ssl

from twohop.runtime import thumbprint_of

from ...world import Host, World


def ticket_url(world: World, host: Host, ticket: str) -> str:
    """Return the URL that is common to the files of a lease at one host; it ends with a slash (4.5, 4.12)."""
    return f"https://{_address(world, host)}/{world.product.transfer_path}/{ticket}/"


def thumbprint(world: World, host: Host) -> str:
    """Return the thumbprint that stands beside a URL of a host."""
    form = world.profile.text("device_url_thumbprint")
    if form == "sha256":
        return thumbprint_of(ssl.PEM_cert_to_DER_cert(host.certificate), "sha256")
    return host.thumbprint if form == "sha1" else ""


def _address(world: World, host: Host) -> str:
    port = host.authority.rpartition(":")[2]
    return {"*": "*", "*:port": f"*:{port}", "address": host.authority}[world.profile.text("device_url_host")]
