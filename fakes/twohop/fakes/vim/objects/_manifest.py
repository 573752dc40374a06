"""The manifest of a lease: digests of the streams that its hosts have sent (section 5)."""

from __future__ import annotations

from typing import Any

from ...machines import LeaseInput
from ...nfc import digests_of
from ...world import ExportLease, ImportLease
from .. import _faults as faults
from .._registry import vim
from .._service import Call
from ._lease import LEASE, require

CHECKSUMS = ("sha1", "sha256")
"""The algorithms of the API (5.3)."""


@LEASE.method("HttpNfcLeaseGetManifest")
def _manifest(call: Call, lease: ExportLease) -> list[Any]:
    with call.world.lock:
        require(call, lease, LeaseInput.MANIFEST)
        begun = isinstance(lease, ImportLease) or any(file.started for file in lease.files)
        if not begun and call.world.profile.text("manifest_before_get") == "InvalidState":
            raise faults.invalid_state()
        each = call.world.profile.text("manifest_of_two_gets") == "each"
        # Only files that were sent whole have an entry (5.5).
        sent = [
            (file, _algorithm(call, lease, file.key))
            for file in lease.files
            if file.sent
            for _ in range(file.times if each and file.arrived is None else 1)
        ]
    always = call.world.profile.text("manifest_sha1") == "filled"
    entries = []
    for file, algorithm in sent:
        arrived = file.arrived
        size, sha1, sha256 = (arrived.size, arrived.sha1, arrived.sha256) if arrived else digests_of(file)
        entries.append(
            vim.HttpNfcLease.ManifestEntry(
                key=file.key,
                sha1=sha1 if always or algorithm == "sha1" else "",
                checksum=sha1 if algorithm == "sha1" else sha256,
                checksumType=algorithm,
                size=size,
                disk=file.disk is not None,
                capacity=file.disk.capacity if file.disk else None,
                populatedSize=file.disk.content.populated if file.disk else None,
            )
        )
    return entries


def _algorithm(call: Call, lease: ExportLease, key: str) -> str:
    return lease.checksum_types.get(key, call.world.profile.text("manifest_checksum"))


@LEASE.method("HttpNfcLeaseSetManifestChecksumType")
def _set_checksum_type(call: Call, lease: ExportLease, deviceUrlsToChecksumTypes: list[Any] | None) -> None:
    with call.world.lock:
        require(call, lease, LeaseInput.CHECKSUM)
        # It should come before any transfer starts; what a late one does, no source says (5.4).
        started = any(file.started for file in lease.files)
        if started and call.world.profile.text("late_checksum_type") == "InvalidState":
            raise faults.invalid_state()
        keys = {file.key for file in lease.files}
        for pair in deviceUrlsToChecksumTypes or ():
            if pair.key not in keys or pair.value not in CHECKSUMS:
                raise faults.invalid_argument("deviceUrlsToChecksumTypes")
        if not started:
            lease.checksum_types.update({pair.key: pair.value for pair in deviceUrlsToChecksumTypes or ()})
