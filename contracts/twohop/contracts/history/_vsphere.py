"""From SOAP calls to events of sessions, leases, tasks and machines."""

from __future__ import annotations

from collections.abc import Iterator

from ._events import (
    CallMade,
    ChangeAsked,
    ChecksumTypeSet,
    EndSent,
    Event,
    ExportRefused,
    ImportGranted,
    LeaseGranted,
    LeaseReadRefused,
    LeaseSeen,
    LoggedIn,
    LoggedOut,
    MachineSeen,
    ManifestSeen,
    PowerAsked,
    ProgressSent,
    RecentTasksRead,
    TaskCancelled,
    TaskSeen,
)
from ._reading_lease import given_fault, read_checksum_types, read_info, read_manifest, read_others
from ._reading_machine import read_hardware, read_power, read_snapshots, read_task, read_tasks
from ._reading_properties import property_events
from ._sightings import Sighting, leases_asked, sightings
from ._soap import Call, localized_fault, session_cookie
from ._xml import child, children, name, text, whole_number

_EXPORTS = {"ExportVm", "ExportVApp", "ExportSnapshot"}
_POWER = {"PowerOnVM_Task": "on", "PowerOffVM_Task": "off"}
CHANGES = frozenset(
    {
        *("ReconfigVM_Task", "Destroy_Task", "RelocateVM_Task", "MigrateVM_Task", "UpgradeVM_Task"),
        *("CreateSnapshot_Task", "RemoveAllSnapshots_Task", "RevertToCurrentSnapshot_Task"),
        *("SuspendVM_Task", "ResetVM_Task"),
    }
)
"""Calls on a machine that change its state, besides those that switch it on and off (9.1)."""


def vsphere_events(call: Call) -> Iterator[Event]:
    """Yield what one call shows."""
    exchange, outcome, method = call.exchange, call.outcome, call.method
    session = _session(call)
    yield CallMade(exchange, method, call.this, call.this_type, session, outcome)
    yield from property_events(call)
    if method == "Login":
        given = exchange.response.header("Set-Cookie") if exchange.response else None
        cookies = frozenset(cookie for cookie in (session, session_cookie(given)) if cookie)
        granted = tuple(
            (name(member), (member.text or "").strip())
            for answer in children(call.response, "returnval")
            for member in answer
        )
        yield LoggedIn(exchange, call.argument("userName") or "", outcome, cookies, granted)
    elif method == "Logout":
        yield LoggedOut(exchange, outcome, session)
    elif method == "ImportVApp":
        lease = text(call.response, "returnval")
        if outcome.accepted and lease:
            yield ImportGranted(exchange, lease, call.this)
    elif method in _EXPORTS:
        yield _export(call)
    elif method in _POWER:
        task = text(call.response, "returnval")
        yield PowerAsked(exchange, call.this, _POWER[method], outcome, task)  # type: ignore[arg-type]
    elif method in CHANGES and call.this_type in ("VirtualMachine", "ManagedEntity"):
        yield ChangeAsked(exchange, call.this, method, outcome, text(call.response, "returnval"))
    elif method == "CancelTask":
        yield TaskCancelled(exchange, call.this, outcome)
    elif call.this_type == "HttpNfcLease" and method != "Fetch":
        yield from _on_lease(call)
    elif outcome.kind == "faulted":
        for lease in leases_asked(call):
            yield LeaseReadRefused(exchange, lease, outcome)
    else:
        for seen in sightings(call):
            yield from _seen(call, seen)


def _session(call: Call) -> str | None:
    sent = next((value for key, value in call.exchange.request.headers if key.lower() == "cookie"), None)
    return session_cookie(sent)


def _export(call: Call) -> Event:
    given = child(call.response, "returnval")
    lease = text(given)
    if call.outcome.accepted and given is not None and lease:
        return LeaseGranted(call.exchange, lease, call.this, call.this_type, given.get("type") or "")
    return ExportRefused(call.exchange, call.this, call.this_type, call.outcome)


def _on_lease(call: Call) -> Iterator[Event]:
    exchange, outcome, lease = call.exchange, call.outcome, call.this
    match call.method.removeprefix("HttpNfcLease"):
        case "Progress":
            yield ProgressSent(exchange, lease, whole_number(call.argument("percent")), outcome)
        case "Complete":
            yield EndSent(exchange, lease, "complete", outcome)
        case "Abort":
            yield EndSent(exchange, lease, "abort", outcome, given_fault(call.request))
        case "GetManifest":
            yield ManifestSeen(exchange, lease, read_manifest(call.response), outcome)
        case "SetManifestChecksumType":
            yield ChecksumTypeSet(exchange, lease, read_checksum_types(call.request), outcome)
        case _:
            pass


def _seen(call: Call, seen: Sighting) -> Iterator[Event]:
    values = seen.values
    if seen.type == "HttpNfcLease" and values:
        info_read, info = read_info(values)
        error = localized_fault(values.get("error"))
        yield LeaseSeen(
            call.exchange, seen.this, text(values.get("state")), info_read, info, "error" in values, error,
            read_others(values),
        )  # fmt: skip
    elif seen.type == "Task":
        task = read_task(values)
        if task is not None:
            yield TaskSeen(call.exchange, seen.this, *task)
    elif seen.type == "VirtualMachine":
        power, (disks, encrypted) = read_power(values), read_hardware(values)
        snapshots = read_snapshots(values)
        if (power, disks, snapshots) != (None, None, None):
            yield MachineSeen(call.exchange, seen.this, power, disks, encrypted, snapshots)
    if "recentTask" in values:
        yield RecentTasksRead(call.exchange, seen.this, read_tasks(values["recentTask"]))
