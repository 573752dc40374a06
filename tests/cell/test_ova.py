"""The two OVAs of a download: composed while they are read, whole, and readable from any byte on."""

from __future__ import annotations

import io
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cell.http import Http, links
from cell.support import DISK, START, VM, Bench, MadeUpSource
from twohop.exporter.cell import Cell
from twohop.exporter.cell.engine import DEFAULT, IDENTITY, OVA_DEFAULT, OVA_IDENTITY, FileGone, Leg
from twohop.exporter.cell.engine._ova import LARGEST, Archive
from twohop.runtime import Clock
from twohop.runtime.profiles import load_profile


def whole(bench: Bench, name: str) -> bytes:
    link = bench.engine.link(bench.entity())
    assert link is not None
    download = bench.engine.open(link.id, name, "user")
    pieces = list(iter(lambda: download.read(1000), b""))
    data = b"".join(pieces)
    assert len(data) == download.size
    download.close(len(data))
    return data


@pytest.mark.parametrize(("ova", "descriptor"), [(OVA_DEFAULT, DEFAULT), (OVA_IDENTITY, IDENTITY)])
@pytest.mark.parametrize("manifest", ["absent", "present"])
def test_an_ova_holds_its_descriptor_first_and_the_files_that_it_names(
    tmp_path: Path, ova: str, descriptor: str, manifest: str
) -> None:
    with Bench(tmp_path, descriptor_mf=manifest) as bench:
        bench.export()
        link = bench.engine.link(bench.entity())
        assert link is not None
        before = bench.listing()
        with tarfile.open(fileobj=io.BytesIO(whole(bench, ova))) as archive:
            names = archive.getnames()
            content = {name: archive.extractfile(name).read() for name in names}  # type: ignore[union-attr]
        disk = next(name for name in link.files if name.endswith(".vmdk"))
        own = [descriptor.replace(".ovf", ".mf")] if manifest == "present" else []
        assert names == [descriptor, *own, disk]
        assert content[disk] == DISK
        assert content[descriptor] == (bench.root / link.id / descriptor).read_bytes()
        if own:
            told = dict(line.split("= ") for line in content[own[0]].decode().splitlines())
            assert told == {f"SHA256({name})": sha256(content[name]).hexdigest() for name in (descriptor, disk)}
        # Nothing of it was stored, and of the share's bytes the ledger counts those that came from it.
        assert bench.listing() == before
        legs = {p.leg: p.bytes for p in bench.engine.ledger(bench.entity()) if p.file == ova}
        assert legs[Leg.CELL_TO_USER] > legs[Leg.SHARE_TO_CELL] >= len(DISK)


@given(st.lists(st.binary(max_size=2000), max_size=5), st.data())
def test_any_part_of_an_archive_is_that_part_of_the_whole(contents: list[bytes], data: st.DataObject) -> None:
    def made() -> Archive:
        archive = Archive()
        for number, content in enumerate(contents):
            archive.add(f"file{number}", io.BytesIO(content) if number % 2 else content, len(content))
        archive.end()
        return archive

    def rest(archive: Archive, first: int, step: int) -> bytes:
        archive.seek(first)
        return b"".join(iter(lambda: archive.read(step) or b"", b""))

    one = made()
    text = rest(one, 0, 1 << 20)
    assert len(text) == one.size
    with tarfile.open(fileobj=io.BytesIO(text)) as archive:
        assert [archive.extractfile(m).read() for m in archive.getmembers()] == contents  # type: ignore[union-attr]
    first = data.draw(st.integers(0, one.size))
    assert rest(made(), first, data.draw(st.integers(1, 700))) == text[first:]


def test_a_file_too_large_for_the_usual_header_still_has_its_size() -> None:
    archive = Archive()
    archive.add("disk", io.BytesIO(), LARGEST + 5)
    archive.seek(0)
    header = archive.read(512)
    assert header is not None
    assert tarfile.TarInfo.frombuf(header, "utf-8", "strict").size == LARGEST + 5


@pytest.mark.parametrize("harm", ["gone", "short"])
def test_an_ova_of_files_that_are_not_what_they_were_is_no_ova(tmp_path: Path, harm: str) -> None:
    with Bench(tmp_path) as bench:
        bench.export()
        link = bench.engine.link(bench.entity())
        assert link is not None
        disk = next(bench.root.glob("*/*.vmdk"))
        if harm == "gone":
            disk.unlink()
        else:
            disk.write_bytes(DISK[:-1])
        with pytest.raises(FileGone):
            bench.engine.open(link.id, OVA_DEFAULT, "user")


def test_over_http_with_length_ranges_and_from_version_30_on(tmp_path: Path) -> None:
    with (
        Cell(None, transfer_dir=tmp_path, clock=Clock(start=START), source=MadeUpSource()) as cell,
        Http(cell) as http,
    ):
        http.log_in()
        http.enable()
        url = links(http.vapp())["download:ovaDefault"]
        answer = http.pool.request("GET", url)
        assert (answer.status, answer.headers["Content-Length"]) == (200, str(len(answer.data)))
        part = http.pool.request("GET", url, headers={"Range": "bytes=700-90000"})
        assert (part.status, part.data) == (206, answer.data[700:90001])
        assert VM.encode() in answer.data


def test_before_version_30_there_is_no_ova(tmp_path: Path) -> None:
    with (
        Cell(
            None, transfer_dir=tmp_path, clock=Clock(start=START), source=MadeUpSource(),
            profile=load_profile("cell-29.0"),
        ) as cell,
        Http(cell, "29.0") as http,
    ):  # fmt: skip
        http.log_in()
        http.enable()
        assert not [rel for rel in links(http.vapp()) if "ova" in rel]
        default = links(http.vapp())["download:default"]
        assert http.pool.request("GET", default.rpartition("/")[0] + "/descriptor.ova").status == 404
