"""MANIFEST: what a lease says of the streams it has sent (vsphere 5)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from twohop.contracts.history import (
    DiskFetched,
    History,
    LeaseRecord,
    ManifestEntry,
    ManifestSeen,
    maybe_before,
    surely_before,
)

from ._clause import Case, Clause, broken, kept

_DIGITS = {"sha1": 40, "sha256": 64}


def _manifests(history: History) -> Iterator[tuple[LeaseRecord, ManifestSeen]]:
    for record in history.leases:
        for manifest in record.manifests:
            if manifest.outcome.accepted and record.info is not None and record.info.devices:
                yield record, manifest


def _fetches(record: LeaseRecord, key: str) -> list[DiskFetched]:
    return [f for f in record.fetches if (device := record.device_of(f)) is not None and device.key == key]


def _often(record: LeaseRecord, manifest: ManifestSeen, key: str) -> int:
    """Tell how often a file can have been sent whole: of one that was fetched twice nobody knows the entries (5.5)."""
    return sum(f.status == 200 and maybe_before(f.exchange, manifest.exchange) for f in _fetches(record, key))


def _keys(history: History) -> Iterator[Case]:
    for record, manifest in _manifests(history):
        assert record.info is not None
        known = {device.key for device in record.info.devices}
        keys = [entry.key for entry in manifest.entries]
        told = f"the manifest of {record.name} in exchange {manifest.id} has the keys {', '.join(keys) or 'none'}"
        if set(keys) - known:
            yield broken(told, f"the lease has {', '.join(sorted(known))}", by=(manifest.id,))
        elif any(_often(record, manifest, key) < keys.count(key) for key in known if keys.count(key) > 1):
            yield broken(told, "one of them more often than it was sent", by=(manifest.id,))
        elif keys:
            yield kept(told, by=(manifest.id,))


def _sent(history: History) -> Iterator[Case]:
    for record, manifest in _manifests(history):
        assert record.info is not None
        entries = {entry.key for entry in manifest.entries}
        begun = any(f.answered and surely_before(f.exchange, manifest.exchange) for f in record.fetches)
        for device in record.info.devices:
            fetches = _fetches(record, device.key)
            whole = [f for f in fetches if f.answered and f.size and surely_before(f.exchange, manifest.exchange)]
            told = f"the manifest of {record.name} in exchange {manifest.id} has"
            if whole and device.disk:
                case = kept if device.key in entries else broken
                what = "an entry" if device.key in entries else "no entry"
                yield case(told, f"{what} for {device.key}, sent in {whole[-1].id}", by=(whole[-1].id, manifest.id))
            elif (
                begun
                and device.key in entries
                and not any(maybe_before(f.exchange, manifest.exchange) for f in fetches)
            ):
                # What there is before the first transfer, nobody knows (5.5).
                yield broken(told, f"an entry for {device.key}, which nobody has asked for", by=(manifest.id,))


def _figures(history: History) -> Iterator[Case]:
    for record, manifest in _manifests(history):
        for entry in manifest.entries:
            whole = [f for f in _fetches(record, entry.key) if f.answered and f.sha256 is not None]
            before = [f for f in whole if surely_before(f.exchange, manifest.exchange) and f.size]
            if not before or any(not surely_before(f.exchange, manifest.exchange) for f in whole if f.id < manifest.id):
                continue
            told = f"the manifest of {record.name} in exchange {manifest.id} says of {entry.key}: {entry.size} bytes"
            # Of a file that was fetched twice nobody knows which stream is meant (5.5).
            fits = next((f for f in before if _fits(entry, f)), None)
            nearest = fits or before[-1]
            answer = f"{nearest.size} came in exchange {nearest.id}, SHA-256 {str(nearest.sha256)[:16]}"
            yield (kept if fits else broken)(told, answer, by=(nearest.id, manifest.id))


def _fits(entry: ManifestEntry, fetch: DiskFetched) -> bool:
    digests = {"sha1": fetch.sha1, "sha256": fetch.sha256}
    said = digests.get(entry.checksum_type or "")
    checksum = entry.checksum is None or said is None or entry.checksum.lower() == said
    # Which digest stands in sha1 when another one was chosen, nobody knows (5.5).
    sha1 = entry.checksum_type not in (None, "sha1") or fetch.sha1 is None or entry.sha1.lower() == fetch.sha1
    return entry.size == fetch.size and checksum and sha1


def _forms(history: History) -> Iterator[Case]:
    for record, manifest in _manifests(history):
        for entry in manifest.entries:
            told = f"{record.name} gives {entry.key} in exchange {manifest.id} a {entry.checksum_type or 'sha1'}"
            digits = _DIGITS.get(entry.checksum_type or "sha1")
            value = entry.sha1 if entry.checksum_type is None else entry.checksum
            if digits is None:
                yield broken(told, f"the API has {', '.join(_DIGITS)}", by=(manifest.id,))
            elif not re.fullmatch(rf"[0-9a-fA-F]{{{digits}}}", value or ""):
                yield broken(told, f"of {len(value or '')} characters: {value}", by=(manifest.id,))
            else:
                yield kept(told, f"of {digits} hex digits", by=(manifest.id,))


def _chosen(history: History) -> Iterator[Case]:
    for record, manifest in _manifests(history):
        for entry in manifest.entries:
            asked = [c for c in record.checksum_types if dict(c.types).get(entry.key) and c.outcome.kind != "faulted"]
            fetches = _fetches(record, entry.key)
            early = [c for c in asked if all(surely_before(c.exchange, f.exchange) for f in fetches)]
            if len(asked) != 1 or not early or not early[0].outcome.accepted or entry.checksum_type is None:
                continue
            wanted = dict(early[0].types)[entry.key]
            told = f"{wanted} was chosen for {entry.key} in exchange {early[0].id}, before any transfer;"
            answer = f"the manifest in exchange {manifest.id} has {entry.checksum_type}"
            yield (kept if entry.checksum_type == wanted else broken)(told, answer, by=(early[0].id, manifest.id))


MANIFEST_CLAUSES = (
    Clause(
        "MANIFEST-001", "The keys of a manifest are keys of device URLs, none more often than its file was sent.",
        "vsphere 5.1, 5.5", "V", "vendor", "vcenter", _keys,
    ),
    Clause(
        "MANIFEST-002", "A manifest has an entry for every disk that was sent whole, and for no file nobody asked for.",
        "vsphere 5.5", "O", "vendor", "vcenter", _sent,
    ),
    Clause(
        "MANIFEST-003", "Size and checksum of an entry are those of the stream as it was sent.",
        "vsphere 5.2", "V", "vendor", "vcenter", _figures,
    ),
    Clause(
        "MANIFEST-004", "A checksum is a sha1 or a sha256, in hex.",
        "vsphere 5.3", "V", "vendor", "vcenter", _forms,
    ),
    Clause(
        "MANIFEST-005", "A checksum type that was set before any transfer is the one in the manifest.",
        "vsphere 5.4", "F", "vendor", "vcenter", _chosen,
    ),
)  # fmt: skip
