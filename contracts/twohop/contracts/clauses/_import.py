"""IMPORT: what a client can see of ImportVApp, its lease, and what a host takes in (vsphere 1.5, 4.4, 5, 6.5)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from twohop.contracts.history import (
    CallMade,
    DiskFetched,
    History,
    LeaseRecord,
    PowerAsked,
    Uploaded,
    came_to,
    surely_before,
)

from ._clause import Case, Clause, broken, kept

_PLACE = re.compile(r"/.+/(nvram|\w+Controller\d+:\d+)")
_FOOTER = b"KDMV"


def _keys(history: History) -> Iterator[Case]:
    for record in history.imports:
        for seen in record.seen:
            if seen.info is None or not seen.info.devices:
                continue
            keys = [device.import_key or "" for device in seen.info.devices]
            told = f"{record.name}, an import, has the importKeys {', '.join(keys)} in exchange {seen.id}"
            wrong = [key for key in keys if not _PLACE.fullmatch(key)]
            if wrong:
                yield broken(told, f"{wrong[0]!r} names no device of what is made", by=(seen.id,))
            elif len(set(keys)) < len(keys):
                yield broken(told, "one of them twice", by=(seen.id,))
            else:
                yield kept(told, by=(seen.id,))


def _whole_disks(history: History, record: LeaseRecord) -> Iterator[Uploaded]:
    """Yield uploads of bytes that are surely a whole disk, by the method that disks take (6.5, 7.2)."""
    for sent in record.uploads:
        device = record.device_of(sent)
        marked = sent.head is not None and sent.head.startswith(_FOOTER) and sent.tail is not None
        if device is not None and device.disk and sent.method == "POST" and marked:
            footer, end = (sent.tail or b"")[-1024:-512], (sent.tail or b"")[-512:]
            if footer.startswith(_FOOTER) and not end.strip(b"\0"):
                yield sent


def _taken(history: History) -> Iterator[Case]:
    for record in history.imports:
        for sent in _whole_disks(history, record):
            held = record.surely_held(sent.exchange)
            if held is None or sent.status in (None, 503):
                continue
            told = f"{record.name}, an import, was ready in exchange {held.id};"
            answer = f"a whole disk posted to {sent.file} in exchange {sent.id} was answered {sent.status}"
            yield (kept if sent.status in (200, 201) else broken)(told, answer, by=(held.id, sent.id))


def _manifest(history: History) -> Iterator[Case]:
    for record in history.imports:
        for manifest in record.manifests:
            if not manifest.outcome.accepted:
                continue
            by_key = {entry.key: entry for entry in manifest.entries}
            for sent in _whole_disks(history, record):
                device = record.device_of(sent)
                others = [other for other in record.uploads if other.file == sent.file]
                taken = sent.status in (200, 201) and surely_before(sent.exchange, manifest.exchange)
                if device is None or not taken or len(others) > 1:
                    continue
                entry = by_key.get(device.key)
                told = f"{sent.size} bytes were posted to {sent.file} in exchange {sent.id};"
                if entry is None:
                    yield broken(told, f"the manifest in {manifest.id} has no entry for it", by=(sent.id, manifest.id))
                    continue
                digests = {"sha1": sent.sha1, "sha256": sent.sha256}
                said = digests.get(entry.checksum_type or "sha1")
                given = entry.checksum if entry.checksum_type else entry.sha1
                fits = entry.size == sent.size and said is not None and (given or "").lower() == said
                answer = f"the manifest in exchange {manifest.id} says {entry.size} bytes, {given}"
                yield (kept if fits else broken)(told, answer, by=(sent.id, manifest.id))


def _entity(record: LeaseRecord) -> str | None:
    return next((seen.info.entity for seen in record.seen if seen.info is not None and seen.info.entity), None)


def _looks(history: History, record: LeaseRecord) -> Iterator[CallMade]:
    """Yield reads of what an import makes, after its end."""
    entity = _entity(record)
    for call in history.all(CallMade):
        if call.method == "Fetch" and call.this == entity and call.server == record.server:
            yield call


def _changed(history: History, record: LeaseRecord, moment: CallMade) -> bool:
    entity = _entity(record)
    return any(
        call.this == entity and call.method in ("Destroy_Task", "UnregisterVM") and call.id < moment.id
        for call in history.all(CallMade)
    )


def _aborted(history: History) -> Iterator[Case]:
    for record in history.imports:
        for end in record.ends:
            if end.how != "abort" or not end.outcome.accepted:
                continue
            for call in _looks(history, record):
                if call.outcome.kind == "unclear" or not surely_before(end.exchange, call.exchange):
                    continue
                told = f"{record.name}, an import, was aborted in exchange {end.id};"
                answer = f"a read of {call.this} in exchange {call.id} came to: {call.outcome}"
                gone = call.outcome.fault == "ManagedObjectNotFound"
                # Who is not logged in is told of nothing.
                if gone or call.outcome.accepted:
                    yield (kept if gone else broken)(told, answer, by=(end.id, call.id))


def _completed(history: History) -> Iterator[Case]:
    for record in history.imports:
        for end in record.ends:
            if end.how != "complete" or not end.outcome.accepted:
                continue
            for call in _looks(history, record):
                if not surely_before(end.exchange, call.exchange) or _changed(history, record, call):
                    continue
                told = f"{record.name}, an import, was completed in exchange {end.id};"
                answer = f"a read of {call.this} in exchange {call.id} came to: {call.outcome}"
                if call.outcome.fault == "ManagedObjectNotFound":
                    yield broken(told, answer, by=(end.id, call.id))
                elif call.outcome.accepted:
                    yield kept(told, answer, by=(end.id, call.id))


def _locked(history: History) -> Iterator[Case]:
    for record in history.imports:
        entity = _entity(record)
        for asked in history.all(PowerAsked):
            result = came_to(history.events, asked)
            held = record.surely_held(asked.exchange) if asked.vm == entity else None
            if held is None or result is None or asked.operation != "on":
                continue
            told = f"{asked.vm} was being imported by {record.name}, ready in exchange {held.id};"
            answer = f"power on in exchange {asked.id} came to: {result[0]}"
            if result[0] == "done":
                yield broken(told, answer, by=(held.id, asked.id, result[1]))
            elif result[0] in ("TaskInProgress", "InvalidState"):
                yield kept(told, answer, by=(held.id, asked.id, result[1]))


def _not_served(history: History) -> Iterator[Case]:
    for record in history.imports:
        for got in (event for event in record.fetches if isinstance(event, DiskFetched)):
            held = record.surely_held(got.exchange)
            if held is None or got.status is None:
                continue
            told = f"{record.name}, an import, was ready in exchange {held.id};"
            answer = f"GET of {got.file} in exchange {got.id} was answered {got.status} with {got.size or 0} bytes"
            yield (broken if got.status == 200 and got.size else kept)(told, answer, by=(held.id, got.id))


IMPORT_CLAUSES = (
    Clause(
        "IMPORT-001", "Each device URL of an import has an importKey of its own that names the device.",
        "vsphere 4.4, 4.3", "O", "vendor", "vcenter", _keys,
    ),
    Clause(
        "IMPORT-002", "A whole disk that is posted to its device URL of a ready import is answered 200 or 201.",
        "vsphere 6.5", "C", "vendor", "host", _taken,
    ),
    Clause(
        "IMPORT-003", "The manifest of an import has size and checksum of the disk that was posted.",
        "vsphere 5.2, 5.6", "C", "vendor", "vcenter", _manifest,
    ),
    Clause(
        "IMPORT-004", "Nothing of an import is there any more once it has been aborted.",
        "vsphere 1.5, 1.4", "V", "vendor", "vcenter", _aborted,
    ),
    Clause(
        "IMPORT-005", "What an import has made is there once it has been completed.",
        "vsphere 1.3, 4.1", "V", "vendor", "vcenter", _completed,
    ),
    Clause(
        "IMPORT-006", "A machine is not powered on while it is being imported.",
        "vsphere 9.1, 9.2", "V", "vendor", "vcenter", _locked,
    ),
    Clause(
        "IMPORT-007", "A device URL of an import gives nothing out.",
        "vsphere 6.6", "O", "vendor", "host", _not_served,
    ),
)  # fmt: skip
