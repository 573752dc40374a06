"""Streams on their way in: whole ones are taken in pieces of any size, all others are refused by name."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twohop.fakes.vmdk import ImageError, Intake, SeededContent, received, stream

CAPACITY = 40 << 20
CONTENT = SeededContent(CAPACITY, 256 << 10, 3)
WHOLE = b"".join(stream(CONTENT, cid=7))


def taken(data: bytes, sizes: list[int], capacity: int = CAPACITY) -> Intake:
    intake, place = Intake(capacity), 0
    for size in sizes:
        intake.feed(data[place : place + size])
        place += size
    intake.feed(data[place:])
    intake.finish()
    return intake


def grains(data: bytes, end: int | None) -> dict[int, bytes]:
    descriptor, path = tempfile.mkstemp()
    with open(descriptor, "wb", closefd=False) as file:
        file.write(data)
    Path(path).unlink()
    return dict(received(descriptor, "disk-0.vmdk", end).grains())


@given(sizes=st.lists(st.integers(0, 70_000), max_size=8), behind=st.binary(max_size=2000))
def test_a_whole_stream_is_taken_in_any_pieces_and_ends_at_its_mark(sizes: list[int], behind: bytes) -> None:
    intake = taken(WHOLE + behind, sizes)
    assert intake.end == len(WHOLE)
    assert grains(WHOLE + behind, intake.end) == dict(CONTENT.grains())


@given(length=st.integers(0, len(WHOLE) - 1), sizes=st.lists(st.integers(0, 70_000), max_size=3))
def test_no_beginning_of_a_stream_is_a_whole_one(length: int, sizes: list[int]) -> None:
    with pytest.raises(ImageError):
        taken(WHOLE[:length], sizes)


@settings(max_examples=300)
@given(place=st.integers(0, len(WHOLE) - 1), value=st.integers(1, 255))
def test_one_altered_byte_is_refused_or_changes_no_grain(place: int, value: int) -> None:
    altered = bytearray(WHOLE)
    altered[place] ^= value
    try:
        intake = taken(bytes(altered), [])
        found = grains(bytes(altered), intake.end)
    except ImageError:
        return
    assert found == dict(CONTENT.grains())


@settings(max_examples=200)
@given(data=st.binary(max_size=3000), kept=st.integers(0, 1024))
def test_anything_else_is_refused_in_bounded_room(data: bytes, kept: int) -> None:
    with pytest.raises(ImageError):
        taken(WHOLE[:kept] + data, [])


def test_a_disk_of_another_size_is_refused() -> None:
    with pytest.raises(ImageError, match="the descriptor says"):
        taken(WHOLE, [], CAPACITY * 2)
