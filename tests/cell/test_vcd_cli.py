"""vcd-cli and pyvcloud, which none of us wrote, against a cell (vcd 8.1)."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from twohop.exporter.cell import Cell
from twohop.exporter.package._vmdk import StreamChecker
from twohop.exporter.vsphere import VCenterAddress
from twohop.fakes import VCenter

pytestmark = pytest.mark.interop
PINS = ["pyvcloud==23.0.4", "vcd-cli==24.1.0", "keyring==23.5.0"]
Run = Callable[..., str]


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
def logged_in(vcd: Path, tmp_path: Path, profile: str) -> Iterator[tuple[Cell, Run]]:
    home = tmp_path / "home"
    home.mkdir()
    with VCenter() as vc:
        address = VCenterAddress(vc.url, vc.user, vc.password, vc.ca_file)
        with Cell(
            address, transfer_dir=tmp_path / "share", clock=vc.clock, authority=vc.authority, profile=profile
        ) as cell:
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
            yield cell, run
            assert "logged out" in run("logout")
            assert cell.about()["not_implemented"] == {}


@pytest.mark.parametrize("profile", ["cell-36.0", "cell-30.0"])
def test_list_and_download(vcd: Path, tmp_path: Path, profile: str) -> None:
    with logged_in(vcd, tmp_path, profile) as (_, run):
        assert "Catalog0" in run("catalog", "list")
        assert "Template0" in run("catalog", "list", "Catalog0")
        assert "vApp0" in run("vapp", "list")
        run("catalog", "download", "Catalog0", "Template0", "out.ova")
    with tarfile.open(tmp_path / "out.ova") as ova:
        descriptor, disk = ova.getmembers()
        assert descriptor.name == "descriptor.ovf"
        file, checker = ova.extractfile(disk), StreamChecker()
        assert file is not None
        while piece := file.read(1 << 20):
            checker.feed(piece)
        assert checker.close().grains > 0


def test_enable_and_disable_a_vapp(vcd: Path, tmp_path: Path) -> None:
    with logged_in(vcd, tmp_path, "cell-36.0") as (cell, run):
        run("vapp", "enable-download", "vApp0")
        assert [path.suffix for path in cell.transfer_dir.glob("*/*.vmdk")] == [".vmdk"]
        run("vapp", "disable-download", "vApp0")
        assert list(cell.transfer_dir.iterdir()) == []
