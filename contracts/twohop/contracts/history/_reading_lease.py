"""What a lease's properties and its manifest say, from their elements."""

from __future__ import annotations

from collections.abc import Iterator

from ._events import DeviceUrl, LeaseInfo, ManifestEntry
from ._xml import Element, child, children, flag, name, text, whole_number, xsi_type

_KNOWN = ("state", "info", "error")


def read_info(values: dict[str, Element | None]) -> tuple[bool, LeaseInfo | None]:
    """Read `info`, or the parts of it that were asked for by a longer path; tell unread from unset."""
    if "info" in values:
        whole = values["info"]
        return True, None if whole is None else _whole(whole)
    parts = {path.removeprefix("info."): value for path, value in values.items() if path.startswith("info.")}
    if not any(value is not None for value in parts.values()):
        return bool(parts), None
    listed = parts.get("deviceUrl")
    devices = tuple(_device(entry) for entry in listed) if listed is not None else ()
    return True, LeaseInfo(_seconds(text(parts.get("leaseTimeout"))), devices, text(parts.get("entity")))


def _whole(info: Element) -> LeaseInfo:
    return LeaseInfo(
        _seconds(text(info, "leaseTimeout")),
        tuple(_device(entry) for entry in children(info, "deviceUrl")),
        text(info, "entity"),
        text(info, "lease"),
        whole_number(text(info, "totalDiskCapacityInKB")),
        True,
        frozenset(_members(info)),
    )


def _members(element: Element, prefix: str = "") -> Iterator[str]:
    for member in element:
        yield f"{prefix}{name(member)}"
        yield from _members(member, f"{prefix}{name(member)}.")


def _device(entry: Element) -> DeviceUrl:
    return DeviceUrl(
        text(entry, "key") or "",
        text(entry, "url") or "",
        text(entry, "sslThumbprint"),
        flag(text(entry, "disk")),
        text(entry, "targetId"),
        whole_number(text(entry, "fileSize")),
        text(entry, "importKey"),
        text(entry, "datastoreKey"),
    )


def read_others(values: dict[str, Element | None]) -> tuple[tuple[str, str | None], ...]:
    """Return the properties besides state, info and error."""
    return tuple(
        (path, None if value is None else " ".join(map(name, value)) or (value.text or "").strip())
        for path, value in sorted(values.items())
        if path.split(".")[0] not in _KNOWN
    )


def read_manifest(answer: Element | None) -> tuple[ManifestEntry, ...]:
    """Return the entries of a manifest."""
    return tuple(
        ManifestEntry(
            text(entry, "key") or "",
            whole_number(text(entry, "size")) or 0,
            text(entry, "sha1") or "",
            text(entry, "checksum"),
            text(entry, "checksumType"),
            flag(text(entry, "disk")),
            whole_number(text(entry, "capacity")),
            frozenset(_members(entry)),
        )
        for entry in children(answer, "returnval")
    )


def read_checksum_types(request: Element) -> tuple[tuple[str, str], ...]:
    """Return the pairs of device key and algorithm of a request."""
    pairs = children(request, "deviceUrlsToChecksumTypes")
    return tuple((text(pair, "key") or "", text(pair, "value") or "") for pair in pairs)


def _seconds(value: str | None) -> float | None:
    number = whole_number(value)
    return None if number is None else float(number)


def given_fault(request: Element) -> str | None:
    """Return the type of the fault that an abort was given, where it is of a type (1.4)."""
    inner = child(request, "fault", "fault")
    return None if inner is None else xsi_type(inner)
