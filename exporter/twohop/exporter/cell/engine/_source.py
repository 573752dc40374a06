"""Where the engine gets VMs from: what it asks of a vCenter, so that tests can give it anything else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from twohop.exporter._cancellation import Cancellation

from ._catalogue import Image
from ._steps import OnStep

Power = Literal["poweredOn", "poweredOff", "suspended", "unknown"]
"""Power state of a VM as vCenter spells it; `unknown` where vCenter cannot be asked or has no such VM."""


NameFile = Callable[[str, int | None], str]
"""Gives a file's name in the package, from what the host calls it and, for disks, its number from 0."""


class StoredFile(Protocol):
    """A file that has arrived: its name in the package, bytes, SHA-256, and from which host.

    It took from `began` to `ended` by the clock and `seconds` of real time, `writing` of them to store it.
    """

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def sha256(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def seconds(self) -> float: ...
    @property
    def writing(self) -> float: ...
    @property
    def began(self) -> float: ...
    @property
    def ended(self) -> float: ...


@dataclass(frozen=True, slots=True)
class PulledMachine:
    """A VM whose files are stored: them, and its two descriptors, `default` and `identity`."""

    vm: str
    files: tuple[StoredFile, ...]
    descriptors: Mapping[str, bytes]


OnLost = Callable[[StoredFile], None]
"""Hears of bytes that came and were thrown away: `size` is how many, and nothing is known of their digest."""


class Source(Protocol):
    """A vCenter as the engine uses it."""

    def power_states(self, vms: Iterable[str]) -> Mapping[str, Power]:
        """Tell what the VMs of these names are doing; never raises."""

    def bytes_of(self, vms: Iterable[str]) -> int:
        """Tell how many bytes the disks of these VMs hold, as far as vCenter knows; never raises."""

    def size_of(self, image: Image) -> int:
        """Tell how many bytes a medium's file has, 0 where vCenter cannot be asked or has none; never raises."""

    def copy(
        self,
        image: Image,
        directory: Path,
        name: str,
        *,
        progress: Callable[[int, int], None],
        on_step: OnStep,
        on_lost: OnLost,
        cancelled: Cancellation,
    ) -> StoredFile:
        """Copy a medium's file into `directory` as `name`, down to the disk; else as `pull`."""

    def pull(
        self,
        vm: str,
        directory: Path,
        *,
        name_file: NameFile,
        progress: Callable[[int, int], None],
        on_step: OnStep,
        on_lost: OnLost,
        cancelled: Cancellation,
    ) -> PulledMachine:
        """Export a VM into `directory`, every file down to the disk.

        `name_file` names each file, `progress` hears (bytes so far, bytes expected or 0), `on_step` of the lease and of
        each file stored, `on_lost` of what came for nothing; `cancelled` ends the pull with `Cancelled`. Raises
        ExportError with one line that says what is wrong; nothing is left at vCenter.
        """

    def close(self) -> None:
        """End whatever session it keeps."""
