"""Disks from a seed: the same everywhere, all different, data where it belongs."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twohop.fakes.vmdk import GRAIN_BYTES, ContentError, SeededContent, VmdkError
from twohop.fakes.vmdk import _deflate as deflating
from twohop.fakes.vmdk._pool import Pool, pool_of

MIB = 1 << 20


@given(st.integers(1, 1 << 22), st.floats(0, 1), st.integers())
@settings(deadline=None, max_examples=60)
def test_grains_rise_and_fit(sectors: int, part: float, seed: int) -> None:
    capacity = sectors * 512
    data = min(int(capacity * part), 40 * MIB)
    content = SeededContent(capacity, data, seed)
    sizes = list(content.grain_bytes())
    numbers = [number for number, _ in sizes]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == -(-data // GRAIN_BYTES)
    assert all(0 <= number * GRAIN_BYTES < capacity for number in numbers)
    assert content.populated == sum(min(GRAIN_BYTES, capacity - number * GRAIN_BYTES) for number in numbers)
    assert data <= content.populated + GRAIN_BYTES
    assert list(content.grain_bytes()) == sizes


@given(st.integers(1, 4000), st.integers())
@settings(deadline=None, max_examples=25)
def test_a_full_disk_holds_nothing_past_its_end(sectors: int, seed: int) -> None:
    capacity = sectors * 512
    content = SeededContent(capacity, capacity, seed)
    assert content.populated == capacity
    plain = [zlib.decompress(squeezed) for _, squeezed in content.grains()]
    assert {len(grain) for grain in plain} == {GRAIN_BYTES}
    assert not any(b"".join(plain)[capacity:])
    assert [(n, len(z)) for n, z in content.grains()] == list(content.grain_bytes())


def test_every_grain_of_every_seed_is_unlike_the_others() -> None:
    seen = [z for seed in (0, 1, -1, 2**70) for _, z in SeededContent(64 * MIB, 16 * MIB, seed).grains()]
    assert len({zlib.decompress(z) for z in seen}) == len(seen) == 4 * 256


def test_grain_inflates_to_what_the_pool_says() -> None:
    pool = Pool(77)
    for grain in range(300):
        assert zlib.decompress(pool.grain(grain)) == pool.plain(grain)
        assert len(pool.grain(grain)) == pool.size(grain)


def test_content_does_not_depend_on_who_deflates(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = {n: zlib.decompress(z) for n, z in SeededContent(8 * MIB, MIB + 512, 5).grains()}
    monkeypatch.setattr(deflating, "_fast", zlib)
    pool_of.cache_clear()
    try:
        assert {n: zlib.decompress(z) for n, z in SeededContent(8 * MIB, MIB + 512, 5).grains()} == fast
    finally:
        pool_of.cache_clear()


def test_content_is_mixed() -> None:
    sizes = sorted(size for _, size in SeededContent(1 << 30, 64 * MIB, 1).grain_bytes())
    assert sizes[0] < 1000, "sparse"
    assert 5000 < sizes[len(sizes) // 2] < 40_000, "text"
    assert GRAIN_BYTES < sizes[-1] < GRAIN_BYTES + 200, "incompressible, and not expanded"


def test_runs_are_spread_over_the_disk() -> None:
    numbers = [number for number, _ in SeededContent(100 << 30, 64 * MIB, 1).grain_bytes()]
    starts = [n for before, n in zip([-2, *numbers], numbers, strict=False) if n != before + 1]
    assert numbers[0] == 0
    assert len(starts) == 16
    assert starts[-1] > (80 << 30) // GRAIN_BYTES


@pytest.mark.parametrize(("capacity", "data"), [(0, 0), (-512, 0), (1000, 0), (512, 513), (512, -1)])
def test_numbers_that_make_no_disk(capacity: int, data: int) -> None:
    with pytest.raises(ContentError, match="world must give"):
        SeededContent(capacity, data, 1)
    assert issubclass(ContentError, VmdkError) and issubclass(VmdkError, ValueError)
