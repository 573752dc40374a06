"""Disks out of files: what is data, what is a hole, and which files are no disk."""

from __future__ import annotations

import gc
import os
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from twohop.exporter.package._vmdk import grain_digest
from twohop.fakes.vmdk import FileContent, ImageError, ToolMissingError, VmdkError, _raw, stream, stream_size
from twohop.fakes.vmdk._source import LONG, WINDOW, Ahead, ImageFile
from vmdk_images import GENUINE, GRAIN, naive_digest, raw_disks, write

REUSED = settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # the folder is overwritten by every example


def export(content: FileContent, path: Path) -> Path:
    with path.open("wb") as file:
        length = sum(file.write(piece) for piece in stream(content, cid=3))
    assert length == stream_size(content)
    return path


def populated(raw: bytes) -> int:
    return sum(min(GRAIN, len(raw) - n) for n in range(0, len(raw), GRAIN) if any(raw[n : n + GRAIN]))


@given(raw=raw_disks(), tables=st.sampled_from(("raw", "behind", "front", "patched")), zeros=st.booleans())
@REUSED
def test_what_goes_in_comes_out(tmp_path: Path, raw: bytes, tables: str, zeros: bool) -> None:
    image = tmp_path / "in"
    data = raw if tables == "raw" else described(write(raw, tables=tables, keep_zeros=zeros).data)
    image.write_bytes(data)
    content = FileContent.open(image)
    assert (content.capacity, content.populated) == (len(raw), populated(raw))
    assert all(len(zlib.decompress(squeezed)) == GRAIN for _, squeezed in content.grains())
    assert grain_digest(export(content, tmp_path / "out")).hexdigest == naive_digest(raw)


def described(stream_data: bytes, text: bytes = b'createType="streamOptimized"\nparentCID=ffffffff\n') -> bytes:
    """Put a descriptor into a stream of the tests' own writer, at a place its tables leave free."""
    data = bytearray(stream_data)
    (overhead,) = struct.unpack_from("<Q", data, 64)
    struct.pack_into("<QQ", data, 28, overhead - 1, 1)
    data[(overhead - 1) * 512 : overhead * 512] = text.ljust(512, b"\0")
    if data[56:64] == b"\xff" * 8:
        struct.pack_into("<QQ", data, len(data) - 1024 + 28, overhead - 1, 1)
    return bytes(data)


def test_deflated_grains_are_passed_on(tmp_path: Path) -> None:
    raw = bytes(range(256)) * 256 * 3
    (tmp_path / "in").write_bytes(described(write(raw, level=9).data))
    one = zlib.compress(raw[:GRAIN], 9)
    assert [squeezed for _, squeezed in FileContent.open(tmp_path / "in").grains()][1:] == [one, one]


def test_holes_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = tmp_path / "sparse"
    with image.open("wb") as file:
        file.truncate(8 << 30)
        file.seek(5 << 30)
        file.write(b"data")
        file.seek((6 << 30) - 2)
        file.write(b"over the edge of a grain")
    content = FileContent.open(image)
    reads: list[int] = []
    read = content._file.read
    monkeypatch.setattr(content._file, "read", lambda offset, length: reads.append(offset) or read(offset, length))
    assert [number for number, _ in content.grains()] == [81920, 98303, 98304]
    assert len(reads) < 200, "8 GiB of holes are not read"
    assert content.populated == 3 * GRAIN


def test_without_knowledge_of_holes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = tmp_path / "sparse"
    image.write_bytes(bytes(GRAIN * 3) + b"x" + bytes(GRAIN))
    expected = list(FileContent.open(image).grains())
    monkeypatch.delattr(os, "SEEK_DATA")
    assert list(FileContent.open(image).grains()) == expected
    assert [number for number, _ in expected] == [3]

    def refuse(*_: int) -> int:
        raise OSError(22, "Invalid argument")

    monkeypatch.undo()
    monkeypatch.setattr(_raw.os, "lseek", refuse)
    assert list(FileContent.open(image).grains()) == expected


def test_last_sector_is_filled_up(tmp_path: Path) -> None:
    (tmp_path / "odd").write_bytes(b"x" * 1000)
    content = FileContent.open(tmp_path / "odd")
    assert (content.capacity, content.populated) == (1024, 1024)
    assert grain_digest(export(content, tmp_path / "out")).hexdigest == naive_digest(b"x" * 1000 + bytes(24))


def test_a_file_may_lose_its_name_but_not_change(tmp_path: Path) -> None:
    image = tmp_path / "disk"
    image.write_bytes(b"x" * GRAIN)
    content = FileContent.open(image)
    with image.open("r+b") as file:
        image.unlink()
        assert len(list(content.grains())) == 1
        file.write(b"y" * 2 * GRAIN)
        file.flush()
        for serve in (content.grains, content.grain_bytes):
            with pytest.raises(ImageError, match=r"disk changed after .* load the world again"):
                list(serve())


@REUSED
@example(reads=[(3 * WINDOW, 0)])
@given(reads=st.lists(st.tuples(st.integers(0, 3 * WINDOW), st.integers(0, 2 * WINDOW)), max_size=8))
def test_what_is_read_through_a_window_is_what_the_file_holds(tmp_path: Path, reads: list[tuple[int, int]]) -> None:
    data = bytes(range(251)) * (2 * WINDOW // 251)
    (tmp_path / "disk").write_bytes(data)
    file = ImageFile(tmp_path / "disk")
    ahead = Ahead(file)
    for offset, length in reads:
        # Of no bytes every place is one, past the end too, as for whoever reads without a window.
        if offset + length <= len(data) or length == 0:
            found = ahead.require(offset, length)
            assert found == file.require(offset, length) == data[offset : offset + length]
            # Many short views of windows that lie apart would keep all of these alive.
            assert isinstance(found, bytes) or len(found) >= LONG
        else:
            with pytest.raises(ImageError, match=f"disk is cut: it names {length} bytes at {offset} and has"):
                ahead.require(offset, length)


def test_the_file_is_closed_with_its_last_holder(tmp_path: Path) -> None:
    (tmp_path / "disk").write_bytes(b"x" * GRAIN)
    content = FileContent.open(tmp_path / "disk")
    descriptor = content._file.descriptor
    grains = content.grains()
    next(grains)
    del content
    gc.collect()
    os.fstat(descriptor)
    del grains
    gc.collect()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


RAW = bytes(range(256)) * 256 * 3
GOOD = described(write(RAW).data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty: a disk has a sector at least"),
        (b"PK\x03\x04" + bytes(600), "zip archive, not a disk: unpack it"),
        (b"\x1f\x8b\x08" + bytes(600), "gzip archive"),
        (bytes(257) + b"ustar" + bytes(600), "no OVA that can be read"),
        (b"KDMV", "is cut"),
        (GOOD[:-1024], "footer is missing"),
        (GOOD[:512], "footer is missing"),
        (write(RAW).data, "no descriptor: it is part of a disk"),
        (described(write(RAW).data, b'createType="x"\nparentCID=12345678\n'), "delta of another disk"),
        (described(write(RAW, tables="front").data)[:-70_000], "is cut"),
    ],
)
def test_files_that_are_no_disk(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "bad.img").write_bytes(data)
    with pytest.raises(ImageError, match=message) as caught:
        FileContent.open(tmp_path / "bad.img")
    assert "bad.img" in str(caught.value)


def test_table_and_marker_at_odds(tmp_path: Path) -> None:
    good = write(RAW)
    data = bytearray(described(good.data))
    data[good.parts["last grain"]] ^= 0xFF
    (tmp_path / "bad").write_bytes(data)
    with pytest.raises(ImageError, match="contradicts itself"):
        FileContent.open(tmp_path / "bad")


def test_names_that_are_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, message in (("missing", "No such file"), (".", "not a regular file"), ("pipe", "not a regular file")):
        with pytest.raises(ImageError, match=message):
            FileContent.open(tmp_path / name)


def test_a_recording_cut_by_hand(tmp_path: Path) -> None:
    if not GENUINE.exists():
        pytest.skip(f"no recordings at {GENUINE}: set TWOHOP_RECORDINGS")
    with pytest.raises(ImageError, match="footer is missing"):
        FileContent.open(GENUINE)


def test_missing_tool_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "disk.qcow2").write_bytes(b"QFI\xfb" + bytes(600))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissingError, match=r"qcow2 image.*qemu-utils"):
        FileContent.open(tmp_path / "disk.qcow2")


@given(
    st.sampled_from((GOOD, described(write(RAW, tables="front").data))),
    st.lists(st.tuples(st.integers(0, 1 << 20), st.binary(min_size=1, max_size=9)), min_size=1, max_size=3),
)
@REUSED
def test_damaged_disks_end_in_one_error(tmp_path: Path, data: bytes, damage: list[tuple[int, bytes]]) -> None:
    broken = bytearray(data)
    for where, new in damage:
        broken[where % len(data) :][: len(new)] = new
        broken[where % len(data) : where % len(data) + len(new)] = new
    (tmp_path / "disk").write_bytes(broken)
    try:
        content = FileContent.open(tmp_path / "disk")
        assert len(b"".join(stream(content, cid=1))) == stream_size(content)
    except VmdkError as err:
        assert "disk" in str(err)
