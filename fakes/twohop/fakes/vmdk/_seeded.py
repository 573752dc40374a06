"""A disk made from a seed: any capacity, any amount of data, at constant memory."""

from __future__ import annotations

import random
from collections.abc import Iterator

from twohop.fakes.vmdk._content import GRAIN_BYTES, SECTOR
from twohop.fakes.vmdk._deflate import deflate
from twohop.fakes.vmdk._errors import ContentError
from twohop.fakes.vmdk._pool import pool_of

__all__ = ["SeededContent"]

_RUN_GRAINS = 64


class SeededContent:
    """Generate a disk of `capacity` bytes that holds `data` bytes, rounded up to whole grains, from `seed`.

    The data lie in runs of about 4 MiB spread over the disk, the first at its start. Equal arguments give equal content
    on every machine; different seeds give different content in every grain. The length of the stream may differ between
    machines that deflate differently. Raises ContentError if the numbers do not go together.
    """

    def __init__(self, capacity: int, data: int, seed: int) -> None:
        """Describe the disk; nothing is generated yet."""
        if capacity <= 0 or capacity % SECTOR:
            raise ContentError(f"capacity {capacity} is no disk size: the world must give a multiple of 512 bytes")
        if not 0 <= data <= capacity:
            raise ContentError(f"{data} bytes of data do not fit a disk of {capacity}: the world must give 0..capacity")
        self._capacity = capacity
        self._seed = seed
        self._total = -(-capacity // GRAIN_BYTES)
        self._wanted = -(-data // GRAIN_BYTES)

    @property
    def capacity(self) -> int:
        """Size of the virtual disk in bytes."""
        return self._capacity

    @property
    def seed(self) -> int:
        """The seed that all of the content follows from."""
        return self._seed

    @property
    def populated(self) -> int:
        """Bytes of the disk that lie in allocated grains."""
        full = self._wanted * GRAIN_BYTES
        tail = self._total * GRAIN_BYTES - self._capacity
        return full - tail if tail and self._reaches_tail() else full

    def __repr__(self) -> str:
        """Name the three numbers that make the disk."""
        return f"SeededContent(capacity={self._capacity}, data={self._wanted * GRAIN_BYTES}, seed={self._seed})"

    def _runs(self) -> Iterator[range]:
        """Yield the runs of allocated grains, each shifted within its share of the free space."""
        if not self._wanted:
            return
        count = -(-self._wanted // _RUN_GRAINS)
        free = self._total - self._wanted
        rng = random.Random(f"layout/{self._seed}")
        for number in range(count):
            before, after = self._wanted * number // count, self._wanted * (number + 1) // count
            slack, slack_end = free * number // count, free * (number + 1) // count
            shift = rng.randint(0, slack_end - slack) if number else 0
            yield range(before + slack + shift, after + slack + shift)

    def _reaches_tail(self) -> bool:
        last = -1
        for run in self._runs():
            last = run[-1]
        return last == self._total - 1

    def _is_cut(self, grain: int) -> bool:
        return (grain + 1) * GRAIN_BYTES > self._capacity

    def _cut_grain(self, grain: int) -> bytes:
        """Make the last grain of a disk that ends inside it: no data past the end."""
        plain = pool_of(self._seed).plain(grain)
        return deflate(plain[: self._capacity - grain * GRAIN_BYTES].ljust(GRAIN_BYTES, b"\0"))

    def grains(self) -> Iterator[tuple[int, bytes]]:
        """Yield (grain number, zlib stream of its 64 KiB) in rising order."""
        make = pool_of(self._seed).grain
        for run in self._runs():
            for grain in run:
                yield grain, self._cut_grain(grain) if self._is_cut(grain) else make(grain)

    def grain_bytes(self) -> Iterator[tuple[int, int]]:
        """Yield (grain number, length of its zlib stream) in rising order."""
        size = pool_of(self._seed).size
        for run in self._runs():
            for grain in run:
                yield grain, len(self._cut_grain(grain)) if self._is_cut(grain) else size(grain)
