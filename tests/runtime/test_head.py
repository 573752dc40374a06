"""A request's head and the patience with a client, without a socket; against h11, which shares no code with ours."""

from __future__ import annotations

import io
import socket
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twohop.runtime.serving import Patience
from twohop.runtime.serving._body import RequestBody
from twohop.runtime.serving._head import HEAD, HEADERS, LINE, MalformedHead, read_head
from twohop.runtime.serving._patience import PatientReader

REST = b"what follows"


def _read(head: bytes) -> Any:
    source = io.BytesIO(head + REST)
    found = read_head(source)
    assert source.read() == REST, "the head was not read to its end, or beyond it"
    return found


def _status(head: bytes) -> int:
    with pytest.raises(MalformedHead) as refused:
        read_head(io.BytesIO(head))
    return int(refused.value.status)


def test_a_head_is_what_was_sent() -> None:
    head = _read(b"POST //sdk?a=%20 HTTP/1.1\r\nhost: h:1\r\nX-A:\t one \r\nx-a:two\r\nx-empty:\r\nX-8: \xfc\r\n\r\n")
    assert (head.method, head.target, head.version) == ("POST", "//sdk?a=%20", "HTTP/1.1")
    assert head.headers.get_all("X-A") == ["one", "two"]
    assert (head.headers["X-Empty"], head.headers["x-8"]) == ("", "ü")
    assert read_head(io.BytesIO(b"")) is None


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"", 400), (b"GET", 400), (b"GET /", 400), (b"get  / HTTP/1.1", 400), (b" GET / HTTP/1.1", 400),
        (b"GET / HTTP/1.1 ", 400), (b"GET /a b HTTP/1.1", 400), (b"GET\t/ HTTP/1.1", 400),
        (b"GET\x0b/ HTTP/1.1", 400), (b"GET /\xa0HTTP/1.1", 400), (b"GET /\x85x HTTP/1.1", 400),
        (b"G@T / HTTP/1.1", 400), (b"GET /\x00 HTTP/1.1", 400), (b"GET /\xc3\xa4 HTTP/1.1", 400),
        (b"GET / http/1.1", 400), (b"GET / HTTP/1", 400), (b"GET / HTTP/1.10", 400), (b"GET / HTTP/+1.1", 400),
        (b"GET / HTTP/\xb2.1", 400), (b"GET / HTTP/0.9", 505), (b"PRI * HTTP/2.0", 505), (b"GET / HTTP/3.0", 505),
        (b"GET sdk HTTP/1.1", 400), (b"GET ../sdk HTTP/1.1", 400), (b"GET * HTTP/1.1", 400),
        (b"CONNECT h:443 HTTP/1.1", 400), (b"GET file:///etc/passwd HTTP/1.1", 400), (b"GET https:///x HTTP/1.1", 400),
        (b"GET https://[/ HTTP/1.1", 400), (b"GET https://a@b/ HTTP/1.1", 400), (b"\x16\x03\x01\x02\x00\x01", 400),
        (b"GET /" + b"a" * LINE + b" HTTP/1.1", 414),
    ],
)  # fmt: skip
def test_a_line_that_asks_for_nothing_is_refused(line: bytes, status: int) -> None:
    assert _status(line + b"\r\nHost: h\r\n\r\n") == status


@pytest.mark.parametrize("target", ["*", "/", "https://h/sdk?x", "HTTP://h:1", "https://[::1]:443/"])
def test_targets_that_http_knows(target: str) -> None:
    assert _read(f"OPTIONS {target} HTTP/1.7\r\nHost: h\r\n\r\n".encode()).target == target


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (b"a: b\r\n" * (HEADERS + 1), 431), (b"a: " + b"b" * LINE, 431), ((b"a: " + b"b" * 60000 + b"\r\n") * 5, 431),
        (b"a: b\r\n c\r\n", 400), (b" a: b\r\n", 400), (b"a : b\r\n", 400), (b"a\r\n", 400), (b": b\r\n", 400),
        (b"a: b\x00\r\n", 400), (b"a: b\rc: d\r\n", 400), (b"a: \x01\r\n", 400), (b"a: \x7f\r\n", 400),
        (b"a\xfc: b\r\n", 400), (b"a: b", 400), (b"Host: two\r\n", 400),
    ],
)  # fmt: skip
def test_headers_that_are_none_are_refused(headers: bytes, status: int) -> None:
    assert _status(b"GET / HTTP/1.1\r\nHost: h\r\n" + headers) == status
    assert HEAD < 5 * 60000


def test_a_head_costs_time_by_its_length_alone() -> None:
    """No pattern may look at a line again and again: these took minutes where one did."""
    began = time.process_time()
    for line in (b"a:" + b" " * 60000 + b"\x01", b"a:" + b"\t " * 30000 + b"\0", b"!" * 60000):
        assert _status(b"GET / HTTP/1.1\r\nHost: h\r\n" + line + b"\r\n\r\n") == 400
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("version", "said", "last"),
    [
        (b"1.1", b"", False), (b"1.1", b"Connection: close\r\n", True), (b"1.1", b"Connection: TE, Close\r\n", True),
        (b"1.1", b"Connection: TE\r\nConnection: close\r\n", True), (b"1.1", b"Connection: closed\r\n", False),
        (b"1.0", b"", True), (b"1.0", b"Connection: keep-alive\r\n", False),
        (b"1.0", b"Connection: keep-alive, close\r\n", True),
    ],
)  # fmt: skip
def test_who_wants_the_connection_closed(version: bytes, said: bytes, last: bool) -> None:
    assert _read(b"GET / HTTP/" + version + b"\r\nHost: h\r\n" + said + b"\r\n").last is last


class Slow:
    """A connection that brings pieces, each after some seconds of its own clock."""

    def __init__(self, *pieces: tuple[float, bytes]) -> None:
        self.now, self.pieces, self.timeout = 0.0, list(pieces), 0.0

    def gettimeout(self) -> float:
        return self.timeout

    def settimeout(self, seconds: float | None) -> None:
        self.timeout = seconds if seconds is not None else float("inf")

    def recv_into(self, buffer: memoryview) -> int:
        after, piece = self.pieces.pop(0) if self.pieces else (float("inf"), b"")
        if after >= self.timeout:
            self.now += self.timeout
            raise TimeoutError
        self.now += after
        buffer[: len(piece)] = piece
        return len(piece)


def _patient(connection: Slow) -> PatientReader:
    patience = Patience(head_s=10, body_s=10, body_rate=2, idle_s=100)
    return PatientReader(connection, patience, lambda: connection.now)  # type: ignore[arg-type]


def _took(connection: Slow, reader: PatientReader) -> float:
    """How long the reader went on."""
    with pytest.raises(TimeoutError):
        while reader.read(1000):
            pass
    return connection.now


def test_a_head_has_to_be_whole_in_its_time_however_often_a_byte_comes() -> None:
    connection = Slow(*[(4.0, b"a")] * 50)
    reader = _patient(connection)
    reader.head()
    assert _took(connection, reader) == 10
    connection = Slow((99.0, b"G"))
    reader = _patient(connection)
    reader.idle()
    assert reader.read(1) == b"G"
    assert _took(connection, reader) == 199


def test_a_body_has_to_keep_a_rate_and_none_may_be_saved_up() -> None:
    trickle = Slow(*[(4.0, b"a")] * 50)
    reader = _patient(trickle)
    reader.body()
    assert 10 < _took(trickle, reader) < 20
    steady = Slow(*[(4.0, b"a" * 8)] * 50, (4.0, b""))
    reader = _patient(steady)
    reader.body()
    assert len(b"".join(iter(lambda: reader.read(1000) or b"", b""))) == 400
    burst = Slow((0.0, b"a" * 1000), (11.0, b"b"))
    reader = _patient(burst)
    reader.body()
    assert _took(burst, reader) == 10
    unread = Slow(*[(4.0, b"a" * 8)] * 50)
    reader = _patient(unread)
    reader.rest()
    assert _took(unread, reader) == 10


def test_time_that_the_server_takes_itself_is_not_the_clients() -> None:
    connection = Slow((1.0, b"a"), (1.0, b"b"))
    reader = _patient(connection)
    reader.body()
    assert reader.read(1) == b"a"
    connection.now += 1000
    assert reader.read(1) == b"b"


def test_a_reader_is_of_a_socket() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        reader = PatientReader(ours, Patience())
        theirs.sendall(b"hello")
        assert reader.read(10) == b"hello"
        theirs.close()
        assert reader.read(10) == b""


BYTES = [b"GET / HTTP/1.1", b"\r\n", b"\n", b"\r", b"Host: h", b"Host:", b" ", b"\t", b":", b"a", b"\x00", b"\xff",
         b"\x0b", b"Connection: close", b"HTTP/1.0", b"POST", b"*", b"https://h/", b"Transfer-Encoding: chunked",
         b"Content-Length: 1", b"\x7f", b"[", b"//"]  # fmt: skip


@given(parts=st.lists(st.sampled_from(BYTES) | st.binary(max_size=3), max_size=12), began=st.booleans())
def test_what_h11_refuses_is_refused(parts: list[bytes], began: bool) -> None:
    h11 = pytest.importorskip("h11")
    head = (b"GET / HTTP/1.1\r\nHost: h\r\n" if began else b"") + b"".join(parts) + b"\r\n\r\n"
    try:
        ours = read_head(io.BytesIO(head))
    except MalformedHead:
        return
    assert ours is not None
    if RequestBody.of(ours.headers, io.BytesIO(), ours.version) is None:
        return
    theirs = h11.Connection(h11.SERVER)
    theirs.receive_data(head)
    event = theirs.next_event()
    assert isinstance(event, h11.Request), "h11 wants more of this head"
    assert (event.method, event.target) == (ours.method.encode(), ours.target.encode())
    assert [(n, v) for n, v in event.headers] == [
        (n.lower().encode(), v.encode("latin-1")) for n, v in ours.headers.items()
    ]
