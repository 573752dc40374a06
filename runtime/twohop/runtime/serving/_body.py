"""A request's body: bounded by its length or its chunks, counted, and drained so that the next request can follow."""

from __future__ import annotations

import io
from collections.abc import Callable
from email.message import Message
from typing import BinaryIO

from werkzeug.serving import DechunkedInput


class RequestBody(io.RawIOBase):
    """A request's body as a readable stream that ends where the body ends."""

    before_first_read: Callable[[], None] | None = None

    def __init__(self, source: BinaryIO | DechunkedInput, length: int | None) -> None:
        self._source = source
        self._left = length
        self._ended = length == 0
        self.consumed = 0

    @classmethod
    def of(cls, headers: Message, rfile: BinaryIO) -> RequestBody | None:
        """Return the body that the headers announce, or None where they contradict themselves."""
        coding = headers.get("Transfer-Encoding", "").strip().lower()
        lengths = headers.get_all("Content-Length", [])
        if coding:
            return cls(DechunkedInput(rfile), None) if coding == "chunked" and not lengths else None
        if not lengths:
            return cls(rfile, 0)
        if len(set(lengths)) != 1 or not (lengths[0].isascii() and lengths[0].isdigit()):
            return None
        return cls(rfile, int(lengths[0]))

    def readable(self) -> bool:
        """Say yes, as a raw stream has to."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill `buffer` with what comes next; 0 at the end of the body."""
        if self._ended:
            return 0
        if self.before_first_read is not None:
            announce, self.before_first_read = self.before_first_read, None
            announce()
        want = len(buffer) if self._left is None else min(len(buffer), self._left)
        data = self._source.read(want)
        if not data:
            if self._left:
                raise ConnectionError("the client ended its request body short of its declared length")
            self._ended = True
            return 0
        buffer[: len(data)] = data
        self.consumed += len(data)
        if self._left is not None:
            self._left -= len(data)
            self._ended = self._left == 0
        return len(data)

    def drain(self, limit: int) -> bool:
        """Read the rest away, `limit` bytes at most; False where the connection is no longer at a request's start."""
        if self._ended:
            return True
        if self.before_first_read is not None:
            return False
        try:
            while limit > 0:
                data = self.read(min(limit, 65536))
                if not data:
                    return True
                limit -= len(data)
        except OSError:
            return False
        return False
