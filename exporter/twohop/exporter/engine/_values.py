"""What passes between the engine and the world: plain values, and handles that only the world looks into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

from .._device_file import DeviceFile

if TYPE_CHECKING:
    from .._paths import Where

Algorithm = Literal["SHA256", "SHA1", "SHA512"]
"""How a manifest spells the digests that vCenter reads (5.8)."""
Ending = Literal["aborted", "timed out", "gone", "unknown"]
"""How a lease stood when it was given up: held, over its time, ended by somebody else, or nobody knows."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is exported: its name, its managed object id, its kind, and for a snapshot the snapshot's name.

    `ref` and `snapshot_ref` are the server's objects, which only the world looks into.
    """

    name: str
    moid: str
    kind: Literal["VirtualMachine", "VirtualApp"] = "VirtualMachine"
    snapshot: str | None = None
    ref: Any = field(default=None, repr=False, compare=False)
    snapshot_ref: Any = field(default=None, repr=False, compare=False)


class LeaseHandle(Protocol):
    """A lease that was granted; `id` is its managed object id (1.9)."""

    @property
    def id(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Ready:
    """What a ready lease offers: seconds of timeout (3.1), the capacity of all disks in bytes (4.2), the files."""

    timeout: int
    total_bytes: int
    entries: tuple[DeviceFile, ...]


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that came whole: bytes, digests by algorithm in hex, real seconds, and the capacity of a disk.

    `path` is where it lies, `writing` the seconds that went into storing it.
    """

    size: int
    digests: Mapping[str, str]
    seconds: float
    capacity: int | None = None
    path: Where | None = None
    writing: float = 0.0


@dataclass(frozen=True, slots=True)
class PulledFile:
    """A file that is whole and safe on disk: device key, name in the package, bytes, SHA-256 in hex, where from.

    `path` is where it lies, `seconds` of real time it took, `writing` of them to store it; `digests` are all that were
    made of it.
    """

    key: str
    name: str
    size: int
    sha256: str
    disk: bool
    host: str
    seconds: float
    path: Where
    writing: float = 0.0
    digests: Mapping[str, str] = field(default_factory=dict)

    def at(self, path: Where) -> PulledFile:
        """Return the same file at another path."""
        return replace(self, path=path)


@dataclass(frozen=True, slots=True)
class WantedFile:
    """A file as the descriptor shall name it: device key, path in the package, bytes (8.4)."""

    key: str
    path: str
    size: int
    disk: bool


@dataclass(frozen=True, slots=True)
class Described:
    """A descriptor and what the server had to say about it (8.9)."""

    xml: bytes
    warnings: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """What the server says it has sent for a device: bytes, and a digest of the stream in hex (5.1, 5.2)."""

    key: str
    size: int
    algorithm: str
    digest: str
