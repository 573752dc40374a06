"""A package is judged from itself alone: what is broken is named, and what is sound is not doubted."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.test_export import VM, address, spec
from twohop.exporter import BadPackage, export_vm
from twohop.exporter.package import ManifestEntry, write_manifest
from twohop.exporter.verify import Seen, verify_package
from twohop.fakes import VCenter

RECORDINGS = Path(os.environ.get("TWOHOP_RECORDINGS", Path(__file__).parents[2].parent / "shared" / "recordings"))
OVFS = sorted((RECORDINGS / "vsphere" / "govmomi-ovf").glob("*.ovf"))
DISK, OVF, MF = f"{VM}-disk-0.vmdk", f"{VM}.ovf", f"{VM}.mf"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of one disk, which no test changes."""
    out = tmp_path_factory.mktemp("whole") / "package"
    with VCenter(world=spec(2)) as vc:
        export_vm(address(vc), VM, out, clock=vc.clock)
    return out


@pytest.fixture
def package(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "package"))


def sealed(package: Path) -> None:
    """Write the manifest anew, so that only what a test broke is wrong."""
    names = [OVF, *(path.name for path in sorted(package.iterdir()) if path.suffix not in (".ovf", ".mf"))]
    rows = [ManifestEntry(name, hashlib.sha256((package / name).read_bytes()).hexdigest()) for name in names]
    (package / MF).write_bytes(write_manifest(rows))


def packed(package: Path, *names: str) -> Path:
    ova = package.parent / "vm.ova"
    with tarfile.open(ova, "w:", format=tarfile.USTAR_FORMAT) as tar:
        for name in names:
            tar.add(package / name, name)
    return ova


def found(path: Path) -> list[tuple[str, str, str]]:
    return [(finding.level, finding.rule, finding.file) for finding in verify_package(path).findings]


def test_what_is_sound_is_not_doubted(whole: Path) -> None:
    seen: list[Seen] = []
    for path in (whole, whole / OVF):
        report = verify_package(path, on_seen=seen.append)
        assert report.sound and report.findings == () and report.files == 3
        [disk] = report.disks
        assert (disk.capacity, disk.data_bytes) == (1 << 30, 2 << 20)
    assert seen[-1].done == seen[-1].total == (whole / DISK).stat().st_size


def edit(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def act(package: Path) -> None:
        (package / name).write_bytes(change((package / name).read_bytes()))

    return act


@pytest.mark.parametrize(
    ("break_it", "expected"),
    [
        (edit(DISK, lambda b: b[:-512]), {"error size", "error disk truncated"}),
        (edit(DISK, lambda b: b[:-1024]), {"error size", "error disk truncated"}),
        (edit(DISK, lambda b: b + bytes(512)), {"error size", "error disk trailing"}),
        (edit(DISK, lambda b: b"COWD" + b[4:]), {"error disk magic"}),
        (edit(DISK, lambda b: b[:70_000] + bytes([b[70_000] ^ 1]) + b[70_001:]), {"error disk deflate"}),
        (lambda package: (package / DISK).unlink(), {"error missing", "error manifest"}),
        (lambda package: (package / DISK).write_bytes(b""), {"error size", "error disk truncated"}),
        (edit(OVF, lambda b: b.replace(b'ovf:capacity="1"', b'ovf:capacity="2"')), {"error capacity"}),
        (edit(OVF, lambda b: b.replace(DISK.encode(), b"../" + DISK.encode())), {"error name", "warning unreferenced"}),
        (edit(OVF, lambda b: b"<!DOCTYPE x><x/>"), {"error descriptor"}),
        (edit(OVF, lambda b: b[: len(b) // 2]), {"error descriptor"}),
        (edit(OVF, lambda b: b.replace(b'fileRef="file1"', b'fileRef="file9"')), {"error descriptor"}),
    ],
)
def test_what_is_broken_is_named(package: Path, break_it: Callable[[Path], None], expected: set[str]) -> None:
    break_it(package)
    if (package / DISK).exists():
        sealed(package)
    report = verify_package(package)
    assert {f"{finding.level} {finding.rule}" for finding in report.findings} == expected
    assert not report.sound


def test_a_file_that_was_changed_after_the_manifest(package: Path) -> None:
    content = bytearray((package / DISK).read_bytes())
    content[600] ^= 1  # in the stream's embedded descriptor, which nothing else guards
    (package / DISK).write_bytes(content)
    assert found(package) == [("error", "digest", DISK)]


@pytest.mark.parametrize(
    ("spelling", "refused"),
    [
        ("SHA256({name})= {hex}", False),
        ("SHA256({name}) = {hex}", False),
        ("SHA2-256({name})= {hex}", True),
        ("SHA256 ({name})= {hex}", True),
        ("sha256({name})= {hex}", True),
    ],
)
def test_a_manifest_that_vcenter_8_refuses(package: Path, spelling: str, refused: bool) -> None:
    lines = [
        spelling.format(name=name, hex=hashlib.sha256((package / name).read_bytes()).hexdigest())
        for name in (OVF, DISK)
    ]
    (package / MF).write_text("\n".join(lines) + "\n")
    assert found(package) == ([("error", "manifest spelling", MF)] * 2 if refused else [])


def test_without_a_manifest_it_is_doubtful_and_still_sound(package: Path) -> None:
    (package / MF).unlink()
    report = verify_package(package)
    assert report.sound and [finding.rule for finding in report.findings] == ["manifest"]


def test_an_ova_of_others(package: Path) -> None:
    assert found(packed(package, OVF, MF, DISK)) == []
    assert found(packed(package, OVF, DISK, MF)) == []
    assert found(packed(package, MF, OVF, DISK)) == [("error", "order", MF)]
    (package / "readme.txt").write_text("hello")
    assert found(packed(package, OVF, MF, DISK, "readme.txt")) == [("warning", "unreferenced", "readme.txt")]
    (package / "link").symlink_to("/etc/passwd")
    assert ("error", "member", "link") in found(packed(package, OVF, MF, DISK, "link"))
    assert ("error", "member", DISK) in found(packed(package, OVF, MF, DISK, DISK))


def test_an_ova_that_ends_in_the_middle(package: Path) -> None:
    ova = packed(package, OVF, MF, DISK)
    os.truncate(ova, ova.stat().st_size // 2)
    assert {rule for _, rule, _ in found(ova)} == {"truncated", "digest", "disk truncated"}


def test_a_disk_that_is_packed(package: Path) -> None:
    (package / DISK).write_bytes(gzip.compress((package / DISK).read_bytes()))
    size = (package / DISK).stat().st_size
    text = (package / OVF).read_text()
    old = text[text.index("<File ") : text.index("/>", text.index("<File "))]
    (package / OVF).write_text(
        text.replace(old, f'<File ovf:href="{DISK}" ovf:id="file1" ovf:size="{size}" ovf:compression="gzip"')
    )
    sealed(package)
    report = verify_package(package)
    assert report.findings == () and len(report.disks) == 1
    (package / DISK).write_bytes(b"\x1f\x8b\x08\0" + bytes(100))
    assert ("error", "disk gzip", DISK) in found(package)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda where: None, "cannot read"),
        (lambda where: where.mkdir(), "holds 0 descriptors"),
        (lambda where: where.write_bytes(b"PK\3\4" + bytes(1000)), "no OVA that can be read"),
        (lambda where: where.write_bytes(b""), "no OVA that can be read"),
    ],
)
def test_what_is_no_package(tmp_path: Path, make: Callable[[Path], object], words: str) -> None:
    make(tmp_path / "thing")
    with pytest.raises(BadPackage, match=words):
        verify_package(tmp_path / "thing")


@pytest.mark.skipif(not OVFS, reason=f"no recordings at {RECORDINGS}: set TWOHOP_RECORDINGS")
@pytest.mark.parametrize("descriptor", OVFS, ids=lambda path: path.stem[-30:])
def test_a_server_written_descriptor_lacks_nothing_but_its_files(descriptor: Path) -> None:
    report = verify_package(descriptor)
    assert {finding.rule for finding in report.findings} <= {"missing", "manifest", "chunks"}


def test_a_link_out_of_a_package_is_not_followed(package: Path) -> None:
    """An import would send what it leads to."""
    [disk] = package.glob("*.vmdk")
    elsewhere = package.parent / "elsewhere.vmdk"
    disk.rename(elsewhere)
    disk.symlink_to(elsewhere)
    with pytest.raises(BadPackage, match="is a link out of the package"):
        verify_package(package)
    disk.unlink()
    elsewhere.rename(package / "real.vmdk")
    disk.symlink_to("real.vmdk")
    assert verify_package(package).sound
