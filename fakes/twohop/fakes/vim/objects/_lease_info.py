"""HttpNfcLeaseInfo as real ones look (section 4)."""

from __future__ import annotations

from typing import Any

from ...world import DeviceFile, ExportLease, Image, Nvram, World
from .._registry import declares, vim
from .._service import Call
from ._device_url import thumbprint, ticket_url


def lease_info(call: Call, lease: ExportLease) -> Any:
    """Return what a lease that is ready says of itself."""
    return vim.HttpNfcLease.Info(
        lease=call.ref(lease),
        entity=call.ref(lease.entity),
        deviceUrl=[_device_url(call.world, file) for file in lease.files],
        # The sum of capacities, whatever the streams will be (4.2).
        totalDiskCapacityInKB=sum(file.disk.capacity for file in lease.files if file.disk is not None) >> 10,
        leaseTimeout=int(lease.value.timeout),
        hostMap=_host_map(call.world, lease),
    )


def _device_url(world: World, file: DeviceFile) -> Any:
    base = ticket_url(world, file.host, file.ticket)
    url = vim.HttpNfcLease.DeviceUrl(
        key=file.key,
        # Mandatory, and of imports only (4.4).
        importKey=file.import_key,
        # The name as it is: whoever asks for it percent-encodes it (4.6).
        url=f"{base}{file.name}",
        sslThumbprint=thumbprint(world, file.host),
    )
    if file.disk is not None:
        url.disk = True
        url.targetId = file.name
        url.datastoreKey = _datastore_key(world, base)
    else:
        if world.profile.text("disk_flag") == "always":
            url.disk = False
        if file.vm is None:
            url.fileSize = _file_size(file.source)
    if world.profile.text("device_url_certificate") == "present" and declares(type(url), "sslCertificate"):
        url.sslCertificate = file.host.certificate
    return url


def _file_size(source: Any) -> int | None:
    content = source.content if isinstance(source, Image | Nvram) else None
    return None if content is None else content.size


def _host_map(world: World, lease: ExportLease) -> list[Any]:
    if world.profile.text("host_map") == "absent":
        return []
    holders = dict.fromkeys(file.host for file in lease.files if file.disk is not None)
    return [
        vim.HttpNfcLease.DatastoreLeaseInfo(
            # Mandatory here (4.12), so that there is a key even where device URLs have none.
            datastoreKey=_datastore_key(world, base) or base,
            hosts=[
                vim.HttpNfcLease.HostInfo(
                    url=ticket_url(world, ticket.host, ticket.secret), sslThumbprint=thumbprint(world, ticket.host)
                )
                for ticket in lease.tickets
                if ticket.whose is holder
            ],
        )
        for holder in holders
        for own in lease.tickets
        if own.host is holder and own.whose is holder
        for base in (ticket_url(world, holder, own.secret),)
    ]


def _datastore_key(world: World, base: str) -> str | None:
    """Return the datastoreKey of disks at a host whose files have this URL in common (4.10)."""
    return {"host-url": base, "ha": "ha", "unset": None}[world.profile.text("datastore_key")]
