"""Pull mode, which is for imports: what a lease answers to it (5.7). The fake carries none out."""

from __future__ import annotations

from typing import Any

from ...machines import LeaseState
from ...world import ExportLease, ImportLease
from .. import _faults as faults
from .._service import Call
from ._lease import LEASE
from ._operation import gap


@LEASE.method("HttpNfcLeasePullFromUrls_Task")
def _pull(call: Call, lease: ExportLease, files: list[Any] | None) -> Any:
    if isinstance(lease, ImportLease) and lease.state is LeaseState.READY:
        raise gap(call, "the method HttpNfcLease.HttpNfcLeasePullFromUrls_Task of an import")
    # Of the faults that are declared only this one speaks of the lease.
    raise faults.invalid_state()


@LEASE.method("HttpNfcLeaseProbeUrls")
def _probe(call: Call, lease: ExportLease, files: list[Any] | None, timeout: int | None) -> Any:
    if not files:
        raise faults.invalid_argument("files", "There are no source files.")
    raise faults.invalid_state()
