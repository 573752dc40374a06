"""One device URL to verified bytes on disk (6.1 to 6.11, 7.6)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from urllib3.response import BaseHTTPResponse

from twohop.runtime import Clock
from twohop.runtime.observing import ObservedBody, Observer

from .._cancellation import Cancellation
from .._errors import ExportError, HostRefused, ShortStream, Whose
from ..package._vmdk import StreamChecker, StreamFault
from ..vsphere._files import DeviceFile
from ._connection import HTTP_ERRORS, SILENCE, OnBytes, Peer, connection_error, pool_for, was_reset
from ._report import Report
from ._sink import Sink

PIECE = 1 << 18
"""Bytes in hand at once: what stays in a core's cache between socket, digest and file costs a fifth less than 1 MiB."""
REFUSAL = 1 << 16
"""Bytes that are read of an answer that is not 200."""
Framing = Literal["length", "chunked", "close", "none"]


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that is whole and safe on disk.

    `size` in bytes, `sha256` in hex, `host` it came from, `seconds` of real time it took, `framing` of the answer, and
    `at`, the moment on the clock given (else 0); `writing` are the seconds of it that went into the file.
    """

    size: int
    sha256: str
    host: str
    seconds: float
    framing: Framing
    at: float = 0.0
    writing: float = 0.0


def fetch(
    entry: DeviceFile,
    path: Path,
    *,
    observer: Observer | None = None,
    clock: Clock | None = None,
    on_bytes: OnBytes | None = None,
    cancelled: Cancellation | None = None,
    ca_file: Path | None = None,
    insecure: bool = False,
    silence: float = SILENCE,
    headers: Mapping[str, str] | None = None,
    whose: Whose = "host",
) -> Fetched:
    """GET the entry's URL into the new file `path` and return once it is whole, checked and safe on disk.

    The host is judged by the entry's thumbprint, else by `ca_file`, else by the system's authorities. Only https, only
    status 200, no redirect, no second try; no cookie of vCenter's, since the ticket suffices (6.1). A stream is whole
    when its framing, its declared size and, for disks, the stream itself say so. On any other end no file is left.

    Raises HostUnreachable, WrongThumbprint, Untrusted, HostRefused, ShortStream, TargetFull, TargetRefused,
    AlreadyThere, BadAddress, and the reason of `cancelled`. `whose` names the server in them; `silence` is the longest
    wait between two bytes in real seconds.
    """
    started = time.monotonic()
    cancelled = cancelled or Cancellation()
    cancelled.check()
    body = ObservedBody()
    trust = _Trust(ca_file, insecure, silence)
    host = _host(entry)
    with (
        Sink(path) as sink,
        _request(entry, trust, observer, body, cancelled, headers or {}, whose) as (framing, pieces),
    ):
        checker = StreamChecker() if entry.is_disk else None
        try:
            for piece in pieces:
                cancelled.check()
                if checker is not None:
                    checker.feed(piece)
                sink.write(piece)
                if on_bytes is not None:
                    on_bytes(body.size)
            cancelled.check()
            if checker is not None:
                checker.close()
        except StreamFault as fault:
            raise ShortStream(
                f"what {host} sent for {entry.key} is not a whole disk stream, by its {body.size} bytes: {fault};"
                " nothing was kept, export again",
                whose=whose,
            ) from fault
        _check_size(entry, host, framing, body.size, whose)
        sink.keep()
    seconds = time.monotonic() - started
    return Fetched(body.size, body.sha256(), host, seconds, framing, clock.now() if clock else 0.0, sink.seconds)


@dataclass(frozen=True, slots=True)
class _Trust:
    ca_file: Path | None
    insecure: bool
    silence: float


@contextlib.contextmanager
def _request(
    entry: DeviceFile,
    trust: _Trust,
    observer: Observer | None,
    body: ObservedBody,
    cancelled: Cancellation,
    headers: Mapping[str, str],
    whose: Whose,
) -> Iterator[tuple[Framing, Iterator[bytes]]]:
    """Give the framing and the pieces of the answer to a GET, and report the exchange however it ends."""
    peer = Peer()
    pool = pool_for(entry.url, entry.thumbprint, trust.ca_file, trust.insecure, trust.silence, peer)
    host = _host(entry)
    sent = {"Host": host, "User-Agent": "twohop", "Accept": "*/*", "Accept-Encoding": "identity", **headers}
    report = Report(observer, entry.url, sent, peer, body)
    target = urlsplit(entry.url)._replace(scheme="", netloc="", fragment="").geturl()
    with pool, cancelled.on_cancel(peer.hang_up):
        try:
            with _read_from(host, report, body, cancelled, trust, whose):
                answer = pool.urlopen(
                    "GET", target, headers=sent, redirect=False, retries=False, preload_content=False,
                    decode_content=False,
                )  # fmt: skip
            report.answered(answer.status, list(answer.headers.items()), _framing(answer))
            with contextlib.closing(answer):
                reading = _read_from(host, report, body, cancelled, trust, whose)
                if answer.status != 200:
                    with reading:
                        body.feed(answer.read(REFUSAL, decode_content=False))
                    report.ended("complete" if body.size < REFUSAL else "cut")
                    raise _refused(answer, host, whose)
                yield _framing(answer), _pieces(answer, body, report, reading)
        except BaseException as error:
            report.ended("cut", error)
            raise


@contextlib.contextmanager
def _read_from(
    host: str, report: Report, body: ObservedBody, cancelled: Cancellation, trust: _Trust, whose: Whose
) -> Iterator[None]:
    """Turn what goes wrong on the wire, and nothing else, into what it means."""
    try:
        yield
    except HTTP_ERRORS as error:
        report.ended("reset" if was_reset(error) else "cut", error)
        cancelled.check()
        raise connection_error(error, host, whose, body.size, trust.silence) from error


def _pieces(
    answer: BaseHTTPResponse, body: ObservedBody, report: Report, reading: contextlib.AbstractContextManager[None]
) -> Iterator[bytes]:
    stream = answer.stream(PIECE, decode_content=False)
    with reading:
        for piece in stream:
            body.feed(piece)
            yield piece
    report.ended("complete")


def _host(entry: DeviceFile) -> str:
    # What stands before an @ could be a secret.
    return urlsplit(entry.url).netloc.rpartition("@")[2]


def _framing(answer: BaseHTTPResponse) -> Framing:
    if "chunked" in (answer.headers.get("Transfer-Encoding") or "").lower():
        return "chunked"
    return "length" if answer.headers.get("Content-Length") else "close"


def _refused(answer: BaseHTTPResponse, host: str, whose: Whose) -> ExportError:
    if 300 <= answer.status < 400:
        return HostRefused(
            f"{host} answered {answer.status} and points elsewhere, expected 200; redirects are not followed, since"
            " the thumbprint is that of this host",
            whose=whose,
        )
    hint = {
        404: "the ticket is not known there, the lease may have ended",
        503: "the host is busy, try again later",
    }.get(answer.status, "look at the host's log")
    return HostRefused(f"{host} answered {answer.status} {answer.reason or ''}, expected 200: {hint}", whose=whose)


def _check_size(entry: DeviceFile, host: str, framing: Framing, size: int, whose: Whose) -> None:
    if entry.is_disk:
        return
    if entry.file_size is not None and entry.file_size != size:
        raise ShortStream(
            f"{host} sent {size} bytes for {entry.key}, the lease declares {entry.file_size};"
            " nothing was kept, export again",
            whose=whose,
        )
    if entry.file_size is None and framing == "close":
        raise ShortStream(
            f"{host} sent {size} bytes for {entry.key} with neither a length nor chunks, and the lease declares no"
            " size: nobody can tell whether that is all of it",
            whose=whose,
        )
