"""One hop against the fakes: the package is whole, others accept it, and the server is as it was before."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from exporter.test_lease import calls
from exporter.test_merge import NEEDS_SCHEMA, SCHEMA
from twohop.exporter import (
    AlreadyThere,
    BytesMoved,
    Cancellation,
    Cancelled,
    Event,
    ExportError,
    FileDone,
    FileStarted,
    HostRefused,
    HostUnreachable,
    LeaseAborted,
    LeaseCompleted,
    LeaseGranted,
    LeaseRenewed,
    Options,
    PackageWritten,
    ShortStream,
    VCenterAddress,
    VSphere,
    export_several,
    export_vm,
    pull_vm,
)
from twohop.exporter.package import parse_manifest, read_descriptor
from twohop.fakes import VCenter, default_spec
from twohop.runtime.observing import Observations
from twohop.runtime.profiles import load_profile

VM = "DC0_C0_RP0_VM0"


def spec(*sizes: int) -> dict[str, Any]:
    """The default world, where VM0 has disks with so many MiB of data."""
    made = default_spec()
    made["datacenters"][0]["vms"][0]["disks"] = [
        {"size": 1 << 30, "data": mib << 20, "content": f"seed:{n}"} for n, mib in enumerate(sizes)
    ]
    return made


@pytest.fixture
def vc() -> Iterator[VCenter]:
    with VCenter(world=spec(2, 1)) as running:
        yield running


def address(vc: VCenter, **changes: Any) -> VCenterAddress:
    return VCenterAddress(**{"url": vc.url, "user": vc.user, "password": vc.password, "ca_file": vc.ca_file, **changes})


def assert_unlocked(vc: VCenter) -> None:
    assert not vc.world.vm(VM).leases
    assert not [lease for lease in vc.world.leases() if lease.state.held]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_package_stands_whole(vc: VCenter, tmp_path: Path) -> None:
    events: list[Event] = []
    observations = Observations(vc.clock.now)
    out = tmp_path / "new" / "out"
    made = export_vm(address(vc), VM, out, clock=vc.clock, events=events.append, observer=observations.observer("user"))
    names = [f"{VM}-disk-0.vmdk", f"{VM}-disk-1.vmdk"]
    assert sorted(path.name for path in out.iterdir()) == sorted([*names, f"{VM}.mf", f"{VM}.ovf"])
    contents = read_descriptor(made.descriptor.read_bytes())
    assert [(file.href, file.size) for file in contents.files] == [(n, (out / n).stat().st_size) for n in names]
    assert [disk.capacity for disk in contents.disks] == [1 << 30, 1 << 30]
    listed = {entry.name: entry.digest for entry in parse_manifest(made.manifest.read_bytes())}
    assert listed == {name: sha256(out / name) for name in (*names, f"{VM}.ovf")}
    assert [(file.name, file.sha256, file.path) for file in made.files] == [(n, listed[n], out / n) for n in names]
    assert calls(observations) == ["ExportVm", "HttpNfcLeaseProgress", "HttpNfcLeaseComplete"]
    kinds = [type(event) for event in events if not isinstance(event, BytesMoved)]
    assert kinds[-2:] == [LeaseCompleted, PackageWritten]
    assert [event.name for event in events if isinstance(event, FileDone)] == names
    assert_unlocked(vc)
    assert [task.value.state.value for task in vc.world.tasks()] == ["success"]


@NEEDS_SCHEMA
def test_others_accept_the_package(vc: VCenter, tmp_path: Path) -> None:
    made = export_vm(address(vc), VM, tmp_path, clock=vc.clock)
    etree.XMLSchema(etree.parse(SCHEMA)).assertValid(etree.parse(made.descriptor))
    if shutil.which("qemu-img") is None:
        pytest.skip("qemu-img is not installed here")
    for file in made.files:
        done = subprocess.run(["qemu-img", "check", file.path], capture_output=True, text=True, timeout=60)
        assert "No errors were found" in done.stdout, done


@pytest.mark.parametrize("version", ["4.1", "5.5", "6.0", "6.5", "6.7", "7.0", "8.0", "9.0"])
def test_every_version_is_exported_from(tmp_path: Path, version: str) -> None:
    with VCenter(profile=f"vcenter-{version}", world=spec(1)) as vc:
        made = export_vm(address(vc), VM, tmp_path, clock=vc.clock)
        assert made.files[0].path.exists()
        assert_unlocked(vc)


@pytest.mark.parametrize(
    "changes",
    [
        {"nfc_framing": "length"},
        {"done_lingers_s": 0, "error_lingers_s": 0},
        {"nfc_connection": "closed"},
        {"manifest_before_get": "InvalidState", "manifest_of_two_gets": "each"},
        {"lease_after_logout": "ends"},
        {"lease_initializing_reads": 0},
        {"lease_initializing_reads": 2},
        {"lease_initializing_reads": 25},
        {"lease_timeout_s": 30},
        {"nfc_parallel_get": "503", "nfc_second_get": "empty"},
    ],
)
def test_what_no_source_settles_does_not_matter(tmp_path: Path, changes: dict[str, Any]) -> None:
    with VCenter(profile=load_profile("vcenter-8.0").but(**changes), world=spec(1, 1)) as vc:
        made = export_vm(address(vc), VM, tmp_path, clock=vc.clock)
        assert len(made.files) == 2
        assert_unlocked(vc)


def test_a_transfer_of_many_hours_keeps_its_lease(vc: VCenter, tmp_path: Path) -> None:
    renewed: list[Event] = []

    def slow(event: Event) -> None:
        if isinstance(event, BytesMoved):
            vc.clock.advance(3 * 3600)
        elif isinstance(event, LeaseRenewed):
            renewed.append(event)

    export_vm(address(vc), VM, tmp_path, clock=vc.clock, events=slow)
    assert len(renewed) >= 3 * 36
    assert_unlocked(vc)


def failing(vc: VCenter, tmp_path: Path, error: type[BaseException], on: type[Event], act: Any) -> BaseException:
    """Let `act` happen at an event of an export, and see what is left: nothing, and a VM that is free."""
    happened: list[Event] = []
    observations = Observations(vc.clock.now)

    def listener(event: Event) -> None:
        happened.append(event)
        if isinstance(event, on) and sum(isinstance(each, on) for each in happened) == 1:
            act()

    out = tmp_path / "out"
    with pytest.raises(error) as caught:
        export_vm(
            address(vc), VM, out, clock=vc.clock, events=listener, observer=observations.observer("user"),
            options=Options(leases=1),
        )  # fmt: skip
    assert not out.exists()
    assert_unlocked(vc)
    said = calls(observations)
    assert said.count("ExportVm") == said.count("HttpNfcLeaseAbort") == 1
    assert "HttpNfcLeaseComplete" not in said
    assert [type(event) for event in happened].count(LeaseAborted) == 1
    return caught.value


@pytest.mark.parametrize("on", [LeaseGranted, BytesMoved, FileDone])
@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError, BrokenPipeError])
def test_whatever_happens_in_between_nothing_is_left(
    vc: VCenter, tmp_path: Path, on: type[Event], error: type[BaseException]
) -> None:
    def act() -> None:
        raise error

    failing(vc, tmp_path, error, on, act)


def test_a_host_that_goes_down_between_two_disks(vc: VCenter, tmp_path: Path) -> None:
    error = failing(vc, tmp_path, HostUnreachable, FileDone, partial(vc.hosts["DC0_C0_H0"].stop, keep_port=True))
    assert isinstance(error, ExportError) and error.whose == "host"
    assert "this machine has to reach it" in str(error)


def test_a_host_that_goes_down_in_a_disk(tmp_path: Path) -> None:
    with VCenter(world=spec(64)) as vc:
        error = failing(vc, tmp_path, ShortStream, BytesMoved, vc.hosts["DC0_C0_H0"].stop)
    assert isinstance(error, ExportError) and error.whose == "host"


def test_a_lease_that_somebody_ends_in_a_disk(tmp_path: Path) -> None:
    with VCenter(world=spec(64)) as vc:

        def end() -> None:
            from twohop.fakes.machines import LeaseInput
            from twohop.fakes.world._leasing import step_lease

            step_lease(vc.world, vc.world.leases()[0], LeaseInput.ABORT)

        failing(vc, tmp_path, ShortStream, BytesMoved, end)


def test_a_host_with_another_certificate_than_the_lease_says(vc: VCenter, tmp_path: Path) -> None:
    from twohop.exporter import WrongThumbprint

    with vc.world.change() as tx:
        tx.set(vc.world.host("DC0_C0_H0"), "thumbprint", ":".join(["AB"] * 20))
    with pytest.raises(WrongThumbprint, match="nothing was fetched"):
        export_vm(address(vc), VM, tmp_path / "out", clock=vc.clock)
    assert not (tmp_path / "out").exists()
    assert_unlocked(vc)


def test_cancelling_from_another_thread(vc: VCenter, tmp_path: Path) -> None:
    stop = Cancellation()

    def listener(event: Event) -> None:
        if isinstance(event, BytesMoved):
            stop.cancel()

    with pytest.raises(Cancelled):
        export_vm(address(vc), VM, tmp_path / "out", clock=vc.clock, events=listener, cancelled=stop)
    assert not (tmp_path / "out").exists()
    assert_unlocked(vc)


@pytest.mark.parametrize("method", ["RetrieveServiceContent", "Login", "ExportVm", "CreateDescriptor"])
def test_a_wish_to_stop_is_heard_in_a_call_that_hangs(tmp_path: Path, method: str) -> None:
    """8.12: CreateDescriptor may hang. What grants a lease alone is waited for, as nobody else could end it."""
    stall = {"match": {"method": method, "nth": 1}, "action": {"kind": "stall", "args": {"seconds": 3000}}}
    with VCenter(world=spec(1), faults=[stall]) as vc, ThreadPoolExecutor(1) as pool:
        stop = Cancellation()
        running = pool.submit(export_vm, address(vc), VM, tmp_path / "out", cancelled=stop)
        vc.faults.wait_stalled("fault-1")
        stop.cancel()
        if method == "ExportVm":
            vc.clock.advance(3000)
        with pytest.raises(Cancelled):
            running.result(timeout=60)
        # Whoever still hangs there goes on, for servers to end.
        vc.clock.advance(3000)
        assert not (tmp_path / "out").exists()
        assert_unlocked(vc)
        assert [task.value.state.value for task in vc.world.tasks()] == ["error"] * (
            method in ("ExportVm", "CreateDescriptor")
        )


@pytest.mark.parametrize("name", [f"{VM}.ovf", f"{VM}.mf", f"{VM}-disk-1.vmdk"])
def test_what_stands_there_already_is_not_touched(vc: VCenter, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(AlreadyThere, match=name):
        export_vm(address(vc), VM, tmp_path, clock=vc.clock)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"
    # The names of a package's own files are known before, so nobody locks a machine for them.
    assert name.endswith(".vmdk") or not vc.world.tasks()
    assert_unlocked(vc)
    made = export_vm(address(vc), VM, tmp_path, clock=vc.clock, force=True)
    assert (tmp_path / name).read_bytes() != b"mine"
    assert len(list(tmp_path.iterdir())) == 4 and made.descriptor.exists()


def test_a_partial_file_of_somebody_else_is_not_touched(vc: VCenter, tmp_path: Path) -> None:
    part = tmp_path / f"{VM}-disk-0.vmdk.part"
    part.write_text("another export is running")
    with pytest.raises(AlreadyThere, match="another export is running here or an earlier one was killed"):
        export_vm(address(vc), VM, tmp_path, clock=vc.clock)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["another export is running"]
    assert_unlocked(vc)


def test_two_exports_into_one_directory_leave_each_other_alone(vc: VCenter, tmp_path: Path) -> None:
    """Both have chosen their names before either has a file; the second to write one gives way."""
    part = tmp_path / f"{VM}-disk-0.vmdk.part"

    def other(event: Event) -> None:
        if isinstance(event, FileStarted) and not part.exists():
            part.write_text("of the other export")

    with pytest.raises(AlreadyThere, match="another export is running here"):
        export_vm(address(vc), VM, tmp_path, clock=vc.clock, events=other)
    assert part.read_text() == "of the other export"
    assert_unlocked(vc)


def test_pulling_for_somebody_else(vc: VCenter, tmp_path: Path) -> None:
    with VSphere(address(vc)) as vsphere:
        pulled = pull_vm(
            vsphere,
            VM,
            tmp_path / "spool",
            name_file=lambda entry: f"../vm-{entry.target_id}",
            describe={"default": (), "identity": ("mac", "uuid")},
            clock=vc.clock,
        )
    assert list(pulled.descriptors) == ["default", "identity"]
    assert pulled.descriptor == pulled.descriptors["default"] != pulled.descriptors["identity"]
    assert [file.name for file in pulled.files] == ["_vm-disk-0.vmdk", "_vm-disk-1.vmdk"]
    assert sorted(path.name for path in (tmp_path / "spool").iterdir()) == [file.name for file in pulled.files]
    assert [file.sha256 for file in pulled.files] == [sha256(file.path) for file in pulled.files]
    for xml in pulled.descriptors.values():
        assert [file.href for file in read_descriptor(xml).files] == [file.name for file in pulled.files]
    assert_unlocked(vc)


def test_several_that_fail_leave_not_even_what_stands_above_them(tmp_path: Path) -> None:
    world = spec(1)
    [machine] = [vm for vm in world["datacenters"][0]["vms"] if vm["name"] == VM]
    world["datacenters"][0]["vms"] = [machine, {**machine, "name": "other"}]
    gone = {"match": {"path": "/nfc/*"}, "action": {"kind": "status", "args": {"status": 404}}}
    with VCenter(world=world, faults=[gone]) as vc:
        outcomes = export_several(address(vc), [VM, "other"], tmp_path / "a" / "b", at_once=2, clock=vc.clock)
        assert [type(each.error) for each in outcomes] == [HostRefused] * 2
        assert list(tmp_path.iterdir()) == []
