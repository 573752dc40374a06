"""Disks for the tests of both sides: a writer that shares no code with either, and a digest done the slow way."""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import strategies as st

GRAIN = 64 * 1024
RECORDINGS = Path(os.environ.get("TWOHOP_RECORDINGS", Path(__file__).parents[2] / "shared" / "recordings"))
GENUINE = RECORDINGS / "vsphere" / "vmdk" / "ttylinux-pc_i486-16.1-disk1.vmdk"
GD_AT_END = (1 << 64) - 1


def naive_digest(raw: bytes) -> str:
    """The grain digest of a disk whose whole content is `raw`."""
    digest = hashlib.sha256()
    for number in range(-(-len(raw) // GRAIN)):
        content = raw[number * GRAIN : (number + 1) * GRAIN].ljust(GRAIN, b"\0")
        if any(content):
            digest.update(struct.pack("<Q", number) + hashlib.sha256(content).digest())
    digest.update(struct.pack("<Q", len(raw)))
    return digest.hexdigest()


def header(sectors: int, grain: int, gd: int, overhead: int = 128, flags: int = 0x30001) -> bytes:
    fields = (b"KDMV", 3, flags, sectors, grain, 0, 0, 512, 0, gd, overhead, 0, b"\n \r\n", 1, b"")
    return struct.pack("<4sIIQQQQIQQQB4sH433s", *fields)


def marker(value: int, kind: int) -> bytes:
    return struct.pack("<QII496x", value, 0, kind)


def padded(data: bytes, to: int = 512) -> bytes:
    return data + bytes(-len(data) % to)


@dataclass
class Written:
    """A stream, and where its parts begin."""

    data: bytes
    parts: dict[str, int] = field(default_factory=dict)


def write(raw: bytes, *, grain: int = 128, tables: str = "behind", keep_zeros: bool = False, level: int = 6) -> Written:
    """Write `raw` as a stream with tables `behind` the grains, in `front`, or behind with a `patched` header."""
    sectors, size = len(raw) // 512, grain * 512
    count = -(-sectors // (grain * 512))
    overhead = 128 + -(-count * (4 + 2048) // 512 + 1) if tables == "front" else 128
    out = bytearray(overhead * 512)
    parts: dict[str, int] = {}
    table = [[0] * 512 for _ in range(count)]
    directory = [0] * count
    for index in range(count):
        for entry in range(512):
            number = index * 512 + entry
            content = raw[number * size : (number + 1) * size].ljust(size, b"\0")
            if number * size >= len(raw) or not (any(content) or keep_zeros):
                continue
            squeezed = zlib.compress(content, level)
            table[index][entry] = len(out) // 512
            parts.setdefault("grain", len(out))
            parts["last grain"] = len(out)
            out += padded(struct.pack("<QI", number * grain, len(squeezed)) + squeezed)
        if tables != "front" and any(table[index]):
            parts["gt"] = len(out)
            out += marker(4, 1)
            directory[index] = len(out) // 512
            out += struct.pack("<512I", *table[index])
    gd = 1
    if tables == "front":
        at = 1 + -(-4 * count // 512)
        for index in range(count):
            directory[index] = at
            out[at * 512 : at * 512 + 2048] = struct.pack("<512I", *table[index])
            at += 4
        out[512 : 512 + 4 * count] = struct.pack(f"<{count}I", *directory)
    else:
        parts["gd"] = len(out)
        block = padded(struct.pack(f"<{count}I", *directory))
        out += marker(len(block) // 512, 2)
        gd = len(out) // 512
        out += block
        if tables == "behind":
            parts["footer"] = len(out)
            out += marker(1, 3) + header(sectors, grain, gd)
        parts["eos"] = len(out)
        out += bytes(512)
    out[:512] = header(sectors, grain, GD_AT_END if tables == "behind" else gd, overhead)
    return Written(bytes(out), parts)


@st.composite
def raw_disks(draw: st.DrawFn, most_sectors: int = 2048) -> bytes:
    """Draw small sparse disks: any number of sectors, data in patches, grains of zeros among them."""
    sectors = draw(st.integers(1, most_sectors))
    raw = bytearray(sectors * 512)
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(raw) - 1))
        kind = draw(st.sampled_from(("byte", "text", "noise")))
        if kind == "byte":
            patch = b"\x01"
        elif kind == "text":
            patch = b"kernel panic " * draw(st.integers(1, 12000))
        else:
            patch = hashlib.shake_128(draw(st.binary(max_size=2))).digest(draw(st.integers(1, 150_000)))
        patch = patch[: len(raw) - at]
        raw[at : at + len(patch)] = patch
    return bytes(raw)
