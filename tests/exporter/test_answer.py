"""An answer of HTTP/1.1 read strictly, however its bytes are cut into reads: without a socket."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.host_by_hand import chunked
from twohop.exporter.transfer import _body
from twohop.exporter.transfer._answer import LARGEST, Ended, Read, Unreadable, parse_head, read_head
from twohop.exporter.transfer._body import pieces

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def coming(answer: bytes, steps: list[int]) -> Read:
    """Reads that give at most so many bytes each, in turn; a step of 0 says that nothing is there for now."""
    left = bytearray(answer)
    turns = list(steps)

    def read(into: memoryview, wait: bool) -> int:
        step = turns.pop(0) if turns else len(into)
        if step == 0 and not wait:
            return -1
        size = min(max(step, 1), len(into), len(left))
        into[:size] = left[:size]
        del left[:size]
        return size

    return read


def fetched(read: Read) -> tuple[bytes, list[int]]:
    head, early = read_head(read)
    came = [bytes(piece) for piece in pieces(read, head, early)]
    return b"".join(came), [len(piece) for piece in came]


FRAMINGS: dict[str, Callable[[bytes, int], bytes]] = {
    "chunked": lambda body, step: CHUNKED + chunked(body, step),
    "extended": lambda body, step: (
        CHUNKED + chunked(body, step).replace(b"\r\n", b";x=y\r\n", 1 if body else 0)[:-2] + b"Expires: 0\r\n\r\n"
    ),
    "length": lambda body, step: OK + b"Content-Length: %d\r\n\r\n" % len(body) + body,
    "close": lambda body, step: OK + b"\r\n" + body,
}
steps = st.lists(st.integers(0, 90), max_size=60)


@pytest.mark.parametrize("framing", FRAMINGS)
@given(body=st.binary(max_size=400), step=st.integers(1, 50), reads=steps, piece=st.integers(1, 64))
def test_a_body_is_what_was_sent_however_it_comes(
    framing: str, body: bytes, step: int, reads: list[int], piece: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_body, "PIECE", piece)
        came, sizes = fetched(coming(FRAMINGS[framing](body, step), reads))
    assert came == body
    assert all(0 < size <= piece for size in sizes)


@pytest.mark.parametrize("framing", ["chunked", "extended", "length"])
@given(body=st.binary(min_size=1, max_size=200), step=st.integers(1, 50), reads=steps, data=st.data())
def test_a_body_that_stops_anywhere_is_not_whole(
    framing: str, body: bytes, step: int, reads: list[int], data: st.DataObject
) -> None:
    answer = FRAMINGS[framing](body, step)
    cut = data.draw(st.integers(0, len(answer) - 1))
    seen = bytearray()
    with pytest.raises(Ended):
        read = coming(answer[:cut], reads)
        head, early = read_head(read)
        for piece in pieces(read, head, early):
            seen += piece
    assert body.startswith(bytes(seen))


def test_what_came_before_a_cut_is_handed_on() -> None:
    read = coming(CHUNKED + b"a\r\n12345", [])
    head, early = read_head(read)
    answer = pieces(read, head, early)
    assert bytes(next(answer)) == b"12345"
    with pytest.raises(Ended):
        next(answer)


def test_pieces_are_large_though_chunks_and_records_are_small() -> None:
    body = bytes(range(256)) * 4096
    came, sizes = fetched(coming(CHUNKED + chunked(body, 8000), [16384] * 1000))
    assert came == body
    assert sizes == [_body.PIECE] * (len(body) // _body.PIECE)


def test_a_piece_does_not_wait_for_what_is_not_there() -> None:
    head = CHUNKED + b"100\r\n"
    _, sizes = fetched(coming(head + bytes(256) + b"\r\n0\r\n\r\n", [len(head), 100, 0]))
    assert sizes == [100, 156]


@pytest.mark.parametrize(
    "body",
    [
        b"\r\n",
        b"-1\r\n",
        b"+5\r\n12345\r\n0\r\n\r\n",
        b"0x5\r\n12345\r\n0\r\n\r\n",
        b"5\n12345\r\n0\r\n\r\n",
        b"5\r\n12345678\r\n0\r\n\r\n",
        b"1_0\r\n",
        b"1" * 16 + b"\r\n",
        b"5;" + b"x" * 5000,
        b"0\r\n" + b"a: b\r\n" * 1000,
        b"<html>\r\n",
    ],
    ids=lambda body: repr(body[:12]),
)
def test_chunks_that_are_none_are_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        fetched(coming(CHUNKED + body, []))


@pytest.mark.parametrize(
    "head",
    [
        b"SSH-2.0-OpenSSH_9\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 99 No\r\n\r\n",
        b"HTTP/1.1 200 OK\nLength: 5\r\n\r\n",
        OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
        OK + b"Content-Length: -5\r\n\r\n",
        OK + b"Content-Length: 5, 6\r\n\r\n",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
        OK + b"Transfer-Encoding: identity\r\n\r\n",
        OK + b" folded\r\n\r\n",
        OK + b"no field\r\n\r\n",
        OK + b"A: b\0c\r\n\r\n",
        OK + b"A: " + b"b" * LARGEST,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 4000,
    ],
    ids=lambda head: repr(head[:48]),
)
def test_heads_that_are_none_are_refused(head: bytes) -> None:
    with pytest.raises(Unreadable):
        fetched(coming(head, []))


def test_interim_answers_are_read_over() -> None:
    came, _ = fetched(
        coming(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 E\r\nLink: x\r\n\r\n" + CHUNKED + b"0\r\n\r\n", [])
    )
    assert came == b""


def test_an_answer_without_a_body_has_none() -> None:
    assert parse_head(b"HTTP/1.0 204 None").length == 0
    assert parse_head(b"HTTP/1.1 200").reason == ""
    assert parse_head(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5").length == 5
    assert parse_head(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nContent-Length: 5").framing == "chunked"
