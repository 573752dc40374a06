"""go-vcloud-director, on which the Terraform provider stands, against a cell (vcd 8.4): media, by its own `Download`.

It logs in at the LoginUrl that /api/versions prints for its own version (1.7b), enables always, whether enabled or not,
waits for the task, and GETs the link of the last file with its session's header (3.10b).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest

from interop.support import drove, run
from twohop.exporter.cell import Cell
from twohop.exporter.vsphere import VCenterAddress
from twohop.fakes import VCenter
from twohop.runtime.profiles import load_profile

GO = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
MODULE = Path(__file__).parent / "vcd"
VERSION = "2.25.0"
SIZE = 300_000
WORLD = {
    "datacenters": [
        {
            "name": "DC0",
            "hosts": ["H0"],
            "vms": [{"name": "VM0", "host": "H0", "images": [{"name": "iso/tools.iso", "size": SIZE}]}],
        }
    ]
}
pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(GO is None, reason="no Go toolchain on PATH or in /usr/local/go/bin, to build the client with"),
    pytest.mark.timeout(600),
]


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("build") / "download"
    assert GO is not None
    fetched = run(GO, "mod", "download", cwd=MODULE, code=None)
    if fetched.returncode:
        pytest.skip(f"no Go module proxy to fetch go-vcloud-director from: {fetched.stderr.strip()[-300:]}")
    run(GO, "build", "-mod=readonly", "-buildvcs=false", "-o", built, ".", cwd=MODULE)
    return built


@pytest.mark.parametrize(("profile", "version"), [("cell-37.0", "37.0"), ("cell-38.0", "38.0"), ("cell-39.0", "37.0")])
@pytest.mark.parametrize("choice", [{}, {"file_bytes_transferred": "absent", "media_file_name": "<name>.iso"}], ids=str)
def test_a_medium_is_downloaded_twice(
    binary: Path, tmp_path: Path, profile: str, version: str, choice: dict[str, str]
) -> None:
    with VCenter(world=WORLD) as vc:
        (image,) = (image for vm in vc.world.vms() for image in vm.images)
        media = [{"name": "tools", "datacenter": "DC0", "file": image.file_name}]
        catalogs = [{"name": "Catalog0", "media": media}]
        catalogue = {"orgs": [{"name": "Org0", "vdcs": [{"name": "Vdc0"}], "catalogs": catalogs}]}
        address = VCenterAddress(vc.url, vc.user, vc.password, vc.ca_file)
        with Cell(
            address, transfer_dir=tmp_path / "share", clock=vc.clock, authority=vc.authority, catalogue=catalogue,
            profile=load_profile(profile).but(**choice),
        ) as cell:  # fmt: skip
            assert image.content is not None
            whole = b"".join(image.content.pieces())
            told = {
                "name": "tools",
                "bytes": SIZE,
                "sha256": hashlib.sha256(whole).hexdigest(),
            }
            environment = {**os.environ, "VCD_PASSWORD": cell.password, "SSL_CERT_FILE": str(cell.ca_file)}
            for _ in range(2):
                done = run(binary, cell.url, version, "Catalog0", "tools", env=environment)
                assert json.loads(done.stdout) == told
            assert cell.about()["not_implemented"] == {}
    drove("go-vcloud-director", VERSION, "downloads media from a cell")
