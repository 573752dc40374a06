"""Requests that come again: answered as before where the application says so, by one thread for all connections."""

from __future__ import annotations

import contextlib
import errno
import select
import socket
import ssl
import struct
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from twohop.runtime.certificates import Authority
from twohop.runtime.serving import HttpServer, Patience, ServedExchange
from twohop.runtime.serving import _server as server_module
from twohop.runtime.serving import _watch as watch_module

LONG = 30.0
LARGE = 12 << 20
AUTHORITY = Authority()
LEAF = AUTHORITY.leaf(["127.0.0.1"])

pytestmark = pytest.mark.skipif(
    not watch_module.ABLE, reason="this system has no epoll: connections wait by themselves"
)


class Site:
    """Counts what it is asked; `due` says whether the same answer is due again, `size` how long it is."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.repeated = 0
        self.due = True
        self.size = 10
        self.threads: set[str] = set()
        self.chunked = False
        self.go = threading.Event()
        self.stuck = threading.Event()

    def __call__(self, environ: dict[str, Any], start: Any) -> Any:
        body = environ["wsgi.input"].read()
        if body == b"stuck":
            self.stuck.set()
            self.go.wait(LONG)
        self.asked.append(environ["PATH_INFO"])
        if environ["PATH_INFO"] == "/slow":
            self.go.wait(LONG)
        if environ["PATH_INFO"] == "/broken":
            raise LookupError("the application is broken")
        if environ["PATH_INFO"].startswith("/prompt"):
            self.threads.add(threading.current_thread().name)
        elif environ["PATH_INFO"] != "/never":
            environ["twohop.again"] = self._again
        content = body + bytes(LARGE if body.startswith(b"large") else self.size)
        start("200 OK", [] if self.chunked else [("Content-Length", str(len(content)))])
        return iter((content,)) if self.chunked else [content]

    def _again(self) -> bool:
        self.threads.add(threading.current_thread().name)
        self.repeated += self.due
        return self.due


def prompt(environ: Mapping[str, Any], body: bytes) -> contextlib.AbstractContextManager[None] | None:
    """What the site says it answers at once."""
    soon = environ["PATH_INFO"] in ("/prompt", "/broken") and not body.startswith(b"late")
    return contextlib.nullcontext() if soon else None


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.go.set()


@pytest.fixture
def seen() -> list[ServedExchange]:
    return []


@pytest.fixture(params=["plain", "tls"])
def server(request: pytest.FixtureRequest, site: Site, seen: list[ServedExchange]) -> Iterator[HttpServer]:
    tls = LEAF.context if request.param == "tls" else None
    server = HttpServer(
        site, name="site", tls=tls, observer=seen.append, patience=Patience(idle_s=LONG), prompt=prompt
    ).start()
    yield server
    site.go.set()
    server.stop()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("site-")]


class Client:
    """A kept-alive connection."""

    def __init__(self, server: HttpServer) -> None:
        raw = socket.create_connection((server.host, server.port), timeout=LONG)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket: socket.socket = raw
        if server.tls is not None:
            context = ssl.create_default_context(cadata=AUTHORITY.pem.decode())
            self.socket = context.wrap_socket(raw, server_hostname="127.0.0.1")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, path: str, body: bytes = b"") -> None:
        self.socket.sendall(
            b"POST %b HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%b" % (path.encode(), len(body), body)
        )

    def answer(self) -> bytes:
        """Read one answer, with its Content-Length or in chunks, and return its content."""
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._more()
        head, _, content = received.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert head.count(b"Date: ") == 1
        if b"chunked" in head:
            while not content.endswith(b"\r\n0\r\n\r\n"):
                content += self._more()
            return content.partition(b"\r\n")[2].removesuffix(b"\r\n0\r\n\r\n")
        length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
        while len(content) < length:
            content += self._more()
        assert len(content) == length
        return content

    def _more(self) -> bytes:
        data = self.socket.recv(65536)
        assert data, "the server closed the connection"
        return data

    def ask(self, path: str, body: bytes = b"") -> bytes:
        self.send(path, body)
        return self.answer()


@pytest.mark.parametrize("chunked", [False, True])
def test_what_is_prompt_is_answered_by_one_thread_however_new_it_is(
    server: HttpServer, site: Site, seen: list[ServedExchange], chunked: bool
) -> None:
    site.chunked = chunked
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(server)) for _ in range(20)]
        for turn in range(5):
            for number, client in enumerate(clients, 10 * turn):
                body = b"%02d" % number
                assert client.ask("/prompt", body) == body + bytes(10), turn
        assert "site-watch" in site.threads
        site.threads.clear()
        assert clients[0].ask("/prompt", b"no") == b"no" + bytes(10)
        assert site.threads == {"site-watch"}
        # What is not prompt goes back to the connection's own thread, and what follows to the one of all.
        assert clients[0].ask("/prompt", b"late") == b"late" + bytes(10)
        assert clients[0].ask("/prompt", b"12") == b"12" + bytes(10)
        assert len(site.threads) == 2
    server.stop()
    assert sorted((e.method, e.path, e.status, e.received, e.sent, e.end) for e in seen) == [
        ("POST", "/prompt", 200, size, size + 10, "complete") for size in (*[2] * 102, 4)
    ]


def test_a_prompt_application_that_breaks_ends_its_own_connection_only(
    server: HttpServer, site: Site, seen: list[ServedExchange], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", told.append)
    with Client(server) as other:
        for _ in range(3):
            other.ask("/prompt")
        for _ in range(2):
            with Client(server) as client:
                client.ask("/prompt", b"1")
                client.ask("/prompt", b"2")
                client.send("/broken")
                answer = b""
                with contextlib.suppress(ConnectionError):
                    while piece := client.socket.recv(65536):
                        answer += piece
                assert answer.startswith(b"HTTP/1.1 500 ")
        assert other.ask("/prompt", b"3") == b"3" + bytes(10)
    assert [each.exc_type for each in told] == [LookupError] * 2
    assert [e.status for e in seen if e.path == "/broken"] == [500, 500]


def test_a_prompt_answer_that_is_not_taken_blocks_nobody_and_comes_whole(server: HttpServer, site: Site) -> None:
    with Client(server) as slow, Client(server) as other:
        slow.ask("/prompt", b"large")
        slow.ask("/prompt", b"large")
        slow.send("/prompt", b"large")
        for n in range(10):
            assert other.ask("/prompt", b"%d" % n) == b"%d" % n + bytes(10)
        assert slow.answer() == b"large" + bytes(LARGE)
        assert slow.ask("/prompt", b"4") == b"4" + bytes(10)


def test_who_goes_without_the_answer_is_gone_in_the_journal(
    server: HttpServer, site: Site, seen: list[ServedExchange]
) -> None:
    with Client(server) as client:
        client.ask("/prompt", b"1")
        client.ask("/prompt", b"2")
        client.send("/prompt", b"large")
        # Until it comes, so that it was made; what fits into the sockets is the smaller part of it.
        client.socket.recv(1)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.stop()
    assert [(e.sent, e.end) for e in seen] == [(11, "complete"), (11, "complete"), (0, "client gone")]


def test_stop_gives_up_an_application_that_was_not_as_prompt_as_it_said(
    server: HttpServer, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "GRACE", 0.1)
    with Client(server) as stuck, Client(server) as other:
        for client in (stuck, other):
            client.ask("/prompt", b"1")
            client.ask("/prompt", b"2")
        stuck.send("/prompt", b"stuck")
        assert site.stuck.wait(LONG)
        server.stop()
        site.go.set()


def test_a_prompt_request_may_be_the_last_of_its_connection(server: HttpServer, site: Site) -> None:
    for close in (False, True, True):
        with Client(server) as client:
            client.ask("/prompt", b"1")
            client.ask("/prompt", b"2")
            header = b"Connection: close\r\n" if close else b""
            client.socket.sendall(b"POST /prompt HTTP/1.1\r\nHost: h\r\n%bContent-Length: 1\r\n\r\n3" % header)
            assert client.answer() == b"3" + bytes(10)
            if close:
                assert client.socket.recv(1) == b""


@pytest.mark.parametrize("chunked", [False, True])
def test_what_comes_again_on_many_connections_is_answered_by_one_thread(
    server: HttpServer, site: Site, seen: list[ServedExchange], chunked: bool
) -> None:
    site.chunked = chunked
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(server)) for _ in range(20)]
        # What is sent is kept before the same connection is read from again, not sooner.
        clients[0].ask("/a", b"x")
        for turn in range(5):
            for client in clients:
                assert client.ask("/a", b"x") == b"x" + bytes(10), turn
    assert site.asked == ["/a"]
    assert site.repeated == 100
    assert "site-watch" in site.threads
    server.stop()
    assert [(e.method, e.path, e.status, e.received, e.sent, e.end) for e in seen] == [
        ("POST", "/a", 200, 1, 11, "complete")
    ] * 101
    assert {e.conn for e in seen} == set(range(1, 21))


def test_a_byte_of_difference_goes_to_the_application(server: HttpServer, site: Site) -> None:
    with Client(server) as client:
        for body in (b"x", b"x", b"y", b"x", b"", b"x"):
            assert client.ask("/a", body) == body + bytes(10)
        client.ask("/b", b"x")
    assert site.asked == ["/a", "/a", "/a", "/b"]


def test_what_is_not_due_again_goes_to_the_application(server: HttpServer, site: Site) -> None:
    with Client(server) as client:
        assert client.ask("/a") == client.ask("/a") == bytes(10)
        site.due, site.size = False, 20
        assert client.ask("/a") == bytes(20)
        site.due = True
        assert client.ask("/a") == bytes(20)
        for _ in range(3):
            client.ask("/never")
    assert site.asked == ["/a", "/a", "/never", "/never", "/never"]


def test_requests_in_one_piece_are_answered_in_their_order(server: HttpServer, site: Site) -> None:
    one = b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n"
    with Client(server) as client:
        for _ in range(2):
            client.socket.sendall(one + b"x" + one + b"y" + one + b"x" + one + b"z")
            got = b""
            while got.count(bytes(10)) < 4:
                got += client.socket.recv(65536)
            order = [part[-1:] for part in got.split(bytes(10))[:4]]
            assert order == [b"x", b"y", b"x", b"z"]
        client.ask("/never")


@pytest.mark.parametrize("path", ["/a", "/prompt"])
def test_who_sends_much_at_once_does_not_keep_the_others_waiting(server: HttpServer, site: Site, path: str) -> None:
    with Client(server) as client:
        for _ in range(3):
            client.ask(path, b"x")
        site.threads.clear()
        one = b"POST %b HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx" % path.encode()
        client.socket.sendall(one * 60)
        got = b""
        while got.count(b"x" + bytes(10)) < 60:
            got += client.socket.recv(65536)
        assert len(site.threads) == 2, site.threads
        site.threads.clear()
        client.ask(path, b"x")
        client.ask(path, b"x")
        assert "site-watch" in site.threads


def test_a_request_in_two_pieces_waits_for_nobody_else(server: HttpServer, site: Site) -> None:
    with Client(server) as halting, Client(server) as other:
        for client in (halting, other):
            client.ask("/a", b"12")
            client.ask("/a", b"12")
        halting.socket.sendall(b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Le")
        assert other.ask("/a", b"12") == b"12" + bytes(10)
        halting.socket.sendall(b"ngth: 2\r\n\r\n1")
        assert other.ask("/a", b"12") == b"12" + bytes(10)
        halting.socket.sendall(b"2")
        assert halting.answer() == b"12" + bytes(10)


def test_a_slow_application_keeps_only_its_own_client_waiting(server: HttpServer, site: Site) -> None:
    with Client(server) as slow, Client(server) as other:
        for client in (slow, other):
            client.ask("/a")
            client.ask("/a")
        slow.send("/slow")
        assert other.ask("/a") == bytes(10)
        site.go.set()
        assert slow.answer() == bytes(10)
        assert slow.ask("/a") == bytes(10)


def test_an_answer_that_is_not_taken_blocks_nobody_and_comes_whole(server: HttpServer, site: Site) -> None:
    site.size = 12 << 20
    with Client(server) as slow, Client(server) as other:
        slow.ask("/large")
        slow.ask("/large")
        slow.send("/large")
        site.size = 10
        other.ask("/a")
        for _ in range(10):
            assert other.ask("/a") == bytes(10)
        assert slow.answer() == bytes(12 << 20)
        assert slow.ask("/a") == bytes(10)


def test_stop_ends_those_that_wait(server: HttpServer, site: Site) -> None:
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(server)) for _ in range(10)]
        for _ in range(4):
            for client in clients:
                client.ask("/a")
        server.stop()
        assert server.connections == 0
        for client in clients:
            with contextlib.suppress(OSError):
                assert client.socket.recv(1) == b""


@pytest.mark.parametrize("lacks", ["descriptors", "threads", "watches"])
def test_where_the_machine_has_no_room_for_the_shared_thread_connections_wait_by_themselves(
    server: HttpServer, site: Site, monkeypatch: pytest.MonkeyPatch, lacks: str
) -> None:
    class Full:
        """An epoll that takes no connection more."""

        def __init__(self) -> None:
            self._poll = select.epoll()
            self.poll, self.unregister, self.close = self._poll.poll, self._poll.unregister, self._poll.close
            self._left = 1

        def register(self, *given: Any) -> None:
            self._left -= 1
            if self._left < 0:
                raise OSError(errno.ENOSPC, "no watch left")
            self._poll.register(*given)

    start = threading.Thread.start

    def started(thread: threading.Thread) -> None:
        if thread.name == "site-watch":
            raise RuntimeError("can't start new thread")
        start(thread)

    def none() -> Any:
        raise OSError(errno.EMFILE, "no descriptor left")

    with monkeypatch.context() as patch:
        if lacks == "threads":
            patch.setattr(threading.Thread, "start", started)
        else:
            patch.setattr(watch_module.select, "epoll", none if lacks == "descriptors" else Full)
        with Client(server) as client:
            for number in range(9):
                assert client.ask("/prompt", b"%d" % number) == b"%d" % number + bytes(10)
    assert "site-watch" not in site.threads and len(site.asked) == 9


def test_a_server_that_was_stopped_watches_again(server: HttpServer, site: Site) -> None:
    for _ in range(2):
        with Client(server) as client:
            for _ in range(3):
                client.ask("/a")
        server.stop()
        server.start()
    assert len(site.asked) == 1


def test_who_is_silent_for_too_long_is_left(site: Site) -> None:
    server = HttpServer(site, name="site", patience=Patience(idle_s=0.2)).start()
    try:
        with Client(server) as client:
            # Where the machine is busy it may be left before it has asked twice.
            with contextlib.suppress(OSError, AssertionError):
                client.ask("/a")
                client.ask("/a")
            with contextlib.suppress(ConnectionError):
                assert client.socket.recv(1) == b""
    finally:
        server.stop()


def test_the_date_is_that_of_now(site: Site) -> None:
    times = iter([float(n) for n in range(100, 200)])
    server = HttpServer(site, name="site", now=lambda: next(times)).start()
    dates = set()
    try:
        with Client(server) as client:
            for _ in range(5):
                client.send("/a")
                dates.add(client.socket.recv(65536).partition(b"Date: ")[2].partition(b"\r\n")[0])
    finally:
        server.stop()
    assert len(dates) == 5
