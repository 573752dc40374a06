"""The files that a lease offers, and where each can be fetched."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit


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
    are other hosts that serve the same file (4.12). `import_key` is of imports only (4.4).
    """

    key: str
    url: str = field(repr=False)
    target_id: str | None = None
    disk: bool | None = None
    file_size: int | None = None
    thumbprint: str | None = None
    alternatives: tuple[Source, ...] = ()
    import_key: str = ""

    @property
    def is_disk(self) -> bool:
        """Whether the file is a disk stream; where the server does not say, by its name."""
        return self.disk if self.disk is not None else self.url_name.lower().endswith(".vmdk")

    @property
    def is_nvram(self) -> bool:
        """Whether the file is the machine's non-volatile memory, by its key or its name (4.3, 4.6)."""
        return not self.is_disk and (self.key.endswith("/nvram") or self.url_name.lower().endswith(".nvram"))

    @property
    def url_name(self) -> str:
        """The last segment of the URL, decoded; a server chose it, so it is not a file name yet."""
        return unquote(urlsplit(self.url).path.rpartition("/")[2])

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every place to fetch the file from, the device URL first."""
        return (Source(self.url, self.thumbprint), *self.alternatives)
