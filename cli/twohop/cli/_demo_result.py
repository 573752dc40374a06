"""What a demo run found, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from twohop.contracts.clauses import Verdict
from twohop.contracts.report import Report

NOT_SHOWN = frozenset(
    {
        *("FAULT-009", "FAULT-010", "FAULT-012", "NFC-006", "TASK-006", "URL-012"),
        *("DESCRIPTOR-013", "DESCRIPTOR-014", "DESCRIPTOR-018", "DESCRIPTOR-019"),
        # A download is neither disabled nor resumed, none fails, none lasts for hours, and nobody powers on after it.
        *("CTASK-003", "TRANSFER-003", "CLOCK-002", "CLEAN-001", "CLEAN-002", "CLEAN-003"),
        *("LINK-008", "LINK-009", "LINK-010"),
    }
)
"""Clauses that need what the demo has not: machines with a TPM, a snapshot, a drive, two files; a vApp; a medium; a
user who may only read; a host that declares lengths; and whoever reads an OVA."""
IN_TROUBLE = frozenset({"EXPORT-001", "EXPORT-002", "EXPORT-003", "EXPORT-005", "EXPORT-006"})
"""Clauses about what an exporter does when something goes wrong, which the demo is spared."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg of a data path: how many bytes of disks crossed it, in how many real seconds."""

    path: str
    name: str
    bytes: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return the leg as plain JSON data."""
        return {"path": self.path, "leg": self.name, "bytes": self.bytes, "seconds": round(self.seconds, 4)}


@dataclass(frozen=True, slots=True)
class DemoResult:
    """Everything the demo found. `link` and `directory` map a moment to what was there: a status, a count of files."""

    legs: tuple[Leg, ...]
    digests: dict[str, str]
    link: dict[str, int]
    directory: dict[str, int]
    report: Report
    problems: tuple[str, ...] = field(default=())

    @property
    def equal(self) -> bool:
        """Whether both paths delivered the same disk, grain by grain."""
        return len(self.digests) == 2 and len(set(self.digests.values())) == 1

    @property
    def held(self) -> bool:
        """Whether everything held; a clause that could be put to the test and was not has not."""
        kept = {j.clause.id for j in self.report.verdicts if j.verdict is Verdict.KEPT}
        allowed = {j.clause.id for j in self.report.verdicts if j.verdict is Verdict.NOT_OBSERVED}
        allowed &= NOT_SHOWN | IN_TROUBLE
        return self.equal and not self.problems and len(kept | allowed) == len(self.report.verdicts)

    def to_json(self) -> dict[str, Any]:
        """Return the one document of `twohop demo --json`."""
        return {
            "held": self.held,
            "legs": [leg.to_json() for leg in self.legs],
            "grain_digests": {**self.digests, "equal": self.equal},
            "link": self.link,
            "directory": self.directory,
            "problems": list(self.problems),
            **self.report.to_json(),
        }
