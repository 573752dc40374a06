"""govc, unmodified and of two ages, against `twohop serve`; TLS is verified with the authority given.

`govc/` pins both: govmomi 0.18, the last release that has the command under its old import path, reads by
RetrieveProperties; 0.55 has the commands under `cli/`, sends chunked SOAP and reads by RetrievePropertiesEx.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from interop.support import (
    VM0,
    VM1,
    Environment,
    drove,
    is_unlocked,
    judge_descriptor,
    judge_disk,
    judge_manifest,
    run,
    served,
    tool,
    validate,
)

GO = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
MODULES = Path(__file__).parent / "govc"
PACKAGES = {"0.18": "github.com/vmware/govmomi/govc", "0.55": "."}

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(GO is None, reason="no Go toolchain on PATH or in /usr/local/go/bin, to build govc with"),
    pytest.mark.timeout(600),
    tool("qemu-img", "qemu-utils"),
]

Govc = Callable[..., str]


@pytest.fixture(scope="module", params=PACKAGES)
def binary(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    version = request.param
    built = tmp_path_factory.mktemp("build") / f"govc-{version}"
    assert GO is not None
    module = MODULES / version
    fetched = run(GO, "mod", "download", cwd=module, code=None)
    if fetched.returncode:
        pytest.skip(f"no Go module proxy to fetch govmomi {version} from: {fetched.stderr.strip()[-300:]}")
    # Built here and run as it is; the directory is a checkout only by chance.
    run(GO, "build", "-mod=readonly", "-buildvcs=false", "-o", built, PACKAGES[version], cwd=module)
    assert run(built, "version").stdout.startswith("govc ")
    return built


@pytest.fixture
def govc(binary: Path, servers: Environment, tmp_path: Path) -> Govc:
    """Run a command of govc in an empty directory, with the variables that `twohop serve` printed and no others."""

    return runner(binary, servers, tmp_path)


def version_of(binary: Path) -> str:
    """The release of a binary."""
    # A build of one's own says 0.0.0, so the file is called by its version.
    return binary.name.removeprefix("govc-")


def runner(binary: Path, servers: Environment, folder: Path) -> Govc:
    """Run commands of a binary in a folder, against these servers."""

    def govc(*arguments: str, code: int = 0) -> str:
        env = {"HOME": str(folder), "GOVC_PERSIST_SESSION": "false", **servers}
        assert not {"GOVC_INSECURE", "GOVC_TLS_KNOWN_HOSTS"} & {*os.environ, *env}
        drove("govc", version_of(binary), arguments[0])
        done = run(binary, *arguments, env=env, cwd=folder, code=code)
        return done.stdout if code == 0 else done.stderr

    return govc


def test_export_ovf(govc: Govc, servers: Environment, tmp_path: Path) -> None:
    govc("export.ovf", "-vm", VM0, "-sha", "256", "out")
    package = tmp_path / "out" / VM0
    descriptor = package / f"{VM0}.ovf"
    (disk,) = package.glob("*.vmdk")
    assert judge_manifest(package / f"{VM0}.mf") == {disk.name, descriptor.name}
    assert judge_disk(disk)["virtual-size"] == 1 << 30
    # govc tells the server the capacity as the size of a file, so the size is no use here.
    assert set(judge_descriptor(descriptor)) == {disk.name}
    assert is_unlocked(servers, VM0)
    validate(descriptor)
    # So our own judge says what is true of it: the size is wrong, and all else is as it should be.
    said = run(sys.executable, "-m", "twohop.cli", "verify", package, code=1).stderr
    assert [line.rpartition("(")[2] for line in said.splitlines() if line.startswith("error")] == ["size)"]


def test_powered_on_machine_is_refused(govc: Govc, tmp_path: Path) -> None:
    said = govc("export.ovf", "-vm", VM1, "out", code=1)
    assert "The attempted operation cannot be performed in the current state (Powered on)" in said
    assert not list(tmp_path.glob("out/*/*"))


def test_no_authority_no_login(binary: Path, servers: Environment, tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path), "GOVC_URL": servers["GOVC_URL"], "GOVC_TLS_CA_CERTS": ""}
    said = run(binary, "about", env=env, cwd=tmp_path, code=1).stderr
    assert "x509: certificate" in said or "certificate signed by unknown authority" in said


def test_wrong_password(binary: Path, servers: Environment, tmp_path: Path) -> None:
    url = servers["GOVC_URL"].replace("@127", "wrong@127")
    env = {"HOME": str(tmp_path), "GOVC_URL": url, "GOVC_TLS_CA_CERTS": servers["GOVC_TLS_CA_CERTS"]}
    said = run(binary, "about", env=env, cwd=tmp_path, code=1).stderr
    assert "Cannot complete login due to an incorrect user name or password" in said


def test_inventory(govc: Govc) -> None:
    about = govc("about")
    assert "VMware vCenter Server" in about and "VirtualCenter" in about
    assert govc("ls", "/DC0/vm").split() == [f"/DC0/vm/{VM0}", f"/DC0/vm/{VM1}"]
    hosts = [f"/DC0/host/DC0_C0/DC0_C0_H{n}" for n in (0, 1)]
    assert govc("find", "/", "-type", "h").split() == hosts
    everything = set(govc("find").splitlines())
    assert {"/", "/DC0", "/DC0/datastore/LocalDS_0", "/DC0/network/VM Network", *hosts} <= everything
    assert govc("find", "/", "-type", "m", "-runtime.powerState", "poweredOn").split() == [f"/DC0/vm/{VM1}"]


def test_machine(govc: Govc, servers: Environment) -> None:
    info = govc("vm.info", VM0)
    assert f"Path:         /DC0/vm/{VM0}" in info and "poweredOff" in info and "DC0_C0_H0" in info
    assert "OK" in govc("vm.power", "-on", VM0)
    assert "poweredOn" in govc("vm.info", VM0)
    assert "current state" in govc("vm.power", "-on", VM0, code=1)
    assert "OK" in govc("vm.power", "-off", VM0)
    assert is_unlocked(servers, VM0)


@pytest.mark.parametrize(
    "command",
    [
        ("vm.info", "-e", "-r", "-t", VM1),
        ("device.info", "-vm", VM1),
        ("host.info", "-host", "DC0_C0_H0"),
        ("host.portgroup.info", "-host", "DC0_C0_H0"),
        ("host.storage.info", "-host", "DC0_C0_H0"),
        ("datastore.info",),
        ("pool.info", "*"),
        ("object.collect", "/DC0/host/DC0_C0/DC0_C0_H0"),
        ("object.collect", "/DC0/host/DC0_C0"),
        ("object.collect", f"/DC0/vm/{VM1}"),
        ("object.collect", "/DC0/datastore/LocalDS_0"),
        ("metric.sample", f"/DC0/vm/{VM1}", "cpu.usage.average"),
        ("license.ls",),
    ],
    ids=" ".join,
)
def test_every_property_survives_its_reader(govc: Govc, command: tuple[str, ...]) -> None:
    assert govc(*command).strip()


def test_snapshots(binary: Path, tmp_path: Path) -> None:
    with served(tmp_path) as servers:
        govc = runner(binary, servers, tmp_path)
        for number, vm in enumerate((VM0, VM1)):
            govc("snapshot.create", "-vm", vm, f"before-{number}")
            assert govc("snapshot.tree", "-vm", vm).split() == [f"before-{number}", "."]
        govc("snapshot.revert", "-vm", VM0, "before-0")
        govc("snapshot.remove", "-vm", VM0, "before-0")
        assert govc("snapshot.tree", "-vm", VM0).split() == []


def test_tasks_and_events(govc: Govc) -> None:
    govc("export.ovf", "-vm", VM0, "out")
    assert "success" in govc("tasks", "-n", "50")
    assert "Task: Export OVF template" in govc("events", "-n", "200")


FURNISHED = """
twohop: 1
datacenters:
  - name: DC0
    clusters: [{name: C0, hosts: [H0, H1]}]
    vms:
      - name: furnished
        firmware: efi
        nvram: {size: 8684}
        images: [{size: 100000, content: "seed:5"}]
        disks: [{size: 8 MiB, data: 1 MiB, controller: lsilogicsas}, {size: 4 MiB, data: 0, controller: sata}]
        snapshots: [{name: before}]
        delta: [{data: 2 MiB, content: "seed:7"}]
"""


def test_a_machine_with_firmware_image_and_snapshot(binary: Path, tmp_path: Path) -> None:
    (tmp_path / "world.yaml").write_text(FURNISHED)
    with served(tmp_path, "--world", "world.yaml") as servers:
        env = {"HOME": str(tmp_path), "GOVC_PERSIST_SESSION": "false", **servers}

        def export(into: str, *options: str) -> Path:
            drove("govc", version_of(binary), "export.ovf -snapshot" if "-snapshot" in options else "export.ovf")
            run(binary, "export.ovf", "-vm", "furnished", "-sha", "1", *options, into, env=env, cwd=tmp_path)
            package = tmp_path / into / "furnished"
            descriptor = package / "furnished.ovf"
            validate(descriptor)
            listed = judge_manifest(package / "furnished.mf", "sha1")
            assert listed == {path.name for path in package.iterdir()} - {"furnished.mf"}
            assert {judge_disk(disk)["virtual-size"] for disk in package.glob("*.vmdk")} == {8 << 20, 4 << 20}
            return package

        with_images = export("images", "-i")
        suffixes = [".iso", ".mf", ".nvram", ".ovf", ".vmdk", ".vmdk"]
        assert sorted(path.suffix for path in with_images.iterdir()) == suffixes
        assert 'vmw:key="nvram" vmw:value="ovf:/file/' in (with_images / "furnished.ovf").read_text()
        # govc fetches images where asked to, and never tells CreateDescriptor that they are wanted.
        assert {Path(name).suffix for name in judge_descriptor(with_images / "furnished.ovf")} == {".vmdk", ".nvram"}
        helped = run(binary, "export.ovf", "-h", env=env, cwd=tmp_path, code=None)
        takes = "-snapshot" in helped.stdout + helped.stderr
        assert takes == (version_of(binary) == "0.55"), "only the newer one exports a snapshot"
        if takes:
            then = export("then", "-snapshot", "before")
            now, before = (next(p.glob("*disk-1.vmdk")).stat().st_size for p in (with_images, then))
            assert before < now, "what was written since is not in it"
        assert is_unlocked(servers, "furnished")


def test_a_host_that_stands_alone(binary: Path, tmp_path: Path) -> None:
    """govc puts the server that it is connected to in place of the star, port and all."""
    with served(tmp_path, "--profile", "esxi-8.0") as environment:
        govc = runner(binary, environment, tmp_path)
        assert "HostAgent" in govc("about")
        assert govc("ls", "/ha-datacenter/vm").split() == [f"/ha-datacenter/vm/{vm}" for vm in (VM0, VM1)]
        govc("export.ovf", "-vm", VM0, "-sha", "256", "out")
        package = tmp_path / "out" / VM0
        descriptor = package / f"{VM0}.ovf"
        (disk,) = package.glob("*.vmdk")
        assert judge_manifest(package / f"{VM0}.mf") == {disk.name, descriptor.name}
        assert judge_disk(disk)["virtual-size"] == 1 << 30
        assert "Generated by VMware ESX Server, User: root" in descriptor.read_text("utf-8")
        validate(descriptor)
        for said in ("The operation is not allowed in the current state", "Another task is already in progress"):
            assert said in govc("export.ovf", "-vm", VM1, "out", code=1)
