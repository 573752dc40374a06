"""FAULT: the form of faults, and which call may be refused with which (vsphere 2)."""

from __future__ import annotations

from collections.abc import Iterator

from twohop.contracts.history import (
    CallMade,
    ExportRefused,
    History,
    LeaseGranted,
    MachineSeen,
    PropertiesRead,
    power_at,
    surely_before,
    without_session,
)

from ._clause import Case, Clause, broken, kept

_MANDATORY = {
    "TaskInProgress": "task",
    "ManagedObjectNotFound": "obj",
    "FileFault": "file",
    "FileNotFound": "file",
    "FileLocked": "file",
    "CannotAccessFile": "file",
    "InvalidPowerState": "existingState",
    "InvalidProperty": "name",
}
_POWER = ("poweredOff", "poweredOn", "suspended")
_ENDS = frozenset({"Timedout", "InvalidState"})
_EXPORT = frozenset({"InvalidPowerState", "TaskInProgress", "InvalidState"})
_FILES = frozenset({"FileFault", "FileNotFound", "FileLocked", "CannotAccessFile"})
_DECLARED = {
    "HttpNfcLeaseGetManifest": _ENDS,
    "HttpNfcLeaseSetManifestChecksumType": _ENDS,
    "HttpNfcLeaseComplete": _ENDS,
    "HttpNfcLeaseAbort": _ENDS,
    # Progress declares Timedout alone; what it says after complete or abort nobody knows (2.5).
    "HttpNfcLeaseProgress": _ENDS,
    "ExportVm": _EXPORT | _FILES,
    "ExportVApp": _EXPORT | _FILES,
    "ExportSnapshot": frozenset({"TaskInProgress", "InvalidState"}) | _FILES,
}
_ANY_CALL = frozenset(
    {
        *("NotAuthenticated", "NoPermission", "ManagedObjectNotFound", "InvalidArgument", "NotSupported"),
        *("RequestCanceled", "InvalidRequest", "InvalidType", "MethodNotFound", "NotEnoughLicenses", "SystemError"),
        *("RestrictedVersion", "RestrictedByAdministrator", "HostCommunication", "HostNotConnected", "MethodDisabled"),
        *("HostNotReachable", "UnexpectedFault", "SecurityError", "LicenseRestricted", "ClientFault"),
    }
)
"""Runtime faults, which any call may give; RestrictedVersion is one (2.19)."""
_RUNNING = frozenset({"InvalidPowerState", "InvalidState", "TaskInProgress"})
_GUARDED = frozenset({*_DECLARED, "PowerOnVM_Task", "PowerOffVM_Task", "Destroy_Task", "ReconfigVM_Task"})


def _form(history: History) -> Iterator[Case]:
    for call in history.all(CallMade):
        seen = call.outcome.seen
        if seen is None:
            continue
        held = ", ".join(f'{name} xsi:type="{kind}"' for name, kind in seen.elements) or "nothing"
        told = f"the fault of {call.method} in exchange {call.id}: status {seen.status}, {seen.code}, detail: {held}"
        typed = len(seen.elements) == 1 and seen.elements[0][0].endswith("Fault") and seen.elements[0][1] is not None
        good = seen.status == 500 and (typed or (seen.code == "ClientFaultCode" and not seen.elements))
        yield (kept if good else broken)(told, by=(call.id,))


def _filled(history: History) -> Iterator[Case]:
    for call in history.all(CallMade):
        seen, member = call.outcome.seen, _MANDATORY.get(call.outcome.fault or "")
        if seen is None or member is None:
            continue
        value = seen.member(member)
        told = f"{call.method} in exchange {call.id} was refused with {call.outcome.fault}, {member}: {value!r}"
        yield (kept if value else broken)(told, by=(call.id,))


def _power_states(history: History) -> Iterator[Case]:
    for call in history.all(CallMade):
        seen = call.outcome.seen
        if seen is None or call.outcome.fault != "InvalidPowerState":
            continue
        existing, requested = seen.member("existingState"), seen.member("requestedState")
        told = f"{call.method} on {call.this} in exchange {call.id}: existing {existing}, requested {requested};"
        known = power_at(history.events, call.server, call.this, call.exchange)
        if existing not in _POWER or (requested is not None and requested not in _POWER):
            yield broken(told, f"states are {', '.join(_POWER)}", by=(call.id,))
        elif existing == requested:
            yield broken(told, "what is requested is there already", by=(call.id,))
        elif known is not None and known[0] != existing:
            yield broken(told, f"exchange {known[1]} shows it {known[0]}", by=(known[1], call.id))
        else:
            yield kept(told, "they differ", by=(call.id,))


def _running(history: History) -> Iterator[Case]:
    for asked in _exports(history):
        if asked.entity_type != "VirtualMachine":
            continue
        known = power_at(history.events, asked.server, asked.entity, asked.exchange)
        if known is None or known[0] != "poweredOn":
            continue
        told = f"{asked.entity} was on by exchange {known[1]};"
        if isinstance(asked, LeaseGranted):
            yield broken(told, f"ExportVm in exchange {asked.id} gave a lease", by=(known[1], asked.id))
        elif asked.outcome.fault in _RUNNING:
            yield kept(told, f"ExportVm in exchange {asked.id}: {asked.outcome}", by=(known[1], asked.id))


def _exports(history: History) -> Iterator[LeaseGranted | ExportRefused]:
    for event in history.events:
        if isinstance(event, LeaseGranted | ExportRefused):
            yield event


def _declared(history: History) -> Iterator[Case]:
    for call in history.all(CallMade):
        declared = _DECLARED.get(call.method)
        if declared is None or call.outcome.kind != "faulted":
            continue
        told = f"{call.method} in exchange {call.id} was refused with {call.outcome}"
        if call.outcome.fault in declared | _ANY_CALL:
            yield kept(told, by=(call.id,))
        else:
            yield broken(told, f"it declares {', '.join(sorted(declared))}", by=(call.id,))


def _early_progress(history: History) -> Iterator[Case]:
    for record in history.leases:
        for sent in record.progress:
            later = (s for s in record.seen if s.state == "initializing" and surely_before(sent.exchange, s.exchange))
            still = next(later, None)
            if still is None or sent.outcome.fault == "NotAuthenticated" or sent.outcome.kind == "unclear":
                continue
            told = f"{record.name} was initializing up to exchange {still.id};"
            answer = f"Progress({sent.percent}) in exchange {sent.id}: {sent.outcome}"
            yield (kept if sent.outcome.accepted else broken)(told, answer, by=(sent.id, still.id))


def _any_progress(history: History) -> Iterator[Case]:
    for record in history.leases:
        for sent in record.progress:
            held = record.surely_held(sent.exchange)
            if held is None or sent.percent is None or not 0 <= sent.percent <= 100:
                continue
            told = f"{record.name} was ready in exchange {held.id};"
            answer = f"Progress({sent.percent}) in exchange {sent.id}: {sent.outcome}"
            if sent.outcome.accepted:
                yield kept(told, answer, by=(held.id, sent.id))
            elif sent.outcome.fault not in ("Timedout", "NotAuthenticated", "NoPermission", None):
                # Timedout it may be where no data has been seen to move (2.4, 3.6).
                yield broken(told, answer, by=(held.id, sent.id))


def _strangers(history: History) -> Iterator[Case]:
    for call in history.all(CallMade):
        if call.method not in _GUARDED or call.outcome.kind == "unclear":
            continue
        shown = without_session(call, history.events)
        if shown is None:
            continue
        told = f"{call.method} in exchange {call.id} came without a session: {call.outcome}"
        yield (kept if call.outcome.fault == "NotAuthenticated" else broken)(told, by=shown)


def _encrypted(history: History) -> Iterator[Case]:
    sealed = {(seen.server, seen.vm): seen.id for seen in history.all(MachineSeen) if seen.encrypted}
    for asked in _exports(history):
        shown = sealed.get((asked.server, asked.entity))
        if shown is None or asked.entity_type != "VirtualMachine":
            continue
        told = f"{asked.entity} is encrypted, exchange {shown};"
        if isinstance(asked, LeaseGranted):
            yield broken(told, f"ExportVm in exchange {asked.id} gave a lease", by=(shown, asked.id))
        elif asked.outcome.fault == "NotSupported":
            yield kept(told, f"ExportVm in exchange {asked.id}: NotSupported", by=(shown, asked.id))


def _running_snapshot(history: History) -> Iterator[Case]:
    owner = {name: (seen.server, seen.vm) for seen in history.all(MachineSeen) for name in seen.snapshots or ()}
    for asked in _exports(history):
        if asked.entity_type != "VirtualMachineSnapshot" or asked.entity not in owner:
            continue
        server, vm = owner[asked.entity]
        known = power_at(history.events, server, vm, asked.exchange)
        if known is None or known[0] != "poweredOn":
            continue
        told = f"{vm}, whose snapshot {asked.entity} is, was on by exchange {known[1]};"
        if isinstance(asked, LeaseGranted):
            yield kept(told, f"ExportSnapshot in exchange {asked.id} gave a lease", by=(known[1], asked.id))
        elif asked.outcome.fault == "InvalidPowerState":
            yield broken(told, f"ExportSnapshot in exchange {asked.id}: InvalidPowerState", by=(known[1], asked.id))


def _own_response(history: History) -> Iterator[Case]:
    for call in history.all(CallMade):
        answered = call.outcome.answered
        if answered is not None:
            told = f"{call.method} in exchange {call.id} was answered with {answered}"
            yield (kept if answered == f"{call.method}Response" else broken)(told, by=(call.id,))


def _readers(history: History) -> Iterator[Case]:
    calls = {call.id: call for call in history.all(CallMade)}
    for export in (call for call in calls.values() if call.method == "ExportVm"):
        if export.session is None or export.outcome.kind == "unclear":
            continue
        roles = [
            (read, [item.text for item in value.items])
            for read in history.all(PropertiesRead)
            if calls[read.id].session == export.session and surely_before(read.exchange, export.exchange)
            for seen in read.objects if seen.this == export.this
            for value in seen.values if value.path == "effectiveRole"
        ]  # fmt: skip
        if not roles or roles[-1][1] != [_READ_ONLY]:
            continue
        read = roles[-1][0]
        told = f"exchange {read.id} shows that {export.this} may be read and no more;"
        answer = f"its export by the same session in exchange {export.id}: {export.outcome}"
        if export.outcome.fault in (None, "NoPermission"):
            good = export.outcome.fault == "NoPermission"
            yield (kept if good else broken)(told, answer, by=(read.id, export.id))


_READ_ONLY = "-2"
"""The id of the system role of those who may only read."""

FAULT_CLAUSES = (
    Clause(
        "FAULT-001", "A fault comes with status 500, its detail one element whose xsi:type says what it is.",
        "vsphere 2.12", "R", "vendor", "vcenter", _form,
    ),
    Clause(
        "FAULT-002", "The mandatory member of a fault is filled in: task, obj, file, existingState, name.",
        "vsphere 2.15, 2.13", "V", "vendor", "vcenter", _filled,
    ),
    Clause(
        "FAULT-003", "InvalidPowerState says the state there is, and another one that is wanted.",
        "vsphere 2.13", "O", "vendor", "vcenter", _power_states,
    ),
    Clause(
        "FAULT-004", "ExportVm of a running machine is refused.",
        "vsphere 2.11, 2.17", "V", "vendor", "vcenter", _running,
    ),
    Clause(
        "FAULT-005", "Calls on a lease, and exports, are refused with faults that they declare or that any call gives.",
        "vsphere 2, 2.5, 2.11, 2.19", "V", "vendor", "vcenter", _declared,
    ),
    Clause(
        "FAULT-006", "Progress is taken while the lease is initializing.",
        "vsphere 2.8", "C", "vendor", "vcenter", _early_progress,
    ),
    Clause(
        "FAULT-007", "Progress of a ready lease takes any percentage: 0, the same again, and 100 before complete.",
        "vsphere 2.7, 2.8a", "C", "vendor", "vcenter", _any_progress,
    ),
    Clause(
        "FAULT-008", "Who has no session, or has left it, is refused with NotAuthenticated.",
        "vsphere 2.14, 10.10", "V", "vendor", "vcenter", _strangers,
    ),
    Clause(
        "FAULT-009", "ExportVm of an encrypted machine is refused with NotSupported.",
        "vsphere 2.18", "F", "vendor", "vcenter", _encrypted,
    ),
    Clause(
        "FAULT-010", "ExportSnapshot is legal while the machine runs.",
        "vsphere 2.11", "V", "vendor", "vcenter", _running_snapshot,
    ),
    Clause(
        "FAULT-011", "A call that is not refused is answered with the response of its own method, not of another.",
        "vsphere 10.9, 12 row 21", "C", "vendor", "vcenter", _own_response,
    ),
    Clause(
        "FAULT-012", "Who may only read a machine is refused its export with NoPermission.",
        "vsphere 2.11", "V", "vendor", "vcenter", _readers,
    ),
)  # fmt: skip
