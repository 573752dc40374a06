"""One device URL to verified bytes on disk (6.1 to 6.11, 7.6)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import new as new_hash
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from urllib3.response import BaseHTTPResponse

from twohop.runtime import Clock
from twohop.runtime.observing import ObservedBody, Observer

from .._cancellation import Cancellation
from .._device_file import DeviceFile
from .._errors import ExportError, HostBusy, HostRefused, Whose
from ._connection import HTTP_ERRORS, SILENCE, OnBytes, Peer, connection_error, pool_for, was_reset
from ._intake import Framing, Intake
from ._report import Report
from ._sink import Sink

PIECE = 1 << 18
"""Bytes in hand at once: what stays in a core's cache between socket, digest and file costs a fifth less than 1 MiB."""
REFUSAL = 1 << 16
"""Bytes that are read of an answer that is not 200."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that is whole and safe on disk.

    `size` in bytes, `sha256` in hex, `host` it came from, `seconds` of real time it took, `framing` of the answer,
    `at` the moment on the clock given (else 0), `digests` by algorithm, for a disk its `capacity` in
    bytes, and `writing` the seconds of it that went into the file.
    """

    size: int
    sha256: str
    host: str
    seconds: float
    framing: Framing
    at: float = 0.0
    digests: Mapping[str, str] = field(default_factory=dict)
    capacity: int | None = None
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

    As `fetch_into`; on any other end no file is left. Raises TargetFull, TargetRefused and AlreadyThere as well.
    """
    line = Line(observer, cancelled or Cancellation(), ca_file, insecure, silence, headers or {}, whose)
    line.cancelled.check()
    with Sink(path) as sink:
        got = fetch_into(entry, sink, line, on_bytes=on_bytes)
        sink.keep()
    return replace(got, at=clock.now() if clock else 0.0, writing=sink.seconds)


@dataclass(frozen=True)
class Line:
    """How to reach a host: who watches, who may stop it, whom to trust, and how long it may be silent.

    A host is judged by the entry's thumbprint, else by `ca_file`, else by the system's authorities. `silence` is the
    longest wait between two bytes in real seconds, `headers` are sent besides our own, `whose` names the server in
    errors. `loopback` False refuses a host that is this machine; `throttle` takes the bytes of every piece, and waits.
    """

    observer: Observer | None
    cancelled: Cancellation
    ca_file: Path | None = None
    insecure: bool = False
    silence: float = SILENCE
    headers: Mapping[str, str] = field(default_factory=dict)
    whose: Whose = "host"
    loopback: bool = True
    throttle: Callable[[int], None] | None = None


class Into(Protocol):
    """Where the bytes go; `seconds` of real time it took to write them."""

    @property
    def seconds(self) -> float: ...

    def write(self, data: bytes) -> None:
        """Write all of `data`, or raise ExportError."""


def fetch_into(
    entry: DeviceFile,
    sink: Into,
    line: Line,
    *,
    on_bytes: OnBytes | None = None,
    algorithms: Sequence[str] = (),
) -> Fetched:
    """GET the entry's URL into `sink` and return once it came whole.

    Only https, only status 200, no redirect, no second try; no cookie of vCenter's, since the ticket suffices (6.1). A
    stream is whole when its framing, its declared size and, for disks, the stream itself say so. SHA-256 is always
    made, and a digest of each of `algorithms`.

    Raises HostUnreachable, WrongThumbprint, Untrusted, HostRefused, HostBusy, ShortStream, BadStream, BadAddress, what
    the sink raises, and the reason of `line.cancelled`.
    """
    started = time.monotonic()
    cancelled, throttle = line.cancelled, line.throttle
    cancelled.check()
    body = ObservedBody()
    host = _host(entry)
    others = {name: new_hash(name) for name in algorithms if name != "SHA256"}
    with _request(entry, line, body) as (framing, pieces):
        intake = Intake(entry, host, line.whose)
        for piece in pieces:
            cancelled.check()
            intake.feed(piece)
            for other in others.values():
                other.update(piece)
            sink.write(piece)
            if on_bytes is not None:
                on_bytes(body.size)
            if throttle is not None:
                throttle(len(piece))
        cancelled.check()
        intake.close(framing)
    digests = {"SHA256": body.sha256(), **{name: other.hexdigest() for name, other in others.items()}}
    seconds = time.monotonic() - started
    return Fetched(body.size, digests["SHA256"], host, seconds, framing, 0.0, digests, intake.capacity)


@contextlib.contextmanager
def _request(entry: DeviceFile, line: Line, body: ObservedBody) -> Iterator[tuple[Framing, Iterator[bytes]]]:
    """Give the framing and the pieces of the answer to a GET, and report the exchange however it ends."""
    peer = Peer(line.loopback)
    pool = pool_for(entry.url, entry.thumbprint, line.ca_file, line.insecure, line.silence, peer)
    host = _host(entry)
    sent = {"Host": host, "User-Agent": "twohop", "Accept": "*/*", "Accept-Encoding": "identity", **line.headers}
    report = Report(line.observer, entry.url, sent, peer, body)
    target = urlsplit(entry.url)._replace(scheme="", netloc="", fragment="").geturl()
    with pool, line.cancelled.on_cancel(peer.hang_up):
        try:
            with _read_from(host, report, body, line):
                answer = pool.urlopen(
                    "GET", target, headers=sent, redirect=False, retries=False, preload_content=False,
                    decode_content=False,
                )  # fmt: skip
            report.answered(answer.status, list(answer.headers.items()), _framing(answer))
            with contextlib.closing(answer):
                reading = _read_from(host, report, body, line)
                if answer.status != 200:
                    with reading:
                        body.feed(answer.read(REFUSAL, decode_content=False))
                    report.ended("complete" if body.size < REFUSAL else "cut")
                    raise _refused(answer, host, line.whose)
                yield _framing(answer), _pieces(answer, body, report, reading)
        except BaseException as error:
            report.ended("cut", error)
            raise


@contextlib.contextmanager
def _read_from(host: str, report: Report, body: ObservedBody, line: Line) -> Iterator[None]:
    """Turn what goes wrong on the wire, and nothing else, into what it means."""
    try:
        yield
    except HTTP_ERRORS as error:
        report.ended("reset" if was_reset(error) else "cut", error)
        line.cancelled.check()
        raise connection_error(error, host, line.whose, body.size, line.silence) from error


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
    kind = HostBusy if answer.status == 503 else HostRefused
    return kind(f"{host} answered {answer.status} {answer.reason or ''}, expected 200: {hint}", whose=whose)
