"""The body of an answer, in large pieces of one buffer: nothing is copied but what a chunk's header stands before.

Bytes are read straight to where they stay. A chunk's header and end leave a gap there, which the rest of what came with
them, a record of TLS at most, is moved over. So a piece is handed on as large as it is, whatever chunks a host makes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

from ._answer import Ended, Head, Read, Unreadable

PIECE = 1 << 16
"""Bytes in hand at once: what has left a core's cache between socket, digest and file costs up to twice as much."""
LINE = 4096
"""Bytes of a chunk's header, with extensions, and of all trailers together."""
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")


class _Frame(Protocol):
    """How a body ends."""

    done: bool

    def take(self, buffer: bytearray, start: int, end: int) -> int:
        """Look at what came, `buffer[start:end]`, leave of it the file's own bytes from `start` on; their end."""

    def end(self) -> None:
        """Hear that no byte will follow; raise Ended where some should."""


def pieces(read: Read, head: Head, early: bytes) -> Iterator[memoryview]:
    """Yield a body piece by piece, each good until the next is asked for; `early` came with its head.

    A piece that is not full is handed on where no more is there. Raises Ended, Unreadable, and whatever `read` raises,
    after what came before.
    """
    buffer = bytearray(PIECE)
    view = memoryview(buffer)
    frame = _frame(head)
    while not frame.done:
        at = 0
        failed: Exception | None = None
        while at < PIECE and not frame.done:
            try:
                if early:
                    came = min(len(early), PIECE - at)
                    view[at : at + came], early = early[:came], early[came:]
                else:
                    came = read(view[at:], at == 0)
                if came < 0:
                    break
                if came == 0:
                    frame.end()
                    break
                at = frame.take(buffer, at, at + came)
            except (OSError, Unreadable) as error:
                failed = error
                break
        if at:
            yield view[:at]
        if failed is not None:
            raise failed


def _frame(head: Head) -> _Frame:
    if head.framing == "chunked":
        return _Chunks()
    return _Length(head.length) if head.length is not None else _Close()


class _Length:
    def __init__(self, length: int) -> None:
        self._left = length
        self.done = length == 0

    def take(self, buffer: bytearray, start: int, end: int) -> int:
        came = min(self._left, end - start)
        self._left -= came
        self.done = not self._left
        return start + came

    def end(self) -> None:
        raise Ended(f"{self._left} bytes of its Content-Length were missing")


class _Close:
    done = False

    def take(self, buffer: bytearray, start: int, end: int) -> int:
        return end

    def end(self) -> None:
        self.done = True


class _Chunks:
    def __init__(self) -> None:
        self.done = False
        self._left = 0  # bytes of a chunk that are to come
        self._line = bytearray()  # of a line that is still incomplete
        self._trailers = 0
        self._then = self._on_size

    def take(self, buffer: bytearray, start: int, end: int) -> int:
        out = at = start
        view = memoryview(buffer)
        while at < end and not self.done:
            if self._left:
                size = min(self._left, end - at)
                if at != out:
                    view[out : out + size] = view[at : at + size]
                out, at, self._left = out + size, at + size, self._left - size
                continue
            close = buffer.find(b"\n", at, end) + 1 or end
            self._line += view[at:close]
            at = close
            if len(self._line) > LINE:
                raise Unreadable(f"a line between its chunks is longer than {LINE} bytes")
            if self._line.endswith(b"\n"):
                line = bytes(self._line)
                self._line.clear()
                self._then(line)
        return out

    def end(self) -> None:
        raise Ended("before its last chunk")

    def _on_size(self, line: bytes) -> None:
        found = _SIZE.fullmatch(line)
        if found is None:
            raise Unreadable(f"a chunk begins with {line[:40]!r}, expected its size")
        self._left = int(found[1], 16)
        self._then = self._on_end if self._left else self._on_trailer

    def _on_end(self, line: bytes) -> None:
        if line != b"\r\n":
            raise Unreadable("a chunk does not end where its size says")
        self._then = self._on_size

    def _on_trailer(self, line: bytes) -> None:
        # What is not the empty line is a trailer, of which nothing is needed.
        self.done = line == b"\r\n"
        self._trailers += len(line)
        if self._trailers > LINE:
            raise Unreadable(f"its trailers are longer than {LINE} bytes")
