"""What a look at a package found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Level = Literal["error", "warning", "note"]
"""Not to be trusted or imported; doubtful; not looked at."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be: the rule it breaks, the file, and one line that says how."""

    level: Level
    rule: str
    file: str
    message: str


@dataclass(frozen=True, slots=True)
class CheckedDisk:
    """A disk stream that is whole: capacity and bytes of data in it, the grains that are not all zeros, its content."""

    file: str
    capacity: int
    data_bytes: int
    grains: int
    content_sha256: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was found in the package at `path`; `files` is the number that were read to their end."""

    path: str
    descriptor: str | None
    files: int
    bytes: int
    disks: tuple[CheckedDisk, ...]
    findings: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong with it; warnings and notes may stand."""
        return all(finding.level != "error" for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain JSON data."""
        return {**asdict(self), "sound": self.sound}
