"""qemu-img, which nobody here wrote, judges our disks; and its own disks go through both of our readers."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from twohop.exporter.package._vmdk import Rule, StreamChecker, StreamFault, grain_digest
from twohop.fakes.vmdk import DiskContent, FileContent, ImageError, SeededContent, stream, stream_size
from vmdk_images import GRAIN, naive_digest

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(shutil.which("qemu-img") is None, reason="no qemu-img: install qemu-utils"),
]

MIB = 1 << 20
RAW = b"".join(
    (bytes(GRAIN), bytes(range(256)) * 256, bytes(40 * MIB), b"text " * 20_000, bytes(5000), b"x" * 77, bytes(43))
)
RAW += bytes(-len(RAW) % 512)


def qemu(*arguments: str | Path) -> str:
    done = subprocess.run(["qemu-img", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def export(content: DiskContent, path: Path, cid: int = 1) -> Path:
    with path.open("wb") as file:
        assert sum(file.write(piece) for piece in stream(content, cid=cid)) == stream_size(content)
    return path


@pytest.mark.parametrize(
    ("capacity", "data"),
    [(512, 512), (MIB, 0), (MIB + 512, MIB + 512), (32 * MIB, 32 * MIB), (100 * MIB - 512, 20 * MIB), (4 << 30, MIB)],
)
def test_a_seeded_disk(tmp_path: Path, capacity: int, data: int) -> None:
    content = SeededContent(capacity, data, 11)
    disk = export(content, tmp_path / "disk.vmdk", cid=0xABCD)
    assert "No errors" in qemu("check", disk)
    info = json.loads(qemu("info", "--output=json", disk))
    assert (info["format"], info["virtual-size"]) == ("vmdk", capacity)
    details = info["format-specific"]["data"]
    assert (details["create-type"], details["cid"]) == ("streamOptimized", 0xABCD)
    qemu("convert", "-O", "raw", disk, tmp_path / "disk.raw")
    if capacity <= 100 * MIB:
        assert naive_digest((tmp_path / "disk.raw").read_bytes()) == grain_digest(disk).hexdigest
    again = FileContent.open(tmp_path / "disk.raw")
    assert (again.capacity, again.populated) == (capacity, content.populated)
    assert grain_digest(export(again, tmp_path / "again.vmdk")) == grain_digest(disk)


def test_a_disk_of_tens_of_terabytes(tmp_path: Path) -> None:
    disk = export(SeededContent(62 << 40, 4 * MIB, 1), tmp_path / "disk.vmdk")
    assert json.loads(qemu("info", "--output=json", disk))["virtual-size"] == 62 << 40
    assert "No errors" in qemu("check", disk)
    assert grain_digest(disk).data_bytes == 4 * MIB


def test_two_exports_are_one_disk(tmp_path: Path) -> None:
    content = SeededContent(200 * MIB, 16 * MIB, 4)
    one, two = export(content, tmp_path / "1.vmdk", 1), export(content, tmp_path / "2.vmdk", 2)
    assert one.read_bytes() != two.read_bytes()
    assert "identical" in qemu("compare", one, two)
    assert grain_digest(one) == grain_digest(two)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("stream", ["-O", "vmdk", "-o", "subformat=streamOptimized"]),
        ("sparse", ["-O", "vmdk", "-o", "subformat=monolithicSparse"]),
        ("flat", ["-O", "vmdk", "-o", "subformat=monolithicFlat"]),
        ("split", ["-O", "vmdk", "-o", "subformat=twoGbMaxExtentSparse"]),
        ("qcow2", ["-O", "qcow2"]),
        ("vhd", ["-O", "vpc", "-o", "subformat=fixed,force_size"]),
        ("vhdx", ["-O", "vhdx"]),
        ("vdi", ["-O", "vdi"]),
    ],
)
def test_a_disk_that_qemu_wrote(tmp_path: Path, name: str, options: list[str]) -> None:
    (tmp_path / "disk.raw").write_bytes(RAW)
    image = tmp_path / f"{name}.img"
    qemu("convert", "-f", "raw", *options, tmp_path / "disk.raw", image)
    # The format is said, because qemu-img takes a VHD of fixed size for a raw disk.
    capacity = json.loads(qemu("info", "-f", options[1], "--output=json", image))["virtual-size"]
    content = FileContent.open(image)
    assert content.capacity == capacity
    disk = export(content, tmp_path / "out.vmdk")
    assert "No errors" in qemu("check", disk)
    assert "identical" in qemu("compare", "-f", "raw", "-F", "vmdk", tmp_path / "disk.raw", disk)
    assert grain_digest(disk).hexdigest == naive_digest(RAW + bytes(capacity - len(RAW)))


def test_one_part_of_a_split_disk_is_refused(tmp_path: Path) -> None:
    (tmp_path / "disk.raw").write_bytes(RAW)
    qemu("convert", "-f", "raw", "-O", "vmdk", "-o", "subformat=twoGbMaxExtentSparse", tmp_path / "disk.raw",
         tmp_path / "disk.vmdk")  # fmt: skip
    with pytest.raises(ImageError, match="name the disk's descriptor"):
        FileContent.open(tmp_path / "disk-s001.vmdk")


def test_an_image_that_qemu_refuses(tmp_path: Path) -> None:
    (tmp_path / "disk.qcow2").write_bytes(b"QFI\xfb" + bytes(600))
    with pytest.raises(ImageError, match=r"qemu-img cannot read .*disk\.qcow2 as qcow2"):
        FileContent.open(tmp_path / "disk.qcow2")


def test_a_stream_that_qemu_wrote(tmp_path: Path) -> None:
    (tmp_path / "disk.raw").write_bytes(RAW)
    disk = tmp_path / "disk.vmdk"
    qemu("convert", "-f", "raw", "-O", "vmdk", "-o", "subformat=streamOptimized", tmp_path / "disk.raw", disk)
    assert grain_digest(disk).hexdigest == naive_digest(RAW)
    data = disk.read_bytes()
    checker = StreamChecker()
    checker.feed(data[: len(data) // 2])
    with pytest.raises(StreamFault) as caught:
        checker.close()
    assert caught.value.rule is Rule.TRUNCATED
