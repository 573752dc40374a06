"""The head of an answer to a GET, read strictly: a host may be anybody. No socket."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Framing = Literal["length", "chunked", "close", "none"]
Read = Callable[[memoryview, bool], int]
"""Reads into a buffer: how many bytes, 0 at the end, -1 where nothing is there and waiting is not wished."""

LARGEST = 64 << 10
"""Bytes of all heads of one answer together, interim ones too."""
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: ([^\r\n\0]*))?")
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\r\n\0]*?)[ \t]*")


class Unreadable(ValueError):
    """What came is no answer of HTTP/1.1; the message says what it has and what it should have."""


class Ended(ConnectionError):
    """The connection ended before the answer did."""


@dataclass(frozen=True, slots=True)
class Head:
    """Status, reason, header fields in their order, and how the body ends; `length` in bytes where it is declared."""

    status: int
    reason: str
    fields: tuple[tuple[str, str], ...]
    framing: Framing
    length: int | None


def read_head(read: Read) -> tuple[Head, bytes]:
    """Return the head of the final answer, and what came of its body with it.

    Raises Unreadable, Ended, and whatever `read` raises.
    """
    buffer = bytearray(LARGEST)
    view, at, begin = memoryview(buffer), 0, 0
    while True:
        end = buffer.find(b"\r\n\r\n", begin, at)
        if end >= 0:
            head = parse_head(bytes(view[begin:end]))
            begin = end + 4
            if head.status >= 200:
                return head, bytes(view[begin:at])
            continue
        if at == LARGEST:
            raise Unreadable(f"its head is longer than {LARGEST >> 10} KiB")
        came = read(view[at:], True)
        if not came:
            raise Ended("no answer" if at == 0 else "in the head of the answer")
        at += came


def parse_head(text: bytes) -> Head:
    """Return what a head without its last empty line says; raise Unreadable."""
    first, *lines = text.split(b"\r\n")
    status = _STATUS.fullmatch(first)
    if status is None:
        raise Unreadable(f"it begins with {first[:40]!r}, expected HTTP/1.1 and a status")
    fields = []
    for line in lines:
        found = _FIELD.fullmatch(line)
        if found is None:
            raise Unreadable(f"{line[:40]!r} is no header field")
        fields.append((found[1].decode("ascii"), found[2].decode("latin-1")))
    code = int(status[1])
    framing, length = _framing(code, fields)
    return Head(code, (status[2] or b"").decode("latin-1"), tuple(fields), framing, length)


def _framing(status: int, fields: list[tuple[str, str]]) -> tuple[Framing, int | None]:
    codings, lengths = (
        {each.strip().lower() for name, value in fields if name.lower() == wanted for each in value.split(",")}
        for wanted in ("transfer-encoding", "content-length")
    )
    if status < 200 or status in (204, 304):
        return "none", 0
    if codings:
        if codings != {"chunked"}:
            raise Unreadable(f"its transfer coding is {', '.join(sorted(codings))[:40]!r}, expected chunked or none")
        return "chunked", None
    if not lengths:
        return "close", None
    declared = lengths.pop()
    # Two lengths are two ideas of where the file ends.
    if lengths or not re.fullmatch(r"[0-9]{1,18}", declared):
        raise Unreadable(f"its Content-Length is {declared[:40]!r}{' among others' if lengths else ''}")
    return "length", int(declared)
