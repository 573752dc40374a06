"""Which files a lease offers, under which keys and names, in which order, by which tickets (4.3 to 4.15)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence

from twohop.runtime.profiles import Profile

from ._entities import Host, Vm
from ._hardware import Disk, Image, Nvram
from ._operations import DeviceFile, HostTicket

Source = Disk | Image | Nvram
_KINDS = {"disk": Disk, "image": Image, "nvram": Nvram}
_ORDERS = {
    "images-first": ("image", "disk", "nvram"),
    "disks-first": ("disk", "image", "nvram"),
    "nvram-first": ("nvram", "disk", "image"),
}
_EXTENSIONS = {"iso": "iso", "floppy": "flp"}


def device_key(vm: Vm, source: Source) -> str:
    """Return the key of a file in device URLs, manifests and descriptors (4.3)."""
    if isinstance(source, Nvram):
        return f"/{vm.moid}/nvram"
    return f"/{vm.moid}/{source.controller.kind}{source.controller.bus}:{source.unit}"


def device_files(
    profile: Profile, machines: Sequence[tuple[Vm, Vm]], new_ticket: Callable[[], str]
) -> tuple[list[DeviceFile], list[HostTicket]]:
    """Return the files of a lease, numbered across all its machines, and its tickets.

    `machines` are pairs: the machine that is held, and the machine as it is exported, which for a snapshot is another.
    """
    tickets: dict[str, str] = {}
    of_lease = new_ticket() if profile.text("ticket_scope") == "lease" else None

    def ticket(host: Host) -> str:
        if host.name not in tickets:
            tickets[host.name] = of_lease or new_ticket()
        return tickets[host.name]

    files: list[DeviceFile] = []
    for vm, shown in machines:
        for source in _sources(profile, shown):
            name = _file_name(profile, source, len(files))
            key = device_key(vm, source)
            files.append(
                DeviceFile(
                    key=key, name=name, host=vm.host, ticket=ticket(vm.host), source=source, cid=_content_id(profile)
                )
            )
    holders = list(dict.fromkeys(file.host for file in files))
    opened = [HostTicket(host, ticket(host), _of(files, host), host) for host in holders]
    if profile.text("host_map") == "present":
        for host in holders:
            disks = tuple(file for file in _of(files, host) if file.disk is not None)
            for other in _also_see(host, disks):
                opened.append(HostTicket(other, ticket(other), disks, host))
    return files, opened


def missing_image(machines: Iterable[Vm]) -> Image | None:
    """Return an image whose file is gone (2.16)."""
    return next((image for vm in machines for image in vm.images if image.content is None), None)


def _sources(profile: Profile, vm: Vm) -> list[Source]:
    present: list[Source] = [*vm.images, *vm.disks]
    if vm.nvram is not None and profile.text("nvram_entry") == "present":
        present.append(vm.nvram)
    order = _ORDERS[profile.text("device_order")]
    return [source for kind in order for source in present if isinstance(source, _KINDS[kind])]


def _file_name(profile: Profile, source: Source, number: int) -> str:
    # The number counts files, not disks (4.6).
    if isinstance(source, Disk):
        return f"disk-{number}.vmdk"
    if isinstance(source, Image):
        return f"disk-{number}.{_EXTENSIONS[source.kind]}"
    return f"disk-{number}.nvram" if profile.text("nvram_name") == "disk-N" else source.file_name.rpartition("/")[2]


def _content_id(profile: Profile) -> int:
    return secrets.randbits(32) & 0xFFFFFFFE if profile.text("stream_bytes") == "differ" else 0x5EED5EED


def _of(files: Iterable[DeviceFile], host: Host) -> tuple[DeviceFile, ...]:
    return tuple(file for file in files if file.host is host)


def _also_see(host: Host, files: Iterable[DeviceFile]) -> list[Host]:
    """Return the other hosts that see every datastore with one of these disks, in the order of the first one."""
    seen = [file.disk.datastore.hosts for file in files if file.disk is not None]
    return [other for other in seen[0] if other is not host and all(other in hosts for hosts in seen)] if seen else []
