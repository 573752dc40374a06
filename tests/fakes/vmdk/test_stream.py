"""The streams a fake host sends: their layout, length and cost, whatever the disk holds."""

from __future__ import annotations

import re
import struct
import tracemalloc
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from twohop.exporter.package._vmdk import StreamChecker
from twohop.fakes.vmdk import GRAIN_BYTES, ContentError, SeededContent, _stream, stream, stream_size
from vmdk_images import GENUINE

MIB = 1 << 20


@dataclass
class Given:
    """A disk of the grains it is given."""

    capacity: int
    held: list[tuple[int, bytes]]
    populated: int = 0

    def grains(self) -> Iterator[tuple[int, bytes]]:
        yield from self.held

    def grain_bytes(self) -> Iterator[tuple[int, int]]:
        yield from ((number, len(squeezed)) for number, squeezed in self.held)


def whole(content: SeededContent | Given, cid: int = 1) -> bytes:
    return b"".join(stream(content, cid=cid))


# 7.3: what real servers stamped for empty disks.
@pytest.mark.parametrize(
    ("capacity", "length"),
    [(4 * MIB, 68096), (512 * MIB, 68096), (1024 * MIB, 68096), (40 * 1024 * MIB, 72704)],
)
def test_length_of_an_empty_disk(capacity: int, length: int) -> None:
    content = SeededContent(capacity, 0, 1)
    assert len(whole(content)) == stream_size(content) == length
    assert content.populated == 0


def descriptor(data: bytes) -> str:
    at, count = struct.unpack_from("<QQ", data, 28)
    return data[at * 512 : (at + count) * 512].rstrip(b"\0").decode("ascii")


def test_header_and_descriptor_are_those_of_a_genuine_stream() -> None:
    if not GENUINE.exists():
        pytest.skip(f"no recordings at {GENUINE}: set TWOHOP_RECORDINGS")
    genuine = GENUINE.read_bytes()
    ours = b"".join(stream(SeededContent(30 * MIB, MIB, 1), cid=0xBB17CC39, hardware_version=10))
    assert ours[:512] == genuine[:512]
    free = re.compile(r'(?<=longContentID = ")[0-9a-f]{32}')
    assert free.sub("*", descriptor(ours)) == free.sub("*", descriptor(genuine))
    assert ours[65536:65544] == genuine[65536:65544]
    assert ours[65548:65550] == genuine[65548:65550] == b"\x78\x01"


def test_footer_is_the_header_with_the_directory_in_it() -> None:
    data = whole(SeededContent(100 * MIB, 10 * MIB, 3))
    footer = data[-1024:-512]
    assert data[-512:] == bytes(512)
    assert data[56:64] == b"\xff" * 8
    (gd,) = struct.unpack_from("<Q", footer, 56)
    assert footer[:56] + footer[64:] == data[:56] + data[64:512]
    assert data[gd * 512 - 512 : gd * 512] == struct.pack("<QII496x", 1, 0, 2)


@given(
    st.integers(1, 3000).map(lambda n: n * 512 * 40),
    st.floats(0, 1),
    st.integers(),
    st.sampled_from((1, 70_000, 1 << 18)),
)
@example(512, 1.0, 0, 1)
@settings(deadline=None, max_examples=40)
def test_announced_length_and_a_strict_reader(capacity: int, part: float, seed: int, chunk: int) -> None:
    content = SeededContent(capacity, int(capacity * part), seed)
    pieces = list(stream(content, cid=7, chunk=chunk))
    assert sum(map(len, pieces)) == stream_size(content)
    assert all(len(piece) >= chunk for piece in pieces[:-1])
    assert all(len(piece) < chunk + 65536 + 70_000 + 2560 for piece in pieces[:-1])
    checker = StreamChecker(inflate=True)
    for piece in pieces:
        checker.feed(piece)
    digest = checker.close().digest
    assert digest is not None
    assert (digest.capacity, digest.data_bytes) == (capacity, content.populated)


def test_two_exports_differ_in_bytes_only() -> None:
    content = SeededContent(64 * MIB, 4 * MIB, 5)
    one, two = whole(content, 1), whole(content, 2)
    assert one != two
    assert len(one) == len(two)
    assert one[:512] + one[1024:] == two[:512] + two[1024:], "7.5: only the descriptor tells them apart"


@pytest.mark.parametrize(
    ("capacity", "adapter", "expected"),
    [
        (512 * MIB, "lsilogic", (512, 64, 32)),
        (8 << 30, "lsilogic", (1044, 255, 63)),
        (60 << 40, "lsilogic", (65535, 255, 63)),
        (8 << 30, "ide", (16383, 16, 63)),
    ],
)
def test_geometry(capacity: int, adapter: str, expected: tuple[int, int, int]) -> None:
    front = next(stream(SeededContent(capacity, 0, 1), cid=1, adapter_type=adapter, chunk=1))
    text = descriptor(front)
    found = tuple(int(n) for n in re.findall(r'geometry\.\w+ = "(\d+)"', text))
    assert found == expected
    assert f'adapterType = "{adapter}"' in text
    assert 'createType="streamOptimized"' in text


@pytest.mark.parametrize("numbers", [[1, 0], [3, 3], [16], [0, 700]])
def test_content_that_breaks_its_word_is_named(numbers: list[int]) -> None:
    content = Given(MIB, [(number, zlib.compress(bytes(GRAIN_BYTES))) for number in numbers])
    with pytest.raises(ContentError, match="Given gave grain"):
        whole(content)


@pytest.mark.parametrize(("cid", "adapter"), [(-1, "ide"), (1 << 32, "ide"), (1, 'x"\ny'), (1, "")])
def test_what_a_descriptor_cannot_hold(cid: int, adapter: str) -> None:
    with pytest.raises(ContentError):
        next(stream(SeededContent(512, 0, 1), cid=cid, adapter_type=adapter))


def test_more_than_the_format_can_address(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _stream._LAST_PLACE * 512 < 2 << 40
    monkeypatch.setattr(_stream, "_LAST_PLACE", 1000)
    whole(SeededContent(64 * MIB, 256 << 10, 1))
    with pytest.raises(ContentError, match="2 TiB"):
        whole(SeededContent(64 * MIB, 4 * MIB, 1))


def test_memory_does_not_grow_with_the_disk() -> None:
    content = SeededContent(800 << 30, 1 << 30, 9)
    checker = StreamChecker()
    tracemalloc.start()
    try:
        length = 0
        for piece in stream(content, cid=1):
            checker.feed(piece)
            length += len(piece)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert checker.close().grains == 16384
    assert length == stream_size(content) > 300 * MIB
    assert peak < 8 * MIB, "the pool, one chunk, the directory"


def test_many_at_once_get_the_same_disk() -> None:
    content = SeededContent(64 * MIB, 8 * MIB, 123_456)  # a seed whose pool nobody has made yet
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: whole(content), range(16)))) == 1
