"""The HTTP server, as a raw socket sees it."""

from __future__ import annotations

import contextlib
import errno
import gc
import socket
import ssl
import struct
import sys
import threading
import types
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st

from twohop.runtime import thumbprint_of
from twohop.runtime.certificates import Authority
from twohop.runtime.serving import Cut, HttpServer, Patience, ServedExchange
from twohop.runtime.serving import _server as server_module
from twohop.runtime.serving._body import RequestBody
from waiting import until

LONG = 30.0
AUTHORITY = Authority()
LEAF = AUTHORITY.leaf(["127.0.0.1", "localhost"])


class Site:
    """A WSGI application that says what it saw, and ends its streams in every way."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.streaming = threading.Event()
        self.patience: float | None = None
        self.looked = threading.Event()
        self.over: Cut | None = None

    def __call__(self, environ: dict[str, Any], start: Any) -> Any:
        path = environ["PATH_INFO"]
        if path == "/echo":
            body = environ["wsgi.input"].read()
            start("200 OK", [("X-Method", environ["REQUEST_METHOD"])])
            return [body]
        if path == "/leave":
            start("200 OK", [])
            return [b"left"]
        if path == "/silent":
            start("204 No Content", [])
            return []
        if path == "/late-wrong":
            start("200 OK", [("Content-Length", "5")])
            raise ZeroDivisionError("the application is wrong")
        if path.startswith("/blocked"):
            environ["twohop.while_blocked"] = self._look
        if path == "/wrong":
            raise ZeroDivisionError("the application is wrong")
        start("200 OK", [("Content-Length", "1000")] if path.startswith("/length") else [])
        return self._stream(path.rpartition("/")[2], environ["werkzeug.socket"])

    def _look(self) -> None:
        self.looked.set()
        if self.over is not None:
            raise self.over

    def _stream(self, end: str, connection: socket.socket) -> Iterator[bytes]:
        yield b"a" * 100
        self.patience = connection.gettimeout()
        self.streaming.set()
        if end in ("cut", "reset"):
            raise Cut("as told", reset=end == "reset")
        if end == "wait":
            self.go.wait(LONG)
        if end == "endless":
            while not self.go.is_set():
                yield b"z" * 65536
        yield b""
        yield b"b" * 900


@pytest.fixture
def seen() -> list[ServedExchange]:
    return []


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.go.set()


@pytest.fixture
def plain(site: Site, seen: list[ServedExchange]) -> Iterator[HttpServer]:
    server = HttpServer(site, name="vcenter", observer=seen.append, now=lambda: 5.0).start()
    yield server
    site.go.set()
    server.stop()


@pytest.fixture
def secure(site: Site) -> Iterator[HttpServer]:
    server = HttpServer(site, name="vcenter", tls=LEAF.context).start()
    yield server
    site.go.set()
    server.stop()


def _connect(server: HttpServer) -> socket.socket:
    connection = socket.create_connection((server.host, server.port), timeout=LONG)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _talk(server: HttpServer, request: bytes) -> bytes:
    """Send everything and read to the end."""
    with _connect(server) as connection:
        connection.sendall(request)
        received = b""
        while data := connection.recv(65536):
            received += data
        return received


def _trust() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(cadata=AUTHORITY.pem.decode())
    # Python before 3.11.4 takes any end for a goodbye unless told otherwise, and then has a plain SSLError for it.
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    return context


CLOSE = b"Connection: close\r\n"


def test_requests_follow_one_another_on_one_connection(plain: HttpServer, seen: list[ServedExchange]) -> None:
    with _connect(plain) as connection:
        for number in range(3):
            connection.sendall(b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n%d" % number)
            answer = connection.recv(65536)
            while not answer.endswith(b"%d" % number):
                answer += connection.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"connection: close" not in answer.lower()
    assert len({e.conn for e in seen}) == 1


def test_pipelined_requests_are_answered_in_order(plain: HttpServer) -> None:
    one = b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\none"
    two = b"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n"
    three = b"GET /leave HTTP/1.1\r\nHost: h\r\n" + CLOSE + b"\r\n"
    answers = _talk(plain, one + two + three)
    assert [part.rpartition(b"\r\n\r\n")[2] for part in answers.split(b"HTTP/1.1 ")[1:]] == [b"one", b"two", b"left"]


@pytest.mark.parametrize(
    "body",
    [
        b"5\r\nhello\r\n0\r\n\r\n",
        b"1\r\nh\r\n4;name=value\r\nello\r\n0\r\n\r\n",
        b"05\r\nhello\r\n0\r\nTrailer: one\r\nOther: two\r\n\r\n",
    ],
)
def test_a_chunked_request_is_read_with_extensions_and_trailers(plain: HttpServer, body: bytes) -> None:
    head = b"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n"
    after = b"GET /leave HTTP/1.1\r\nHost: h\r\n" + CLOSE + b"\r\n"
    answers = _talk(plain, head + body + after)
    assert b"\r\n\r\nhello" in answers
    assert answers.endswith(b"left"), "the next request was not found where it begins"


@given(parts=st.lists(st.binary(min_size=1, max_size=50), max_size=6), sizes=st.lists(st.integers(1, 40), min_size=1))
def test_chunks_of_any_size_read_in_pieces_of_any_size(parts: list[bytes], sizes: list[int]) -> None:
    import io
    from email.message import Message

    wire = b"".join(b"%X\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\nNEXT"
    source, headers = io.BytesIO(wire), Message()
    headers["Transfer-Encoding"] = "chunked"
    body = RequestBody.of(headers, source)
    assert body is not None
    read, turn = b"", 0
    while piece := body.read(sizes[turn % len(sizes)]):
        read, turn = read + piece, turn + 1
    assert read == b"".join(parts)
    assert body.consumed == len(read)
    assert source.read() == b"NEXT"


@pytest.mark.parametrize(
    "body",
    [
        b"x\r\n",
        b"-5\r\nhello\r\n",
        b"+5\r\nhello\r\n",
        b"0x5\r\nhello\r\n",
        b"\r\n",
        b"5\r\nhelloo\r\n",
        b"5_0\r\n",
        b"5\nhello\n0\n\n",
        b" 5\r\nhello\r\n",
        b"5 ;x\r\nhello\r\n",
        b"5\r\nhello\n0\r\n",
        b"f" * 17 + b"\r\n",
        b"5;" + b"x" * 5000 + b"\r\nhello\r\n",
        b"5;\x01\r\nhello\r\n",
        b"5\r\nhello\r\n0\r\nno trailer\r\n",
        b"5\r\nhello\r\n0\r\nTransfer-Encoding:l chunked\r\n",  # found by the guided fuzz run: h11 refuses it
        b"5\r\nhello\r\n0\r\nContent-length: 5\r\n",
        b"5\r\nhello\r\n0\r\n" + b"a: b\r\n" * 65,
        (b"1;" + b"x" * 2000 + b"\r\nh\r\n") * 9,
    ],
)
def test_a_malformed_chunk_is_the_clients_fault(plain: HttpServer, body: bytes) -> None:
    answer = _talk(plain, b"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + body + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"<" not in answer


def test_clients_that_reset_before_tls_leave_no_socket(secure: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[Any] = []
    # What other tests have left is not looked for here.
    gc.collect()
    monkeypatch.setattr(sys, "unraisablehook", left.append)
    for _ in range(20):
        with socket.create_connection((secure.host, secure.port)) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    secure.stop()
    assert not left


@pytest.mark.parametrize("body", [b"5\r\nhel", b"5\r\nhello\r\n", b""])
@pytest.mark.parametrize("framing", [b"Transfer-Encoding: chunked", b"Content-Length: 99"])
def test_a_client_that_leaves_in_its_body_is_gone(
    plain: HttpServer, seen: list[ServedExchange], body: bytes, framing: bytes
) -> None:
    with _connect(plain) as connection:
        connection.sendall(b"POST /echo HTTP/1.1\r\nHost: h\r\n" + framing + b"\r\n\r\n" + body)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""
    plain.stop()
    assert [e.end for e in seen] == ["client gone"]


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 3\r\nContent-Length: 4",
        b"Content-Length: 3, 4",
        b"Content-Length: -1",
        b"Content-Length: +3",
        b"Content-Length: 3.0",
        b"Content-Length: \xb2",
        b"Content-Length: 3\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: gzip, chunked",
        b"Transfer-Encoding: identity",
        b"Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\nContent-Length: 4",
        b"Transfer-Encoding:\r\nContent-Length: 4",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        b"Foo : y\r\nContent-Length: 36",
        b"Content-Length : 36",
        b"Foo\r\nContent-Length: 36",
        b" Foo: y\r\nContent-Length: 36",
        b"Foo: y\rContent-Length: 36",
        b"Foo: y\r\n z",
        b": y",
        b"From me\r\nContent-Length: 36",
        b"Content-Length: " + b"1" * 5000,
        b"Host: other",
    ],
)
def test_contradictory_lengths_are_refused_and_the_connection_ends(plain: HttpServer, headers: bytes) -> None:
    hidden = b"GET /leave HTTP/1.1\r\nHost: h\r\n\r\n"
    answer = _talk(plain, b"POST /echo HTTP/1.1\r\nHost: h\r\n" + headers + b"\r\n\r\n" + hidden)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    "head",
    [
        b"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked",
        b"POST /echo HTTP/1.1\r\nContent-Length: 0",
        b"POST /echo HTTP/1.1",
    ],
)
def test_what_a_version_of_http_does_not_have_or_needs_is_refused(plain: HttpServer, head: bytes) -> None:
    answer = _talk(plain, head + b"\r\n\r\n0\r\n\r\nGET /leave HTTP/1.1\r\nHost: h\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1


def test_a_head_that_ends_early_is_no_request(plain: HttpServer, seen: list[ServedExchange]) -> None:
    with _connect(plain) as connection:
        connection.sendall(b"GET /leave HTTP/1.1\r\nHost: h\r\n")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")
    plain.stop()
    assert seen == []


@pytest.mark.parametrize("kind", [b"multipart/mixed; boundary=x", b"message/rfc822", b"multipart/mixed"])
def test_a_type_that_mail_would_take_apart_is_left_alone(plain: HttpServer, kind: bytes) -> None:
    head = b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Type: " + kind + b"\r\nContent-Length: 2 \r\n" + CLOSE
    assert _talk(plain, head + b"\r\nok").endswith(b"\r\n\r\nok")


def test_equal_lengths_said_twice_are_one_length(plain: HttpServer) -> None:
    head = b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nContent-Length: 2\r\n" + CLOSE
    assert _talk(plain, head + b"\r\nok").endswith(b"\r\n\r\nok")


@pytest.mark.parametrize(
    "request_line", [b"GARBAGE\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /" + b"a" * 70000 + b"\r\n"]
)
def test_what_is_no_request_is_refused_without_a_page(plain: HttpServer, request_line: bytes) -> None:
    answer = b""
    with _connect(plain) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(request_line)
        while data := connection.recv(65536):
            answer += data
    assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5"))
    assert b"html" not in answer.lower()


def test_continue_is_said_once_and_only_where_the_body_is_read(plain: HttpServer) -> None:
    head = b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    with _connect(plain) as connection:
        connection.sendall(head)
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"hello")
        answer = connection.recv(65536)
        while not answer.endswith(b"hello"):
            answer += connection.recv(65536)
        assert b"100 Continue" not in answer
    refused = _talk(plain, head.replace(b"/echo", b"/leave"))
    assert refused.startswith(b"HTTP/1.1 200 OK")
    assert b"100 Continue" not in refused
    get = b"GET /leave HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n" + CLOSE + b"\r\n"
    assert _talk(plain, get).startswith(b"HTTP/1.1 200 OK")


def test_head_gets_the_head_alone(plain: HttpServer) -> None:
    two = b"HEAD /leave HTTP/1.1\r\nHost: h\r\n\r\nHEAD /length/ok HTTP/1.1\r\nHost: h\r\n" + CLOSE + b"\r\n"
    answers = _talk(plain, two)
    first, second = answers.split(b"HTTP/1.1 200 OK")[1:]
    assert first.endswith(b"\r\n\r\n")
    assert second.endswith(b"\r\n\r\n")
    assert b"Content-Length: 1000" in second


def test_no_content_has_none(plain: HttpServer) -> None:
    answer = _talk(plain, b"GET /silent HTTP/1.1\r\nHost: h\r\n" + CLOSE + b"\r\n")
    assert answer.endswith(b"\r\n\r\n")
    assert b"Transfer-Encoding" not in answer


def test_http_1_0_gets_the_body_ended_by_the_close(plain: HttpServer) -> None:
    answer = _talk(plain, b"GET /chunked/ok HTTP/1.0\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"Transfer-Encoding" not in head
    assert body == b"a" * 100 + b"b" * 900


WHOLE = b"64\r\n" + b"a" * 100 + b"\r\n384\r\n" + b"b" * 900 + b"\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("path", "body", "end"),
    [
        ("/chunked/ok", WHOLE, "complete"),
        ("/chunked/cut", WHOLE[:106], "cut"),
        ("/chunked/reset", WHOLE[:106], "reset"),
        ("/length/ok", b"a" * 100 + b"b" * 900, "complete"),
        ("/length/cut", b"a" * 100, "cut"),
        ("/length/reset", b"a" * 100, "reset"),
    ],
)
def test_a_stream_ends_whole_cut_or_reset(
    plain: HttpServer, seen: list[ServedExchange], path: str, body: bytes, end: str
) -> None:
    received, how = b"", "complete"
    with _connect(plain) as connection:
        closing = CLOSE if end == "complete" else b""
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\n".encode() + closing + b"\r\n")
        try:
            while data := connection.recv(65536):
                received += data
        except ConnectionResetError:
            how = "reset"
    # A reset may overtake bytes that were on their way.
    came = received.partition(b"\r\n\r\n")[2]
    assert body.startswith(came) if end == "reset" else came == body
    assert (how == "reset") == (end == "reset")
    plain.stop()
    assert [(e.end, e.sent, e.t0, e.path) for e in seen] == [(end, 1000 if end == "complete" else 100, 5.0, path)]


@pytest.mark.parametrize("end", ["ok", "cut", "reset"])
def test_tls_says_goodbye_only_where_the_answer_is_whole(secure: HttpServer, end: str) -> None:
    with _connect(secure) as raw:
        tls = _trust().wrap_socket(raw, server_hostname="127.0.0.1", suppress_ragged_eofs=False)
        with tls:
            tls.sendall(f"GET /chunked/{end} HTTP/1.0\r\nHost: h\r\n\r\n".encode())
            received = b""

            def read() -> None:
                nonlocal received
                while data := tls.recv(65536):
                    received += data

            if end == "ok":
                read()
                assert received.endswith(b"b" * 900)
            else:
                with pytest.raises((ssl.SSLError, ConnectionResetError)):
                    read()


def test_the_thumbprint_is_that_of_the_certificate_shown(secure: HttpServer) -> None:
    with _connect(secure) as raw, _trust().wrap_socket(raw, server_hostname="localhost") as tls:
        shown = tls.getpeercert(binary_form=True)
    assert shown is not None
    assert thumbprint_of(shown) == LEAF.thumbprint
    assert len(LEAF.thumbprint.split(":")) == 20


def test_an_error_of_the_application_is_a_500_without_a_page(
    plain: HttpServer, seen: list[ServedExchange], monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: errors.append(args.exc_type))
    for path in (b"/wrong", b"/late-wrong"):
        answer = _talk(plain, b"GET " + path + b" HTTP/1.1\r\nHost: h\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 500 ")
        assert answer.endswith(b"\r\n\r\n")
    plain.stop()
    assert errors == [ZeroDivisionError] * 2
    assert [(e.status, e.end) for e in seen] == [(500, "complete")] * 2


def test_a_large_body_that_nobody_reads_does_not_become_the_next_request(plain: HttpServer) -> None:
    inner = b"GET /wrong HTTP/1.1\r\nHost: h\r\n\r\n"
    small = b"POST /leave HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%b" % (len(inner), inner)
    after = b"GET /leave HTTP/1.1\r\nHost: h\r\n" + CLOSE + b"\r\n"
    assert _talk(plain, small + after).count(b"200 OK") == 2


def test_a_stopped_server_may_keep_its_port_and_comes_back_there(plain: HttpServer) -> None:
    def free() -> bool:
        with socket.socket() as other:
            try:
                other.bind((plain.host, plain.port))
            except OSError:
                return False
            return True

    for _ in range(2):
        plain.stop(keep_port=True)
        with pytest.raises(ConnectionRefusedError):
            _connect(plain)
        assert not free()
        plain.stop(keep_port=True)
        assert not free()
        plain.start()
        with _connect(plain) as connection:
            connection.sendall(b"GET /leave HTTP/1.1\r\nHost: h\r\n\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        # Whoever ends a connection first keeps its port for a minute, which here is the client.
        until(lambda: not plain.connections, "the connection is not over")
    plain.stop(keep_port=True)
    plain.stop()
    until(free, "the port is kept")


def test_silent_clients_block_nobody_and_stop_ends_them(secure: HttpServer) -> None:
    silent = [_connect(secure) for _ in range(3)]
    half = [_connect(secure) for _ in range(3)]
    try:
        for connection in half:
            connection.sendall(b"\x16\x03\x01\x02\x00\x01")
        with urllib3.PoolManager(ssl_context=_trust()) as pool:
            assert pool.request("GET", f"{secure.url}/leave", timeout=LONG).data == b"left"
        secure.stop()
        assert secure.connections == 0
        assert not _threads()
    finally:
        for connection in (*silent, *half):
            connection.close()


def test_stop_cuts_streams_that_the_client_takes_and_those_that_it_does_not(secure: HttpServer, site: Site) -> None:
    with _connect(secure) as raw, _trust().wrap_socket(raw, server_hostname="127.0.0.1") as tls:
        tls.sendall(b"GET /chunked/endless HTTP/1.1\r\nHost: h\r\n\r\n")
        assert site.streaming.wait(LONG)
        secure.stop()
        assert not _threads()
        with contextlib.suppress(OSError):
            while tls.recv(65536):
                pass
    with pytest.raises(OSError):
        _connect(secure)


def test_five_hundred_idle_connections_leave_room_for_one_more(plain: HttpServer) -> None:
    idle: list[socket.socket] = []
    try:
        for _ in range(500):
            idle.append(_connect(plain))
        for connection in idle[::50]:
            connection.sendall(b"GET /leave HTTP/1.1\r\nHost: h\r\n\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        assert _talk(plain, b"GET /leave HTTP/1.1\r\nHost: h\r\n" + CLOSE + b"\r\n").endswith(b"left")
        plain.stop()
        assert (plain.connections, _threads()) == (0, [])
    finally:
        for connection in idle:
            connection.close()


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
def test_a_machine_without_descriptors_is_asked_again_after_a_pause(
    site: Site, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    server = HttpServer(site, name="vcenter")
    pauses: list[float] = []

    class Exhausted:
        tries = 0

        def accept(self) -> Any:
            self.tries += 1
            server._stopping = self.tries == 4
            raise OSError(errno.ECONNABORTED if self.tries == 2 else number, "no")

    monkeypatch.setattr(server_module, "time", types.SimpleNamespace(sleep=pauses.append))
    listener: Any = Exhausted()
    server._listener = listener
    server._accept(listener)
    assert pauses == [server_module.PAUSE] * 2


def test_a_connection_without_a_thread_is_closed_and_the_next_is_served(
    plain: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def once(thread: threading.Thread) -> None:
        if thread.name.startswith("vcenter"):
            monkeypatch.setattr(threading.Thread, "start", start)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", once)
    with _connect(plain) as connection:
        assert connection.recv(100) == b""
    assert plain.connections == 0
    assert _talk(plain, b"GET /leave HTTP/1.1\r\nHost: h\r\n" + CLOSE + b"\r\n").endswith(b"left")


def test_one_connection_more_than_the_limit_is_closed_until_another_ends(site: Site) -> None:
    server = HttpServer(site, name="vcenter", limit=2).start()
    ask = b"GET /leave HTTP/1.1\r\nHost: h\r\n\r\n"
    try:
        with _connect(server) as first, _connect(server) as second:
            for connection in (first, second):
                connection.sendall(ask)
                assert connection.recv(65536).startswith(b"HTTP/1.1 200")
            with _connect(server) as third:
                assert third.recv(100) == b""
            first.close()
            until(lambda: server.connections != 2, "the first connection is not over")
            with _connect(server) as fourth:
                fourth.sendall(ask)
                assert fourth.recv(65536).startswith(b"HTTP/1.1 200")
    finally:
        server.stop()
    assert HttpServer(site, name="vcenter").limit == 4096


def test_a_taken_port_is_named(plain: HttpServer, site: Site) -> None:
    with pytest.raises(OSError, match=rf"other cannot listen on 127.0.0.1:{plain.port}: .*; give another port, or 0"):
        HttpServer(site, name="other", port=plain.port).start()


def test_a_server_that_was_stopped_starts_again_on_its_port(plain: HttpServer) -> None:
    port = plain.port
    plain.stop()
    plain.start()
    assert plain.port == port
    assert _talk(plain, b"GET /leave HTTP/1.1\r\nHost: h\r\n" + CLOSE + b"\r\n").endswith(b"left")


def test_a_client_that_sends_half_a_request_is_given_up(plain: HttpServer) -> None:
    plain.patience = Patience(head_s=0.05)
    with _connect(plain) as connection:
        connection.sendall(b"GET /leave HTTP/1.1\r\nHost:")
        assert connection.recv(100) == b""


def test_a_client_that_pauses_within_an_answer_is_not_given_up(plain: HttpServer, site: Site) -> None:
    _talk(plain, b"GET /chunked/ok HTTP/1.1\r\nHost: h\r\n" + CLOSE + b"\r\n")
    assert site.patience == plain.patience.idle_s > plain.patience.head_s


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("kind", ["plain", "secure"])
def test_an_answer_that_nobody_takes_can_be_ended(
    site: Site, seen: list[ServedExchange], kind: str, reset: bool
) -> None:
    server = HttpServer(
        site, name="vcenter", tls=LEAF.context if kind == "secure" else None, observer=seen.append
    ).start()
    try:
        with _connect(server) as raw:
            mine = raw if kind == "plain" else _trust().wrap_socket(raw, server_hostname="127.0.0.1")
            mine.sendall(b"GET /blocked/endless HTTP/1.1\r\nHost: h\r\n\r\n")
            assert site.looked.wait(LONG)
            assert server.connections == 1
            site.over = Cut("as told", reset=reset)
            for thread in threading.enumerate():
                if thread.name == "vcenter-1":
                    thread.join(LONG)
            assert [(e.end, e.status) for e in seen] == [("reset" if reset else "cut", 200)]
            how = "end"
            try:
                # Past TLS, which takes a reset in the middle of a record for an end.
                while socket.socket.recv(mine, 1 << 20):
                    pass
            except ConnectionResetError:
                how = "reset"
            except ssl.SSLError:
                pass
            mine.close()
            assert how == ("reset" if reset else "end")
    finally:
        site.go.set()
        server.stop()


@pytest.mark.parametrize("kind", ["plain", "secure"])
def test_an_answer_that_is_taken_late_is_whole(site: Site, kind: str) -> None:
    server = HttpServer(site, name="vcenter", tls=LEAF.context if kind == "secure" else None).start()
    try:
        with _connect(server) as raw:
            mine = raw if kind == "plain" else _trust().wrap_socket(raw, server_hostname="127.0.0.1")
            with mine:
                mine.sendall(b"GET /blocked/endless HTTP/1.0\r\n\r\n")
                assert site.looked.wait(LONG)
                site.go.set()
                received = b""
                while data := mine.recv(1 << 20):
                    received += data
        body = received.partition(b"\r\n\r\n")[2]
        assert (body[:100], body[-900:], set(body[100:-900])) == (b"a" * 100, b"b" * 900, {ord("z")})
    finally:
        server.stop()


def test_an_answer_that_nobody_takes_is_given_up_in_the_end(
    plain: HttpServer, site: Site, seen: list[ServedExchange]
) -> None:
    with _connect(plain) as connection:
        connection.sendall(b"GET /leave HTTP/1.1\r\nHost: h\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        # What a connection waits for its client's requests was settled when it came.
        plain.patience = Patience(idle_s=0.3)
        connection.sendall(b"GET /blocked/endless HTTP/1.1\r\nHost: h\r\n\r\n")
        assert site.looked.wait(LONG)
        until(lambda: not plain.connections, "nobody gives it up")
    assert [e.end for e in seen] == ["complete", "client gone"]


def test_a_server_that_is_told_no_address_is_on_loopback(site: Site) -> None:
    server = HttpServer(site, name="vcenter").start()
    try:
        assert server._listener is not None
        assert server._listener.getsockname()[0] == server.host == "127.0.0.1"
    finally:
        server.stop()


def test_ipv6_is_written_with_brackets(site: Site) -> None:
    try:
        server = HttpServer(site, name="vcenter", host="::1").start()
    except OSError as error:
        pytest.skip(f"no IPv6 loopback here: {error}")
    try:
        assert server.url == f"http://[::1]:{server.port}"
        with urllib3.PoolManager() as pool:
            assert pool.request("GET", f"{server.url}/leave").data == b"left"
    finally:
        server.stop()


def _threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("vcenter")]
