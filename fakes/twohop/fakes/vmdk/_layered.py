"""A disk in layers, as snapshots and linked clones make them: a base, and what was written on it since (7.7).

What is exported is the flattened disk. Its grains are chosen layer by layer without being inflated, so that a chain of
any length costs one pass over the grains and no memory to speak of.
"""

from __future__ import annotations

import threading
from collections.abc import Container, Iterator
from dataclasses import dataclass
from heapq import merge
from typing import TypeVar

from twohop.fakes.vmdk._content import GRAIN_BYTES, Deflated, DiskContent
from twohop.fakes.vmdk._errors import ContentError

__all__ = ["Layer", "LayeredContent"]

T = TypeVar("T")
Rank = tuple[int, int]
"""A grain number, and the layer it is from as a number that falls from the base to the top."""


@dataclass(frozen=True, slots=True)
class Layer:
    """What was written since the layer below: the grains of `written`, and zeros over those in `zeroed`.

    A grain of `written` goes before a zeroed one. The disk may have grown: `written.capacity` is that of the whole.
    """

    written: DiskContent
    zeroed: Container[int] = ()


class LayeredContent:
    """The content of `base` under `layers`, the oldest first. Raises ContentError where a layer is smaller than below.

    Layers over a layered content join its own, so that chains do not nest.
    """

    def __init__(self, base: DiskContent, *layers: Layer) -> None:
        """Lay layers over a disk; nothing is read yet."""
        below = base if isinstance(base, LayeredContent) else None
        self._base: DiskContent = below._base if below else base
        self._layers: tuple[Layer, ...] = (*below._layers, *layers) if below else layers
        self._lock = threading.Lock()
        self._populated: int | None = None
        capacity = self._base.capacity
        for layer in self._layers:
            if layer.written.capacity < capacity:
                raise ContentError(
                    f"a layer of {layer.written.capacity} bytes lies over a disk of {capacity}: a disk never shrinks, "
                    "so the world must give the layer the size of its disk"
                )
            capacity = layer.written.capacity
        self._capacity = capacity

    @property
    def capacity(self) -> int:
        """Size of the virtual disk in bytes."""
        return self._capacity

    @property
    def populated(self) -> int:
        """Bytes of the disk in allocated grains of the flattened disk; the first time this walks every layer."""
        with self._lock:
            if self._populated is None:
                self._populated = sum(
                    min(GRAIN_BYTES, self._capacity - grain * GRAIN_BYTES) for grain, _ in self.grain_bytes()
                )
            return self._populated

    def __repr__(self) -> str:
        """Name base and layers."""
        return f"LayeredContent({self._base!r}, {len(self._layers)} layers)"

    def grains(self) -> Iterator[tuple[int, Deflated]]:
        """Yield (grain number, zlib stream of its 64 KiB) of the flattened disk in rising order."""
        contents = (self._base, *(layer.written for layer in self._layers))
        ranked = [_ranked(content.grains(), -depth) for depth, content in enumerate(contents)]
        yield from self._chosen(ranked)

    def grain_bytes(self) -> Iterator[tuple[int, int]]:
        """Yield (grain number, length of its zlib stream) for the same grains as `grains`."""
        contents = (self._base, *(layer.written for layer in self._layers))
        ranked = [_ranked(content.grain_bytes(), -depth) for depth, content in enumerate(contents)]
        yield from self._chosen(ranked)

    def _chosen(self, ranked: list[Iterator[tuple[Rank, T]]]) -> Iterator[tuple[int, T]]:
        last = -1
        for (grain, rank), found in merge(*ranked, key=lambda pair: pair[0]):
            if grain == last:
                continue  # the first of a number is that of the topmost layer that wrote it
            last = grain
            if not any(grain in layer.zeroed for layer in self._layers[-rank:]):
                yield grain, found


def _ranked(grains: Iterator[tuple[int, T]], rank: int) -> Iterator[tuple[Rank, T]]:
    for number, found in grains:
        yield (number, rank), found
