"""One disk on its way out, cut when its lease ends."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from twohop.runtime.serving import Cut

from ..vmdk import stream, stream_size
from ..world import DeviceFile, Disk, ExportLease, PlainContent, World, note_bytes

_ADAPTERS = {"VirtualBusLogicController": "buslogic", "VirtualIDEController": "ide"}


def _stream(file: DeviceFile) -> Iterator[bytes]:
    if isinstance(file.source, Disk):
        adapter = _ADAPTERS.get(file.source.controller.kind, "lsilogic")
        return stream(file.source.content, cid=file.cid, adapter_type=adapter)
    return _plain(file).pieces()


def _plain(file: DeviceFile) -> PlainContent:
    content = None if isinstance(file.source, Disk) else file.source.content
    if content is None:
        raise LookupError(f"{file.name} has no content")
    return content


def size_of(file: DeviceFile) -> int:
    """Return how many bytes a host sends for a file."""
    return stream_size(file.source.content) if isinstance(file.source, Disk) else _plain(file).size


def cut_if_ended(world: World, lease: ExportLease) -> None:
    """Raise `Cut` where the lease has ended, as the profile has it (3.9)."""
    if lease.ended.is_set() and (at_end := world.profile.text("stream_at_end_of_lease")) != "finish":
        raise Cut("the lease has ended", reset=at_end == "reset")


def cut_if_late(world: World, began: float, longest: float) -> None:
    """Raise `Cut` where a stream has lasted for longer than `longest`, 0 for ever (3.7)."""
    if longest and world.clock.now() - began > longest:
        raise Cut("the client was too slow")


def send(world: World, lease: ExportLease, file: DeviceFile) -> Iterator[bytes]:
    """Yield the stream of a file; raise `Cut` where the lease ends under it (3.9), or the host's patience (3.7)."""
    began, pieces, longest = world.clock.now(), _stream(file), world.profile.seconds("nfc_stream_s")
    piece = next(pieces, b"")
    file.moved = 0
    while following := next(pieces, b""):
        cut_if_ended(world, lease)
        cut_if_late(world, began, longest)
        yield piece
        note_bytes(world, lease, file, len(piece))
        piece = following
    cut_if_ended(world, lease)
    cut_if_late(world, began, longest)
    # A client that knows the length is done with the last byte, and may ask for the manifest before we come back here.
    before, file.sent = file.sent, True
    file.times += 1
    note_bytes(world, lease, file, len(piece))
    try:
        yield piece
    except GeneratorExit:
        file.sent = before
        file.times -= 1
        raise


def digests_of(file: DeviceFile) -> tuple[int, str, str]:
    """Return size, SHA-1 and SHA-256 of a file's stream as it is sent under its lease (5.2).

    A lease sends the same bytes each time, so they are made once more rather than digested on every way out.
    """
    sha1, sha256, size = hashlib.sha1(usedforsecurity=False), hashlib.sha256(), 0
    for piece in _stream(file):
        sha1.update(piece)
        sha256.update(piece)
        size += len(piece)
    return size, sha1.hexdigest(), sha256.hexdigest()
