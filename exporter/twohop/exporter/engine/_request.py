"""What an export is asked to do, and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .._device_file import DeviceFile
from ._order import HostOrder, registered_first
from ._values import Algorithm, PulledFile, Subject

if TYPE_CHECKING:
    from .._paths import Where

NameFile = Callable[[DeviceFile], str]
"""Chooses a file's name in the package; what it returns is made safe and kept apart from the others."""


@dataclass(frozen=True, slots=True)
class Request:
    """One export.

    `package` is the name that descriptor and manifest get, without ending; None leaves the files without both.
    `describe` names the descriptors wanted and the export options of each (8.8). `one_stream` says that the target
    takes files one after the other, descriptor and manifest first. `leases` bounds how often a lease is asked for:
    there is no resume, so after a cut everything is fetched anew, `pause` real seconds later. `at_once` is the number
    of files that are fetched at one time; `nvram` and `images` False leave such files out. `order` says which host is
    asked first (4.12).
    """

    subject: Subject
    name_file: NameFile
    package: str | None
    describe: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {"default": ()})
    algorithm: Algorithm = "SHA256"
    nvram: bool = True
    images: bool = True
    one_stream: bool = False
    at_once: int = 1
    leases: int = 1
    pause: float = 0.0
    order: HostOrder = registered_first


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export gave: the lease's files in its order, descriptors by the names asked for, where these stand."""

    subject: Subject
    lease_id: str
    files: tuple[PulledFile, ...]
    descriptors: Mapping[str, bytes]
    descriptor: Where | None = None
    manifest: Where | None = None

    @property
    def name(self) -> str:
        """The name of what was exported."""
        return self.subject.name
