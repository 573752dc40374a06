"""govc's import.ovf and import.ova, unmodified and of two ages, against `twohop serve`; three make the packages."""

from __future__ import annotations

import hashlib
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest

from interop.support import VM0, Environment, drove, judge_descriptor, run, served, tool
from interop.test_govc import GO, PACKAGES, binary, runner, version_of
from twohop.exporter.package import grain_digest

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(GO is None, reason="no Go toolchain on PATH or in /usr/local/go/bin, to build govc with"),
    pytest.mark.timeout(600),
    tool("qemu-img", "qemu-utils"),
]
__all__ = ["PACKAGES", "binary"]

HERE = ("-ds", "LocalDS_0", "-pool", "/DC0/host/DC0_C0/Resources", "-name", "new")


def _exported(env: Environment, binary: Path, folder: Path, name: str = VM0, *options: str) -> Path:
    """A package that govc has exported, its descriptor. SHA-1, since govc -m takes what the server's manifest has."""
    runner(binary, env, folder)("export.ovf", "-vm", name, "-sha", "1", *options, f"out-{name}")
    return folder / f"out-{name}" / name / f"{name}.ovf"


def _grains(descriptor: Path) -> list[Any]:
    return [grain_digest(path) for path in sorted(descriptor.parent.glob("*.vmdk"))]


def _converted(descriptor: Path) -> Path:
    """The same package with its disk written by qemu-img."""
    text = descriptor.read_text("utf-8")
    (disk,) = descriptor.parent.glob("*.vmdk")
    other = disk.with_name("written-by-qemu.vmdk")
    run("qemu-img", "convert", "-O", "vmdk", "-o", "subformat=streamOptimized", disk, other)
    size = re.sub(r'ovf:size="\d+"', f'ovf:size="{other.stat().st_size}"', text).replace(disk.name, other.name)
    descriptor.write_text(size, "utf-8")
    lines = [f"SHA1({path.name})= {hashlib.sha1(path.read_bytes()).hexdigest()}\n" for path in (descriptor, other)]
    descriptor.with_suffix(".mf").write_text("".join(lines))
    disk.unlink()
    return descriptor


def _ours(env: Environment, folder: Path) -> Path:
    """A package that this project's exporter has written."""
    from interop.support import twohop

    twohop("export", VM0, "-o", folder / "ours", "--manifest", "sha1", env=env)
    (descriptor,) = (folder / "ours").rglob("*.ovf")
    return descriptor


def _archive(descriptor: Path) -> Path:
    target = descriptor.with_suffix(".ova")
    with tarfile.open(target, "w", format=tarfile.USTAR_FORMAT) as tar:
        for path in (descriptor, descriptor.with_suffix(".mf"), *sorted(descriptor.parent.glob("*.vmdk"))):
            tar.add(path, path.name)
    return target


@pytest.mark.parametrize("made_by", ["govc", "qemu-img", "twohop"])
@pytest.mark.parametrize("command", ["import.ovf", "import.ova"])
def test_a_package_is_imported_runs_and_is_exported_the_same(
    binary: Path, tmp_path: Path, made_by: str, command: str
) -> None:
    with served(tmp_path) as env:
        govc = runner(binary, env, tmp_path)
        descriptor = _ours(env, tmp_path) if made_by == "twohop" else _exported(env, binary, tmp_path)
        grains = _grains(descriptor)
        if made_by == "qemu-img":
            descriptor = _converted(descriptor)
        package = descriptor if command == "import.ovf" else _archive(descriptor)
        # The newer one compares the manifest with what the server says that it received. What qemu-img wrote ends in
        # zeros, which the server takes for an end-of-stream marker, and digests no further (5.4).
        verify = ("-m",) if version_of(binary) != "0.18" and made_by != "qemu-img" else ()
        govc(command, *verify, *HERE, str(package))
        drove("govc", version_of(binary), f"{command} of a package by {made_by}")
        assert "poweredOff" in govc("vm.info", "new")
        again = _exported(env, binary, tmp_path, "new")
        assert _grains(again) == grains and judge_descriptor(again)
        govc("vm.power", "-on", "new")
        assert "poweredOn" in govc("vm.info", "new")


def test_a_disk_that_is_cut_is_refused_and_nothing_is_left(binary: Path, tmp_path: Path) -> None:
    with served(tmp_path) as env:
        govc = runner(binary, env, tmp_path)
        descriptor = _exported(env, binary, tmp_path)
        (disk,) = descriptor.parent.glob("*.vmdk")
        disk.write_bytes(disk.read_bytes()[:-1024])
        said = govc("import.ovf", *HERE, str(descriptor), code=1)
        assert "500" in said
        assert "new" not in govc("ls", "/DC0/vm").split()


VAPP = """
twohop: 1
datacenters:
  - name: DC0
    clusters: [{name: DC0_C0, hosts: [H0]}]
    datastores: [{name: LocalDS_0}]
    networks: [VM Network, second]
    vms:
      - name: furnished
        firmware: efi
        nvram: {size: 8684}
        images: [{size: 100000, content: "seed:5"}]
        nics: [{network: VM Network}]
        disks: [{size: 8 MiB, data: 1 MiB, controller: lsilogicsas}, {size: 4 MiB, data: 0, controller: sata}]
"""


def test_a_machine_with_firmware_and_an_image_into_another_network(binary: Path, tmp_path: Path) -> None:
    (tmp_path / "world.yaml").write_text(VAPP)
    with served(tmp_path, "--world", "world.yaml") as env:
        govc = runner(binary, env, tmp_path)
        govc("export.ovf", "-vm", "furnished", "-i", "out")
        descriptor = tmp_path / "out" / "furnished" / "furnished.ovf"
        options = tmp_path / "options.json"
        options.write_text('{"NetworkMapping": [{"Name": "VM Network", "Network": "second"}], "PowerOn": true}')
        govc("import.ovf", "-options", str(options), *HERE, str(descriptor))
        assert "poweredOn" in govc("vm.info", "new")
        assert "second" in govc("device.info", "-vm", "new", "ethernet-0")
        govc("vm.power", "-off", "new")
        again = _exported(env, binary, tmp_path, "new", "-i")
        assert _grains(again) == _grains(descriptor)
        nvram = [path.read_bytes() for folder in (again.parent, descriptor.parent) for path in folder.glob("*.nvram")]
        assert len(nvram) == 2 and nvram[0] == nvram[1]


def test_into_a_host_that_stands_alone(binary: Path, tmp_path: Path) -> None:
    with served(tmp_path, "--profile", "esxi-8.0") as env:
        govc = runner(binary, env, tmp_path)
        descriptor = _exported(env, binary, tmp_path)
        govc("import.ovf", "-name", "new", str(descriptor))
        assert _grains(_exported(env, binary, tmp_path, "new")) == _grains(descriptor)
