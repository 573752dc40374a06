"""The URL's clock and the reaper's, on a clock that stands still."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

import pytest

from cell.support import DISK, Bench, Gate, MadeUpSource
from twohop.exporter.cell.engine import DEFAULT, IDENTITY, MANIFEST, FileGone, LinkDead
from twohop.exporter.cell.engine._spool import MARK


def disk_of(bench: Bench) -> tuple[str, str]:
    link = bench.engine.link(bench.entity())
    assert link is not None
    return link.id, next(name for name in link.files if name.endswith(".vmdk"))


def test_an_export_is_linked_and_whole(tmp_path: Path) -> None:
    with Bench(tmp_path) as bench:
        task = bench.export()
        assert bench.state(task) == "success"
        link = bench.engine.link(bench.entity())
        assert link is not None
        assert {DEFAULT, IDENTITY} < set(link.files)
        directory = bench.root / link.id
        assert directory.stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}
        assert b"NetworkConfigSection" in (directory / IDENTITY).read_bytes()
        assert b"NetworkConfigSection" not in (directory / DEFAULT).read_bytes()


def test_a_manifest_stands_beside_the_descriptor_where_the_profile_says(tmp_path: Path) -> None:
    with Bench(tmp_path, descriptor_mf="present") as bench:
        bench.export()
        link = bench.engine.link(bench.entity())
        assert link is not None
        lines = (bench.root / link.id / MANIFEST).read_text().splitlines()
        names = {line.partition("(")[2].partition(")")[0] for line in lines}
        assert names == set(link.files) - {MANIFEST}
        for line in lines:
            name = line.partition("(")[2].partition(")")[0]
            assert line.endswith(sha256((bench.root / link.id / name).read_bytes()).hexdigest())


@pytest.mark.parametrize(
    ("names", "shape"), [("diskN.vmdk", r"disk0\.vmdk"), ("vm-<uuid>-disk-N.vmdk", r"vm-[0-9a-f-]{36}-disk-0\.vmdk")]
)
def test_disks_are_named_as_the_profile_says(tmp_path: Path, names: str, shape: str) -> None:
    with Bench(tmp_path, disk_names=names) as bench:
        bench.export()
        assert re.fullmatch(shape, disk_of(bench)[1])


def test_the_link_dies_by_one_clock_and_the_files_go_by_another(tmp_path: Path) -> None:
    with Bench(tmp_path, reaper_s=5000) as bench:
        bench.export()
        transfer, disk = disk_of(bench)
        bench.clock.advance(3599)
        assert bench.engine.link(bench.entity()) is not None
        bench.clock.advance(1)
        assert bench.engine.link(bench.entity()) is None
        with pytest.raises(LinkDead):
            bench.engine.open(transfer, disk, "user")
        assert (bench.root / transfer / disk).read_bytes() == DISK
        bench.clock.advance(1400)
        assert bench.listing() == []


def test_one_long_step_of_the_clock_ends_with_nothing_left(tmp_path: Path) -> None:
    with Bench(tmp_path) as bench:
        bench.export()
        bench.clock.advance(86400)
        assert bench.listing() == []
        assert bench.engine.link(bench.entity()) is None


def test_a_running_get_is_never_cut_and_holds_the_session_alive(tmp_path: Path) -> None:
    with Bench(tmp_path) as bench:
        bench.export()
        transfer, disk = disk_of(bench)
        download = bench.engine.open(transfer, disk, "user")
        half = download.file.read(1000)
        bench.clock.advance(50_000)
        second = bench.engine.open(transfer, disk, "user")
        second.close(0)
        assert half + (download.file.read() or b"") == DISK
        download.close(len(DISK))
        bench.clock.advance(3599)
        assert bench.engine.link(bench.entity()) is not None
        bench.clock.advance(1)
        assert bench.engine.link(bench.entity()) is None


def test_with_never_a_get_that_outlives_the_idle_time_ends_the_session_when_it_ends(tmp_path: Path) -> None:
    with Bench(tmp_path, get_refreshes="never") as bench:
        bench.export()
        transfer, disk = disk_of(bench)
        download = bench.engine.open(transfer, disk, "user")
        bench.clock.advance(7200)
        assert bench.engine.link(bench.entity()) is not None
        download.close(0)
        assert bench.engine.link(bench.entity()) is None


@pytest.mark.parametrize("removes", ["at-once", "reaper"])
def test_disable_kills_the_link_at_once_and_the_files_when_the_profile_says(tmp_path: Path, removes: str) -> None:
    with Bench(tmp_path, disable_removes=removes) as bench:
        bench.engine.disable(bench.entity())
        bench.export()
        transfer, disk = disk_of(bench)
        bench.engine.disable(bench.entity())
        assert bench.engine.link(bench.entity()) is None
        with pytest.raises(LinkDead):
            bench.engine.open(transfer, disk, "user")
        assert (bench.listing() == []) is (removes == "at-once")
        bench.clock.advance(3600)
        assert bench.listing() == []


def test_disable_during_the_export_leaves_nothing(tmp_path: Path) -> None:
    gate = Gate()
    with Bench(tmp_path, source=MadeUpSource(after=gate)) as bench:
        task = bench.engine.enable(bench.entity(), "administrator")
        assert gate.reached.wait(30)
        bench.engine.disable(bench.entity())
        gate.release()
        bench.engine.settle()
        assert bench.state(task.id) == "canceled"
        assert bench.listing() == []
        assert bench.engine.link(bench.entity()) is None


def test_files_purged_by_hand_leave_the_link_standing(tmp_path: Path) -> None:
    with Bench(tmp_path) as bench:
        bench.export()
        transfer, disk = disk_of(bench)
        (bench.root / transfer / disk).unlink()
        assert bench.engine.link(bench.entity()) is not None
        with pytest.raises(FileGone):
            bench.engine.open(transfer, disk, "user")
        # And enabling again makes it good.
        assert bench.state(bench.export()) == "success"
        assert bench.engine.open(*disk_of(bench), "user").close(0) is None


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "", ".", "..", "disk.vmdk\0", "link", MARK])
def test_no_name_that_the_spool_does_not_list_is_opened(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_text("x")
    with Bench(tmp_path) as bench:
        bench.export()
        transfer, _ = disk_of(bench)
        (bench.root / transfer / "link").symlink_to(tmp_path / "secret")
        with pytest.raises(FileGone):
            bench.engine.open(transfer, name, "user")


@pytest.mark.parametrize("transfer", ["..", "", "0c7a1b0e-2f56-4d2a-9b0b-1d5d5f7a2c11", "../transfer"])
def test_no_other_transfer_is_opened(tmp_path: Path, transfer: str) -> None:
    with Bench(tmp_path) as bench:
        bench.export()
        with pytest.raises(LinkDead):
            bench.engine.open(transfer, DEFAULT, "user")


# -- a download that is finished (3.19)


def get(bench: Bench, transfer: str, name: str, *, first: int = 0, size: int | None = None) -> None:
    """Read a part of a file, to its end unless told how much."""
    download = bench.engine.open(transfer, name, "user")
    length = download.size - first if size is None else size
    download.file.seek(first)
    left = length
    while left:
        # Of an archive one read ends with each of its parts.
        left -= len(download.read(left))
    download.last(length, to_the_end=first + length == download.size)
    download.close(length)


def finishing(tmp_path: Path) -> tuple[Bench, str, str]:
    bench = Bench(tmp_path, finish_removes="yes")
    bench.export()
    link = bench.engine.link(bench.entity())
    assert link is not None
    return bench, link.id, next(name for name in link.files if name.endswith(".vmdk"))


@pytest.mark.parametrize(
    "ways",
    [
        ["descriptor.ovf", "DISK"], ["DISK"], ["descriptor-with-id.ovf", "DISK"], ["descriptor.ova"],
        ["descriptor-with-id.ova"],
    ],
    ids="+".join,
)  # fmt: skip
def test_whoever_has_all_of_it_ends_it(tmp_path: Path, ways: list[str]) -> None:
    bench, transfer, disk = finishing(tmp_path)
    with bench:
        for name in ways:
            assert bench.engine.link(bench.entity()) is not None
            get(bench, transfer, disk if name == "DISK" else name)
        assert bench.engine.link(bench.entity()) is None
        assert bench.listing() == []
        assert bench.state(bench.export()) == "success"


def test_a_part_is_not_all_of_it_and_the_rest_of_it_is(tmp_path: Path) -> None:
    bench, transfer, disk = finishing(tmp_path)
    with bench:
        get(bench, transfer, disk, size=1000)
        get(bench, transfer, "descriptor.ovf")
        get(bench, transfer, "descriptor.ova", size=5000)
        assert bench.engine.link(bench.entity()) is not None
        get(bench, transfer, disk, first=1000)
        assert bench.engine.link(bench.entity()) is None
        assert bench.listing() == []


def test_nobody_is_cut_by_another_who_has_finished(tmp_path: Path) -> None:
    bench, transfer, disk = finishing(tmp_path)
    with bench:
        reading = bench.engine.open(transfer, disk, "another user")
        begun = reading.read(1000)
        get(bench, transfer, disk)
        assert bench.engine.link(bench.entity()) is not None
        rest = reading.read(1 << 20)
        assert begun + rest == DISK
        reading.close(len(begun) + len(rest))
        assert bench.engine.link(bench.entity()) is None
        assert bench.listing() == []
