"""Mutants of the host's endpoint and of the streams it sends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from twohop.contracts.targets import FakeTarget
from twohop.fakes.nfc import _app, _stream
from twohop.fakes.world import World

from .mutant import killed_by

App = _app.NfcApp


def _requests(patch: pytest.MonkeyPatch, around: Callable[..., Any]) -> None:
    honest = App.__call__
    patch.setattr(App, "__call__", lambda self, environ, start: around(honest, self, environ, start))


def _sent(patch: pytest.MonkeyPatch, change: Callable[[Any, list[bytes]], list[bytes]]) -> None:
    honest = _app.send

    def changed(world: Any, lease: Any, file: Any) -> Iterator[bytes]:
        yield from change(file, list(honest(world, lease, file)))

    patch.setattr(_app, "send", changed)


@killed_by("NFC-001")
def endpoint_wants_a_cookie(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A host answers 401 to whoever has no cookie (6.1)."""

    def guarded(honest: Any, self: Any, environ: Any, start: Any) -> Any:
        return honest(self, environ, start) if environ.get("HTTP_COOKIE") else _app._answer(start, 401)

    _requests(patch, guarded)


@killed_by("NFC-002")
def any_ticket_opens(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A host looks at the file's name alone (6.1)."""

    def opened(self: Any, ticket: str, name: str) -> Any:
        held = ((lease, file) for lease in self._world.leases() for file in lease.files if lease.state.held)
        return next(((lease, file) for lease, file in held if file.name == name), None)

    patch.setattr(App, "_open", opened)


@killed_by("NFC-003")
def tickets_outlive_their_lease(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A ticket opens its files after complete, abort and timeout (3.10)."""
    patch.setattr(World, "withdraw", lambda self, lease: None)
    patch.setattr(_stream, "cut_if_ended", lambda world, lease: None)


@killed_by("NFC-003")
def dead_tickets_are_gone(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The ticket of an ended lease is answered 410, which no source has (3.10)."""

    def gone(honest: Any, self: Any, environ: Any, start: Any) -> Any:
        def begin(status: str, headers: Any) -> Any:
            return start("410 Gone" if status.startswith("404") else status, headers)

        return honest(self, environ, begin)

    _requests(patch, gone)


@killed_by("NFC-004")
def disks_as_octet_stream(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A disk comes as application/octet-stream (6.5)."""
    patch.setattr(_app, "DISK_TYPE", "application/octet-stream")


@killed_by("NFC-005")
def uploads_are_taken(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """PUT, POST and DELETE of an export's file are answered 200 (6.6)."""

    def polite(honest: Any, self: Any, environ: Any, start: Any) -> Any:
        return (
            honest(self, environ, start) if environ["REQUEST_METHOD"] in ("GET", "HEAD") else _app._answer(start, 200)
        )

    _requests(patch, polite)


@killed_by("NFC-006")
def length_of_the_disk(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """HEAD declares the capacity of the disk as the length of its stream (12 row 7)."""
    honest = _app.size_of
    patch.setattr(_app, "size_of", lambda file: file.disk.capacity if file.disk else honest(file))
    target.server.world.profile = target.profile.but(nfc_head="200")


@killed_by("STREAM-001")
def stream_truncated_but_ended_cleanly(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A disk loses its last KiB, and the answer ends as if it were whole (7.6)."""
    _sent(patch, lambda file, pieces: [*pieces[:-1], pieces[-1][:-1024]])


@killed_by("STREAM-002")
def header_of_version_1(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The header of a stream says version 1 (7.2)."""
    _sent(patch, lambda file, pieces: [pieces[0][:4] + b"\1\0\0\0" + pieces[0][8:], *pieces[1:]])


class _Changed:
    """A disk's content with something else in it."""

    def __init__(self, content: Any, capacity: int = 0, without: int = 0) -> None:
        self._content, self.capacity, self._without = content, content.capacity + capacity, without

    def grains(self) -> Iterator[Any]:
        yield from list(self._content.grains())[self._without :]


def _streams(patch: pytest.MonkeyPatch, change: Callable[[Any, int], Any]) -> None:
    honest = _stream.stream
    patch.setattr(_stream, "stream", lambda content, *, cid, **more: honest(change(content, cid), cid=cid, **more))


@killed_by("STREAM-003")
def capacity_rounded_up(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A stream says that its disk is larger than it is (4.2)."""
    _streams(patch, lambda content, cid: _Changed(content, capacity=1 << 20))


@killed_by("STREAM-004")
def empty_disks_are_nothing(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A disk without data is answered 200 without a byte (7.3)."""
    _sent(patch, lambda file, pieces: [] if file.disk and not file.disk.content.populated else pieces)


@killed_by("STREAM-005")
def grains_that_come_and_go(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """Now and then an export lacks a grain of its disk (7.5)."""
    _streams(patch, lambda content, cid: _Changed(content, without=cid >> 1 & 1))
