"""Packages that `twohop export` writes, of everything that can be exported, before judges that are not ours."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from interop.support import (
    Environment,
    judge_descriptor,
    judge_disk,
    judge_manifest,
    served,
    tool,
    twohop,
    validate,
)

pytestmark = [pytest.mark.interop, pytest.mark.timeout(600), tool("qemu-img", "qemu-utils")]

DISK = "{size: 8 MiB, data: 1 MiB}"
WORLD = f"""
twohop: 1
datacenters:
  - name: DC0
    clusters: [{{name: C0, hosts: [H0, H1]}}]
    vms:
      - name: furnished
        firmware: efi
        images: [{{size: 100000, content: "seed:5"}}]
        disks: [{DISK}, {{size: 4 MiB, data: 0, controller: sata}}]
      - name: running
        power: true
        disks: [{DISK}]
        snapshots: [{{name: before}}]
        delta: [{{data: 2 MiB, content: "seed:7"}}]
    vapps:
      - name: shop
        vms: [{{name: front, start_order: 2, disks: [{DISK}]}}, {{name: back, start_order: 1, disks: [{DISK}]}}]
        vapps: [{{name: store, vms: [{{name: db, disks: [{DISK}]}}]}}]
"""
WHAT: dict[str, tuple[tuple[str, ...], int]] = {
    "a machine": (("furnished",), 2),
    "a machine without more than disks": (("furnished", "--no-nvram", "--no-images"), 2),
    "a snapshot": (("running", "--snapshot", "before"), 1),
    "a vApp": (("shop",), 3),
}
"""What is exported, and of how many disks."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    folder = tmp_path_factory.mktemp("serve")
    (folder / "world.yaml").write_text(WORLD)
    with served(folder, "--world", "world.yaml") as environment:
        yield environment


@pytest.mark.parametrize("algorithm", ["sha256", "sha1", "sha512"])
@pytest.mark.parametrize("form", ["directory", "ova"])
@pytest.mark.parametrize("what", WHAT)
def test_others_accept_it(world: Environment, tmp_path: Path, what: str, form: str, algorithm: str) -> None:
    arguments, disks = WHAT[what]
    package = target = tmp_path / ("package.ova" if form == "ova" else "package")
    twohop("export", *arguments, "-o", target, "--manifest", algorithm, env=world)
    twohop("verify", target)
    if form == "ova":
        package = tmp_path / "unpacked"
        with tarfile.open(target) as archive:
            names = archive.getnames()
            archive.extractall(package, filter="data")
        assert [Path(name).suffix for name in names[:2]] == [".ovf", ".mf"], "the order of DSP0243"
    [descriptor] = package.glob("*.ovf")
    [manifest] = package.glob("*.mf")
    validate(descriptor)
    listed = judge_descriptor(descriptor)
    assert {name: (package / name).stat().st_size for name in listed} == listed
    assert judge_manifest(manifest, algorithm) == {path.name for path in package.iterdir()} - {manifest.name}
    streams = sorted(package.glob("*.vmdk"))
    assert len(streams) == disks
    assert {judge_disk(stream)["virtual-size"] for stream in streams} <= {8 << 20, 4 << 20}
