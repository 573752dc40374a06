"""A small stock of deflated grain bodies, of which a disk of any size is made at the price of a checksum per grain.

Deflating is what a grain costs, so it is done once for a few bodies per seed. A grain is a zlib stream made of

    header | a stored block: the grain's own 32 bytes (seed, grain number) | a body's deflate blocks | Adler-32 of both

which makes each grain of each disk unlike any other, so that a client that swaps two grains is caught. The checksum of
the whole follows from those of the two parts by arithmetic.
"""

from __future__ import annotations

import hashlib
import random
import struct
import zlib
from functools import lru_cache

from twohop.fakes.vmdk._content import GRAIN_BYTES
from twohop.fakes.vmdk._deflate import ZLIB_HEADER, deflate_raw

__all__ = ["LABEL_BYTES", "Pool", "label", "pool_of"]

LABEL_BYTES = 32
_BODY_BYTES = GRAIN_BYTES - LABEL_BYTES
_BODIES = 64
_BASE = 65521  # of Adler-32
_STORED = ZLIB_HEADER + struct.pack("<BHH", 0, LABEL_BYTES, LABEL_BYTES ^ 0xFFFF)
_LABEL = struct.Struct("<8sQQ8x")
_MASK = (1 << 64) - 1
# Letters about as often as in English, so that a body deflates about as log files and sources do.
_LETTERS = b"e" * 8 + b"taoin" * 5 + b"shrdlu" * 3 + b"        " + b"cmfywgpbvkxqjz0123456789/=.\n"


def label(seed: int, grain: int) -> bytes:
    """Give the first 32 bytes of a grain: who it is."""
    return _LABEL.pack(b"twohop\r\n", seed & _MASK, grain)


def _text(rng: random.Random) -> bytes:
    once = rng.randbytes(_BODY_BYTES // 4).translate((_LETTERS * 4)[:256])
    return once * 4


def _body(seed: int, index: int) -> bytes:
    """Make one body: three in ten incompressible, five like text, two almost empty, as file systems mix them."""
    rng = random.Random(f"{seed}/{index}")
    kind = index % 10
    if kind in (1, 4, 7):
        return rng.randbytes(_BODY_BYTES)
    if kind in (5, 9):
        return rng.randbytes(64).ljust(_BODY_BYTES, b"\0")
    return _text(rng)


class Pool:
    """Hold the deflated bodies of one seed; they are made as they are first wanted."""

    def __init__(self, seed: int) -> None:
        """Prepare an empty stock for `seed`; nothing is deflated yet."""
        self.seed = seed
        self._mix = int.from_bytes(hashlib.blake2b(b"%d" % seed, digest_size=8).digest(), "little") | 1
        self._made: list[tuple[bytes, int, int] | None] = [None] * _BODIES

    def _index(self, grain: int) -> int:
        return ((grain + 1) * self._mix & _MASK) >> 58

    def _take(self, index: int) -> tuple[bytes, int, int]:
        # Two threads may make the same body at once: both make equal ones, and either may stay.
        made = self._made[index]
        if made is None:
            body = _body(self.seed, index)
            adler = zlib.adler32(body)
            made = self._made[index] = (deflate_raw(body), adler & 0xFFFF, adler >> 16)
        return made

    def grain(self, grain: int) -> bytes:
        """Give the zlib stream of one whole grain."""
        squeezed, low, high = self._take(self._index(grain))
        head = label(self.seed, grain)
        adler = zlib.adler32(head)
        first = adler & 0xFFFF
        high = ((adler >> 16) + high + _BODY_BYTES * (first - 1)) % _BASE
        low = (first + low - 1) % _BASE
        return b"".join((_STORED, head, squeezed, (high << 16 | low).to_bytes(4, "big")))

    def size(self, grain: int) -> int:
        """Give the length of `grain(grain)`."""
        return len(_STORED) + LABEL_BYTES + len(self._take(self._index(grain))[0]) + 4

    def plain(self, grain: int) -> bytes:
        """Give the 64 KiB that `grain(grain)` inflates to."""
        return label(self.seed, grain) + _body(self.seed, self._index(grain))


@lru_cache(maxsize=16)
def pool_of(seed: int) -> Pool:
    """Give the stock of a seed, shared by all disks that have it."""
    return Pool(seed)
