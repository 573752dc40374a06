"""From a lease's info to the files it offers, with hosts put in where the server left a star."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from .._device_file import DeviceFile, Source
from .._errors import BadAnswer
from ._address import VCenterAddress


def device_files(info: Any, address: VCenterAddress) -> tuple[DeviceFile, ...]:
    """Return the files of a ready lease's info, which may be none (4.14); BadAnswer for what is no URL."""
    try:
        return tuple(_device_file(device, info.hostMap or (), address) for device in info.deviceUrl or ())
    except ValueError as error:
        raise BadAnswer(f"the lease offers a file at something that is no URL ({error}); nothing was fetched") from None


def _device_file(device: Any, host_map: Iterable[Any], address: VCenterAddress) -> DeviceFile:
    own = _source(device.url, device.sslThumbprint, address)
    others: list[Source] = []
    if device.targetId and device.datastoreKey:
        for row in host_map:
            if row.datastoreKey == device.datastoreKey:
                others += [_source(_join(h.url, device.targetId), h.sslThumbprint, address) for h in row.hosts or ()]
    alternatives = tuple(dict.fromkeys(other for other in others if other != own))
    size = device.fileSize if device.fileSize else None
    return DeviceFile(
        device.key, own.url, device.targetId, device.disk, size, own.thumbprint, alternatives, device.importKey or ""
    )  # fmt: skip


def _source(url: str, thumbprint: str | None, address: VCenterAddress) -> Source:
    parts = urlsplit(url)
    given = parts.port
    if parts.hostname != "*":
        return Source(url, thumbprint or None)
    # Only the server that we are connected to is meant (4.5), so its pin holds here too.
    port = given or address.port
    host = f"[{address.host}]" if ":" in address.host else address.host
    return Source(urlunsplit(parts._replace(netloc=f"{host}:{port}")), thumbprint or address.thumbprint)


def _join(base: str, target: str) -> str:
    return f"{base.rstrip('/')}/{target}"
