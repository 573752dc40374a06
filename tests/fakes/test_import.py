"""Imports: a specification, a lease, what a host takes in, and what is left of it in every case (1.5, 4.4, 5, 6.5)."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from pyVmomi import vim, vmodl

from importing import Importer, Package, packed, taking_in
from plain_pyvmomi import Plain
from twohop.exporter.package import grain_digest
from twohop.runtime.profiles import load_profile
from vcenters import SMALL, make
from waiting import until

RICH: dict[str, Any] = {
    "name": "VM0", "firmware": "efi", "nvram": {"size": 8000}, "cpus": 2, "note": "kept & told",
    "disks": [SMALL, {**SMALL, "controller": "sata", "unit": 3}], "images": [{"size": 5000}, {"kind": "floppy"}],
    "nics": [{"kind": "e1000"}, {"network": "second", "connected": False}], "settings": {"cpu_limit": 500},
}  # fmt: skip
VAPP: dict[str, Any] = {
    "name": "APP", "vms": [{"name": "A0", "disks": [SMALL], "start_order": 2}, {"name": "A1", "start_order": 1}],
    "vapps": [{"name": "IN", "vms": [{"name": "A2", "disks": [SMALL]}]}],
}  # fmt: skip
WORLD = {"datacenters": [{"hosts": ["H0"], "networks": ["VM Network", "second"], "vms": [RICH], "vapps": [VAPP]}]}


@pytest.fixture(autouse=True)
def own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is spooled be that of this test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def vc() -> Iterator[Any]:
    with make(world=WORLD) as vc:
        yield vc


@pytest.fixture
def me(vc: Any) -> Iterator[Plain]:
    with Plain(vc) as me:
        yield me


@pytest.fixture
def to(me: Plain) -> Importer:
    return Importer(me)


@pytest.fixture
def package(me: Plain) -> Package:
    return packed(me, me.vm())


def grains(package: Package) -> list[Any]:
    found = []
    for name, data in package[1].items():
        if name.endswith("vmdk"):
            with tempfile.NamedTemporaryFile() as file:
                file.write(data)
                file.flush()
                found.append(grain_digest(file.name))
    return found


def others(package: Package) -> list[bytes]:
    return [data for name, data in package[1].items() if not name.endswith("vmdk")]


def names(me: Plain) -> set[str]:
    return {vm.name for vm in me.vcenter.world.vms()}


@pytest.mark.parametrize("profile", ["vcenter-8.0", "vcenter-6.7", "esxi-8.0", "esxi-6.7"])
def test_what_was_imported_is_exported_again_and_is_the_same(profile: str) -> None:
    spec = {"datacenters": [{"hosts": ["H0"], "networks": ["VM Network", "second"], "vms": [RICH]}]}
    with make(profile, world=spec) as vc, Plain(vc) as me:
        first = packed(me, me.vm())
        vm = Importer(me).whole(first)
        again = packed(me, vm)
        assert re.sub(r'("|>)new("|<)', r"\1VM0\2", again[0]) == first[0]
        assert grains(again) == grains(first) and others(again) == others(first)
        assert vm.PowerOnVM_Task().info.state == "success"


def test_a_vapp_is_imported_as_one(me: Plain, to: Importer) -> None:
    first = packed(me, me.vapp("APP"))
    vapp = to.whole(first, entityName="other")
    again = packed(me, vapp)
    assert re.sub(r'("|>)other("|<)', r"\1APP\2", again[0]) == first[0] and grains(again) == grains(first)
    assert vapp.PowerOnVApp_Task().info.state == "success"


def test_the_device_urls_of_an_import(me: Plain, to: Importer, package: Package) -> None:
    made = to.spec(package[0])
    lease = to.started(made.importSpec)
    info = lease.info
    vm = info.entity
    assert [(d.importKey, d.key) for d in info.deviceUrl] == [
        (f"/new/{place}", f"/{vm._moId}/{place}")
        for place in (
            "VirtualIDEController0:0", "VirtualSIOController0:0", "ParaVirtualSCSIController0:0",
            "VirtualAHCIController0:3", "nvram",
        )
    ]  # fmt: skip
    tails = [device.url.rpartition("/")[2] for device in info.deviceUrl]
    assert tails == ["disk-0.iso", "disk-1.flp", "disk-2.vmdk", "disk-3.vmdk", "disk-4.nvram"]
    assert [d.targetId for d in info.deviceUrl] == [None, None, "disk-2.vmdk", "disk-3.vmdk", None]
    assert [d.fileSize for d in info.deviceUrl] == [None] * 5
    assert {item.deviceId for item in made.fileItem} == {device.importKey for device in info.deviceUrl}
    assert sorted((i.cimType, i.create) for i in made.fileItem) == [
        (1, True), (14, True), (15, True), (17, False), (17, False),
    ]  # fmt: skip
    (task,) = [task for task in me.content.taskManager.recentTask if task.info.state == "running"]
    assert task.info.descriptionId == "ResourcePool.ImportVAppLRO" and task.info.cancelable
    lease.HttpNfcLeaseAbort()


def test_what_is_being_imported_is_locked(me: Plain, to: Importer, package: Package) -> None:
    lease = to.started(to.spec(package[0]).importSpec)
    vm = lease.info.entity
    for change in (vm.PowerOnVM_Task, vm.ExportVm, vm.Destroy_Task, lambda: vm.Rename_Task("other")):
        with pytest.raises(vim.fault.TaskInProgress):
            change()
    lease.HttpNfcLeaseComplete()
    assert vm.PowerOnVM_Task().info.state == "success"


def spooled() -> set[str]:
    gc.collect()
    found = []
    for link in Path("/proc/self/fd").iterdir():
        # The directory itself is open while it is read.
        with contextlib.suppress(OSError):
            found.append(str(link.readlink()))
    named = map(str, Path(tempfile.gettempdir()).glob("twohop-import*"))
    return {name for name in found if "twohop-import" in name} | set(named)


@pytest.mark.parametrize("how", ["abort", "timeout", "cancelled", "logout", "spoilt"])
def test_nothing_is_left_of_an_import_that_does_not_end_well(how: str, package: Package) -> None:
    text, files = package
    chosen = load_profile("vcenter-8.0").but(lease_after_logout="ends" if how == "logout" else "stays")
    with make(chosen, world=WORLD) as vc, Plain(vc) as me:
        before, held = set(vc.world.objects), spooled()
        with Plain(vc) as other:
            to = Importer(other)
            made = to.spec(text)
            lease = to.started(made.importSpec)
            to.send_all(lease, made, files)
            vm, moid, url = lease.info.entity, lease._moId, lease.info.deviceUrl[2].url
            assert len(spooled() - held) == len(files), "every file is kept, in none that has a name"
            if how == "abort":
                lease.HttpNfcLeaseAbort()
            elif how == "timeout":
                vc.clock.advance(301)
            elif how == "cancelled":
                next(t for t in me.content.taskManager.recentTask if t.info.state == "running").CancelTask()
            elif how == "spoilt":
                assert to.send(url, b"no disk at all" * 100) == 500
        lease = vim.HttpNfcLease(moid, me.si._stub)
        assert lease.state == "error"
        wanted = {"timeout": vim.fault.Timedout, "spoilt": vim.fault.OvfImportFailed}
        assert isinstance(lease.error, wanted.get(how, vmodl.fault.RequestCanceled))
        gone = {moid for moid in vc.world.objects if not moid.startswith(("task-", "session"))}
        assert gone == {moid for moid in before if not moid.startswith(("task-", "session"))}
        assert spooled() == held
        with pytest.raises(vmodl.fault.ManagedObjectNotFound):
            assert vim.VirtualMachine(vm._moId, me.si._stub).name
        assert Importer(me).send(url, b"x") == 404
        assert "new" not in names(me)


def test_what_is_destroyed_gives_its_room_back(me: Plain, to: Importer, package: Package) -> None:
    held = spooled()
    vm = to.whole(package)
    assert len(spooled() - held) == len(package[1])
    vm.Destroy_Task()
    assert spooled() == held


def _cut(data: bytes) -> bytes:
    return data[:-1024]


def _flipped(data: bytes) -> bytes:
    grain = 128 * 512 + 12
    return data[: grain + 40] + bytes([data[grain + 40] ^ 0xFF]) + data[grain + 41 :]


def _lying_table(data: bytes) -> bytes:
    # The footer stands before the end-of-stream marker and says where the directory is.
    place = len(data) - 1024 + 56
    return data[:place] + (1).to_bytes(8, "little") + data[place + 8 :]


SPOILT: dict[str, Any] = {
    "empty": lambda data: b"", "text": lambda data: b"<html>" + data, "cut": _cut, "half": lambda d: d[: len(d) // 2],
    "a flipped bit": _flipped, "a lying footer": _lying_table,
    "altered newlines": lambda d: d.replace(b"\n \r\n", b"\n \n\n"),
    "not compressed": lambda d: d[:8] + (3).to_bytes(4, "little") + d[12:],
    "of another size": lambda d: d[:12] + (4096).to_bytes(8, "little") + d[20:],
    "an unknown marker": lambda d: d[:-512] + bytes(12) + (9).to_bytes(4, "little") + d[-496:],
    "a grain outside": lambda d: d[: 128 * 512] + (1 << 40).to_bytes(8, "little") + d[128 * 512 + 8 :],
}  # fmt: skip


@pytest.mark.parametrize("how", SPOILT)
def test_a_stream_that_is_no_disk_fails_the_import(me: Plain, to: Importer, package: Package, how: str) -> None:
    text, files = package
    made = to.spec(text)
    lease = to.started(made.importSpec)
    urls = {device.importKey: device.url for device in lease.info.deviceUrl}
    item = next(item for item in made.fileItem if not item.create)
    assert to.send(urls[item.deviceId], SPOILT[how](files[item.path])) == 500
    assert lease.state == "error" and isinstance(lease.error, vim.fault.OvfImportFailed)
    with pytest.raises(vim.fault.InvalidState):
        lease.HttpNfcLeaseComplete()
    assert "new" not in names(me)


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_body_may_come_with_its_length_or_in_chunks(to: Importer, package: Package, framing: str) -> None:
    text, files = package
    made = to.spec(text)
    lease = to.started(made.importSpec)
    urls = {device.importKey: device.url for device in lease.info.deviceUrl}
    for item in made.fileItem:
        data = files[item.path]
        body: Any = data if framing == "length" else iter([data[n : n + 7000] for n in range(0, len(data), 7000)])
        assert to.send(urls[item.deviceId], body, "PUT" if item.create else "POST") == 200
    lease.HttpNfcLeaseComplete()


def test_the_manifest_tells_what_came(to: Importer, package: Package) -> None:
    text, files = package
    made = to.spec(text)
    lease = to.started(made.importSpec)
    assert lease.HttpNfcLeaseGetManifest() == []
    keys = {device.importKey: device.key for device in lease.info.deviceUrl}
    lease.HttpNfcLeaseSetManifestChecksumType([vim.KeyValue(key=key, value="sha256") for key in keys.values()])
    to.send_all(lease, made, files)
    entries = {entry.key: entry for entry in lease.HttpNfcLeaseGetManifest()}
    for item in made.fileItem:
        data, entry = files[item.path], entries[keys[item.deviceId]]
        assert (entry.size, entry.sha1) == (len(data), hashlib.sha1(data).hexdigest())
        assert (entry.checksum, entry.checksumType) == (hashlib.sha256(data).hexdigest(), "sha256")
        assert entry.disk == (not item.create) and (entry.capacity == 4 << 20 if entry.disk else True)
    lease.HttpNfcLeaseAbort()


def test_methods_that_a_device_url_does_not_serve(me: Plain, to: Importer, package: Package) -> None:
    made = to.spec(package[0])
    lease = to.started(made.importSpec)
    urls = {device.importKey.rpartition("/")[2]: device.url for device in lease.info.deviceUrl}
    disk, iso = urls["ParaVirtualSCSIController0:0"], urls["VirtualIDEController0:0"]
    statuses = [
        to.send(iso, b"x"), to.send(disk, b"x", "PUT"), me.get(disk).status, me.get(iso).status,
        to.send(disk, b"x", "DELETE"), to.send(disk.replace("disk-2", "disk-9"), b"x"),
    ]  # fmt: skip
    assert statuses == [405, 405, 405, 405, 405, 404]
    assert lease.state == "ready", "none of that touches the lease"
    lease.HttpNfcLeaseAbort()


def test_a_body_that_breaks_off_leaves_the_lease_and_nothing_else(vc: Any, to: Importer, package: Package) -> None:
    """A client that dies in the middle has sent nothing: its lease lives until the timeout (3.12)."""
    text, files = package
    made = to.spec(text)
    lease = to.started(made.importSpec)
    held = spooled()
    urls = {device.importKey: device.url for device in lease.info.deviceUrl}
    item = next(item for item in made.fileItem if not item.create)

    def dies() -> Iterator[bytes]:
        yield files[item.path][:100_000]
        until(lambda: taking_in(vc), "the host does not take it in")
        raise ValueError("the client is gone")

    with pytest.raises(ValueError, match="the client is gone"):
        to.send(urls[item.deviceId], dies())
    to.me.pool.clear()
    until(lambda: not taking_in(vc), "the broken body is still being read")
    assert lease.state == "ready" and lease.HttpNfcLeaseGetManifest() == [] and spooled() == held
    to.send_all(lease, made, files)
    lease.HttpNfcLeaseComplete()


@pytest.mark.parametrize("at_end", ["cut", "finish", "reset"])
@pytest.mark.parametrize("end", ["HttpNfcLeaseAbort", "HttpNfcLeaseComplete"])
def test_an_upload_stops_with_its_lease(package: Package, end: str, at_end: str) -> None:
    with make(load_profile("vcenter-8.0").but(stream_at_end_of_lease=at_end), world=WORLD) as vc, Plain(vc) as me:
        to = Importer(me)
        lease = to.started(to.spec(package[0]).importSpec)
        held = spooled()
        nvram = next(device.url for device in lease.info.deviceUrl if device.key.endswith("nvram"))

        def midway() -> Iterator[bytes]:
            for number in range(200):
                if number == 20:
                    # Until then the host may not have seen the request, and 404 would be right.
                    until(lambda: taking_in(vc), "the host does not take it in")
                    getattr(lease, end)()
                yield bytes(100_000)

        with pytest.raises((urllib3.exceptions.HTTPError, OSError)):
            to.send(nvram, midway(), "PUT")
        me.pool.clear()
        assert spooled() == held and lease.state == ("done" if end.endswith("Complete") else "error")


def test_progress_keeps_an_import_alive(vc: Any, to: Importer, package: Package) -> None:
    made = to.spec(package[0])
    lease = to.started(made.importSpec)
    for percent in range(5):
        vc.clock.advance(200)
        lease.HttpNfcLeaseProgress(percent)
    to.send_all(lease, made, package[1])
    lease.HttpNfcLeaseComplete()
    assert lease.state == "done"


@pytest.mark.skipif(not any(Path(p, "qemu-img").exists() for p in os.environ["PATH"].split(":")), reason="no qemu-img")
def test_a_disk_that_qemu_img_wrote(me: Plain, to: Importer, package: Package, tmp_path: Path) -> None:
    """Its tables stand in front, and neither footer nor end-of-stream marker behind."""
    text, files = package
    for name in [name for name in files if name.endswith("vmdk")]:
        (tmp_path / name).write_bytes(files[name])
        written = tmp_path / f"qemu-{name}"
        command = ["qemu-img", "convert", "-O", "vmdk", "-o", "subformat=streamOptimized", name, written.name]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        files[name] = written.read_bytes()
    assert grains(packed(me, to.whole((text, files)))) == grains(packed(me, me.vm()))


def test_a_name_that_is_taken_and_a_place_that_does_not_fit(me: Plain, to: Importer, package: Package) -> None:
    made = to.spec(package[0], entityName="VM0")
    with pytest.raises(vim.fault.DuplicateName):
        to.started(made.importSpec)
    with pytest.raises(vmodl.fault.InvalidArgument, match="folder"):
        to.pool.ImportVApp(made.importSpec)
    with pytest.raises(vmodl.fault.InvalidArgument, match="folder"):
        to.pool.ImportVApp(made.importSpec, to.datacenter.hostFolder)
    assert names(me) == {"VM0", "A0", "A1", "A2"}


def test_a_vapp_that_is_refused_halfway_leaves_nothing(vc: Any, me: Plain, to: Importer) -> None:
    made = to.spec(packed(me, me.vapp("APP"))[0], entityName="other")
    made.importSpec.child[-1].configSpec.deviceChange[0].operation = "remove"
    before = set(vc.world.objects)
    with pytest.raises(vmodl.fault.InvalidArgument):
        to.started(made.importSpec)
    assert set(vc.world.objects) == before


def test_into_a_vapp(me: Plain, to: Importer, package: Package) -> None:
    vapp = me.vapp("APP")
    made = to.spec(package[0])
    with pytest.raises(vmodl.fault.InvalidArgument, match="folder"):
        vapp.ImportVApp(made.importSpec, to.folder)
    lease = me.ready(vapp.ImportVApp(made.importSpec))
    to.send_all(lease, made, package[1])
    vm = lease.info.entity
    lease.HttpNfcLeaseComplete()
    assert vm.parentVApp == vapp and vm in vapp.vm
