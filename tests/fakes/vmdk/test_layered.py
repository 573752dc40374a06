"""A disk in layers is the disk that the same writes would have made, one after another."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twohop.exporter.package._vmdk import grain_digest
from twohop.fakes.vmdk import (
    ContentError,
    FileContent,
    ImageError,
    Layer,
    LayeredContent,
    SeededContent,
    stream,
    stream_size,
)
from twohop.fakes.vmdk._deflate import deflate, inflate
from vmdk_images import GRAIN, naive_digest

MIB = 1 << 20


@dataclass
class Grains:
    """A disk of the grains it is given, each filled with one byte."""

    capacity: int
    held: dict[int, int] = field(default_factory=dict)

    @property
    def populated(self) -> int:
        return len(self.held) * GRAIN

    def grains(self) -> Iterator[tuple[int, bytes]]:
        for number in sorted(self.held):
            inside = min(GRAIN, self.capacity - number * GRAIN)
            yield number, deflate((bytes([self.held[number]]) * inside).ljust(GRAIN, b"\0"))

    def grain_bytes(self) -> Iterator[tuple[int, int]]:
        yield from ((number, len(squeezed)) for number, squeezed in self.grains())


@st.composite
def histories(draw: st.DrawFn) -> tuple[Grains, list[tuple[Grains, frozenset[int]]]]:
    """A base, and writes and zeroed grains layer by layer; the disk may grow, and may end inside a grain."""

    def disk(sectors: int) -> Grains:
        top = -(-sectors * 512 // GRAIN) - 1
        return Grains(sectors * 512, draw(st.dictionaries(st.integers(0, top), st.integers(1, 255), max_size=8)))

    sectors = draw(st.integers(1, 2000))
    base = disk(sectors)
    layers = []
    for _ in range(draw(st.integers(0, 5))):
        sectors += draw(st.sampled_from((0, 0, 1, 128, 700)))
        layers.append((disk(sectors), draw(st.frozensets(st.integers(0, 20), max_size=6))))
    return base, layers


def model(base: Grains, layers: list[tuple[Grains, frozenset[int]]]) -> bytes:
    """The bytes of the disk, made write by write."""
    raw = bytearray()
    for written, zeroed in [(base, frozenset()), *layers]:
        raw += bytes(written.capacity - len(raw))
        whole = dict.fromkeys(zeroed, 0) | written.held
        for number, value in whole.items():
            piece = raw[number * GRAIN : (number + 1) * GRAIN]
            raw[number * GRAIN : (number + 1) * GRAIN] = bytes([value]) * len(piece)
    return bytes(raw)


def flat(content: LayeredContent) -> bytes:
    raw = bytearray(-(-content.capacity // GRAIN) * GRAIN)
    for number, squeezed in content.grains():
        raw[number * GRAIN : (number + 1) * GRAIN] = inflate(squeezed, GRAIN)
    return bytes(raw)


@given(histories())
def test_layers_are_the_writes_one_after_another(history: tuple[Grains, list[tuple[Grains, frozenset[int]]]]) -> None:
    base, layers = history
    content = LayeredContent(base, *(Layer(written, zeroed) for written, zeroed in layers))
    raw = model(base, layers)
    assert content.capacity == len(raw)
    assert flat(content)[: len(raw)] == raw and not any(flat(content)[len(raw) :])
    grains = [(number, len(squeezed)) for number, squeezed in content.grains()]
    assert grains == list(content.grain_bytes())
    assert [number for number, _ in grains] == sorted({number for number, _ in grains})
    assert content.populated == sum(min(GRAIN, len(raw) - number * GRAIN) for number, _ in grains)
    assert len(b"".join(stream(content, cid=1))) == stream_size(content)


@given(histories())
def test_layer_by_layer_is_the_same_as_at_once(history: tuple[Grains, list[tuple[Grains, frozenset[int]]]]) -> None:
    base, layers = history
    at_once = LayeredContent(base, *(Layer(written, zeroed) for written, zeroed in layers))
    one_by_one = LayeredContent(base)
    for written, zeroed in layers:
        one_by_one = LayeredContent(one_by_one, Layer(written, zeroed))
    assert list(one_by_one.grains()) == list(at_once.grains())


def test_a_long_chain_neither_nests_nor_grows() -> None:
    content = LayeredContent(Grains(64 * GRAIN, {0: 1}))
    for number in range(2000):
        content = LayeredContent(content, Layer(Grains(64 * GRAIN, {number % 64: number % 255 + 1})))
    assert [number for number, _ in content.grains()] == list(range(64))
    assert content.populated == 64 * GRAIN


def test_a_layer_is_not_smaller_than_its_disk() -> None:
    with pytest.raises(ContentError, match="a disk never shrinks"):
        LayeredContent(SeededContent(MIB, 0, 1), Layer(SeededContent(MIB // 2, 0, 1)))


def test_tens_of_terabytes_in_layers_cost_no_memory() -> None:
    content = LayeredContent(
        SeededContent(62 << 40, 2 * MIB, 1), Layer(SeededContent(62 << 40, 2 * MIB, 2), range(1 << 29))
    )
    tracemalloc.start()
    try:
        sent = sum(len(piece) for piece in stream(content, cid=1))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sent == stream_size(content)
    assert peak < 64 * MIB, "a directory of 4 bytes for each 32 MiB, and nothing that grows with the disk"


@pytest.mark.interop
@pytest.mark.skipif(shutil.which("qemu-img") is None, reason="no qemu-img: install qemu-utils")
def test_qemu_sees_the_same_disk(tmp_path: Path) -> None:
    layers = [
        (Grains(33 * MIB, {2: 9, 3: 8, 527: 5}), frozenset({0, 1, 2})),
        (Grains(40 * MIB + 512, {0: 4, 640: 2}), frozenset({3, 4})),
    ]
    base = Grains(33 * MIB, {0: 1, 1: 2, 3: 3, 4: 7, 500: 6})
    content = LayeredContent(base, *(Layer(written, zeroed) for written, zeroed in layers))
    (tmp_path / "raw").write_bytes(model(base, layers))
    with (tmp_path / "disk.vmdk").open("wb") as file:
        for piece in stream(content, cid=1):
            file.write(piece)
    for command in (["check", "disk.vmdk"], ["compare", "-f", "raw", "-F", "vmdk", "raw", "disk.vmdk"]):
        done = subprocess.run(["qemu-img", *command], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert grain_digest(tmp_path / "disk.vmdk").hexdigest == naive_digest(model(base, layers))


def ova(path: Path, members: dict[str, bytes], kind: int = tarfile.USTAR_FORMAT) -> Path:
    with tarfile.open(path, "w", format=kind) as tar:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return path


DISK = SeededContent(3 * MIB, MIB, 7)
OTHER = SeededContent(5 * MIB, 0, 8)
PACKAGE = {
    "machine.ovf": b"<Envelope/>",
    "machine-disk1.vmdk": b"".join(stream(DISK, cid=1)),
    "machine-disk2.vmdk": b"".join(stream(OTHER, cid=2)),
    "disk.raw": b"x" * GRAIN + bytes(3 * GRAIN) + b"y" * 512,
}


@pytest.mark.parametrize("kind", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_disk_in_an_ova_is_read_where_it_lies(tmp_path: Path, kind: int) -> None:
    path = ova(tmp_path / "some.ova", PACKAGE, kind)
    for name, disk in (("machine-disk1.vmdk", DISK), ("machine-disk2.vmdk", OTHER)):
        content = FileContent.open(f"{path}#{name}")
        assert list(content.grains()) == list(disk.grains())
        assert content.capacity == disk.capacity
    raw = FileContent.open(f"{path}#disk.raw")
    assert (raw.capacity, [n for n, _ in raw.grains()]) == (4 * GRAIN + 512, [0, 4])
    assert list(tmp_path.iterdir()) == [path], "nothing is unpacked"


def test_the_only_disk_of_an_ova_needs_no_name(tmp_path: Path) -> None:
    path = ova(tmp_path / "some.ova", {name: data for name, data in PACKAGE.items() if "disk2" not in name})
    assert list(FileContent.open(path).grains()) == list(DISK.grains())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("some.ova", r"holds 2 disks: name one as some\.ova#DISK; its disks: machine-disk1\.vmdk, machine-disk2\.vmdk"),
        ("some.ova#other.vmdk", r"has no member 'other\.vmdk'"),
        ("empty.ova", "holds 0 disks.*none"),
        ("none.ova#disk.vmdk", "No such file"),
        ("no-tar.ova#disk.vmdk", "no OVA that can be read"),
        ("cut.ova#machine-disk1.vmdk", "cut|no OVA"),
        ("qcow.ova#a.qcow2", "qcow2 image inside an archive"),
    ],
)
def test_archives_without_that_disk(tmp_path: Path, name: str, message: str) -> None:
    whole = ova(tmp_path / "some.ova", PACKAGE).read_bytes()
    ova(tmp_path / "empty.ova", {"machine.ovf": b"<Envelope/>"})
    ova(tmp_path / "qcow.ova", {"a.qcow2": b"QFI\xfb" + bytes(600)})
    (tmp_path / "no-tar.ova").write_bytes(b"x" * 2000)
    (tmp_path / "cut.ova").write_bytes(whole[: len(whole) // 3])
    with pytest.raises(ImageError, match=message):
        FileContent.open(tmp_path / name)


def test_a_file_with_a_hash_in_its_name_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "disk#1.raw").write_bytes(b"x" * 512)
    assert FileContent.open(tmp_path / "disk#1.raw").capacity == 512
