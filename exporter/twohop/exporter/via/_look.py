"""What a vApp or template is made of, as its cell tells."""

from __future__ import annotations

from pathlib import Path

from ._client import CloudClient
from ._wire import Trust, Wire


def machines_of(
    cell_url: str,
    user: str,
    password: str,
    name: str,
    *,
    ca_file: Path | None = None,
    thumbprint: str | None = None,
    insecure: bool = False,
) -> list[str]:
    """Return the names of the VMs of the vApp `name`, or the template `CATALOG/ITEM`; raise ExportError."""
    trust = Trust(ca_file, thumbprint, insecure)
    with Wire(cell_url, trust, None) as wire, CloudClient(wire, user, password) as client:
        return client.machines(client.find(name))
