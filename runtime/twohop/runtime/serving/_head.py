"""A request's head: the line that says what is asked, and the headers.

http.server's own parser takes a line apart at any white space, drops what it does not understand, and knows HTTP/0.9.
What one reader drops another may keep, and then they part the bytes of a connection differently; so a head that is not
written as the rules say is nobody's request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from http.client import HTTPMessage
from typing import BinaryIO

LINE = 65536
"""Bytes of the request line, or of one header, beyond which nobody reads on."""
HEADERS = 100
HEAD = 4 * LINE
"""Bytes of all headers together beyond which nobody reads on."""
_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST = re.compile(rb"(" + _TOKEN + rb") ([\x21-\x7e]+) HTTP/([0-9])\.([0-9])\r?\n")
_FIELD = re.compile(rb"(" + _TOKEN + rb"):([\t\x20-\x7e\x80-\xff]*)\r?\n")
_ABSOLUTE = re.compile(r"https?://(?:[^/?#\[\]@]+|\[[0-9a-f:.]+\](?::[0-9]+)?)(?:[/?].*)?", re.IGNORECASE)


class MalformedHead(ValueError):
    """The client's head does not keep the rules of HTTP; `status` is the answer."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class RequestHead:
    """What a client asks: `target` as it came, `version` `HTTP/1.0` or `HTTP/1.1`."""

    method: str
    target: str
    version: str
    headers: Message

    @property
    def last(self) -> bool:
        """Whether the client wants the connection closed behind the answer."""
        said = {
            option.strip(" \t").lower()
            for value in self.headers.get_all("Connection", [])
            for option in str(value).split(",")
        }
        return "close" in said or (self.version == "HTTP/1.0" and "keep-alive" not in said)


def read_head(source: BinaryIO) -> RequestHead | None:
    """Read a head to its empty line; None where the client has left before it. MalformedHead says what is wrong."""
    line = source.readline(LINE + 1)
    if not line:
        return None
    method, target, version = _asked(line)
    headers = _headers(source)
    hosts = len(headers.get_all("Host", []))
    if hosts > 1 or (hosts == 0 and version == "HTTP/1.1"):
        raise MalformedHead(HTTPStatus.BAD_REQUEST, "not one Host header")
    return RequestHead(method, target, version, headers)


def is_field(line: bytes) -> bool:
    """Tell whether a line is `name: value`, without a fold."""
    return _FIELD.fullmatch(line) is not None


def _asked(line: bytes) -> tuple[str, str, str]:
    if len(line) > LINE:
        raise MalformedHead(HTTPStatus.REQUEST_URI_TOO_LONG, HTTPStatus.REQUEST_URI_TOO_LONG.phrase)
    match = _REQUEST.fullmatch(line)
    if match is None:
        raise MalformedHead(HTTPStatus.BAD_REQUEST, "malformed request line")
    if match[3] != b"1":
        raise MalformedHead(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "only HTTP/1 is spoken here")
    method, target = match[1].decode("ascii"), match[2].decode("ascii")
    if not (target.startswith("/") or _ABSOLUTE.fullmatch(target) or (target, method) == ("*", "OPTIONS")):
        raise MalformedHead(HTTPStatus.BAD_REQUEST, "malformed request target")
    # Of a minor version that is to come, 1.1 is what both know.
    return method, target, "HTTP/1.0" if match[4] == b"0" else "HTTP/1.1"


def _headers(source: BinaryIO) -> Message:
    headers = HTTPMessage()
    count = size = 0
    while (line := source.readline(LINE + 1)) not in (b"\r\n", b"\n"):
        count, size = count + 1, size + len(line)
        if len(line) > LINE or count > HEADERS or size > HEAD:
            raise MalformedHead(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "too many or too long headers")
        match = _FIELD.fullmatch(line)
        if match is None:
            raise MalformedHead(HTTPStatus.BAD_REQUEST, "malformed headers")
        headers[match[1].decode("ascii")] = match[2].strip(b" \t").decode("latin-1")
    return headers
