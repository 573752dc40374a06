"""What a download is made of besides its disks: names, both descriptors, and a manifest where the profile has one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

from twohop.exporter.package import ManifestEntry, write_manifest
from twohop.exporter.package._names import safe_name
from twohop.runtime.profiles import Profile

from ._catalogue import Entity, VmRef
from ._descriptor import with_identity
from ._source import PulledMachine

DEFAULT, IDENTITY, MANIFEST = "descriptor.ovf", "descriptor-with-id.ovf", "descriptor.mf"
"""Names of the files that a download has besides its disks (3.4)."""

Merge = Callable[[str, Sequence[bytes]], bytes]
"""Makes one descriptor of a vApp's name and the descriptors of its machines."""


def file_name(profile: Profile, entity: Entity, vm: VmRef, own: str, disk: int | None) -> str:
    """Name a file of a machine as the profile has it (0.4); what is no disk keeps the host's name behind the id."""
    if disk is None:
        return f"vm-{vm.id}-{own}"
    if profile.text("disk_names") == "diskN.vmdk":
        return f"disk{disk}.vmdk" if len(entity.vms) == 1 else f"vm{entity.vms.index(vm)}-disk{disk}.vmdk"
    return f"vm-{vm.id}-disk-{disk}.vmdk"


def medium_name(profile: Profile, entity: Entity) -> str:
    """Name the one file of a medium (3.16)."""
    return "file" if profile.text("media_file_name") == "file" else f"{safe_name(entity.name, 'media')}.iso"


def documents(
    profile: Profile, entity: Entity, machines: Sequence[PulledMachine], merge: Merge, since: float
) -> dict[str, bytes]:
    """Return the small files of a download by name (3.6); a manifest covers all others (0.5)."""
    default = merge(entity.name, [machine.descriptors["default"] for machine in machines])
    identity = merge(entity.name, [machine.descriptors["identity"] for machine in machines])
    made = {DEFAULT: default, IDENTITY: with_identity(identity, entity, since)}
    if profile.text("descriptor_mf") == "present":
        own = [ManifestEntry(name, sha256(data).hexdigest()) for name, data in made.items()]
        files = [ManifestEntry(file.name, file.sha256) for machine in machines for file in machine.files]
        made[MANIFEST] = write_manifest([*own, *files])
    return made
