"""Packages of ours imported into vcsim by govc, and vcsim exported from: a simulator and a client of others."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from interop.support import VM0, run
from twohop.exporter import (
    BadStream,
    Event,
    LeaseAborted,
    LeaseGranted,
    Options,
    VCenterAddress,
    VSphere,
    export_vm,
)
from twohop.fakes import VCenter, default_spec

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
        running.send_signal(signal.SIGINT)


def govc(binaries: dict[str, Path], vcsim: VCenterAddress, *arguments: str | Path) -> str:
    env = {
        "GOVC_URL": f"https://{vcsim.user}:{vcsim.password}@{vcsim.authority}/sdk",
        "GOVC_INSECURE": "1",
        "GOVC_PERSIST_SESSION": "false",
    }
    return run(binaries["govc"], *arguments, env=env).stdout


def package(target: Path) -> Path:
    made = default_spec()
    made["datacenters"][0]["vms"][0]["disks"] = [{"size": 1 << 30, "data": 1 << 20, "content": "seed:1"}] * 2
    with VCenter(world=made) as vc:
        source = VCenterAddress(vc.url, vc.user, vc.password, vc.ca_file)
        return export_vm(source, VM0, target, clock=vc.clock, options=Options(algorithm="SHA1")).descriptor


@pytest.mark.parametrize(("target", "command"), [("dir", "import.ovf"), ("vm.ova", "import.ova")])
def test_a_package_of_ours_is_imported(
    binaries: dict[str, Path], vcsim: VCenterAddress, tmp_path: Path, target: str, command: str
) -> None:
    made = package(tmp_path / target)
    # -m has govc compare the manifest's digests with those of what it reads.
    govc(
        binaries, vcsim, command, "-m", "-ds", "LocalDS_0", "-pool", "/DC0/host/DC0_C0/Resources", "-name", "new", made
    )
    with VSphere(vcsim) as session:
        subject = session.find("new")
        assert len(list(session.disks(subject))) == 2


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
