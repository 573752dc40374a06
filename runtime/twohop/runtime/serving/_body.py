"""A request's body: bounded by its length or its chunks, counted, and drained so that the next request can follow.

werkzeug has a reader of chunks, made for its development server: it takes no extensions and no trailers, and an end in
the middle of a chunk fails in it as if the server were wrong. Clients send SOAP in chunks, so there is one here.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from email.message import Message
from typing import BinaryIO

from ._head import is_field

LINE = 4096
"""Bytes of a chunk's size line or of a trailer beyond which nobody reads on."""
TRAILERS = 64
"""Trailers beyond which nobody reads on."""
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:[ \t]*|;[\t\x20-\x7e\x80-\xff]*)\r\n")
OVERHEAD = 16 << 10
"""Bytes beside the content, over what chunks need and twice the content, beyond which nobody reads on."""
_NEVER_BEHIND = frozenset({b"content-length", b"host", b"transfer-encoding"})
DIGITS = 18
"""Digits of a Content-Length beyond which no such body exists."""


class MalformedBody(OSError):
    """The client's body does not keep the rules of HTTP; the answer is 400."""


class Chunks:
    """The content of a body in chunks; extensions and trailers are read over."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._left = 0
        self._excess = 0
        self._first = True
        self._ended = False

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes; none at the end. MalformedBody and ConnectionError say what is wrong."""
        content = bytearray()
        while size > 0 and not self._ended:
            if self._left == 0 and not self._open():
                break
            data = self._source.read(min(size, self._left))
            if not data:
                raise ConnectionError("the client ended its request body within a chunk")
            content += data
            size -= len(data)
            self._left -= len(data)
        return bytes(content)

    def _open(self) -> bool:
        if not self._first and self._line() != b"\r\n":
            raise MalformedBody("a chunk does not end where its size says")
        self._first = False
        line = self._line()
        size = _SIZE.fullmatch(line)
        if size is None:
            raise MalformedBody("a chunk does not begin with its size")
        self._left = int(size[1], 16)
        self._excess = max(0, self._excess + len(line) - 16 - 2 * self._left)
        if self._excess > OVERHEAD:
            raise MalformedBody("the chunks hold more than their content")
        if self._left == 0:
            self._ended = True
            self._trailers()
            return False
        return True

    def _trailers(self) -> None:
        for _ in range(TRAILERS + 1):
            line = self._line()
            if line == b"\r\n":
                return
            if not is_field(line) or line.partition(b":")[0].lower() in _NEVER_BEHIND:
                raise MalformedBody("a trailer is no header, or one that stands in front of a body")
        raise MalformedBody("too many trailers")

    def _line(self) -> bytes:
        line = self._source.readline(LINE)
        if not line:
            raise ConnectionError("the client ended its request body between chunks")
        if not line.endswith(b"\n"):
            raise MalformedBody("a line of a chunked body has no end")
        return line


class RequestBody(io.RawIOBase):
    """A request's body as a readable stream that ends where the body ends."""

    before_first_read: Callable[[], None] | None = None

    def __init__(self, source: BinaryIO | Chunks, length: int | None) -> None:
        self._source = source
        self.length = length
        self._left = length
        self._ended = length == 0
        self.consumed = 0

    @classmethod
    def of(cls, headers: Message, rfile: BinaryIO, version: str = "HTTP/1.1") -> RequestBody | None:
        """Return the body that the headers announce, or None where they contradict themselves or `version`."""
        codings = headers.get_all("Transfer-Encoding", [])
        lengths = {length.strip(" \t") for length in headers.get_all("Content-Length", [])}
        if codings:
            chunked = [coding.strip(" \t").lower() for coding in codings] == ["chunked"]
            return cls(Chunks(rfile), None) if chunked and not lengths and version >= "HTTP/1.1" else None
        if not lengths:
            return cls(rfile, 0)
        length = lengths.pop()
        if lengths or len(length) > DIGITS or not (length.isascii() and length.isdigit()):
            return None
        return cls(rfile, int(length))

    def readable(self) -> bool:
        """Say yes, as a raw stream has to."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill `buffer` with what comes next; 0 at the end of the body."""
        data = self._take(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def read(self, size: int | None = -1) -> bytes:
        """Return up to `size` bytes, or all that are left; none at the end of the body."""
        # A raw stream's own read() makes room for all that it is asked for, however short the body is.
        return self.readall() if size is None or size < 0 else self._take(size)

    def _take(self, size: int) -> bytes:
        if self._ended or size == 0:
            return b""
        if self.before_first_read is not None:
            announce, self.before_first_read = self.before_first_read, None
            announce()
        want = size if self._left is None else min(size, self._left)
        data = self._source.read(want)
        if not data:
            if self._left:
                raise ConnectionError("the client ended its request body short of its declared length")
            self._ended = True
            return b""
        self.consumed += len(data)
        if self._left is not None:
            self._left -= len(data)
            self._ended = self._left == 0
        return data

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
