"""From GETs of device URLs and of `/transfer` to events about bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from twohop.runtime.observing import Exchange

from ._events import DiskFetched, Event, FileTransferred, NfcAsked, Uploaded

NFC_PATH = re.compile(r"/(?:ha-)?nfc/(?P<ticket>[^/]+)/(?P<file>[^/]+)$")
_TRANSFER = re.compile(r"/transfer/(?P<session>[^/]+)/(?P<file>.+)$")


def byte_events(exchange: Exchange) -> Iterator[Event]:
    """Yield what an exchange shows about bytes that moved."""
    path = urlsplit(exchange.request.url).path
    response = exchange.response
    digest = response.digest if response else None
    status, end = (response.status, response.end) if response else (None, "unanswered")
    size, sha256 = (digest.size, digest.sha256) if digest else (None, None)
    if host := NFC_PATH.search(path):
        yield _nfc(exchange, host["ticket"], unquote(host["file"]))
    if host and exchange.request.method in ("POST", "PUT"):
        yield _uploaded(exchange, host["ticket"], unquote(host["file"]))
    head, tail = (bytes.fromhex(digest.head), bytes.fromhex(digest.tail)) if digest else (None, None)
    if host and exchange.request.method == "GET":
        yield DiskFetched(
            exchange, host["ticket"], unquote(host["file"]), status, size, sha256, end, head, tail,  # type: ignore[arg-type]
            digest.sha1 if digest else None, digest.content if digest else None,
        )  # fmt: skip
    elif transfer := _TRANSFER.search(path):
        yield FileTransferred(
            exchange, exchange.request.method, transfer["session"], unquote(transfer["file"]), status, size, sha256,
            end, response.body if response else None, head, tail,  # type: ignore[arg-type]
            _members(digest.content if digest else None),
        )  # fmt: skip


def _members(content: str | None) -> tuple[tuple[str, str], ...] | None:
    if content is None:
        return None
    lines = (line.partition(" ") for line in content.splitlines())
    return tuple((name, digest) for digest, _, name in lines)


def _uploaded(exchange: Exchange, ticket: str, file: str) -> Uploaded:
    sent, status = exchange.request.digest, exchange.response.status if exchange.response else None
    if sent is None:
        return Uploaded(exchange, exchange.request.method, ticket, file, status, None, None, None, None, None)
    ends = bytes.fromhex(sent.head), bytes.fromhex(sent.tail)
    return Uploaded(exchange, exchange.request.method, ticket, file, status, sent.size, sent.sha256, sent.sha1, *ends)


def _nfc(exchange: Exchange, ticket: str, file: str) -> NfcAsked:
    response = exchange.response
    sent = {name.lower() for name, value in exchange.request.headers if value}
    declared = response.header("Content-Length") if response else None
    return NfcAsked(
        exchange,
        exchange.request.method,
        ticket,
        file,
        response.status if response else None,
        int(declared) if declared and declared.isdigit() else None,
        "chunked" in ((response.header("Transfer-Encoding") if response else None) or "").lower(),
        response.header("Content-Type") if response else None,
        "cookie" in sent,
        "range" in sent,
    )
