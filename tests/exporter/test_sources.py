"""What can be exported, and from where: vApps, snapshots of running VMs, standalone hosts, files that are no disks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from exporter.test_export import address
from twohop.exporter import Ambiguous, ExportError, NotFound, Options, VSphere, export_vm
from twohop.exporter.verify import verify_package
from twohop.fakes import ESXi, VCenter, default_spec

DISKS = [{"size": 1 << 30, "data": 1 << 20, "content": "seed:1"}]
VM0, VM1 = "DC0_C0_RP0_VM0", "DC0_C0_RP0_VM1"


def world() -> dict[str, Any]:
    made = default_spec()
    [datacenter] = made["datacenters"]
    for vm in datacenter["vms"]:
        vm["disks"] = DISKS
    inner = [{"name": name, "host": "DC0_C0_H0", "disks": DISKS} for name in ("front", "back")]
    datacenter["vapps"] = [{"name": "app", "host": "DC0_C0_H0", "vms": inner}]
    datacenter["vms"][1]["snapshots"] = [{"name": "before"}]
    return made


def sound(package: Path, disks: int) -> None:
    report = verify_package(package)
    assert report.sound and report.findings == () and len(report.disks) == disks


@pytest.mark.parametrize("target", ["out", "app.ova"])
def test_a_vapp_is_one_package(tmp_path: Path, target: str) -> None:
    with VCenter(world=world()) as vc:
        made = export_vm(address(vc), "app", tmp_path / target, clock=vc.clock)
        assert made.name == "app" and len(made.files) == 2
        sound(tmp_path / target, 2)
        assert not [lease for lease in vc.world.leases() if lease.state.held]


@pytest.mark.parametrize("name", ["before", "/before"])
def test_a_snapshot_is_exported_while_its_machine_runs(tmp_path: Path, name: str) -> None:
    with VCenter(world=world()) as vc:
        export_vm(address(vc), VM1, tmp_path / "out", clock=vc.clock, options=Options(snapshot=name))
        sound(tmp_path / "out", 1)
        assert vc.world.vm(VM1).power.value == "poweredOn"


@pytest.mark.parametrize(
    ("vm", "snapshot", "words"),
    [
        (VM1, "after", "has no snapshot 'after'; it has /before"),
        (VM0, "before", "has no snapshots"),
        ("app", "before", "is a vApp, which has no snapshots"),
    ],
)
def test_a_snapshot_that_is_not_there(tmp_path: Path, vm: str, snapshot: str, words: str) -> None:
    with VCenter(world=world()) as vc:
        with pytest.raises(NotFound, match=words):
            export_vm(address(vc), vm, tmp_path / "out", clock=vc.clock, options=Options(snapshot=snapshot))
        assert not vc.world.leases() and not (tmp_path / "out").exists()


def test_what_could_be_a_name_or_an_id_is_ambiguous_where_it_is_both() -> None:
    made = world()
    made["datacenters"][0]["vms"].append({"name": "42", "host": "DC0_C0_H0", "disks": []})
    with VCenter(world=made) as vc:
        odd, plain = vc.world.vm("42"), vc.world.vm(VM0)
        with vc.world.change() as tx:
            tx.set(odd, "name", plain.moid)
        with VSphere(address(vc)) as vsphere:
            with pytest.raises(Ambiguous, match="give the inventory path or the id of one"):
                vsphere.find(plain.moid)
            assert vsphere.find(f"moid:{plain.moid}").name == VM0
            assert vsphere.find(f"name:{plain.moid}").moid == odd.moid


@pytest.mark.parametrize("target", ["out", "vm.ova"])
def test_from_a_standalone_host(tmp_path: Path, target: str) -> None:
    """Its device URLs name no host, but a star (4.5)."""
    with ESXi() as host:
        name = host.world.vms()[0].name
        export_vm(address(host), name, tmp_path / target, clock=host.clock)
        sound(tmp_path / target, 1)


def test_a_free_host_and_a_running_machine_are_told_from_each_other(tmp_path: Path) -> None:
    with ESXi() as host, pytest.raises(ExportError, match="powered on") as caught:
        export_vm(address(host), VM1, tmp_path / "out", clock=host.clock)
    assert caught.value.whose == "you"


@pytest.mark.parametrize(
    ("options", "endings"),
    [
        (Options(), {".vmdk", ".nvram", ".iso"}),
        (Options(nvram=False), {".vmdk", ".iso"}),
        (Options(images=False), {".vmdk", ".nvram"}),
        (Options(nvram=False, images=False), {".vmdk"}),
    ],
)
def test_nvram_and_images_are_taken_or_left(tmp_path: Path, options: Options, endings: set[str]) -> None:
    made = world()
    made["datacenters"][0]["vms"][0] |= {
        "firmware": "efi",
        "images": [{"kind": "iso", "name": "iso/debian.iso", "size": "1 MiB"}],
    }
    with VCenter(world=made) as vc:
        done = export_vm(address(vc), VM0, tmp_path / "out", clock=vc.clock, options=options)
        assert {file.path.suffix for file in done.files} == endings
    report = verify_package(tmp_path / "out")
    assert report.sound, report.findings
