"""vcd-cli and pyvcloud, which none of us wrote, against a cell (vcd 8.1-8.3): templates, vApps and media."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from interop.support import drove
from twohop.exporter.cell import Cell
from twohop.exporter.cell.engine import default_catalogue
from twohop.exporter.package._vmdk import StreamChecker
from twohop.exporter.vsphere import VCenterAddress
from twohop.fakes import VCenter

pytestmark = pytest.mark.interop
VERSION, LIBRARY = "24.1.0", "23.0.4"
PINS = [f"pyvcloud=={LIBRARY}", f"vcd-cli=={VERSION}", "keyring==23.5.0"]
VM, SIZE = "VM0", 300_000
WORLD = {
    "datacenters": [
        {
            "name": "DC0",
            "hosts": ["H0"],
            "vms": [
                {"name": VM, "host": "H0", "power": "off", "disks": [{"size": "64 MiB", "data": "2 MiB"}]},
                {"name": "VM1", "host": "H0", "images": [{"name": "iso/tools.iso", "size": SIZE}]},
            ],
        }
    ]
}
Run = Callable[..., str]


@dataclass
class Lab:
    """A cell, `vcd` logged in to it, and the bytes of the image behind its medium."""

    cell: Cell
    run: Run
    image: bytes


@pytest.fixture(scope="module")
def vcd(request: pytest.FixtureRequest) -> Path:
    """The `vcd` command: TWOHOP_VCD where it is set, else one installed aside, since its pins would bind ours."""
    if "TWOHOP_VCD" in os.environ:
        return Path(os.environ["TWOHOP_VCD"])
    assert request.config.cache is not None
    home = request.config.cache.mkdir(f"vcd-cli-{sys.version_info[0]}.{sys.version_info[1]}")
    command = home / "bin" / "vcd"
    if not command.exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True, capture_output=True)
        done = subprocess.run(
            [str(home / "bin" / "pip"), "install", "-q", *PINS], capture_output=True, text=True, timeout=170
        )
        if done.returncode:
            pytest.skip(f"vcd-cli cannot be installed here: {done.stderr.strip().splitlines()[-1:]}")
    return command


@contextmanager
def logged_in(vcd: Path, tmp_path: Path, profile: str) -> Iterator[Lab]:
    home = tmp_path / "home"
    home.mkdir()
    with VCenter(world=WORLD) as vc:
        address = VCenterAddress(vc.url, vc.user, vc.password, vc.ca_file)
        (image,) = (image for vm in vc.world.vms() for image in vm.images)
        assert image.content is not None
        whole = b"".join(image.content.pieces())
        catalogue = default_catalogue([VM])
        catalogue["orgs"][0]["catalogs"][0]["media"] = [{"name": "tools", "datacenter": "DC0", "file": image.file_name}]
        with Cell(
            address, transfer_dir=tmp_path / "share", clock=vc.clock, authority=vc.authority, profile=profile,
            catalogue=catalogue,
        ) as cell:  # fmt: skip
            given = {
                **os.environ,
                "HOME": str(home),
                "REQUESTS_CA_BUNDLE": str(cell.ca_file),
                "VCD_PASSWORD": cell.password,
            }

            def run(*arguments: str) -> str:
                done = subprocess.run(
                    [str(vcd), *arguments], env=given, cwd=tmp_path, capture_output=True, text=True, timeout=120
                )
                assert done.returncode == 0, done.stdout + done.stderr
                return done.stdout

            assert "vdc: 'Vdc0'" in run("login", cell.url, "Org0", "administrator")
            yield Lab(cell, run, whole)
            assert "logged out" in run("logout")
            assert cell.about()["not_implemented"] == {}


def disk_in(archive: Path) -> list[str]:
    """Judge the disks of an OVA; return the names of its members."""
    with tarfile.open(archive) as ova:
        for member in ova.getmembers():
            if not member.name.endswith(".vmdk"):
                continue
            file, checker = ova.extractfile(member), StreamChecker()
            assert file is not None
            while piece := file.read(1 << 20):
                checker.feed(piece)
            assert checker.close().grains > 0
        return ova.getnames()


@pytest.mark.parametrize("profile", ["cell-36.0", "cell-30.0"])
def test_templates_are_listed_and_downloaded(vcd: Path, tmp_path: Path, profile: str) -> None:
    with logged_in(vcd, tmp_path, profile) as lab:
        assert "Catalog0" in lab.run("catalog", "list")
        assert "Template0" in lab.run("catalog", "list", "Catalog0")
        assert "vApp0" in lab.run("vapp", "list")
        lab.run("catalog", "download", "Catalog0", "Template0", "out.ova")
    descriptor, disk = disk_in(tmp_path / "out.ova")
    assert descriptor == "descriptor.ovf" and disk.endswith(".vmdk")
    drove("vcd-cli", VERSION, "lists catalogs and downloads a template from a cell as an OVA")


@pytest.mark.parametrize("profile", ["cell-36.0", "cell-30.0"])
def test_media_are_listed_and_downloaded(vcd: Path, tmp_path: Path, profile: str) -> None:
    with logged_in(vcd, tmp_path, profile) as lab:
        assert "tools" in lab.run("catalog", "list", "Catalog0")
        lab.run("catalog", "download", "Catalog0", "tools", "out.iso")
        assert (tmp_path / "out.iso").read_bytes() == lab.image
        # Once enabled it is not enabled again, and downloaded all the same.
        lab.run("catalog", "download", "Catalog0", "tools", "again.iso")
        assert (tmp_path / "again.iso").read_bytes() == lab.image
    drove("vcd-cli", VERSION, "downloads media from a cell")


@pytest.mark.parametrize("profile", ["cell-36.0", "cell-30.0"])
def test_a_vapp_is_downloaded_as_one_archive(vcd: Path, tmp_path: Path, profile: str) -> None:
    with logged_in(vcd, tmp_path, profile) as lab:
        for name in ("one.ova", "two.ova"):
            # It enables always, whether it is enabled or not (3.14).
            lab.run("vapp", "download", "vApp0", name)
            descriptor, disk = disk_in(tmp_path / name)
            assert descriptor == "descriptor.ovf" and disk.endswith(".vmdk")
        assert (tmp_path / "one.ova").read_bytes() == (tmp_path / "two.ova").read_bytes()
    drove("vcd-cli", VERSION, "downloads a vApp from a cell as an OVA")


def test_a_vapp_is_enabled_and_disabled(vcd: Path, tmp_path: Path) -> None:
    with logged_in(vcd, tmp_path, "cell-36.0") as lab:
        lab.run("vapp", "enable-download", "vApp0")
        assert [path.suffix for path in lab.cell.transfer_dir.glob("*/*.vmdk")] == [".vmdk"]
        lab.run("vapp", "disable-download", "vApp0")
        assert list(lab.cell.transfer_dir.iterdir()) == []
    drove("vcd-cli", VERSION, "enables and disables the download of a vApp")
