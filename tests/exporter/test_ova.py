"""An OVA is one file, written once from front to back, whole or not there."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.test_export import VM, address, assert_unlocked, spec
from twohop.exporter import AlreadyThere, BytesMoved, Event, Options, ShortStream, export_vm
from twohop.exporter._ova import BLOCK, OvaTarget, tar_header
from twohop.exporter.package import parse_manifest, read_descriptor
from twohop.exporter.verify import verify_package
from twohop.fakes import VCenter


@pytest.fixture
def vc() -> Iterator[VCenter]:
    with VCenter(world=spec(2, 1)) as running:
        yield running


def test_descriptor_manifest_and_disks_in_that_order(vc: VCenter, tmp_path: Path) -> None:
    made = export_vm(address(vc), VM, tmp_path / "new" / "my vm.ova", clock=vc.clock)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["my vm.ova"]
    with tarfile.open(made.descriptor, "r:") as tar:
        disks = [f"{VM}-disk-0.vmdk", f"{VM}-disk-1.vmdk"]
        assert tar.getnames() == ["my vm.ovf", "my vm.mf", *disks]
        content = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    assert [(f.href, f.size) for f in read_descriptor(content["my vm.ovf"]).files] == [
        (name, len(content[name])) for name in disks
    ]
    listed = {entry.name: entry.digest for entry in parse_manifest(content["my vm.mf"])}
    assert listed == {n: hashlib.sha256(data).hexdigest() for n, data in content.items() if n != "my vm.mf"}
    assert [file.path for file in made.files] == [tmp_path / "new" / "my vm.ova"] * 2
    assert verify_package(made.descriptor).findings == ()
    assert_unlocked(vc)


@pytest.mark.parametrize("algorithm", ["SHA1", "SHA512"])
def test_the_room_for_the_manifest_fits_every_algorithm(vc: VCenter, tmp_path: Path, algorithm: Any) -> None:
    made = export_vm(address(vc), VM, tmp_path / "vm.ova", clock=vc.clock, options=Options(algorithm=algorithm))
    report = verify_package(made.descriptor)
    assert report.sound and report.findings == () and len(report.disks) == 2


def test_a_failure_leaves_no_file_and_an_overwritten_one_stays_until_the_end(tmp_path: Path) -> None:
    old = tmp_path / "vm.ova"
    old.write_text("mine")
    with VCenter(world=spec(64)) as vc:
        with pytest.raises(AlreadyThere):
            export_vm(address(vc), VM, old, clock=vc.clock)

        def stop(event: Event) -> None:
            if isinstance(event, BytesMoved):
                vc.hosts["DC0_C0_H0"].stop(keep_port=True)

        with pytest.raises(ShortStream):
            export_vm(address(vc), VM, old, clock=vc.clock, events=stop, options=Options(leases=1, force=True))
        assert_unlocked(vc)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("size", [0, 1, (8 << 30) - 1, 8 << 30, 62 << 40])
def test_headers_of_all_sizes_are_read_by_others(size: int) -> None:
    block = tar_header("disk.vmdk", size)
    assert len(block) == BLOCK
    with tarfile.open(fileobj=io.BytesIO(block), mode="r:") as tar:
        found = tar.next()
    assert found is not None and (found.name, found.size) == ("disk.vmdk", size)
    assert (block[257:262] == b"ustar") and (block[124] < 0x80) == (size < 8 << 30)


def test_a_name_that_no_header_holds_becomes_a_short_one(tmp_path: Path) -> None:
    target = OvaTarget(tmp_path / "x.ova")
    target.open()
    assert target.claim("a" * 150 + ".vmdk", "file-1") == "file-1.vmdk"
    assert target.claim("a" * 150 + ".vmdk", "file-1") == "file-1-2.vmdk"
    assert target.claim("../../etc/passwd", "file-2") == "_.._etc_passwd"
    target.discard(ValueError())
    assert list(tmp_path.iterdir()) == []


def test_after_a_cut_the_file_begins_anew(tmp_path: Path) -> None:
    target = OvaTarget(tmp_path / "x.ova", suffix=".part")
    target.open()
    target.reserve("x.ovf", 3)
    name = target.claim("disk.vmdk", "f")
    with pytest.raises(ShortStream), target.sink(name) as sink:
        sink.write(b"half" * 1000)
        raise ShortStream("cut")
    target.clear()
    target.reserve("x.ovf", 3)
    assert target.claim("disk.vmdk", "f") == "disk.vmdk"
    with target.sink("disk.vmdk") as sink:
        sink.write(b"whole")
    target.write("x.ovf", b"ovf")
    target.sync()
    target.publish()
    with tarfile.open(tmp_path / "x.ova", "r:") as tar:
        found = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    assert found == {"x.ovf": b"ovf", "disk.vmdk": b"whole"}
    assert (tmp_path / "x.ova").stat().st_size == 6 * BLOCK
