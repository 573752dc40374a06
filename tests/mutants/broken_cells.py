"""Cells with one rule broken each, and the clause that is there to kill it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from typing import Any

import pytest

from twohop.contracts.targets import FakeCellTarget
from twohop.exporter import _perform
from twohop.exporter.cell import _vcenter
from twohop.exporter.cell.api import _entities, _resources, _transfer
from twohop.exporter.cell.engine import _building, _exports, _ova, _session, _spool
from twohop.exporter.cell.engine._spool import Spool
from twohop.exporter.cell.engine._status import Status
from twohop.exporter.cell.engine._sweeper import Sweeper
from twohop.exporter.vsphere import _lease

Mutant = Callable[[pytest.MonkeyPatch, FakeCellTarget], None]
MUTANTS: dict[str, tuple[str, Mutant]] = {}


def killed_by(clause: str) -> Callable[[Mutant], Mutant]:
    """Declare a mutant; what is wrong with it is its docstring."""

    def declare(breaks: Mutant) -> Mutant:
        MUTANTS[breaks.__name__] = (clause, breaks)
        return breaks

    return declare


Given = list[tuple[str, str]]


def headers(patch: pytest.MonkeyPatch, change: Callable[[str, Given], tuple[str, Given]]) -> None:
    """Change status and headers of whatever a transfer URL answers."""
    honest = _transfer.TransferEndpoint.__call__

    def changed(self: Any, request: Any, start_response: Any) -> Any:
        return honest(self, request, lambda status, given: start_response(*change(status, given)))

    patch.setattr(_transfer.TransferEndpoint, "__call__", changed)


def bodies(patch: pytest.MonkeyPatch, pattern: bytes, by: Callable[[re.Match[bytes]], bytes]) -> None:
    """Change the XML of the API by a regular expression."""
    honest = _resources.document
    patch.setattr(_resources, "document", lambda root: re.sub(pattern, by, honest(root)))


@killed_by("LINK-001")
def links_before_the_last_byte(patch: pytest.MonkeyPatch, target: FakeCellTarget) -> None:
    """A session shows its links while its package is being built (3.3)."""

    def early(self: Any, task_id: str, entity: Any, switch: Any) -> None:
        with self._session(task_id, entity) as (transfer_id, _):
            self._transfers.apply(transfer_id, _session.SessionInput.BUILT)
            raise OSError(5, "and then it fails")

    patch.setattr(_exports.Exports, "_export", early)
    patch.setattr(Sweeper, "fail", lambda *_: None)


@killed_by("LINK-002")
def links_never_die(patch: pytest.MonkeyPatch, target: FakeCellTarget) -> None:
    """Silence does not end a link (3.17)."""
    patch.setattr(_session.TransferSession, "deadline", lambda self: None)


@killed_by("LINK-003")
def descriptor_lies_about_sizes(patch: pytest.MonkeyPatch, target: FakeCellTarget) -> None:
    """The descriptor gives each file a byte less than it has (3.9)."""
    honest = _building.documents

    def lie(*args: Any) -> dict[str, bytes]:
        shorter = lambda m: b'ovf:size="%d"' % (int(m[1]) - 1)  # noqa: E731
        return {name: re.sub(rb'ovf:size="(\d+)"', shorter, data) for name, data in honest(*args).items()}

    patch.setattr(_building, "documents", lie)


@killed_by("LINK-004")
def bytes_changed_on_the_share(patch: pytest.MonkeyPatch, target: FakeCellTarget) -> None:
    """One byte of each disk is another when the user reads it (3.25)."""
    honest = _transfer._Body.__iter__

    def changed(self: Any) -> Any:
        for piece in honest(self):
            yield bytes([piece[0] ^ 1, *piece[1:]]) if self._download.name.endswith(".vmdk") else piece

    patch.setattr(_transfer._Body, "__iter__", changed)


@killed_by("LINK-005")
def offers_what_runs(patch: pytest.MonkeyPatch, target: FakeCellTarget) -> None:
    """A vApp that is powered on offers its download (2.2)."""
    patch.setattr(Status, "downloadable", property(lambda self: True))


@killed_by("LINK-006")
def no_ova(patch: pytest.MonkeyPatch, target: FakeCellTarget) -> None:
    """A download has no OVAs (3.5)."""
    honest = _entities._downloads
    patch.setattr(_entities, "_downloads", lambda base, linked, kind, identity: honest(base, linked, None, identity))


@killed_by("LINK-007")
def identity_for_all(patch: pytest.MonkeyPatch, target: FakeCellTarget) -> None:
    """The portable descriptor has MAC addresses and BIOS UUIDs too (3.6)."""
    patch.setattr(_vcenter, "DESCRIBE", {"default": ("mac", "uuid"), "identity": ("mac", "uuid")})


@killed_by("CTASK-001")
def tasks_fall_back(patch: pytest.MonkeyPatch, target: FakeCellTarget) -> None:
    """A task that has succeeded is running again the next time somebody looks (2.13)."""
    honest, seen = _resources.task_body, set[str]()

    def back(bodies: Any, task: Any, entity: Any) -> Any:
        element = honest(bodies, task, entity)
        if task.value.state.ended:
            if task.id in seen:
                element.set("status", "running")
                seen.discard(task.id)
            else:
                seen.add(task.id)
        return element

    patch.setattr(_resources, "task_body", back)


@killed_by("CTASK-002")
def enabled_without_location(patch: pytest.MonkeyPatch, target: FakeCellTarget) -> None:
    """Enabling answers 200 (3.1)."""
    honest = _resources.Resources.on_enable

    def ok(self: Any, call: Any, kind: str, id: str) -> Any:
        answer = honest(self, call, kind, id)
        answer.status_code = 200
        return answer

    patch.setattr(_resources.Resources, "on_enable", ok)


@killed_by("CTASK-003")
def disabling_answers_200(patch: pytest.MonkeyPatch, target: FakeCellTarget) -> None:
    """Disabling answers 200 (3.15)."""
    honest = _resources.Resources.on_disable

    def ok(self: Any, call: Any, kind: str, id: str) -> Any:
        answer = honest(self, call, kind, id)
        answer.status_code = 200
        return answer

    patch.setattr(_resources.Resources, "on_disable", ok)


@killed_by("SESSION-001")
def the_reaper_never_comes(patch: pytest.MonkeyPatch, target: FakeCellTarget) -> None:
    """Nobody deletes the files of a dead session (3.19)."""
    patch.setattr(Sweeper, "round", lambda self: None)


@killed_by("TRANSFER-001")
def asks_for_a_session(patch: pytest.MonkeyPatch, target: FakeCellTarget) -> None:
    """A transfer URL asks who comes, though the profile says that it does not (3.10)."""
    headers(patch, lambda status, given: ("401 Unauthorized", given))


@killed_by("TRANSFER-002")
def api_headers_on_transfer(patch: pytest.MonkeyPatch, target: FakeCellTarget) -> None:
    """A transfer URL answers with a request id (1.10b)."""
    headers(patch, lambda status, given: (status, [*given, ("X-VMWARE-VCLOUD-REQUEST-ID", "1")]))


@killed_by("TRANSFER-003")
def ranges_said_off_by_one(patch: pytest.MonkeyPatch, target: FakeCellTarget) -> None:
    """Content-Range names a byte more than there is (3.11)."""

    def one_more(status: str, given: Given) -> tuple[str, Given]:
        longer = lambda m: f"-{int(m[1]) + 1}/"  # noqa: E731
        return status, [
            (key, re.sub(r"-(\d+)/", longer, value) if key == "Content-Range" else value) for key, value in given
        ]

    headers(patch, one_more)


@killed_by("CLOCK-001")
def links_die_early(patch: pytest.MonkeyPatch, target: FakeCellTarget) -> None:
    """A link dies after half its idle time (3.17)."""
    honest = _session.TransferSession.deadline

    def half(self: Any) -> float | None:
        due = honest(self)
        return None if due is None else due - self.url_expiry_s / 2

    patch.setattr(_session.TransferSession, "deadline", half)


@killed_by("CLOCK-002")
def downloads_are_cut(patch: pytest.MonkeyPatch, target: FakeCellTarget) -> None:
    """A download that takes longer than the idle time is cut (3.17)."""
    honest = _transfer._Body.__iter__

    def cut(self: Any) -> Any:
        began = target.clock.now()
        for piece in honest(self):
            if target.clock.now() - began > 3600:
                raise _transfer.Cut("too long")
            yield piece

    patch.setattr(_transfer._Body, "__iter__", cut)


@killed_by("CLEAN-001")
def disabling_leaves_the_files(patch: pytest.MonkeyPatch, target: FakeCellTarget) -> None:
    """A disabled download's files stay until the reaper comes, though the profile says at once (3.15)."""
    patch.setattr(Sweeper, "_take", lambda self, transfer_id, value: None)


@killed_by("CLEAN-002")
def orphans_stay(patch: pytest.MonkeyPatch, target: FakeCellTarget) -> None:
    """What a dead cell had begun to build is nobody's business (6.8)."""
    honest = Spool.look
    patch.setattr(Spool, "look", lambda self: _spool.Contents(honest(self).packages, (), ()))


@killed_by("CLEAN-003")
def machines_stay_locked(patch: pytest.MonkeyPatch, target: FakeCellTarget) -> None:
    """A machine stays locked when its export is over (3.26)."""
    patch.setattr(_lease.Grant, "complete", lambda self: setattr(self, "_ended", True))


@killed_by("LEASE-005")
def leases_end_twice(patch: pytest.MonkeyPatch, target: FakeCellTarget) -> None:
    """A lease is completed, and once more for good measure (1.3)."""
    honest = _lease.Grant.complete

    def twice(self: Any) -> None:
        honest(self)
        with contextlib.suppress(Exception):
            self.lease.HttpNfcLeaseComplete()

    patch.setattr(_lease.Grant, "complete", twice)


@killed_by("PATH-001")
def sends_the_user_to_the_host(patch: pytest.MonkeyPatch, target: FakeCellTarget) -> None:
    """The descriptor names files at the host, and not beside itself (3.7)."""
    honest = _building.documents

    def elsewhere(*args: Any) -> dict[str, bytes]:
        (host,) = target.vsphere.hosts.values()
        away = f'ovf:href="{host.url}/nfc/1/'.encode()
        return {name: data.replace(b'ovf:href="', away) for name, data in honest(*args).items()}

    patch.setattr(_building, "documents", elsewhere)


@killed_by("PATH-002")
def fetches_twice(patch: pytest.MonkeyPatch, target: FakeCellTarget) -> None:
    """The cell gets each file twice, once for nothing (3.25)."""
    honest = _perform.fetch_into

    def twice(entry: Any, sink: Any, line: Any, **options: Any) -> Any:
        honest(entry, _Nowhere(), line)
        return honest(entry, sink, line, **options)

    patch.setattr(_perform, "fetch_into", twice)


class _Nowhere:
    """Takes what is written and keeps nothing."""

    def write(self, data: bytes) -> None: ...


@killed_by("LINK-008")
def media_lie_about_their_size(patch: pytest.MonkeyPatch, target: FakeCellTarget) -> None:
    """A medium's file is a byte shorter than the medium says (3.16)."""
    bodies(patch, rb'(<File [^>]*size=")(\d+)"', lambda m: m[1] + str(int(m[2]) + 1).encode() + b'"')


@killed_by("PATH-003")
def leases_each_machine_twice(patch: pytest.MonkeyPatch, target: FakeCellTarget) -> None:
    """The cell exports each machine, throws that away and exports it again (3.25)."""
    honest = _vcenter.VCenterSource.pull

    def twice(self: Any, vm: str, directory: Any, **options: Any) -> Any:
        honest(self, vm, directory, **options)
        for path in directory.iterdir():
            path.unlink()
        return honest(self, vm, directory, **options)

    patch.setattr(_vcenter.VCenterSource, "pull", twice)


@killed_by("LINK-009")
def disabled_links_live_on(patch: pytest.MonkeyPatch, target: FakeCellTarget) -> None:
    """Disabling answers as it should and ends nothing (3.15)."""
    patch.setattr(Sweeper, "disable", lambda *_: None)


@killed_by("LINK-010")
def an_archive_of_other_bytes(patch: pytest.MonkeyPatch, target: FakeCellTarget) -> None:
    """One byte in the middle of an OVA's disk is not that of the disk (3.5)."""
    honest = _ova.Archive.read

    def changed(self: Any, size: int) -> bytes | None:
        data = honest(self, size)
        return bytes([data[0] ^ 1, *data[1:]]) if data and data.startswith(b"KDMV") else data

    patch.setattr(_ova.Archive, "read", changed)


@killed_by("TRANSFER-003")
def resumes_from_the_front(patch: pytest.MonkeyPatch, target: FakeCellTarget) -> None:
    """A range has the right length and is said right, and its bytes are the first of the file (3.11)."""
    honest = _transfer._Body.__init__

    def from_the_front(self: Any, download: Any, first: int, beyond: int, complain: Any) -> None:
        honest(self, download, 0, beyond - first, complain)

    patch.setattr(_transfer._Body, "__init__", from_the_front)
