"""Mutants of device URLs, made in the text of the answers."""

from __future__ import annotations

import re
import uuid

import pytest

from twohop.contracts.targets import FakeTarget

from .mutant import UUID, answers, killed_by, rewritten

WRONG_PRINT = ":".join(["00"] * 20)
ENTRY = r"<deviceUrl><key>.*?</deviceUrl>"


@killed_by("URL-001")
def wrong_thumbprint_advertised(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The device URLs name the thumbprint of another certificate (4.7)."""
    rewritten(patch, r"<sslThumbprint>[^<]+<", f"<sslThumbprint>{WRONG_PRINT}<")


@killed_by("URL-002")
def keys_as_a_simulator_has_them(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """Keys name no machine and no controller (4.3, 11)."""
    rewritten(patch, r"<key>/[^/<]+/\w+?Controller(\d+:\d+)</key>", r"<key>disk-\1</key>")


@killed_by("URL-003")
def urls_change_with_every_read(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """Each read of info shows other tickets (4.3)."""

    def change(method: str, text: str) -> str:
        return re.sub(rf"(/(?:ha-)?nfc/){UUID}", rf"\g<1>{uuid.uuid4()}", text)

    answers(patch, change)


@killed_by("URL-004")
def tickets_anybody_can_guess(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A ticket is a number (4.5, 6.1)."""
    rewritten(patch, rf"(/(?:ha-)?nfc/){UUID}", r"\g<1>7")


@killed_by("URL-004")
def urls_without_encryption(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A device URL is plain http (4.5)."""
    rewritten(patch, r"<url>https:", "<url>http:")


@killed_by("URL-005")
def thumbprints_in_lower_case(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A thumbprint is lower-case hex without colons (4.7)."""
    rewritten(
        patch,
        r"<sslThumbprint>([^<]+)<",
        lambda found: f"<sslThumbprint>{found[1].lower().replace(':', '')}<",
    )


@killed_by("URL-006")
def import_keys_left_out(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """importKey, which is mandatory, is not there (4.4)."""
    rewritten(patch, r"<importKey></importKey>", "")


@killed_by("URL-007")
def disks_with_a_file_size(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """fileSize is set for disks (4.11)."""
    rewritten(patch, r"(<disk>true</disk>.*?)</deviceUrl>", r"\1<fileSize>65536</fileSize></deviceUrl>")


@killed_by("URL-008")
def disks_without_a_target(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The targetId of a disk is unset (4.9)."""
    rewritten(patch, r"<targetId>[^<]*</targetId>", "")


@killed_by("URL-009")
def disks_named_after_their_files(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A disk's URL ends with its name on the datastore (4.6, 11)."""
    rewritten(patch, r"disk-(\d+)\.vmdk", r"VM_\1.vmdk")


@killed_by("URL-009")
def disks_counted_from_one(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The first file of a lease has number 1 (4.6)."""
    rewritten(patch, r"disk-(\d+)\.vmdk", lambda found: f"disk-{int(found[1]) + 1}.vmdk")


@killed_by("URL-010")
def capacity_in_bytes(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """totalDiskCapacityInKB counts bytes (4.2)."""
    rewritten(
        patch,
        r"<totalDiskCapacityInKB>(\d+)<",
        lambda found: f"<totalDiskCapacityInKB>{int(found[1]) << 10}<",
    )


@killed_by("URL-011")
def a_disk_left_out(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """Of several disks the last one is not exported (4.3)."""
    rewritten(patch, rf"({ENTRY}){ENTRY}(?!<deviceUrl>)", r"\1")


@killed_by("URL-011")
def units_counted_from_one(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The key of a disk names the unit after its own (4.3)."""
    rewritten(
        patch, r"(<key>/[^/<]+/\w+?Controller\d+:)(\d+)</key>", lambda found: f"{found[1]}{int(found[2]) + 1}</key>"
    )


@killed_by("URL-012")
def a_ticket_for_each_file(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """Two files of one lease on one host have tickets of their own (4.5)."""
    rewritten(patch, rf"(<url>[^<]*/){UUID}(/disk-1\.vmdk)", r"\g<1>52dead00-0000-4000-8000-000000000001\g<2>")


@killed_by("URL-013")
def one_ticket_for_all_leases(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """Every lease has the same ticket (6.1)."""
    rewritten(patch, rf"(/(?:ha-)?nfc/){UUID}", r"\g<1>52dead00-0000-4000-8000-000000000001")
