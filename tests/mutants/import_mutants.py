"""Mutants of imports."""

from __future__ import annotations

from typing import Any

import pytest

from twohop.contracts.targets import FakeTarget
from twohop.fakes.nfc import NfcApp
from twohop.fakes.world import ImportLease, _leasing, discard

from .mutant import killed_by, method, rewritten


@killed_by("IMPORT-001")
def imports_without_keys(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The device URLs of an import have an empty importKey, as those of an export (4.4)."""
    rewritten(patch, r"<importKey>[^<]*</importKey>", "<importKey></importKey>")


@killed_by("IMPORT-001")
def imports_with_one_key(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """All device URLs of an import have one importKey (4.4)."""
    rewritten(patch, r"<importKey>/[^<]*</importKey>", "<importKey>/new/nvram</importKey>")


@killed_by("IMPORT-002")
def uploads_not_served(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A host answers every POST with 405 (6.5)."""

    def refuse(self: Any, environ: Any, start: Any, ticket: str, name: str) -> list[bytes]:
        start("405 Method Not Allowed", [("Content-Length", "0")])
        return [b""]

    patch.setattr(NfcApp, "_receive", refuse)


def _of_imports(patch: pytest.MonkeyPatch, change: Any) -> None:
    def around(honest: Any, call: Any, lease: Any) -> Any:
        found = honest(call, lease)
        return change(found) if isinstance(lease, ImportLease) else found

    method(patch, "HttpNfcLease", "HttpNfcLeaseGetManifest", around)


@killed_by("IMPORT-003")
def imports_without_a_manifest(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The manifest of an import stays empty (5.6)."""
    _of_imports(patch, lambda found: found[:0])


@killed_by("IMPORT-003")
def imports_with_wrong_digests(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The manifest of an import has the digest of nothing (5.2)."""

    def spoil(found: Any) -> Any:
        for entry in found:
            entry.sha1 = entry.checksum = "0" * 40
        return found

    _of_imports(patch, spoil)


@killed_by("IMPORT-004")
def aborted_imports_stay(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """What an aborted import has made stays where it is (1.5)."""
    patch.setattr(_leasing, "discard", lambda tx, entity: None)


@killed_by("IMPORT-005")
def completed_imports_vanish(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """What a completed import has made is taken away (1.3)."""

    def around(honest: Any, call: Any, lease: Any) -> Any:
        honest(call, lease)
        if isinstance(lease, ImportLease):
            with call.world.change() as tx:
                discard(tx, lease.created)

    method(patch, "HttpNfcLease", "HttpNfcLeaseComplete", around)


@killed_by("IMPORT-006")
def imports_that_lock_nothing(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A machine may be powered on while it is being imported (9.1)."""
    patch.setattr(ImportLease, "held", property(lambda self: ()))


@killed_by("IMPORT-007")
def imports_that_give_out(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A host serves GET of an import's device URL as if it were an export's (6.6)."""
    from twohop.fakes.nfc import _app

    class Nothing:
        pass

    honest = NfcApp._receive

    def receive(self: Any, *given: Any) -> Any:
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(_app, "ImportLease", ImportLease)
            return honest(self, *given)

    patch.setattr(_app, "ImportLease", Nothing)
    patch.setattr(NfcApp, "_receive", receive)
