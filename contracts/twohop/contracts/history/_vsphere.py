"""From SOAP calls to events of sessions, leases, tasks and power."""

from __future__ import annotations

from collections.abc import Iterator

from ._events import (
    DeviceUrl,
    EndSent,
    Event,
    ExportRefused,
    LeaseGranted,
    LeaseInfo,
    LeaseReadRefused,
    LeaseSeen,
    LoggedIn,
    LoggedOut,
    ManifestEntry,
    ManifestSeen,
    PowerAsked,
    ProgressSent,
    TaskSeen,
)
from ._sightings import Sighting, leases_asked, sightings
from ._soap import Call, localized_fault
from ._xml import Element, child, children, text

_EXPORTS = {"ExportVm", "ExportVApp", "ExportSnapshot"}
_LEASE_PATHS = ("state", "info", "error")


def vsphere_events(call: Call) -> Iterator[Event]:
    """Yield what one call shows."""
    exchange, outcome, method = call.exchange, call.outcome, call.method
    if method == "Login":
        yield LoggedIn(exchange, call.argument("userName") or "", outcome)
    elif method == "Logout":
        yield LoggedOut(exchange, outcome)
    elif method in _EXPORTS:
        yield _export(call)
    elif method == "HttpNfcLeaseProgress":
        yield ProgressSent(exchange, call.this, _whole(call.argument("percent")), outcome)
    elif method == "HttpNfcLeaseComplete":
        yield EndSent(exchange, call.this, "complete", outcome)
    elif method == "HttpNfcLeaseAbort":
        yield EndSent(exchange, call.this, "abort", outcome)
    elif method == "HttpNfcLeaseGetManifest":
        entries = tuple(_manifest_entry(entry) for entry in children(call.response, "returnval"))
        yield ManifestSeen(exchange, call.this, entries, outcome)
    elif method in ("PowerOnVM_Task", "PowerOffVM_Task"):
        operation = "on" if method.startswith("PowerOn") else "off"
        yield PowerAsked(exchange, call.this, operation, outcome, text(call.response, "returnval"))  # type: ignore[arg-type]
    elif outcome.kind == "faulted":
        for lease in leases_asked(call):
            yield LeaseReadRefused(exchange, lease, outcome)
    else:
        for seen in sightings(call):
            yield from _seen(call, seen)


def _export(call: Call) -> Event:
    lease = text(call.response, "returnval")
    if call.outcome.accepted and lease:
        return LeaseGranted(call.exchange, lease, call.this, call.this_type)
    return ExportRefused(call.exchange, call.this, call.this_type, call.outcome)


def _seen(call: Call, seen: Sighting) -> Iterator[Event]:
    values = seen.values
    if seen.type == "HttpNfcLease" and any(path.split(".")[0] in _LEASE_PATHS for path in values):
        state = values.get("state")
        info_read, info = _info(values)
        yield LeaseSeen(
            call.exchange,
            seen.this,
            (state.text or "").strip() if state is not None else None,
            info_read,
            info,
            "error" in values,
            localized_fault(values.get("error")),
        )
    elif seen.type == "Task":
        whole = values.get("info")
        state = child(whole, "state") if whole is not None else values.get("info.state")
        error = child(whole, "error") if whole is not None else values.get("info.error")
        if state is not None:
            yield TaskSeen(call.exchange, seen.this, (state.text or "").strip(), localized_fault(error))


def _info(values: dict[str, Element | None]) -> tuple[bool, LeaseInfo | None]:
    """Read `info`, or the parts of it that were asked for by a longer path."""
    if "info" in values:
        whole = values["info"]
        if whole is None:
            return True, None
        devices = tuple(_device(entry) for entry in children(whole, "deviceUrl"))
        return True, LeaseInfo(_number(text(whole, "leaseTimeout")), devices, text(whole, "entity"))
    parts = {path.removeprefix("info."): value for path, value in values.items() if path.startswith("info.")}
    if not any(value is not None for value in parts.values()):
        return bool(parts), None
    timeout = parts.get("leaseTimeout")
    listed = parts.get("deviceUrl")
    devices = tuple(_device(entry) for entry in listed) if listed is not None else ()
    return True, LeaseInfo(_number(timeout.text if timeout is not None else None), devices, text(parts.get("entity")))


def _device(entry: Element) -> DeviceUrl:
    disk = text(entry, "disk")
    return DeviceUrl(
        text(entry, "key") or "",
        text(entry, "url") or "",
        text(entry, "sslThumbprint") or "",
        None if disk is None else disk in ("true", "1"),
        text(entry, "targetId"),
        _whole(text(entry, "fileSize")),
    )


def _manifest_entry(entry: Element) -> ManifestEntry:
    return ManifestEntry(
        text(entry, "key") or "",
        _whole(text(entry, "size")) or 0,
        text(entry, "sha1") or "",
        text(entry, "checksum"),
        text(entry, "checksumType"),
    )


def _whole(value: str | None) -> int | None:
    try:
        return int(value) if value else None
    except ValueError:
        return None


def _number(value: str | None) -> float | None:
    number = _whole(value)
    return None if number is None else float(number)
