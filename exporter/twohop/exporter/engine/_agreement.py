"""Do the others say the same: the server's manifest of what it sent, and the descriptor it wrote?"""

from __future__ import annotations

from collections.abc import Iterable

from .._errors import BadPackage, BadStream, ShortStream
from .._events import FileUnlisted, ManifestCompared
from ..package._descriptor import read_descriptor
from ._actions import AskManifest, Steps, do, tell
from ._values import LeaseHandle, ManifestRow, PulledFile


def compare_manifest(lease: LeaseHandle, files: Iterable[PulledFile]) -> Steps[None]:
    """Compare each file with what the server says it sent; a manifest without it, or none at all, says nothing (5.5).

    Raises ShortStream where fewer bytes came, BadStream where others did.
    """
    rows = yield from do(AskManifest(lease))
    if rows is None:
        return
    by_key = {row.key: row for row in rows}
    for file in files:
        row = by_key.get(file.key)
        if row is not None:
            yield from tell(ManifestCompared(file.key, file.name, _agree(file, row)))


def _agree(file: PulledFile, row: ManifestRow) -> str:
    """Return what was compared."""
    if row.size != file.size:
        kind = ShortStream if file.size < row.size else BadStream
        raise kind(
            f"{file.host} sent {file.size} bytes for {file.key}, the server's manifest says {row.size};"
            " nothing was kept, export again"
        )
    mine = file.digests.get(row.algorithm)
    if mine is None or not row.digest:
        return "size"
    if mine != row.digest.lower():
        raise BadStream(
            f"what {file.host} sent for {file.key} has {row.algorithm} {mine}, the server's manifest says"
            f" {row.digest}; nothing was kept: something between the host and here changes bytes"
        )
    return row.algorithm


def check_descriptor(xml: bytes, files: Iterable[PulledFile]) -> Steps[None]:
    """See that a descriptor names no other files than came, and these with the sizes that came (12 row 7).

    What it leaves out is told and kept: a server describes no device that OVF cannot (8.9).
    """
    listed = {file.href: file.size for file in read_descriptor(xml).files}
    sizes = {file.name: file.size for file in files}
    for href, size in listed.items():
        if href not in sizes:
            raise BadPackage(
                f"the server's descriptor names a file {href[:120]!r}, which is none of the"
                f" {len(sizes)} that came; nothing was kept, export again"
            )
        if size is not None and size != sizes[href]:
            raise BadPackage(
                f"the server's descriptor gives {href[:120]!r} {size} bytes, {sizes[href]} came;"
                " nothing was kept, export again"
            )
    for name in sizes:
        if name not in listed:
            yield from tell(FileUnlisted(name))
