"""Each scenario against the smallest client that makes its mistake, which fails as its thread tells; and where our
exporter (tests/exporter/test_scenarios.py) is not the right client, against one that does it right."""

from __future__ import annotations

import hashlib
import itertools
import re
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import urllib3
from pyVmomi import vim, vmodl

from importing import Importer, packed
from passing import passing
from plain_pyvmomi import Plain
from twohop.exporter import ExportError, ImportOptions, VCenterAddress, export_vm, import_ovf
from twohop.exporter.importing import Wanted
from twohop.exporter.package import grain_digest
from twohop.exporter.verify import verify_package
from twohop.fakes.scenarios import SCENARIOS

VM = "DC0_C0_RP0_VM0"
DISK_TYPE = vim.vm.device.VirtualDisk
Client = Callable[[Any, Plain], None]
WRONG: dict[str, Client] = {}
RIGHT: dict[str, Client] = {}


def wrong(client: Client) -> Client:
    WRONG[client.__name__.replace("_", "-")] = client
    return client


def right(client: Client) -> Client:
    RIGHT[client.__name__.removesuffix("_done_right").replace("_", "-")] = client
    return client


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_mistake_fails_as_the_thread_tells(name: str) -> None:
    with SCENARIOS[name].server() as server, Plain(server) as me, passing(server):
        WRONG[name](server, me)


@pytest.mark.parametrize("name", RIGHT)
def test_who_does_it_right_survives(name: str) -> None:
    with SCENARIOS[name].server() as server, Plain(server) as me, passing(server):
        RIGHT[name](server, me)


def urls(lease: Any) -> list[str]:
    return [entry.url for entry in lease.info.deviceUrl]


def is_disk(data: bytes) -> bool:
    """Whether a stream begins as a disk does and ends with a footer and an empty marker (7.2)."""
    return data[:4] == b"KDMV" and data[-1024:-1020] == b"KDMV" and data[-512:] == bytes(512)


@wrong
def no_keep_alive(server: Any, me: Plain) -> None:
    lease = me.export(VM)
    with pytest.raises(urllib3.exceptions.ProtocolError):
        me.get(urls(lease)[0])
    with pytest.raises(vim.fault.Timedout, match="Operation timed out"):
        lease.HttpNfcLeaseComplete()


@wrong
def import_without_keep_alive(server: Any, me: Plain) -> None:
    to, (text, _) = Importer(me), packed(me, me.vm(VM))
    made = to.spec(text)
    lease = to.started(made.importSpec)
    entity = lease.info.entity
    server.clock.advance(300)
    assert lease.state == "error" and isinstance(lease.error, vim.fault.Timedout)
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        entity.Reload()


@right
def import_without_keep_alive_done_right(server: Any, me: Plain) -> None:
    to, (text, files) = Importer(me), packed(me, me.vm(VM))
    made = to.spec(text)
    lease = to.started(made.importSpec)
    for percent in (0, 0, 50):
        server.clock.advance(200)
        lease.HttpNfcLeaseProgress(percent)
    to.send_all(lease, made, files)
    lease.HttpNfcLeaseComplete()
    assert lease.state == "done"


@wrong
def star_host(server: Any, me: Plain) -> None:
    url = urls(me.export(VM))[0]
    assert urlsplit(url).hostname == "*"
    with pytest.raises(urllib3.exceptions.HTTPError):
        me.pool.request("GET", url)


@wrong
def slow_descriptor(server: Any, me: Plain) -> None:
    lease = me.export(VM)
    for url in urls(lease):
        assert me.get(url).status == 200
        lease.HttpNfcLeaseProgress(0)
    me.content.ovfManager.CreateDescriptor(me.vm(VM), vim.OvfManager.CreateDescriptorParams())
    with pytest.raises(vim.fault.Timedout):
        lease.HttpNfcLeaseComplete()


@wrong
def attached_iso(server: Any, me: Plain) -> None:
    lease = me.export(VM)
    with pytest.raises(TypeError):
        [f"{VM}-" + entry.targetId for entry in lease.info.deviceUrl]


@wrong
def deleted_iso(server: Any, me: Plain) -> None:
    with pytest.raises(vim.fault.FileNotFound, match=r"gone.iso was not found"):
        me.export(VM)


@wrong
def silent_gap(server: Any, me: Plain) -> None:
    # Nobody moves the clock for a client that has had enough before.
    server.faults.clear()
    server.faults.extend(SCENARIOS["silent-gap"].faults)
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        me.pool.request("GET", urls(me.export(VM))[0], timeout=urllib3.Timeout(connect=30, read=0.2))


@wrong
def unknown_length(server: Any, me: Plain) -> None:
    lease, vm = me.export(VM), me.vm(VM)
    entry = lease.info.deviceUrl[0]
    answer = me.get(entry.url)
    assert "Content-Length" not in answer.headers
    capacity = next(d.capacityInBytes for d in vm.config.hardware.device if isinstance(d, DISK_TYPE))
    size = int(answer.headers.get("Content-Length", capacity))
    given = [vim.OvfManager.OvfFile(deviceId=entry.key, path="disk.vmdk", size=size)]
    params = vim.OvfManager.CreateDescriptorParams(ovfFiles=given)
    text = me.content.ovfManager.CreateDescriptor(vm, params).ovfDescriptor
    assert f'ovf:size="{capacity}"' in text and len(answer.data) != capacity


@wrong
def cut_mid_disk(server: Any, me: Plain) -> None:
    url, came = urls(me.export(VM))[0], b""
    with pytest.raises(urllib3.exceptions.ProtocolError):
        for piece in me.pool.request("GET", url, preload_content=False).stream(4096):
            came += piece
    again = me.get(url, Range=f"bytes={len(came)}-")
    assert again.status == 200 and again.data.startswith(b"KDMV")
    whole = len(again.data)
    assert is_disk(again.data) and len(came + again.data) > whole


def uploading(me: Plain) -> tuple[Any, Any, str, bytes]:
    """A lease of an import, what is to be sent, and one disk of it with where it goes."""
    to, (text, files) = Importer(me), packed(me, me.vm(VM))
    made = to.spec(text)
    lease = to.started(made.importSpec)
    item = next(item for item in made.fileItem if not item.create)
    url = next(device.url for device in lease.info.deviceUrl if device.importKey == item.deviceId)
    return to, (lease, made, files), url, files[item.path]


@wrong
def cut_mid_upload(server: Any, me: Plain) -> None:
    to, (lease, _, _), url, disk = uploading(me)
    with pytest.raises((urllib3.exceptions.ProtocolError, urllib3.exceptions.SSLError, OSError)):
        to.send(url, disk)
    assert lease.state == "ready"


@right
def cut_mid_upload_done_right(server: Any, me: Plain) -> None:
    to, (lease, made, files), url, disk = uploading(me)
    with pytest.raises((urllib3.exceptions.ProtocolError, urllib3.exceptions.SSLError, OSError)):
        to.send(url, disk)
    to.send_all(lease, made, files)
    lease.HttpNfcLeaseComplete()
    assert lease.state == "done"


@wrong
def busy_host(server: Any, me: Plain) -> None:
    assert me.get(urls(me.export(VM))[0]).status == 503


@wrong
def unreachable_host(server: Any, me: Plain) -> None:
    lease = me.export(VM)
    with pytest.raises(urllib3.exceptions.NewConnectionError):
        me.get(urls(lease)[0])
    assert lease.info.hostMap


@wrong
def error_without_abort(server: Any, me: Plain) -> None:
    lease = me.export(VM)
    with pytest.raises(urllib3.exceptions.ProtocolError):
        [me.get(url) for url in urls(lease)]
    me.content.sessionManager.Logout()
    with Plain(server) as other:
        with pytest.raises(vim.fault.TaskInProgress):
            other.vm(VM).PowerOn()
        server.clock.advance(301)
        other.vm(VM).PowerOn()


@wrong
def never_completed(server: Any, me: Plain) -> None:
    lease = me.export(VM)
    (task,) = me.vm(VM).recentTask
    assert all(is_disk(me.get(url).data) for url in urls(lease)) and task.info.state == "running"
    server.clock.advance(300)
    assert task.info.state == "error" and task.info.error.msg == "Operation timed out."


@wrong
def thin_and_slow(server: Any, me: Plain) -> None:
    lease = me.export(VM)
    stop, shown, begun = False, [0], server.clock.now()
    total = lease.info.totalDiskCapacityInKB * 1024
    # Renewed here by the clock, for this client has other worries.
    timer: list[Any] = []
    lock = threading.Lock()

    def renew() -> None:
        with lock:
            if not stop:
                lease.HttpNfcLeaseProgress(shown[-1])
                timer[:] = [server.clock.call_at(server.clock.now() + 100, renew)]

    renew()
    came = 0
    for piece in me.pool.request("GET", urls(lease)[0], preload_content=False).stream(65536):
        came += len(piece)
        shown.append(came * 100 // total)
    with lock:
        stop = True
    timer[0].cancel()
    lease.HttpNfcLeaseComplete()
    assert server.clock.now() - begun >= 9.5 * 3600 and set(shown) == {0}


@wrong
def empty_second_disk(server: Any, me: Plain) -> None:
    lease = me.export(VM)
    answers = [me.get(url) for url in urls(lease)]
    lease.HttpNfcLeaseComplete()
    assert [answer.status for answer in answers] == [200, 200]
    assert is_disk(answers[0].data) and answers[1].data == b"" and lease.state == "done"


@wrong
def short_disk(server: Any, me: Plain) -> None:
    lease = me.export(VM)
    answer = me.get(urls(lease)[0])
    lease.HttpNfcLeaseComplete()
    assert answer.status == 200 and answer.data.startswith(b"KDMV") and not is_disk(answer.data)


@wrong
def nvram(server: Any, me: Plain) -> None:
    lease = me.export(VM)
    fetched = [entry for entry in lease.info.deviceUrl if entry.disk]
    given = [vim.OvfManager.OvfFile(deviceId=e.key, path=e.targetId, size=len(me.get(e.url).data)) for e in fetched]
    params = vim.OvfManager.CreateDescriptorParams(ovfFiles=given)
    text = me.content.ovfManager.CreateDescriptor(me.vm(VM), params).ovfDescriptor
    assert any(url.endswith(".nvram") for url in urls(lease))
    assert len(fetched) == 2 and text.count("<File ") == 2 and "ovf:/file/" not in text.partition("nvram")[2][:60]
    lease.HttpNfcLeaseComplete()


@wrong
def encrypted(server: Any, me: Plain) -> None:
    for _ in range(3):
        with pytest.raises(vmodl.fault.NotSupported, match="not supported on the object"):
            me.vm(VM).ExportVm()


@wrong
def nvram_not_found(server: Any, me: Plain) -> None:
    lease = me.export(VM)
    statuses = {url.rpartition(".")[2]: me.get(url).status for url in urls(lease)}
    assert statuses == {"vmdk": 200, "nvram": 404}


@wrong
def powered_on(server: Any, me: Plain) -> None:
    with pytest.raises(vim.fault.InvalidState):
        me.vm(VM).ExportVm()
    with pytest.raises(vim.fault.TaskInProgress):
        me.vm(VM).ExportVm()
    assert "running" in [task.info.state for task in me.vm(VM).recentTask]


@right
def powered_on_done_right(server: Any, me: Plain) -> None:
    vm = me.vm(VM)
    if vm.runtime.powerState != "poweredOff":
        vm.PowerOff()
    lease = me.export(VM)
    assert all(is_disk(me.get(entry.url).data) for entry in lease.info.deviceUrl if entry.disk)
    lease.HttpNfcLeaseComplete()


@wrong
def blocking_read(server: Any, me: Plain) -> None:
    lease = me.export(VM)
    with pytest.raises(urllib3.exceptions.ProtocolError):
        me.pool.request("GET", urls(lease)[0]).data  # noqa: B018
    assert lease.state == "error"


@wrong
def failed_initialising(server: Any, me: Plain) -> None:
    lease = me.vm(VM).ExportVm()
    assert [lease.state for _ in range(50)][1:] == ["error"] * 49 and lease.info is None
    assert lease.error.msg == "A file could not be read."


@wrong
def missing_state(server: Any, me: Plain) -> None:
    lease = me.vm(VM).ExportVm()
    with pytest.raises(KeyError):
        {"initializing": "wait", "ready": "go", "error": "stop", "done": "stop"}[lease.state]


@wrong
def foreign_reply(server: Any, me: Plain) -> None:
    lease = me.export(VM)
    with pytest.raises(Exception) as caught:
        lease.HttpNfcLeaseComplete()
    assert not isinstance(caught.value, vmodl.MethodFault)
    assert lease.state == "done"


def boots_from_its_disk(text: str) -> str:
    """The descriptor as packer has it written: the first disk is told to boot."""
    disk = next(item for item in text.split("<Item>") if "<rasd:ResourceType>17<" in item)
    number = disk.partition("<rasd:InstanceID>")[2].partition("<")[0]
    section = f'<vmw:BootOrderSection vmw:instanceId="{number}" vmw:type="disk"><Info>Boot order</Info>'
    return text.replace("</VirtualHardwareSection>", f"</VirtualHardwareSection>{section}</vmw:BootOrderSection>")


def grains_of(me: Plain, vm: Any) -> list[tuple[bool, Any]]:
    """Of each disk, as an export tells, whether there is anything on it, and what."""
    found = []
    for data in packed(me, vm)[1].values():
        if data.startswith(b"KDMV"):
            with tempfile.NamedTemporaryFile() as file:
                file.write(data)
                file.flush()
                # A stream without grains is as long as those of empty disks are (7.3).
                found.append((len(data) > 72704, grain_digest(file.name)))
    return found


@wrong
def boot_order(server: Any, me: Plain) -> None:
    text, files = packed(me, me.vm(VM))
    text = boots_from_its_disk(text)
    assert [full for full, _ in grains_of(me, me.vm(VM))] == [True, True]
    made = Importer(me).whole((text, files))
    kinds = [[type(each).__name__ for each in vm.config.hardware.device] for vm in (me.vm(VM), made)]
    assert kinds[0] == kinds[1]
    disks = [each.capacityInBytes for each in made.config.hardware.device if isinstance(each, DISK_TYPE)]
    assert disks == [64 << 20] * 2
    assert [full for full, _ in grains_of(me, made)] == [False, False]


@right
def boot_order_done_right(server: Any, me: Plain) -> None:
    text, files = packed(me, me.vm(VM))
    text = re.sub("(?s)<vmw:BootOrderSection.*?</vmw:BootOrderSection>", "", boots_from_its_disk(text))
    assert grains_of(me, Importer(me).whole((text, files))) == grains_of(me, me.vm(VM))


def spelt(server: Any, folder: Path, spelling: str) -> tuple[Path, VCenterAddress]:
    """An export of ours, whose manifest somebody else has written."""
    address = VCenterAddress(server.url, server.user, server.password, server.ca_file)
    made = export_vm(address, VM, folder, clock=server.clock)
    (manifest,) = folder.glob("*.mf")
    names = [made.descriptor, *(file.path for file in made.files)]
    rows = [(Path(name).name, hashlib.sha256((folder / name).read_bytes()).hexdigest()) for name in names]
    manifest.write_text("".join(f"{spelling.format(name)}{digest}\n" for name, digest in rows))
    return folder, address


@wrong
def manifest_spelling(server: Any, me: Plain) -> None:
    for spelling in ("SHA2-256({})= ", "SHA256 ({})= "):
        with tempfile.TemporaryDirectory() as place:
            folder, address = spelt(server, Path(place), spelling)
            said = [finding.rule for finding in verify_package(folder).findings]
            assert set(said) == {"manifest spelling"}
            before = len(server.world.vms())
            with pytest.raises(ExportError, match=r"of the manifest is 'SHA"):
                import_ovf(address, folder, options=ImportOptions(name="new"), clock=server.clock)
            assert len(server.world.vms()) == before


@right
def manifest_spelling_done_right(server: Any, me: Plain) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder, address = spelt(server, Path(place), "SHA256({})= ")
        assert verify_package(folder).sound
        options = ImportOptions(name="new", where=Wanted(pool="DC0_C0"))
        import_ovf(address, folder, options=options, clock=server.clock)
    assert me.vm("new").config.name == "new"


@wrong
def slow_initialising(server: Any, me: Plain) -> None:
    lease = me.vm(VM).ExportVm()
    assert [lease.state for _ in range(10)] == ["initializing"] * 10


@wrong
def free_licence(server: Any, me: Plain) -> None:
    assert me.vm(VM).config.name == VM
    with pytest.raises(vim.fault.RestrictedVersion):
        me.vm(VM).ExportVm()


@wrong
def logout_without_abort(server: Any, me: Plain) -> None:
    me.export(VM)
    me.content.sessionManager.Logout()
    with Plain(server) as other:
        (task,) = other.vm(VM).recentTask
        with pytest.raises(vim.fault.TaskInProgress):
            other.vm(VM).PowerOn()
        assert task.info.state == "running"
        server.clock.advance(300)
        assert task.info.state == "error"


@right
def logout_without_abort_done_right(server: Any, me: Plain) -> None:
    me.export(VM).HttpNfcLeaseAbort()
    me.content.sessionManager.Logout()
    with Plain(server) as other:
        other.vm(VM).PowerOn()


@wrong
def three_device_urls(server: Any, me: Plain) -> None:
    lease = me.export(VM)
    first, *others = (me.get(url).data for url in urls(lease))
    assert len(others) == 2 and not is_disk(first) and any(map(is_disk, others))


@wrong
def wrong_method(server: Any, me: Plain) -> None:
    url = me.address_of(urls(me.export(VM))[0])
    assert [me.pool.request(method, url, body=b"x").status for method in ("POST", "PUT", "DELETE")] == [405] * 3


@right
def wrong_method_done_right(server: Any, me: Plain) -> None:
    assert me.get(urls(me.export(VM))[0]).status == 200


@wrong
def destroy_waits(server: Any, me: Plain) -> None:
    me.export(VM)
    task = me.vm(VM).Destroy()
    states = set()
    for _ in range(20):
        states.add(task.info.state)
        server.clock.advance(10)
    assert states <= {"queued", "running"}


@right
def destroy_waits_done_right(server: Any, me: Plain) -> None:
    lease = me.export(VM)
    task = me.vm(VM).Destroy()
    lease.HttpNfcLeaseComplete()
    assert task.info.state == "success"


@wrong
def duplicate_export(server: Any, me: Plain) -> None:
    vm = me.vm(VM)
    for _ in itertools.repeat(None, 2):
        try:
            lease = vm.ExportVm()
            break
        except OSError:
            continue
    me.ready(lease).HttpNfcLeaseAbort()
    assert [each.state.held for each in server.world.leases()] == [True, False]


def test_there_is_a_wrong_client_for_each() -> None:
    assert set(WRONG) == set(SCENARIOS) and set(RIGHT) <= set(SCENARIOS)
