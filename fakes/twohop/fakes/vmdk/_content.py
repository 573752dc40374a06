"""What a disk holds, as far as a stream of it is concerned: which grains exist, and their deflated bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

__all__ = ["GRAIN_BYTES", "SECTOR", "Deflated", "DiskContent"]

SECTOR = 512
GRAIN_BYTES = 64 * 1024
Deflated = bytes | memoryview
"""A zlib stream."""


class DiskContent(Protocol):
    """Describe the content of one virtual disk.

    Every method may be called from many threads at once and any number of times, and gives the same each time: a host
    serves one disk to several clients.
    """

    @property
    def capacity(self) -> int:
        """Size of the virtual disk in bytes, a multiple of 512."""

    @property
    def populated(self) -> int:
        """Bytes of the disk in allocated grains; what the last grain has past `capacity` does not count."""

    def grains(self) -> Iterator[tuple[int, Deflated]]:
        """Yield (grain number, zlib stream of its 64 KiB) for every allocated grain, in rising order.

        The last grain of a disk is padded with zeros to 64 KiB.
        """

    def grain_bytes(self) -> Iterator[tuple[int, int]]:
        """Yield (grain number, length of its zlib stream) for the same grains as `grains`, without making them."""
