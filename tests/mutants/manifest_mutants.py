"""Mutants of the manifest."""

from __future__ import annotations

import re
from typing import Any

import pytest

from twohop.contracts.targets import FakeTarget

from .mutant import answers, killed_by, method


def _manifests(patch: pytest.MonkeyPatch, pattern: str, by: Any) -> None:
    def change(name: str, text: str) -> str:
        return re.sub(pattern, by, text) if name == "HttpNfcLeaseGetManifest" else text

    answers(patch, change)


@killed_by("MANIFEST-001")
def manifest_by_file_names(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The keys of a manifest are names of files (5.1)."""
    _manifests(patch, r"<key>[^<]*</key>", "<key>disk-0.vmdk</key>")


@killed_by("MANIFEST-001")
def manifest_with_each_entry_twice(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A file that was sent once has two entries (5.5)."""
    method(patch, "HttpNfcLease", "HttpNfcLeaseGetManifest", lambda honest, call, lease: 2 * list(honest(call, lease)))


@killed_by("MANIFEST-002")
def manifest_of_all_files(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A manifest has an entry for every file of the lease, sent or not (5.5)."""

    def generous(honest: Any, call: Any, lease: Any) -> Any:
        for file in lease.files:
            file.sent = True
        return honest(call, lease)

    method(patch, "HttpNfcLease", "HttpNfcLeaseGetManifest", generous)


@killed_by("MANIFEST-002")
def manifest_of_nothing(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A manifest stays empty after the transfer (5.5)."""
    method(patch, "HttpNfcLease", "HttpNfcLeaseGetManifest", lambda honest, call, lease: honest(call, lease)[:0])


@killed_by("MANIFEST-003")
def manifest_with_the_capacity(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The size of an entry is the capacity of the disk (5.2)."""
    _manifests(patch, r"<size>\d+</size>(.*?<capacity>)(\d+)", r"<size>\2</size>\1\2")


@killed_by("MANIFEST-003")
def manifest_of_another_stream(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The checksum of an entry is that of other bytes (5.2)."""
    _manifests(patch, r"<(sha1|checksum)>[0-9a-f]{8}", r"<\1>00000000")


@killed_by("MANIFEST-004")
def checksums_of_an_unknown_type(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A manifest has sha512, which the API has not (5.3)."""
    _manifests(patch, r"<checksumType>\w+<", "<checksumType>sha512<")


@killed_by("MANIFEST-005")
def checksum_type_ignored(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """SetManifestChecksumType is accepted and changes nothing (5.4)."""
    method(patch, "HttpNfcLease", "HttpNfcLeaseSetManifestChecksumType", lambda honest, call, lease, **given: None)
