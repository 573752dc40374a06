"""The HTTP layer, byte by byte: ours against h11. What ours takes for a request, h11 has to take for the same one."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from typing import Any

import h11

from fuzz.damage import bytes_
from twohop.runtime.serving._body import MalformedBody, RequestBody
from twohop.runtime.serving._head import MalformedHead, read_head

PARTS = [
    b"GET / HTTP/1.1\r\n",
    b"POST /sdk HTTP/1.1\r\n",
    b"Host: h\r\n",
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"\r\n",
    b"\n",
    b"\r",
    b"hello",
    b"5\r\nhello\r\n",
    b"0\r\n\r\n",
    b"5;a=b\r\nhello\r\n",
    b"0\r\nA: b\r\n\r\n",
    b"Connection: close\r\n",
    b"Expect: 100-continue\r\n",
    b"HTTP/1.0",
    b"A: b\r\n",
    b" ",
    b"\t",
    b"\x00",
    b"\x0b",
    b"\xff",
    b"Content-Length: 05\r\n",
    b"+",
    b"-",
    b"ffffffffffffffff\r\n",
    b"0005\r\nhello\r\n",
    b"5 \r\nhello\r\n",
    b"5\nhello\n",
    b"Transfer-Encoding: identity\r\n",
    b",",
    b":",
    b"*",
]
WHOLE = [
    b"POST /sdk HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
    b"POST /sdk HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nT: u\r\n\r\n",
    b"GET /a HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\n",
    b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
]
Asked = tuple[bytes, bytes, bytes]


def ours(data: bytes) -> list[Asked]:
    """The requests that our server would hand to its application: method, target and body."""
    source, found = io.BytesIO(data), []
    while True:
        try:
            head = read_head(source)
            if head is None:
                return found
            body = RequestBody.of(head.headers, source, head.version)
            if body is None:
                return found
            content = bytearray()
            while piece := body.read(7):
                content += piece
        except (MalformedHead, MalformedBody, ConnectionError):
            return found
        found.append((head.method.encode(), head.target.encode(), bytes(content)))
        # h11 keeps no connection of HTTP/1.0 alive, whatever it says.
        if head.last or head.version == "HTTP/1.0":
            return found


def theirs(data: bytes) -> list[Asked]:
    """The requests that h11 finds in the same bytes."""
    connection, found = h11.Connection(h11.SERVER), []
    asked: Any = None
    content = b""
    connection.receive_data(data)
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError:
            return found
        if isinstance(event, h11.Request):
            asked, content = event, b""
        elif isinstance(event, h11.Data):
            content += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            found.append((asked.method, asked.target, content))
        elif event in (h11.NEED_DATA, h11.PAUSED):
            if connection.their_state is h11.DONE:
                connection.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
                connection.send(h11.EndOfMessage())
                if connection.our_state is not h11.DONE:
                    return found
                connection.start_next_cycle()
                continue
            return found
        else:
            return found


def http(data: bytes) -> None:
    """Ours may refuse what h11 takes; what ours takes, h11 takes alike, so that nothing is smuggled between the two."""
    mine, other = ours(data), theirs(data)
    assert mine == other[: len(mine)], (mine, other)


def inputs(rng: random.Random) -> Iterator[bytes]:
    """Bytes that are almost requests, without end."""
    while True:
        if rng.random() < 0.5:
            yield b"".join(rng.choices(PARTS, k=rng.randrange(1, 12)))
            continue
        data = bytearray(b"".join(rng.choices(WHOLE, k=rng.choice([1, 1, 2, 3]))))
        for _ in range(rng.choice([0, 1, 1, 2])):
            at = rng.randrange(len(data) + 1)
            data[at : at + rng.choice([0, 0, 1, 2])] = rng.choice(PARTS)
        yield bytes(data) if rng.random() < 0.8 else bytes_(bytes(data), rng)
