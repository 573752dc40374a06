"""The files that a lease offers, and where each can be fetched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from ._address import VCenterAddress


@dataclass(frozen=True, slots=True)
class Source:
    """One URL of a file and the SHA-1 thumbprint of the host that serves it, None where the authority judges (4.7)."""

    url: str = field(repr=False)
    thumbprint: str | None = None

    @property
    def host(self) -> str:
        """Host and port, without the path, which is a ticket."""
        return urlsplit(self.url).netloc.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class DeviceFile:
    """One file of a lease.

    `key` is the device's immutable identifier (4.3); match by it, never by position (4.13). `disk` is None where the
    server does not say (4.8), `file_size` in bytes is only known for files that are no disks (4.11). `alternatives`
    are other hosts that serve the same file (4.12).
    """

    key: str
    url: str = field(repr=False)
    target_id: str | None = None
    disk: bool | None = None
    file_size: int | None = None
    thumbprint: str | None = None
    alternatives: tuple[Source, ...] = ()

    @property
    def is_disk(self) -> bool:
        """Whether the file is a disk stream; where the server does not say, by its name."""
        return self.disk if self.disk is not None else self.url_name.lower().endswith(".vmdk")

    @property
    def url_name(self) -> str:
        """The last segment of the URL, decoded; a server chose it, so it is not a file name yet."""
        return unquote(urlsplit(self.url).path.rpartition("/")[2])

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every place to fetch the file from, the device URL first."""
        return (Source(self.url, self.thumbprint), *self.alternatives)


def device_files(info: Any, address: VCenterAddress) -> tuple[DeviceFile, ...]:
    """Return the files of a ready lease's info, which may be none (4.14)."""
    return tuple(_device_file(device, info.hostMap or (), address) for device in info.deviceUrl or ())


def _device_file(device: Any, host_map: Iterable[Any], address: VCenterAddress) -> DeviceFile:
    own = _source(device.url, device.sslThumbprint, address)
    others: list[Source] = []
    if device.targetId and device.datastoreKey:
        for row in host_map:
            if row.datastoreKey == device.datastoreKey:
                others += [_source(_join(h.url, device.targetId), h.sslThumbprint, address) for h in row.hosts or ()]
    alternatives = tuple(dict.fromkeys(other for other in others if other != own))
    size = device.fileSize if device.fileSize else None
    return DeviceFile(device.key, own.url, device.targetId, device.disk, size, own.thumbprint, alternatives)


def _source(url: str, thumbprint: str | None, address: VCenterAddress) -> Source:
    parts = urlsplit(url)
    if parts.hostname != "*":
        return Source(url, thumbprint or None)
    # Only the server that we are connected to is meant (4.5), so its pin holds here too.
    port = parts.port or address.port
    host = f"[{address.host}]" if ":" in address.host else address.host
    return Source(urlunsplit(parts._replace(netloc=f"{host}:{port}")), thumbprint or address.thumbprint)


def _join(base: str, target: str) -> str:
    return f"{base.rstrip('/')}/{target}"
