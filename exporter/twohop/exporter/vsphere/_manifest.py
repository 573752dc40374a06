"""The server's own word on what it has sent (5.1 to 5.5)."""

from __future__ import annotations

from typing import Any

from pyVmomi import vim

from .._errors import BadAnswer, NotPermitted, Refused
from ..engine._values import ManifestRow
from ._faults import explained
from ._lease import Grant


def choose_sha256(grant: Grant, keys: tuple[str, ...], server: str) -> bool:
    """Ask that the server digest these files with SHA-256; tell whether it agreed (5.4, API 6.7)."""
    pairs = [vim.KeyValue(key=key, value="sha256") for key in keys]
    try:
        with explained("choose the manifest's digest", server):
            grant.lease.HttpNfcLeaseSetManifestChecksumType(deviceUrlsToChecksumTypes=pairs)
    except (Refused, NotPermitted):
        return False
    return True


def manifest_of(lease: Any, server: str) -> tuple[ManifestRow, ...] | None:
    """Return what the server says it has sent under a lease; None where it does not say (API 4.1, 5.5)."""
    try:
        with explained("read the manifest", server):
            rows = lease.HttpNfcLeaseGetManifest()
    except (Refused, NotPermitted):
        return None
    if not isinstance(rows, list) or not all(_is_entry(row) for row in rows):
        raise BadAnswer("the server answered HttpNfcLeaseGetManifest with something else; export again")
    return tuple(_row(row) for row in rows)


def _is_entry(row: Any) -> bool:
    # What has to be there; another call's answer can be read as an entry of nothing.
    return isinstance(row, vim.HttpNfcLease.ManifestEntry) and bool(row.key) and isinstance(row.size, int)


def _row(row: Any) -> ManifestRow:
    kind = (getattr(row, "checksumType", None) or "").upper()
    checksum = getattr(row, "checksum", None)
    if kind in ("SHA1", "SHA256") and checksum:
        return ManifestRow(row.key, row.size, kind, checksum)
    return ManifestRow(row.key, row.size, "SHA1", row.sha1 or "")
