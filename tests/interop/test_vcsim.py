"""Packages of ours imported into vcsim by govc, and vcsim exported from: a simulator and a client of others."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from interop.support import run
from twohop.exporter import (
    BadStream,
    Event,
    ImportOptions,
    LeaseAborted,
    LeaseCompleted,
    LeaseGranted,
    ManifestCompared,
    Options,
    VCenterAddress,
    VSphere,
    Wanted,
    export_vm,
    import_ovf,
)
from twohop.fakes import VCenter

GO = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
MODULE = Path(__file__).parent / "vcsim"

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(GO is None, reason="no Go toolchain on PATH or in /usr/local/go/bin, to build vcsim with"),
    pytest.mark.timeout(600),
]


@pytest.fixture(scope="module")
def binaries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """vcsim and govc, built from one release of govmomi."""
    folder = tmp_path_factory.mktemp("vcsim")
    assert GO is not None
    fetched = run(GO, "mod", "download", cwd=MODULE, code=None)
    if fetched.returncode:
        pytest.skip(f"no Go module proxy to fetch govmomi from: {fetched.stderr.strip()[-300:]}")
    built = {name: folder / name for name in ("sim", "govc")}
    for name, path in built.items():
        run(GO, "build", "-mod=readonly", "-buildvcs=false", "-o", path, f"./{name}", cwd=MODULE)
    return built


@pytest.fixture
def vcsim(binaries: dict[str, Path]) -> Iterator[VCenterAddress]:
    with subprocess.Popen([binaries["sim"]], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        url = urlsplit(running.stdout.readline().strip())
        yield VCenterAddress(f"https://{url.hostname}:{url.port}", str(url.username), str(url.password), insecure=True)
        running.terminate()


def govc(binaries: dict[str, Path], vcsim: VCenterAddress, *arguments: str | Path) -> str:
    env = {
        "GOVC_URL": f"https://{vcsim.user}:{vcsim.password}@{vcsim.authority}/sdk",
        "GOVC_INSECURE": "1",
        "GOVC_PERSIST_SESSION": "false",
    }
    return run(binaries["govc"], *arguments, env=env).stdout


DISK = {"size": 1 << 30, "data": 1 << 20}
WORLD: dict[str, Any] = {
    "datacenters": [
        {
            "name": "DC0",
            "clusters": [{"name": "C0", "hosts": ["H0"]}],
            "vms": [
                {"name": "plain", "disks": [DISK, DISK]},
                {"name": "furnished", "firmware": "efi", "images": [{"size": 100_000}], "disks": [DISK]},
                {"name": "running", "power": True, "disks": [DISK], "snapshots": [{"name": "before"}]},
            ],
            "vapps": [{"name": "shop", "vms": [{"name": "front", "disks": [DISK]}, {"name": "back", "disks": [DISK]}]}],
        }
    ]
}


def package(what: str, target: Path, **options: Any) -> Path:
    with VCenter(world=WORLD) as vc:
        source = VCenterAddress(vc.url, vc.user, vc.password, vc.ca_file)
        return export_vm(source, what, target, clock=vc.clock, options=Options(**options)).descriptor


IMPORTS: dict[str, tuple[str, dict[str, Any], int]] = {
    "a machine": ("plain", {}, 2),
    "a machine with nvram and an image": ("furnished", {}, 1),
    "a snapshot": ("running", {"snapshot": "before"}, 1),
}
"""What is imported, how it was exported, and how many disks it has."""
FORMS = [("dir", "import.ovf"), ("vm.ova", "import.ova")]


@pytest.mark.parametrize("algorithm", ["SHA1", "SHA256", "SHA512"])
@pytest.mark.parametrize(("target", "command"), FORMS)
@pytest.mark.parametrize("what", IMPORTS)
def test_a_package_of_ours_is_imported(
    binaries: dict[str, Path],
    vcsim: VCenterAddress,
    tmp_path: Path,
    target: str,
    command: str,
    what: str,
    algorithm: str,
) -> None:
    name, options, disks = IMPORTS[what]
    made = package(name, tmp_path / target, algorithm=algorithm, **options)
    # -m has govc compare the manifest's digests with those that vcsim makes, which are SHA-1 alone.
    compare = ["-m"] if algorithm == "SHA1" else []
    govc(
        binaries, vcsim, command, *compare, "-ds", "LocalDS_0", "-pool", "/DC0/host/DC0_C0/Resources", "-name", "new",
        made,
    )  # fmt: skip
    with VSphere(vcsim) as session:
        subject = session.find("new")
        assert len(list(session.disks(subject))) == disks


@pytest.mark.parametrize(("target", "command"), FORMS)
def test_a_vapp_of_ours_is_read_by_govc(
    binaries: dict[str, Path], vcsim: VCenterAddress, tmp_path: Path, target: str, command: str
) -> None:
    """Read, not imported: vcsim knows no more than one machine in a package, and dies of a vApp."""
    made = package("shop", tmp_path / target)
    told = json.loads(govc(binaries, vcsim, "import.spec", made))
    assert [each["Name"] for each in told["NetworkMapping"]] == ["VM Network"]


def test_a_snapshot_of_vcsim_is_refused_by_name_of_the_broken_rule(
    binaries: dict[str, Path], vcsim: VCenterAddress, tmp_path: Path
) -> None:
    """Its disk is 202 bytes of text: answered 200, whole by its framing, and no disk."""
    govc(binaries, vcsim, "snapshot.create", "-vm", "DC0_H0_VM0", "before")
    events: list[Event] = []
    with pytest.raises(BadStream, match="expected the magic KDMV") as caught:
        export_vm(vcsim, "DC0_H0_VM0", tmp_path / "out", options=Options(snapshot="before"), events=events.append)
    assert "(magic)" in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    assert [type(event) for event in events if isinstance(event, LeaseGranted | LeaseAborted)] == [
        LeaseGranted, LeaseAborted,
    ]  # fmt: skip


@pytest.mark.parametrize("target", ["dir", "vm.ova"])
def test_a_package_is_imported_by_ours(vcsim: VCenterAddress, tmp_path: Path, target: str) -> None:
    made = package("plain", tmp_path / target)
    events: list[Event] = []
    options = ImportOptions(name="new", where=Wanted(pool="DC0_C0", datastore="LocalDS_0"))
    import_ovf(vcsim, made, options=options, events=events.append)
    assert [type(event) for event in events if isinstance(event, LeaseCompleted | LeaseAborted)] == [LeaseCompleted]
    assert [event.by for event in events if isinstance(event, ManifestCompared)] == ["SHA1"] * 2
    with VSphere(vcsim) as session:
        assert len(list(session.disks(session.find("new")))) == 2
