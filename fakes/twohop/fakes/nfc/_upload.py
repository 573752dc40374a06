"""What comes in for an import: POST of a streamOptimized disk, PUT of any other file (6.5).

The bytes go to a file without a name, so that nothing is left of them once nobody holds it, not even after a crash. A
disk is judged as it comes; one that is none fails the whole import. Of a body that breaks off nothing is kept, and the
lease stays as it is (3.12).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import IO, Any

from twohop.runtime.serving import Cut

from ..machines import LeaseInput
from ..vmdk import Intake, VmdkError, received
from ..world import (
    Arrived,
    DeviceFile,
    Disk,
    Image,
    ImportLease,
    Nvram,
    OpenBytes,
    Spool,
    World,
    note_bytes,
    step_lease,
)

PIECE = 1 << 20


class Spoilt(Exception):
    """What came is no disk; the lease has failed."""


def upload(world: World, lease: ImportLease, file: DeviceFile, body: IO[bytes], spoilt: Callable[[str], Any]) -> None:
    """Take in the body of one request, which becomes a part of the machine that is made.

    `spoilt` makes the fault that the lease ends with. Raises Spoilt where it is no disk, Cut where the lease ends under
    it, OSError where the client goes or no room is left.
    """
    intake = Intake(file.disk.capacity) if file.disk is not None else None
    whole = world.profile.text("import_digest") == "whole"
    sha1, sha256, size = hashlib.sha1(usedforsecurity=False), hashlib.sha256(), 0
    with Spool.opened() as spool:
        try:
            while piece := body.read(PIECE):
                _check_held(world, lease)
                spool.write(piece)
                if intake is not None:
                    intake.feed(piece)
                counts = piece
                if intake is not None and intake.end is not None and not whole:
                    counts = piece[: max(0, intake.end - size)]
                sha1.update(counts)
                sha256.update(counts)
                size += len(piece)
                note_bytes(world, lease, file, len(piece))
            if intake is not None:
                intake.finish()
            content: Any = (
                received(spool.give(), file.name, intake.end) if intake is not None else OpenBytes(spool.give(), size)
            )
        except VmdkError as error:
            world.journal.record("fault", server=file.host.name, error=f"{file.import_key}: {error}")
            step_lease(world, lease, LeaseInput.SPOILT, spoilt(str(error)))
            raise Spoilt(str(error)) from None
    with world.change():
        _check_held(world, lease)
        if not (file.hollow and file.disk is not None):
            _put(world, file, content)
        file.arrived = Arrived(size, sha1.hexdigest(), sha256.hexdigest())
        file.sent = True


def _check_held(world: World, lease: ImportLease) -> None:
    """Stop with the lease: what it was to be a part of is gone, or complete."""
    if lease.ended.is_set():
        raise Cut("the lease has ended", reset=world.profile.text("stream_at_end_of_lease") == "reset")


def _put(world: World, file: DeviceFile, content: Any) -> None:
    """Put a content where it belongs. A disk does not change: another one takes its place."""
    vm, source = file.vm, file.source
    assert vm is not None
    with world.change() as tx:
        made: Disk | Image | Nvram
        if isinstance(source, Disk):
            made = replace(source, content=content)
            tx.set(vm, "disks", [made if disk is source else disk for disk in vm.disks])
        elif isinstance(source, Image):
            made = replace(source, content=content)
            tx.set(vm, "images", [made if image is source else image for image in vm.images])
        else:
            made = Nvram(file_name=source.file_name, content=content)
            tx.set(vm, "nvram", made)
        file.source = made
