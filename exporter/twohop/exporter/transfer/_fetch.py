"""One device URL to verified bytes on disk (6.1 to 6.11, 7.6)."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import new as new_hash
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urlsplit

from twohop.runtime import Clock
from twohop.runtime.observing import ObservedBody, Observer

from .._cancellation import Cancellation
from .._device_file import DeviceFile
from .._errors import BadAddress, BadStream, ExportError, HostBusy, HostRefused, Whose
from ._answer import Framing, Head, Unreadable, read_head
from ._body import pieces
from ._connection import SILENCE, Peer, Unverified, Wire, broken_off, open_tls, unreached
from ._intake import Intake
from ._report import Report
from ._sink import Sink

HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+(?:%[0-9A-Za-z._\-]+)?\]|[0-9A-Za-z._\-]+)(?::[0-9]*)?")
OnBytes = Callable[[int], None]
"""Told how many bytes of the file have arrived so far."""
REFUSAL = 1 << 16
"""Bytes that are read of an answer that is not 200."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that is whole and safe on disk.

    `size` in bytes, `sha256` in hex, `host` it came from, `seconds` of real time until it was safe, `framing` of the
    answer, `at` the moment on the clock given (else 0), `digests` by algorithm, for a disk its `capacity` in bytes, and
    `writing` the seconds of it that went into the file.
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
    started = time.monotonic()
    with Sink(path) as sink:
        got = fetch_into(entry, sink, line, on_bytes=on_bytes)
        sink.keep()
    seconds = time.monotonic() - started
    return replace(got, at=clock.now() if clock else 0.0, seconds=seconds, writing=sink.seconds)


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

    def write(self, data: bytes | memoryview) -> None:
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
    host = _asked(entry.url)[0]
    others = {name: new_hash(name) for name in algorithms if name != "SHA256"}
    with _request(entry, line, body) as (framing, answer):
        intake = Intake(entry, host, line.whose)
        for piece in answer:
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
def _request(entry: DeviceFile, line: Line, body: ObservedBody) -> Iterator[tuple[Framing, Iterator[memoryview]]]:
    """Give the framing and the pieces of the answer to a GET, and report the exchange however it ends."""
    host, target = _asked(entry.url)
    peer = Peer(line.loopback)
    sent = {
        "Host": host, "User-Agent": "twohop", "Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close",
        **line.headers,
    }  # fmt: skip
    report = Report(line.observer, entry.url, sent, peer, body)
    with line.cancelled.on_cancel(peer.hang_up):
        try:
            with _meaning(report, line, lambda error: unreached(error, host, line.whose)):
                tls = open_tls(entry.url, entry.thumbprint, line.ca_file, line.insecure, peer, line.whose)
            with contextlib.closing(tls):

                def broken() -> contextlib.AbstractContextManager[None]:
                    return _meaning(
                        report, line, lambda error: broken_off(error, host, line.whose, body.size, line.silence)
                    )

                with broken():
                    tls.sendall(request_head(target, sent))
                    wire = Wire(tls, line.silence)
                    head, early = read_head(wire.read)
                report.answered(head.status, head.fields, head.framing)
                answer = _pieces(pieces(wire.read, head, early), body, report, broken)
                if head.status != 200:
                    for _ in answer:
                        if body.size >= REFUSAL:
                            break
                    raise _refused(head, host, line.whose)
                _refuse_coding(head, host, line.whose)
                yield head.framing, answer
        except BaseException as error:
            report.ended("cut", error)
            raise


@contextlib.contextmanager
def _meaning(report: Report, line: Line, meant: Callable[[Exception], ExportError]) -> Iterator[None]:
    """Turn what goes wrong on the wire, and nothing else, into what it means."""
    try:
        yield
    except (OSError, Unverified, Unreadable) as error:
        report.ended("reset" if isinstance(error, ConnectionResetError | BrokenPipeError) else "cut", error)
        line.cancelled.check()
        raise meant(error) from error


def _pieces(
    answer: Iterator[memoryview],
    body: ObservedBody,
    report: Report,
    broken: Callable[[], contextlib.AbstractContextManager[None]],
) -> Iterator[memoryview]:
    with broken():
        for piece in answer:
            body.feed(piece)
            yield piece
    # Whole by its own framing: whether it is the whole file is another question.
    report.ended("complete")


def _asked(url: str) -> tuple[str, str]:
    """Return host and target of a device URL, which has to be https; BadAddress for what is not."""
    try:
        parts = urlsplit(url)
        name, _ = parts.hostname, parts.port
    except ValueError:
        parts, name = urlsplit(""), None
    if parts.scheme != "https" or not name:
        raise BadAddress(
            f"the server gives a file at a URL of scheme {parts.scheme or 'none'!r}, expected https://HOST/...;"
            " nothing was fetched",
            whose="vCenter",
        )
    # What stands before an @ could be a secret.
    host = parts.netloc.rpartition("@")[2]
    if not HOST.fullmatch(host) or len(name) > 253:
        raise BadAddress(
            f"the server gives a file at a host {host[:80]!r}, which is neither a name nor an address;"
            " nothing was fetched",
            whose="vCenter",
        )
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return host, quote(target, safe="/%:=&?~+!$,;'@()*[]#")


def request_head(target: str, fields: Mapping[str, str]) -> bytes:
    """Return the head of a GET; ValueError for a field that would be two."""
    lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    if any("\r" in each or "\n" in each or "\0" in each for each in lines):
        raise ValueError("a header field has no line break in it")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _refuse_coding(head: Head, host: str, whose: Whose) -> None:
    for name, value in head.fields:
        if name.lower() == "content-encoding" and value.strip().lower() not in ("", "identity"):
            raise BadStream(
                f"{host} sent a file in content coding {value[:40]!r}, though identity was asked for; nothing was kept",
                whose=whose,
            )


def _refused(head: Head, host: str, whose: Whose) -> ExportError:
    if 300 <= head.status < 400:
        return HostRefused(
            f"{host} answered {head.status} and points elsewhere, expected 200; redirects are not followed, since"
            " the thumbprint is that of this host",
            whose=whose,
        )
    hint = {
        404: "the ticket is not known there, the lease may have ended",
        503: "the host is busy, try again later",
    }.get(head.status, "look at the host's log")
    kind = HostBusy if head.status == 503 else HostRefused
    return kind(f"{host} answered {head.status} {head.reason}, expected 200: {hint}", whose=whose)
