"""HTTP that is none: a 4xx or a prompt close, one answer and not two, and the next client is served."""

from __future__ import annotations

import contextlib
import itertools
import socket
import tracemalloc
from collections.abc import Iterator

import pytest

from hostile.attacker import Site, get, read, statuses
from twohop.runtime.serving import Patience

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n"
HEAD = b"POST /sdk HTTP/1.1\r\nHost: h\r\n"

MALFORMED: dict[str, bytes] = {
    "nothing but an end": b"\r\n\r\n",
    "words": b"hello, world\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n",
    "HTTP/0.9 that says so": b"GET / HTTP/0.9\r\n\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    "HTTP/3": b"GET / HTTP/3.0\r\nHost: h\r\n\r\n",
    "an upgrade within a line": b"GET /sdk HTTP/1.1 HTTP/1.1\r\nHost: h\r\n\r\n",
    "a method that is none": b"G(T / HTTP/1.1\r\nHost: h\r\n\r\n",
    "a line that never ends": b"GET /" + b"a" * 100_000,
    "a tab for a space": b"GET\t/\tHTTP/1.1\r\nHost: h\r\n\r\n",
    "NUL in the target": b"GET /\x00 HTTP/1.1\r\nHost: h\r\n\r\n",
    "a target out of nowhere": b"GET sdk HTTP/1.1\r\nHost: h\r\n\r\n",
    "a proxy's target": b"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n",
    "another scheme": b"GET file:///etc/passwd HTTP/1.1\r\nHost: h\r\n\r\n",
    "a host that is none": b"GET https://[::/ HTTP/1.1\r\nHost: h\r\n\r\n",
    "TLS in TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200) + b"\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "a fold": b"GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n",
    "a carriage return alone": b"GET / HTTP/1.1\r\nHost: h\r\nX: a\rContent-Length: 5\r\n\r\n",
    "a header without a name": b"GET / HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n",
    "a header without a colon": b"GET / HTTP/1.1\r\nHost: h\r\nX\r\n\r\n",
    "a space before the colon": b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length : 5\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\nHost: h\r\n" + b"X: y\r\n" * 10_000 + b"\r\n",
    "a huge header": b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"y" * (1 << 20) + b"\r\n\r\n",
    "huge headers": b"GET / HTTP/1.1\r\nHost: h\r\n" + (b"X: " + b"y" * 60_000 + b"\r\n") * 90 + b"\r\n",
    "a header that never ends": b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"y" * (1 << 20),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_request_is_refused(site: Site, name: str) -> None:
    answer = site.say(MALFORMED[name] + HIDDEN)
    found = statuses(answer)
    assert len(found) <= 1
    assert all(400 <= status < 500 or status == 505 for status in found)
    assert b"<html" not in answer.lower()
    # The reset that follows may overtake the answer only where we sent more than the server took.
    assert found or len(MALFORMED[name]) > 65536


LYING: dict[str, bytes] = {
    "length and chunks": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "two lengths in one": b"Content-Length: 5, 6\r\n\r\nhello",
    "a length with a sign": b"Content-Length: +5\r\n\r\nhello",
    "a length below nothing": b"Content-Length: -5\r\n\r\nhello",
    "a length in hexadecimal": b"Content-Length: 0x5\r\n\r\nhello",
    "a length beyond all bodies": b"Content-Length: 99999999999999999999999\r\n\r\nhello",
    "chunks twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks of something": b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunks but not last": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunks by another name": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunks after a tab": b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
}
CHUNKS: dict[str, bytes] = {
    "no size": b"\r\nhello\r\n0\r\n\r\n",
    "a word for a size": b"zz\r\nhello\r\n0\r\n\r\n",
    "a size below nothing": b"-5\r\nhello\r\n0\r\n\r\n",
    "a size too small": b"3\r\nhello\r\n0\r\n\r\n",
    "a size too large": b"6\r\nhello\r\n0\r\n\r\n",
    "a size beyond all chunks": b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "a size without end": b"5" * 10_000 + b"\r\nhello\r\n0\r\n\r\n",
    "a space before the size": b" 5\r\nhello\r\n0\r\n\r\n",
    "a line feed alone": b"5\nhello\n0\n\n",
    "an extension without end": b"5;" + b"x" * 10_000 + b"\r\nhello\r\n0\r\n\r\n",
    "an extension with a line feed": b"5;x\nhello\r\n0\r\n\r\n",
    "extensions without end": (b"1;" + b"x" * 4000 + b"\r\nh\r\n") * 100 + b"0\r\n\r\n",
    "a trailer that is none": b"5\r\nhello\r\n0\r\nx\r\n\r\n",
    "trailers without end": b"5\r\nhello\r\n0\r\n" + b"a: b\r\n" * 1000 + b"\r\n",
}


def _without_effect(answer: bytes) -> None:
    """One refusal, or what the path gets whoever reads no body; never the answer of what was hidden in the body."""
    found = statuses(answer)
    assert len(found) <= 1, answer[:400]
    assert all(400 <= status < 500 for status in found)


@pytest.mark.parametrize("name", LYING)
def test_who_says_two_things_of_a_length_is_refused(site: Site, name: str) -> None:
    answer = site.say(HEAD + LYING[name] + HIDDEN)
    assert statuses(answer) == [400]


@pytest.mark.parametrize("name", CHUNKS)
def test_chunks_that_lie_end_the_connection(site: Site, name: str) -> None:
    answer = site.say(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS[name] + HIDDEN)
    _without_effect(answer)
    if site.name in ("vcenter", "esxi"):
        assert statuses(answer) == [400]


@pytest.mark.parametrize("body", [b"", b"5\r\nhel", b"5\r\nhello\r\n", b"5\r\nhello\r\n0\r\n"])
def test_chunks_without_an_end_are_no_request(site: Site, body: bytes) -> None:
    _without_effect(site.say(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + body, leave=True))


def test_chunks_of_http_1_0_are_refused(site: Site) -> None:
    answer = site.say(b"POST /sdk HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN)
    assert statuses(answer) == [400]


def test_http_1_0_is_spoken(site: Site) -> None:
    assert site.good(site.say(site.request.replace(b"HTTP/1.1", b"HTTP/1.0")))


@pytest.mark.parametrize(
    "method", [b"BREW", b"TRACE", b"OPTIONS", b"PROPFIND", b"PRI", b"M-SEARCH", b"get", b"A" * 5000]
)
def test_methods_that_nobody_serves(site: Site, method: bytes) -> None:
    target = site.request.split(b" ")[1]
    answer = site.say(get(target, method=method))
    assert statuses(answer)[0] in (404, 405, 501)
    assert b"KDMV" not in answer
    assert b"<Envelope" not in answer


def test_pipelined_requests_are_answered_in_order(site: Site) -> None:
    many = site.request.replace(b"Connection: close\r\n", b"") * 20 + site.request
    found = statuses(site.say(many))
    assert found == [200] * 21


def test_what_follows_the_last_request_is_not_answered(site: Site) -> None:
    assert statuses(site.say(site.request + site.request)) == [200]


def test_a_body_that_nobody_asked_for_is_not_the_next_request(site: Site) -> None:
    head, _, body = site.request.partition(b"\r\n\r\n")
    if not body:
        head = head.replace(b"Connection: close", b"Content-Length: %d" % len(HIDDEN))
        answer = site.say(head + b"\r\n\r\n" + HIDDEN + site.request)
        assert statuses(answer) == [200, 200]


@pytest.mark.parametrize("expect", [b"100-continue", b"100-Continue"])
def test_expect_is_answered_once_and_before_the_body(site: Site, expect: bytes) -> None:
    if b"Content-Length" not in site.request:
        answer = site.say(site.request.replace(b"Host: h", b"Host: h\r\nExpect: " + expect))
        assert site.good(answer)
        assert b"100 Continue" not in answer
        return
    head, _, body = site.request.partition(b"\r\n\r\n")
    with site.connect() as connection:
        connection.sendall(head + b"\r\nExpect: " + expect + b"\r\n\r\n")
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        answer = read(connection)
        assert site.good(answer)
        assert b"100 Continue" not in answer


def test_nobody_of_http_1_0_hears_continue(site: Site) -> None:
    request = site.request.replace(b"HTTP/1.1", b"HTTP/1.0").replace(b"Host: h", b"Host: h\r\nExpect: 100-continue")
    answer = site.say(request)
    assert site.good(answer)
    assert b"100 Continue" not in answer


# -- silence, in little real time: the patience of the server is a field


HASTE = Patience(head_s=0.2, body_s=0.2, body_rate=1000)
"""For what has begun, so that a client whose thread has to wait for its turn is not cut off before it begins."""


@pytest.mark.parametrize(
    "half",
    [b"", b"G", b"GET / HTTP/1.1\r\nHost: h\r\n", HEAD + b"Content-Length: 100\r\n\r\nhalf",
     HEAD + b"Content-Length: 9\r\n\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhe",
     HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"],
    ids=["nothing", "a letter", "half a head", "half a body", "no body", "half a chunk", "no last chunk"],
)  # fmt: skip
def test_half_a_request_and_silence_is_given_up(site: Site, half: bytes) -> None:
    site.server.patience = HASTE if half else Patience(idle_s=0.5)
    with site.connect() as connection:
        connection.sendall(half)
        _without_effect(read(connection))


def test_half_a_request_behind_a_whole_one_is_given_up(site: Site) -> None:
    site.server.patience = HASTE
    with site.connect() as connection:
        connection.sendall(site.request.replace(b"Connection: close\r\n", b"") + b"GET / HTTP/1.1\r\nHos")
        assert statuses(read(connection)) == [200]


@pytest.mark.parametrize("begin", [b"GET / HTTP/1.1\r\nHost: h\r\nX: ", HEAD + b"Content-Length: 1000000\r\n\r\n"])
def test_a_byte_now_and_then_holds_nobody(site: Site, begin: bytes) -> None:
    site.server.patience = HASTE
    sent = 0
    with site.connect() as connection, contextlib.suppress(OSError):
        connection.sendall(begin)
        connection.settimeout(0.02)
        for sent in itertools.count(1):
            connection.sendall(b"x")
            with contextlib.suppress(TimeoutError):
                if not connection.recv(100):
                    break
            assert sent < 1000, "the server waits for ever"
    assert sent


def test_who_never_starts_tls_is_given_up_and_blocks_nobody(site: Site) -> None:
    site.server.patience = Patience(handshake_s=3.0)
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(site.plain()) for _ in range(20)]
        half = [stack.enter_context(site.plain()) for _ in range(20)]
        for connection in half:
            connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
        assert site.good(site.say(site.request))
        for connection in (*silent, *half):
            assert read(connection) in (b"", b"\x15\x03\x01\x00\x02\x02\x50")


@pytest.mark.parametrize(
    "garbage",
    [b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", b"\x00" * 1000, b"\xff" * 70_000, b"SSH-2.0-OpenSSH_9.0\r\n",
     b"\x80\x2e\x01\x00\x02", b"\x16\x03\x01\xff\xff" + b"\x01" * 70_000, b"\x17\x03\x03\x00\x10" + b"x" * 16,
     b"\x15\x03\x01\x00\x02\x02\x28"],
    ids=["http", "zeros", "ones", "ssh", "ssl 2", "a long record", "data first", "an alert"],
)  # fmt: skip
def test_garbage_before_tls_is_closed(site: Site, garbage: bytes) -> None:
    site.server.patience = Patience(handshake_s=0.3)
    with site.plain() as connection:
        with contextlib.suppress(OSError):
            connection.sendall(garbage)
        answer = read(connection)
    assert b"HTTP" not in answer
    assert len(answer) < 100


def test_garbage_within_tls_is_closed(site: Site) -> None:
    with site.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        with contextlib.suppress(OSError):
            socket.socket.send(connection, b"\x17\x03\x03\x00\x20" + b"x" * 32)
        _without_effect(read(connection))


# -- too much


@pytest.mark.parametrize("framing", [b"Content-Length: 104857600", b"Transfer-Encoding: chunked"])
@pytest.mark.parametrize("path", [b"/api/sessions", b"/nfc/52/disk-0.vmdk", b"/transfer/x/y"])
def test_a_body_of_100_mb_that_nobody_reads_costs_no_memory(
    sites: dict[str, Site], path: bytes, framing: bytes
) -> None:
    site = sites["host" if path.startswith(b"/nfc") else "cell"]

    def pieces() -> Iterator[bytes]:
        piece, chunked = bytes(1 << 20), framing.endswith(b"chunked")
        yield b"POST " + path + b" HTTP/1.1\r\nHost: h\r\n" + framing + b"\r\n\r\n"
        yield from itertools.repeat(b"100000\r\n" + piece + b"\r\n" if chunked else piece, 100)
        yield b"0\r\n\r\n" if chunked else b""

    tracemalloc.start()
    try:
        found = statuses(site.say(pieces(), leave=True))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(found) <= 1
    assert all(400 <= status < 500 for status in found)
    # What the client here holds is two pieces of a megabyte.
    assert peak < 8 << 20
    site.check()


# -- many at once


def _many(site: Site, stack: contextlib.ExitStack, count: int) -> Iterator[socket.socket]:
    for _ in range(count):
        yield stack.enter_context(site.plain())


def test_a_thousand_connections_at_once_leave_room_for_one_more(site: Site) -> None:
    with contextlib.ExitStack() as stack:
        plain = list(_many(site, stack, 900))
        for connection in plain[::3]:
            connection.sendall(b"\x16\x03\x01\x02\x00\x01")
        secure = [site.context.wrap_socket(c, server_hostname="127.0.0.1") for c in _many(site, stack, 100)]
        for tls in secure:
            stack.enter_context(tls)
        for tls in secure[::2]:
            tls.sendall(b"POST /sdk HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nhalf")
        assert site.good(site.say(site.request))
        for tls in secure[1::2]:
            tls.sendall(site.request)
        assert all(site.good(read(tls)) for tls in secure[1::2])
