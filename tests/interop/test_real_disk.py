"""A disk nobody made for us: a file system of real files, through both data paths, and the same disk comes out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from interop.support import (
    Environment,
    is_unlocked,
    judge_descriptor,
    judge_disk,
    judge_manifest,
    run,
    served,
    tool,
    twohop,
    validate,
)

pytestmark = [
    pytest.mark.interop,
    pytest.mark.timeout(600),
    tool("qemu-img", "qemu-utils"),
    tool("mkfs.ext4", "e2fsprogs"),
    tool("e2fsck", "e2fsprogs"),
]

MIB = 1 << 20
# What every Debian machine has, the smaller first.
SOURCES = [Path("/usr/share/perl"), Path("/usr/lib/python3"), Path("/usr/share/doc"), Path("/usr/share")]
WORLD = """
twohop: 1
datacenters:
  - name: DC0
    clusters: [{name: C0, hosts: [H0, H1]}]
    datastores: [{name: Store}]
    vms:
      - name: real
        host: H1
        disks: [{content: real.vmdk}, {size: 64 MiB, data: 3 MiB}]
cell:
  orgs:
    - name: Org
      vdcs: [{name: Vdc, vapps: [{name: App, vms: [real]}]}]
      catalogs: []
"""


def weight(directory: Path) -> int:
    return sum(path.lstat().st_size for path in directory.rglob("*") if path.is_file() and not path.is_symlink())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the raw disk, the stream that qemu-img made of it, and a world file that names the stream."""
    folder = tmp_path_factory.mktemp("real")
    source, size = next((d, size) for d in SOURCES if d.is_dir() and (size := weight(d)) > 4 * MIB)
    raw = folder / "real.raw"
    raw.touch()
    os.truncate(raw, (2 * size // MIB + 64) * MIB)
    run("mkfs.ext4", "-q", "-F", "-L", "real", "-d", source, raw)
    run("qemu-img", "convert", "-f", "raw", "-O", "vmdk", "-o", "subformat=streamOptimized", raw, folder / "real.vmdk")
    (folder / "world.yaml").write_text(WORLD)
    return folder


@pytest.fixture(scope="module")
def real(folder: Path) -> Iterator[dict[str, str]]:
    with served(folder, "--cell", "--world", folder / "world.yaml") as environment:
        yield environment


def judge(folder: Path, package: Path, out: Path) -> None:
    """Hold the package's first disk against the raw one that it was made of, with tools that are not ours."""
    (descriptor,) = package.glob("*.ovf")
    sizes = judge_descriptor(descriptor)
    assert sizes == {name: (package / name).stat().st_size for name in sizes}
    first, second = sizes
    assert judge_disk(package / first)["virtual-size"] == (folder / "real.raw").stat().st_size
    assert judge_disk(package / second)["virtual-size"] == 64 * MIB
    same = run("qemu-img", "compare", "-f", "raw", "-F", "vmdk", folder / "real.raw", package / first)
    assert "identical" in same.stdout
    run("qemu-img", "convert", "-f", "vmdk", "-O", "raw", package / first, out)
    run("e2fsck", "-fn", out)
    assert digest(out) == digest(folder / "real.raw")
    for manifest in package.glob("*.mf"):
        assert judge_manifest(manifest) == {*sizes, descriptor.name}


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_one_hop(folder: Path, real: Environment, tmp_path: Path) -> None:
    twohop("export", "real", "-o", tmp_path / "one", env=real)
    judge(folder, tmp_path / "one", tmp_path / "out.raw")
    assert is_unlocked(real, "real")
    validate(tmp_path / "one" / "real.ovf")


def test_two_hops(folder: Path, real: Environment, tmp_path: Path) -> None:
    twohop("export", "App", "--via", real["TWOHOP_CELL_URL"], "-o", tmp_path / "two", env=real)
    judge(folder, tmp_path / "two", tmp_path / "out.raw")
    assert is_unlocked(real, "real")
    (descriptor,) = (tmp_path / "two").glob("*.ovf")
    validate(descriptor)
