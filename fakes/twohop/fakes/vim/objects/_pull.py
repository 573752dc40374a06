"""Pull mode, which is for imports: what an export lease answers to it (5.7)."""

from __future__ import annotations

from typing import Any

from ...world import ExportLease
from .. import _faults as faults
from .._service import Call
from ._lease import LEASE


@LEASE.method("HttpNfcLeasePullFromUrls_Task")
def _pull(call: Call, lease: ExportLease, files: list[Any] | None) -> Any:
    # Of the faults that are declared only this one speaks of the lease.
    raise faults.invalid_state()


@LEASE.method("HttpNfcLeaseProbeUrls")
def _probe(call: Call, lease: ExportLease, files: list[Any] | None, timeout: int | None) -> Any:
    if not files:
        raise faults.invalid_argument("files", "There are no source files.")
    raise faults.invalid_state()
