"""Every switch of the profiles of vCenter and ESXi changes what a client sees: none is dead, none is ignored."""

from __future__ import annotations

import hashlib
import itertools
import re
import socket
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import urllib3
from lxml import etree
from pyVmomi import vim, vmodl

from importing import Importer, packed
from plain_pyvmomi import Plain
from soap_wire import Wire
from twohop.fakes import VCenter
from twohop.runtime.profiles import Profile, load_profile
from vcenters import SMALL, make, newest, small_world

BASE = load_profile("vcenter-8.0")
# What one host does otherwise is walked by its own switch; the rest is looked at as at a vCenter.
HOST = load_profile("esxi-8.0").but(
    device_url_host="address", second_export="shared", lease_initializing_reads=1, nvram_name="disk-N"
)
See = Callable[[VCenter, Plain], Any]
MORE: list[dict[str, Any]] = [
    {"name": "LONG", "disks": [{"size": "256 MiB", "data": "64 MiB"}]},
    {
        "name": "FULL",
        "disks": [SMALL],
        "images": [{"size": 5000}],
        "firmware": "efi",
        "nvram": {"size": 8000},
    },
    {"name": "GONE", "images": [{"missing": True}]},
    {"name": "TWO", "disks": [SMALL, SMALL]},
    {"name": "SNAPPED", "disks": [SMALL], "snapshots": [{"name": "before"}]},
    {"name": "PRODUCT", "vapp": {"product": {"name": "Shop"}}},
    {
        "name": "ODD",
        "disks": [
            SMALL,
            {**SMALL, "export_error": "OvfUnsupportedDeviceExport"},
            {**SMALL, "export_error": "OvfUnableToExportDisk"},
        ],
    },
]
VAPPS: list[dict[str, Any]] = [
    {"name": "OFF", "vms": [{"name": "A0", "disks": [SMALL]}, {"name": "A1", "host": "H1", "disks": [SMALL]}]},
    {"name": "ON", "vms": [{"name": "A2"}, {"name": "A3", "power": "on"}]},
]


def fault_of(act: Callable[[], Any]) -> str:
    """The name of the fault that a call ends with, or "none"."""
    try:
        act()
    except vmodl.MethodFault as fault:
        return type(fault).__name__.rpartition(".")[2]
    return "none"


def _reads(vc: VCenter, me: Plain) -> int:
    lease = me.vm().ExportVm()
    return next(n for n in itertools.count() if lease.state == "ready")


def _renewed_by_bytes(vc: VCenter, me: Plain) -> bool:
    lease = me.export()
    vc.clock.advance(200)
    assert me.get(lease.info.deviceUrl[0].url).status == 200
    vc.clock.advance(200)
    return bool(lease.state == "ready")


def _after_end(vc: VCenter, me: Plain) -> tuple[str, str]:
    done, aborted = me.export(), me.export()
    done.HttpNfcLeaseComplete()
    aborted.HttpNfcLeaseAbort()
    return fault_of(lambda: done.HttpNfcLeaseProgress(1)), fault_of(lambda: aborted.HttpNfcLeaseProgress(1))


def _abort_after_complete(vc: VCenter, me: Plain) -> str:
    lease = me.export()
    lease.HttpNfcLeaseComplete()
    return fault_of(lease.HttpNfcLeaseAbort)


def _lingers(vc: VCenter, me: Plain, *ends: str) -> list[str]:
    """Faults of reads of ended leases, at once and 60 s later."""
    leases = [me.export() for _ in ends]
    for lease, end in zip(leases, ends, strict=True):
        vc.clock.advance(300) if end == "timeout" else getattr(lease, f"HttpNfcLease{end}")()
    seen = [fault_of(lambda: (lease.state, lease.error)) for lease in leases]  # noqa: B023
    vc.clock.advance(60)
    return seen + [fault_of(lambda: (lease.state, lease.error)) for lease in leases]  # noqa: B023


def _done_lingers(vc: VCenter, me: Plain) -> list[str]:
    return _lingers(vc, me, "Complete", "Abort")


def _error_lingers(vc: VCenter, me: Plain) -> list[str]:
    return [*_lingers(vc, me, "Complete", "Abort"), *_lingers(vc, me, "timeout")]


def _after_logout(vc: VCenter, me: Plain) -> tuple[str, int]:
    with Plain(vc) as other:
        lease = other.export()
        url = lease.info.deviceUrl[0].url
    (task,) = me.vm().recentTask
    return task.info.state, me.get(url).status


def _after_idle(vc: VCenter, me: Plain) -> tuple[str, int]:
    lease = me.export()
    url = lease.info.deviceUrl[0].url
    vc.clock.advance(100)
    with Plain(vc) as other:
        (task,) = other.vm().recentTask
        return task.info.state, me.get(url).status


def _second(vc: VCenter, me: Plain) -> str:
    me.export()
    return fault_of(me.vm().ExportVm)


def _locked(vc: VCenter, me: Plain) -> set[str]:
    me.export()
    return {fault_of(me.vm().PowerOnVM_Task), fault_of(lambda: me.vm().Rename_Task("other"))}


def _destroyed_while_locked(vc: VCenter, me: Plain) -> tuple[str, list[str]]:
    lease, vm = me.export(), me.vm()
    answer = fault_of(vm.Destroy_Task)
    states = [vc.world.tasks()[-1].value.state.value]
    lease.HttpNfcLeaseComplete()
    return answer, [*states, vc.world.tasks()[-1].value.state.value, fault_of(lambda: vm.name)]


def _cloned_while_locked(vc: VCenter, me: Plain) -> bool:
    me.export()
    spec = vim.vm.CloneSpec(location=vim.vm.RelocateSpec(), template=False, powerOn=False)
    # A standalone host clones nothing, but is busy first.
    return fault_of(lambda: me.vm().CloneVM_Task(me.vm().parent, "copy", spec)) == "TaskInProgress"


def _framing(vc: VCenter, me: Plain) -> list[str]:
    answer = me.get(me.export().info.deviceUrl[0].url)
    length = answer.headers.get("Content-Length")
    assert length is None or int(length) == len(answer.data)
    return sorted({"Content-Length", "Transfer-Encoding"} & set(answer.headers))


def _head(vc: VCenter, me: Plain) -> tuple[int, bool]:
    url = me.export().info.deviceUrl[0].url
    head, whole = me.pool.request("HEAD", url), me.get(url)
    return head.status, head.headers.get("Content-Length") == str(len(whole.data))


def _ranged(vc: VCenter, me: Plain) -> int:
    return int(me.get(me.export().info.deviceUrl[0].url, Range="bytes=5-").status)


def _twice(vc: VCenter, me: Plain) -> tuple[int, bool]:
    url = me.export().info.deviceUrl[0].url
    first, second = me.get(url), me.get(url)
    assert second.data in (b"", first.data)
    return second.status, second.data == first.data


def _in_parallel(vc: VCenter, me: Plain) -> int:
    url = me.export("LONG").info.deviceUrl[0].url
    first = me.pool.request("GET", url, preload_content=False)
    assert first.read(4) == b"KDMV"
    second = me.pool.request("GET", url, preload_content=False)
    first.close(), second.close()
    return int(second.status)


def _dead(vc: VCenter, me: Plain) -> set[int]:
    lease = me.export()
    url = lease.info.deviceUrl[0].url
    lease.HttpNfcLeaseComplete()
    ticket = url.rsplit("/", 2)[1]
    return {me.get(url).status, me.get(url.replace(ticket, "52345678-1234-4123-8123-123456789abc")).status}


def _unknown_file(vc: VCenter, me: Plain) -> tuple[int, int]:
    lease = me.export()
    url = f"{lease.info.deviceUrl[0].url.rpartition('/')[0]}/disk-77.vmdk"
    before = me.get(url).status
    lease.HttpNfcLeaseComplete()
    return before, me.get(url).status


def _connections(vc: VCenter, me: Plain) -> list[int]:
    url = me.export("LONG").info.deviceUrl[0].url
    held = [me.pool.request("GET", url, preload_content=False) for _ in range(2)]
    # What has been read of the first shows that it is under way when the second comes.
    statuses = [answer.status for answer in held]
    for answer in held:
        answer.close()
    return statuses


def _when_full(vc: VCenter, me: Plain) -> list[int]:
    held = me.export("LONG").info.deviceUrl[0].url
    answers = []
    for _ in range(vc.profile.count("nfc_connections")):
        answers.append(me.pool.request("GET", held, preload_content=False))
        assert answers[-1].read(4) == b"KDMV"
    full = me.get(me.export().info.deviceUrl[0].url)
    for answer in answers:
        answer.close()
    return [answer.status for answer in answers] + [full.status]


def _reused(vc: VCenter, me: Plain) -> tuple[str | None, int]:
    (device,) = me.export().info.deviceUrl
    parts = urlsplit(me.address_of(device.url))
    asked = f"GET {parts.path} HTTP/1.1\r\nHost: h\r\n"
    context = ssl.create_default_context(cafile=str(vc.ca_file))
    with (
        socket.create_connection((parts.hostname or "", parts.port or 443), 60) as plain,
        context.wrap_socket(plain, server_hostname=parts.hostname) as tls,
    ):
        tls.sendall(f"{asked}\r\n{asked}Connection: close\r\n\r\n".encode())
        answers = b"".join(iter(lambda: tls.recv(1 << 16), b""))
    return me.get(device.url).headers.get("Connection"), answers.count(b"HTTP/1.1 200 OK")


def _bytes(vc: VCenter, me: Plain) -> bool:
    first, second = (me.get(me.export().info.deviceUrl[0].url).data for _ in range(2))
    assert len(first) == len(second)
    return bool(first == second)


def _checksum(vc: VCenter, me: Plain) -> tuple[str, int]:
    lease = me.export()
    me.get(lease.info.deviceUrl[0].url)
    (entry,) = lease.HttpNfcLeaseGetManifest()
    return entry.checksumType, len(entry.checksum)


def _sha1_beside_sha256(vc: VCenter, me: Plain) -> int:
    lease = me.export()
    (device,) = lease.info.deviceUrl
    lease.HttpNfcLeaseSetManifestChecksumType([vim.KeyValue(key=device.key, value="sha256")])
    me.get(device.url)
    (entry,) = lease.HttpNfcLeaseGetManifest()
    assert (entry.checksumType, len(entry.checksum)) == ("sha256", 64)
    return len(entry.sha1)


def _before_any_get(vc: VCenter, me: Plain) -> tuple[str, str, int]:
    lease = me.export()
    before = fault_of(lease.HttpNfcLeaseGetManifest)
    me.get(lease.info.deviceUrl[0].url)
    return before, lease.state, len(lease.HttpNfcLeaseGetManifest())


def _of_two_gets(vc: VCenter, me: Plain) -> list[bool]:
    lease = me.export("TWO")
    first, second = lease.info.deviceUrl
    for url in (first.url, first.url, second.url):
        me.get(url)
    return [entry.key == first.key for entry in lease.HttpNfcLeaseGetManifest()]


def _late_checksum(vc: VCenter, me: Plain) -> tuple[str, str]:
    lease = me.export()
    (device,) = lease.info.deviceUrl
    me.get(device.url)
    late = [vim.KeyValue(key=device.key, value="sha256")]
    answer = fault_of(lambda: lease.HttpNfcLeaseSetManifestChecksumType(late))
    return answer, lease.HttpNfcLeaseGetManifest()[0].checksumType


def _aborted(vc: VCenter, me: Plain) -> tuple[str, str]:
    lease = me.export()
    task = vc.world.tasks()[-1]
    lease.HttpNfcLeaseAbort()
    assert lease.state == "error" and task.value.state.value == "error"
    return type(lease.error).__name__.rpartition(".")[2], type(task.error).__name__.rpartition(".")[2]


def _suspended(vc: VCenter, me: Plain) -> list[str]:
    vm = me.vm()
    vm.PowerOn()
    vm.Suspend()
    answer = fault_of(vm.ExportVm)
    exports = [task.info for task in vm.recentTask if task.info.descriptionId == "VirtualMachine.exportVm"]
    return [answer, *(info.state for info in exports)]


def _powered_on(vc: VCenter, me: Plain) -> list[str]:
    vm = me.vm("VM1")
    return [fault_of(vm.ExportVm), fault_of(vm.ExportVm), *(task.info.state for task in vm.recentTask)]


def _with_snapshots(vc: VCenter, me: Plain) -> list[str]:
    (tree,) = me.vm("SNAPPED").snapshot.rootSnapshotList
    # What is exported of a snapshot itself no source has doubts about (2.11).
    calls = (me.vm("SNAPPED").ExportVm, me.vm().ExportVm, tree.snapshot.ExportSnapshot)
    return [fault_of(call) for call in calls[: 2 if vc.profile.text("second_export") == "TaskInProgress" else 3]]


def _licence(vc: VCenter, me: Plain) -> bool:
    return {fault_of(me.vm(name).ExportVm) for name in ("VM0", "VM1")} == {"RestrictedVersion"}


def _blocked(vc: VCenter, me: Plain) -> list[bool]:
    vm = me.vm()
    before = list(vm.disabledMethod)
    lease = me.export()
    held = list(vm.disabledMethod)
    lease.HttpNfcLeaseComplete()
    assert before == list(vm.disabledMethod)
    return [
        name in held and name not in before for name in ("PowerOnVM_Task", "Destroy_Task", "MigrateVM_Task", "ExportVm")
    ]


def _url_host(vc: VCenter, me: Plain) -> str:
    url = me.export().info.deviceUrl[0].url
    own = vc.hosts[vc.world.vm("VM0").host.name]
    return str(urlsplit(url).netloc.replace(own.host, "HOST").replace(str(own.port), "PORT"))


def _datastore_key(vc: VCenter, me: Plain) -> str | None:
    info = me.export().info
    (device,) = info.deviceUrl
    base = device.url.rpartition("/")[0] + "/"
    assert {row.datastoreKey for row in info.hostMap} <= {device.datastoreKey or base}
    return "base" if device.datastoreKey == base else device.datastoreKey


def _at_end(vc: VCenter, me: Plain) -> str:
    lease = me.export("LONG")
    answer = me.pool.request("GET", lease.info.deviceUrl[0].url, preload_content=False)
    stream = answer.stream(1 << 16)
    next(stream)
    lease.HttpNfcLeaseComplete()
    try:
        for _ in stream:
            pass
    except urllib3.exceptions.ProtocolError:
        # Cut and reset are told apart by the story of the lease, below TLS.
        return "broken"
    finally:
        answer.close()
    return "finish"


def _read_slowly(vc: VCenter, me: Plain) -> str:
    lease = me.export("LONG")
    answer = me.pool.request("GET", lease.info.deviceUrl[0].url, preload_content=False)
    stream = answer.stream(1 << 16)
    next(stream)
    for _ in range(15):
        vc.clock.advance(290)
        lease.HttpNfcLeaseProgress(0)
    try:
        for _ in stream:
            pass
    except urllib3.exceptions.ProtocolError:
        return "broken"
    finally:
        answer.close()
        assert lease.state == "ready"
    return "finish"


def _cookies(vc: VCenter, me: Plain) -> tuple[bool, bool, str]:
    with Wire(vc) as wire:
        first = wire.content().cookie
        wire.cookie = first
        later = wire.try_login().cookie
        whole = (first or later or "").split('"')[1]
        form = "hex40" if len(whole) == 40 else "uuid52" if whole.startswith("52") and whole.islower() else "UUID"
        return first is not None, later is not None, form


def _without_access(vc: VCenter, me: Plain) -> str | None:
    users = [{"name": "n", "password": "p", "role": "NoAccess"}]
    with make(users=users, profile=vc.profile) as other, Wire(other) as wire:
        return wire.try_login("n", "p").fault


def _recent(vc: VCenter, me: Plain) -> int:
    me.vm().PowerOn()
    vc.clock.advance(100)
    return len(me.content.taskManager.recentTask)


def _page_limit(vc: VCenter, me: Plain) -> str:
    collector = me.content.eventManager.CreateCollectorForEvents(vim.event.EventFilterSpec())
    return fault_of(lambda: collector.ReadNextEvents(50))


def _task_history(vc: VCenter, me: Plain) -> str:
    return fault_of(lambda: me.content.taskManager.CreateCollectorForTasks(vim.TaskFilterSpec()))


def _login_again(vc: VCenter, me: Plain) -> tuple[str, int]:
    before = me.content.sessionManager.currentSession.key
    seen = fault_of(lambda: me.content.sessionManager.Login(vc.user, vc.password))
    sessions = me.content.sessionManager.sessionList
    assert (before in {s.key for s in sessions}) == (seen == "InvalidLogin")
    return seen, len(sessions)


def _terminate_own(vc: VCenter, me: Plain) -> tuple[str, str]:
    key = me.content.sessionManager.currentSession.key
    return fault_of(lambda: me.content.sessionManager.TerminateSession([key])), fault_of(lambda: me.vm())


def _disordered(vc: VCenter, me: Plain) -> str | None:
    with Wire(vc) as wire:
        disordered = f"<password>{vc.password}</password><userName>{vc.user}</userName>"
        return wire.call("Login", "SessionManager", wire.session_manager, disordered).fault


def _headers(vc: VCenter, *names: str) -> list[str | None]:
    with Wire(vc) as wire:
        wire.extra["Accept-Encoding"] = "gzip"
        return [wire.content().headers.get(name) for name in names]


def _idle(vc: VCenter, me: Plain) -> str:
    vc.clock.advance(100)
    return fault_of(lambda: me.vm())


def _furnished(vc: VCenter, me: Plain) -> Any:
    """The info of a lease on the machine with an ISO and nvram."""
    return me.export("FULL").info


def _order(vc: VCenter, me: Plain) -> list[str]:
    return [url.url.rpartition("/")[2] for url in _furnished(vc, me).deviceUrl]


def _thumbprint(vc: VCenter, me: Plain) -> int:
    shown = me.export().info.deviceUrl[0].sslThumbprint
    assert len(shown) != 59 or shown == vc.world.vm("VM0").host.thumbprint
    return len(shown.replace(":", ""))


def _certificate(vc: VCenter, me: Plain) -> list[str]:
    if "sslCertificate" not in {info.name for info in vim.HttpNfcLease.DeviceUrl._GetPropertyList()}:
        pytest.skip("this pyVmomi does not know sslCertificate, which came with 9.0")
    texts = []
    for version in ("8.0.3.0", "9.0.0.0"):
        with Wire(vc, version).login() as wire:
            (moid,) = wire.call("ExportVm", "VirtualMachine", me.vm()._GetMoId()).texts("returnval")
            wire.fetch("HttpNfcLease", moid, "state")
            texts += [text[:10] for text in wire.fetch("HttpNfcLease", moid, "info").texts("sslCertificate")]
            wire.call("HttpNfcLeaseAbort", "HttpNfcLease", moid)
    return texts


def _tickets(vc: VCenter, me: Plain) -> int:
    lease = me.ready(me.vapp("OFF").ExportVApp())
    return len({url.url.split("/")[4] for url in lease.info.deviceUrl})


def _host_map(vc: VCenter, me: Plain) -> bool:
    lease = me.export()
    for row in lease.info.hostMap or []:
        for host in row.hosts:
            assert me.get(host.url + lease.info.deviceUrl[0].targetId).status == 200
    seen = sum(len(row.hosts) for row in lease.info.hostMap or [])
    assert seen in (0, len(vc.hosts)), "all hosts see the one datastore"
    return bool(seen)


def _running_vapp(vc: VCenter, me: Plain) -> str:
    return fault_of(me.vapp("ON").ExportVApp)


def _missing(vc: VCenter, me: Plain) -> tuple[str, str, str]:
    vm = me.vm("GONE")
    describe = lambda: me.content.ovfManager.CreateDescriptor(vm, vim.OvfManager.CreateDescriptorParams())  # noqa: E731
    described = fault_of(describe)
    try:
        lease = vm.ExportVm()
    except vim.fault.FileNotFound as fault:
        assert fault.file == "[LocalDS_0] GONE/GONE.iso" and "was not found" in fault.msg
        return "FileNotFound", "", described
    while lease.state == "initializing":
        pass
    return lease.state, type(lease.error).__name__.rpartition(".")[2], described


def _named_image(vc: VCenter, me: Plain) -> list[str]:
    files = [
        vim.OvfManager.OvfFile(deviceId=url.key, path=url.url.rpartition(".")[2], size=1)
        for url in _furnished(vc, me).deviceUrl
    ]
    params = vim.OvfManager.CreateDescriptorParams(ovfFiles=files)
    text = me.content.ovfManager.CreateDescriptor(me.vm("FULL"), params).ovfDescriptor
    return sorted(re.findall(r'ovf:href="(\w+)"', text))


def _described(vc: VCenter, me: Plain, *options: str) -> Any:
    """The hardware in the descriptor of a machine with a CD drive, on a host that names things as a vCenter does."""
    params = vim.OvfManager.CreateDescriptorParams(exportOption=list(options))
    text = me.content.ovfManager.CreateDescriptor(me.vm("FULL"), params).ovfDescriptor
    (hardware,) = etree.fromstring(text.encode()).iter("{*}VirtualHardwareSection")
    return hardware


def _keys(rows: Any) -> list[str]:
    return [row.get("{http://www.vmware.com/schema/ovf}key") for row in rows.iterfind("{*}Config")]


def _rows(vc: VCenter, me: Plain) -> list[str]:
    keys = _keys(_described(vc, me))
    return [key for key in keys if key in ("firmware", "memoryHotAddEnabled", "simultaneousThreads")]


def _in_items(vc: VCenter, me: Plain, key: str) -> list[str]:
    items = _described(vc, me).iterfind("{*}Item")
    return [item.findtext("{*}ResourceType") for item in items if key in _keys(item)]


def _cores(vc: VCenter, me: Plain) -> list[str]:
    items = _described(vc, me).findall("{*}Item")
    found = [item.findtext("{*}ResourceType") for item in items if item.find("{*}CoresPerSocket") is not None]
    return ["all"] if len(found) == len(items) else found


def _subtypes(vc: VCenter, me: Plain) -> list[str]:
    items = _described(vc, me, "nodevicesubtypes").iterfind("{*}Item")
    found = [item.findtext("{*}ResourceType") for item in items if item.find("{*}ResourceSubType") is not None]
    return [kind for kind in found if kind in ("6", "15", "10")]


def _named_by_product(vc: VCenter, me: Plain) -> list[str]:
    made = []
    for name in (None, "given"):
        params = vim.OvfManager.CreateDescriptorParams(name=name)
        text = me.content.ovfManager.CreateDescriptor(me.vm("PRODUCT"), params).ovfDescriptor
        made += re.findall(r'<VirtualSystem ovf:id="(\w+)"', text)
        assert "<vssd:VirtualSystemIdentifier>PRODUCT<" in text
    return made


def _undescribed(vc: VCenter, me: Plain) -> tuple[list[str], list[str], list[str]]:
    """What is told of a machine with a disk that cannot be exported: in error, as warning, and in the descriptor."""
    result = me.content.ovfManager.CreateDescriptor(me.vm("ODD"), vim.OvfManager.CreateDescriptorParams())
    faults = [[type(each).__name__.rpartition(".Ovf")[2] for each in told] for told in (result.error, result.warning)]
    return *faults, re.findall(r'ovf:diskId="(\w+)"', result.ovfDescriptor)


def _stalled(vc: VCenter, me: Plain) -> tuple[str, str]:
    lease = me.export()
    vc.clock.advance(100)
    still = fault_of(lambda: lease.HttpNfcLeaseProgress(0))
    me.get(lease.info.deviceUrl[0].url)
    vc.clock.advance(50)
    return still, fault_of(lambda: lease.HttpNfcLeaseProgress(0))


def _transfer_progress(vc: VCenter, me: Plain) -> tuple[int, int]:
    lease = me.export("TWO")
    lease.HttpNfcLeaseProgress(42)
    before = lease.transferProgress
    me.get(lease.info.deviceUrl[0].url)
    # Two disks of nearly the same size, of which one has been sent.
    after = lease.transferProgress
    return before, 50 if 40 < after < 60 and after != 42 else after


def _cookie(vc: VCenter, me: Plain) -> list[int]:
    url = me.export().info.deviceUrl[0].url
    mine = me.si._stub.cookie
    value = mine.split('"')[1]
    headers = ["", mine, f"vmware_soap_session={value}", f'vmware_soap_session="{value}"', f"a=b; {mine.split(';')[0]}"]
    wrong = f'vmware_soap_session="{value[::-1]}"'
    return [me.get(url, Cookie=header).status for header in (*headers, wrong)] + [me.get(url).status]


def _nvram_answer(vc: VCenter, me: Plain) -> Any:
    (url,) = (url.url for url in _furnished(vc, me).deviceUrl if url.key.endswith("nvram"))
    return me.get(url)


def _next_disk(vc: VCenter, me: Plain) -> list[bool]:
    bodies = [me.get(url.url) for url in me.export("TWO").info.deviceUrl]
    assert [answer.status for answer in bodies] == [200, 200]
    return [bool(answer.data) for answer in bodies]


def _recent_order(vc: VCenter, me: Plain) -> list[bool]:
    vm = me.vm()
    tasks = [vm.PowerOn(), vm.PowerOff()]
    return [list(shown) == tasks for shown in (vm.recentTask, me.content.taskManager.recentTask)]


def _sent(vc: VCenter, me: Plain, body: Any = None, name: str = "VM0", **headers: str) -> tuple[int, Any]:
    """The status of one upload to a new import, and its lease; the body is the disk's own unless it is given."""
    text, files = packed(me, me.vm(name))
    to = Importer(me)
    lease = to.started(to.spec(text).importSpec)
    (disk,) = [device for device in lease.info.deviceUrl if device.disk]
    (own,) = [data for data in files.values() if data.startswith(b"KDMV")]
    return to.send(disk.url, own if body is None else body, **headers), lease


def _hardware(vc: VCenter, me: Plain) -> list[str]:
    text, _ = packed(me, me.vm())
    return [type(error).__name__.rpartition(".")[2] for error in Importer(me).made(text).error]


def _import_keys(vc: VCenter, me: Plain) -> set[str]:
    text, _ = packed(me, me.vapp("OFF"))
    to = Importer(me)
    made = to.spec(text)
    keys = {device.importKey for device in to.started(made.importSpec).info.deviceUrl if device.disk}
    assert keys == {item.deviceId for item in made.fileItem}
    return {key.rpartition("/")[0] for key in keys}


def _without_folder(vc: VCenter, me: Plain) -> str:
    to = Importer(me)
    spec = to.spec(packed(me, me.vm())[0]).importSpec
    return fault_of(lambda: to.pool.ImportVApp(spec))


def _without_host(vc: VCenter, me: Plain) -> tuple[str, str]:
    to = Importer(me)
    specs = [to.spec(packed(me, me.vm())[0], entityName=name).importSpec for name in ("a", "b")]
    return fault_of(lambda: to.started(specs[0])), fault_of(lambda: to.started(specs[1], to.hosts[1]))


def _incomplete(vc: VCenter, me: Plain) -> tuple[str, int]:
    to = Importer(me)
    lease = to.started(to.spec(packed(me, me.vm())[0]).importSpec)
    vm = lease.info.entity
    answer = fault_of(lease.HttpNfcLeaseComplete)
    return answer, 0 if answer != "none" else int(me.ready(vm.ExportVm()).info.totalDiskCapacityInKB)


def _booting(vc: VCenter, me: Plain) -> bool:
    """Whether anything of a disk that is to boot is there after its import."""
    text, files = packed(me, me.vm())
    disk = next(item for item in text.split("<Item>") if "<rasd:ResourceType>17<" in item)
    number = disk.partition("<rasd:InstanceID>")[2].partition("<")[0]
    section = f'<vmw:BootOrderSection vmw:instanceId="{number}" vmw:type="disk"><Info/></vmw:BootOrderSection>'
    text = text.replace("</VirtualHardwareSection>", f"</VirtualHardwareSection>{section}")
    again = packed(me, Importer(me).whole((text, files)))[1]
    (old,), (new,) = ([len(data) for data in each.values() if data.startswith(b"KDMV")] for each in (files, again))
    return old == new


def _digested(vc: VCenter, me: Plain) -> tuple[bool, bool]:
    own = next(data for data in packed(me, me.vm())[1].values())
    status, lease = _sent(vc, me, own + b"behind the end")
    (entry,) = lease.HttpNfcLeaseGetManifest()
    assert status == 200 and entry.size == len(own) + 14
    return entry.sha1 == hashlib.sha1(own).hexdigest(), entry.sha1 == hashlib.sha1(own + b"behind the end").hexdigest()


def _put(vc: VCenter, me: Plain) -> list[int]:
    to = Importer(me)
    text, _ = packed(me, me.vm("FULL"))
    urls = [device.url for device in to.started(to.spec(text).importSpec).info.deviceUrl if not device.disk]
    return [to.send(url, b"x", "PUT", Overwrite=word) for url in urls[:1] for word in ("f", "t")]


def _sent_twice(vc: VCenter, me: Plain) -> tuple[int, str]:
    own = next(data for data in packed(me, me.vm())[1].values())
    _, lease = _sent(vc, me)
    (disk,) = [device for device in lease.info.deviceUrl if device.disk]
    return Importer(me).send(disk.url, own), lease.state


IS, TO, GONE = "InvalidState", "Timedout", "ManagedObjectNotFound"
SWITCHES: dict[str, tuple[See, dict[Any, Any]]] = {
    "about_version": (lambda vc, me: me.content.about.version, {"7.0.3": "7.0.3", "8.0.1": "8.0.1"}),
    "build": (lambda vc, me: me.content.about.build, {"123": "123", "456": "456"}),
    "api_version": (lambda vc, me: me.content.about.apiVersion, {"8.0": "8.0.0.0", "7.0.0.0": "7.0.0.0", "6.5": "6.5"}),
    "cookie_from": (_cookies, {"login": (False, True, "hex40"), "first-reply": (True, False, "hex40")}),
    "cookie_form": (lambda vc, me: _cookies(vc, me)[2], {"hex40": "hex40", "uuid52": "uuid52", "UUID": "UUID"}),
    "session_idle_s": (_idle, {60: "NotAuthenticated", 200: "none"}),
    "login_without_access": (_without_access, {"NoPermission": "NoPermission", "granted": None}),
    "recent_task_s": (_recent, {0: 0, 99: 0, 101: 1}),
    "recent_task_order": (_recent_order, {"oldest-first": [True, True], "newest-first": [False, False]}),
    "history_page_limit": (_page_limit, {49: "InvalidArgument", 50: "none"}),
    "task_history": (_task_history, {"collected": "none", "NotSupported": "NotSupported"}),
    "second_login": (_login_again, {"InvalidLogin": ("InvalidLogin", 1), "replaces": ("none", 1)}),
    "terminate_own_session": (
        _terminate_own,
        {"InvalidArgument": ("InvalidArgument", "none"), "ends": ("none", "NotAuthenticated")},
    ),
    "argument_order": (_disordered, {"checked": "InvalidRequest", "any": None}),
    "soap_framing": (lambda vc, me: _headers(vc, "Transfer-Encoding"), {"chunked": ["chunked"], "length": [None]}),
    "soap_gzip": (lambda vc, me: _headers(vc, "Content-Encoding"), {True: ["gzip"], False: [None]}),
    "applied_soapaction": (
        lambda vc, me: _headers(vc, "X-Applied-Soapaction"),
        {True: [f"urn:vim25/{newest('8.0.3.0')}"], False: [None]},
    ),
    "lease_timeout_s": (lambda vc, me: me.export().info.leaseTimeout, {30: 30, 3600: 3600}),
    "lease_initializing_reads": (_reads, {0: 0, 1: 1, 7: 7}),
    "transfer_renews": (_renewed_by_bytes, {True: True, False: False}),
    "progress_out_of_range": (
        lambda vc, me: {fault_of(lambda: me.export().HttpNfcLeaseProgress(n)) for n in (-1, 101)},  # noqa: B023
        {"accept": {"none"}, "InvalidArgument": {"InvalidArgument"}},
    ),
    "progress_after_end": (_after_end, {name: (name, name) for name in (TO, IS, GONE)}),
    "abort_after_complete": (_abort_after_complete, {IS: IS, GONE: GONE}),
    "complete_while_initializing": (lambda vc, me: fault_of(me.vm().ExportVm().HttpNfcLeaseComplete), {IS: IS}),
    "done_lingers_s": (
        _done_lingers,
        {0: [GONE, "none"] * 2, 59: ["none", "none", GONE, "none"], 61: ["none"] * 4},
    ),
    "error_lingers_s": (
        _error_lingers,
        {
            0: ["none", GONE, "none", GONE, GONE, GONE],
            59: ["none", "none", "none", GONE, "none", GONE],
            61: ["none"] * 6,
        },
    ),
    "lease_after_logout": (_after_logout, {"stays": ("running", 200), "ends": ("error", 404)}),
    "lease_after_idle": (_after_idle, {"stays": ("running", 200), "ends": ("error", 404)}),
    "second_export": (_second, {"shared": "none", "TaskInProgress": "TaskInProgress"}),
    "locked_fault": (_locked, {"TaskInProgress": {"TaskInProgress"}, IS: {IS}}),
    "locked_destroy": (
        _destroyed_while_locked,
        {
            "TaskInProgress": ("TaskInProgress", ["running", "success", "none"]),
            IS: (IS, ["running", "success", "none"]),
            "waits": ("none", ["queued", "success", GONE]),
        },
    ),
    "locked_clone": (_cloned_while_locked, {"refused": True, "allowed": False}),
    "nfc_framing": (_framing, {"chunked": ["Transfer-Encoding"], "length": ["Content-Length"]}),
    "nfc_head": (_head, {"405": (405, False), "200": (200, True)}),
    "nfc_range": (_ranged, {"ignored": 200, "416": 416}),
    "nfc_second_get": (_twice, {"whole": (200, True), "empty": (200, False)}),
    "nfc_parallel_get": (_in_parallel, {"whole": 200, "503": 503}),
    "dead_ticket_status": (_dead, {404: {404}, 403: {403}, 500: {500}, 503: {503}}),
    "unknown_file_status": (_unknown_file, {404: (404, 404), 403: (403, 404), 500: (500, 404)}),
    "stream_at_end_of_lease": (_at_end, {"cut": "broken", "reset": "broken", "finish": "finish"}),
    "nfc_stream_s": (_read_slowly, {0: "finish", 4020: "broken", 4350: "finish"}),
    "nfc_connections": (_connections, {1: [200, 503], 2: [200, 200]}),
    "nfc_full_status": (_when_full, {503: [200, 200, 503], 500: [200, 200, 500]}),
    "nfc_connection": (_reused, {"kept": (None, 2), "closed": ("close", 1)}),
    "stream_bytes": (_bytes, {"differ": False, "equal": True}),
    "manifest_checksum": (_checksum, {"sha1": ("sha1", 40), "sha256": ("sha256", 64)}),
    "manifest_sha1": (_sha1_beside_sha256, {"filled": 40, "empty": 0}),
    "manifest_before_get": (_before_any_get, {"empty": ("none", "ready", 1), IS: (IS, "ready", 1)}),
    "manifest_of_two_gets": (_of_two_gets, {"one": [True, False], "each": [True, True, False]}),
    "late_checksum_type": (_late_checksum, {IS: (IS, "sha1"), "ignored": ("none", "sha1")}),
    "abort_without_fault": (_aborted, {"RequestCanceled": ("RequestCanceled",) * 2, "unset": ("NoneType",) * 2}),
    "suspended_export": (
        _suspended,
        {"InvalidPowerState": ["InvalidPowerState"], IS: [IS, "running"], "granted": ["none", "running"]},
    ),
    "powered_on_export": (
        _powered_on,
        {"InvalidPowerState": ["InvalidPowerState"] * 2, IS: [IS, "TaskInProgress", "running", "running"]},
    ),
    "snapshots_export": (_with_snapshots, {"granted": ["none"] * 3, IS: [IS, "none", "none"]}),
    "license": (_licence, {"full": False, "free": True}),
    "blocked_methods": (_blocked, {"listed": [True, True, True, False], "empty": [False] * 4}),
    "device_url_host": (_url_host, {"address": "HOST:PORT", "*": "*", "*:port": "*:PORT"}),
    "device_url_thumbprint": (_thumbprint, {"sha1": 40, "sha256": 64, "empty": 0}),
    "datastore_key": (_datastore_key, {"host-url": "base", "ha": "ha", "unset": None}),
    "device_url_certificate": (_certificate, {"present": ["-----BEGIN"], "unset": []}),
    "ticket_scope": (_tickets, {"lease-and-host": 2, "lease": 1}),
    "device_order": (
        _order,
        {
            "images-first": ["disk-0.iso", "disk-1.vmdk", "disk-2.nvram"],
            "disks-first": ["disk-0.vmdk", "disk-1.iso", "disk-2.nvram"],
            "nvram-first": ["disk-0.nvram", "disk-1.vmdk", "disk-2.iso"],
        },
    ),
    "disk_flag": (
        lambda vc, me: [url.disk for url in _furnished(vc, me).deviceUrl],
        {"always": [False, True, False], "disks-only": [None, True, None]},
    ),
    "nvram_entry": (lambda vc, me: len(_order(vc, me)), {"present": 3, "absent": 2}),
    "nvram_name": (lambda vc, me: _order(vc, me)[-1], {"disk-N": "disk-2.nvram", "vm-name": "FULL.nvram"}),
    "host_map": (_host_map, {"absent": False, "present": True}),
    "running_vapp_export": (_running_vapp, {IS: IS, "InvalidPowerState": "InvalidPowerState"}),
    "missing_image": (
        _missing,
        {
            "export": ("FileNotFound", "", "none"),
            "lease": ("error", "FileNotFound", "none"),
            "CreateDescriptor": ("ready", "NoneType", "FileNotFound"),
        },
    ),
    "named_images": (
        _named_image,
        {"left-out": ["nvram", "vmdk"], "included": ["iso", "nvram", "vmdk"]},
    ),
    "descriptor_rows": (
        _rows,
        {
            "none": [],
            "sorted": ["firmware", "memoryHotAddEnabled"],
            "listed": ["memoryHotAddEnabled", "firmware"],
            "listed-8.0": ["memoryHotAddEnabled", "firmware", "simultaneousThreads"],
        },
    ),
    "descriptor_guest_control": (
        lambda vc, me: _in_items(vc, me, "connectable.allowGuestControl"),
        {"written": ["15", "10"], "absent": []},
    ),
    "descriptor_mpt": (
        lambda vc, me: _in_items(vc, me, "enableMPTSupport"),
        {"written": ["24"], "absent": []},
    ),
    "descriptor_cd_name": (
        lambda vc, me: [
            name for name in _described(vc, me).xpath("//*[local-name()='ElementName']/text()") if name.startswith("CD")
        ],
        {name: [f"{name} 1"] for name in ("CD/DVD drive", "CD/DVD Drive")},
    ),
    "descriptor_cores": (_cores, {"above-one": [], "processors": ["3"], "every-item": ["all"]}),
    "nodevicesubtypes": (_subtypes, {"drives": ["6", "10"], "drives-and-scsi": ["10"]}),
    "descriptor_name": (
        _named_by_product,
        {"product": ["Shop", "given"], "entity": ["PRODUCT", "given"]},
    ),
    "undescribed": (
        lambda vc, me: _undescribed(vc, me)[2],
        {"left-out": ["vmdisk1"], "written": ["vmdisk1", "vmdisk2", "vmdisk3"]},
    ),
    "export_faults": (
        lambda vc, me: _undescribed(vc, me)[:2],
        {
            "error": (["UnsupportedDeviceExport", "UnableToExportDisk"], []),
            "warning": (["UnsupportedDeviceExport"], ["UnableToExportDisk"]),
        },
    ),
    "require_transfer_s": (_stalled, {0: ("none", "none"), 60: (TO, "none"), 40: (TO, TO)}),
    "transfer_progress": (_transfer_progress, {"progress": (42, 42), "transfer": (0, 50), "file": (0, 100)}),
    "pull_mode": (lambda vc, me: me.export().capabilities.pullModeSupported, {True: True, False: False}),
    "cors": (lambda vc, me: me.export().capabilities.corsSupported, {True: True, False: False}),
    "nfc_cookie": (_cookie, {"ignored": [200] * 7, "required": [401, 200, 200, 200, 200, 401, 401]}),
    "nfc_file_framing": (
        lambda vc, me: _nvram_answer(vc, me).headers.get("Content-Length"),
        {"length": "8000", "chunked": None},
    ),
    "nfc_file_type": (
        lambda vc, me: _nvram_answer(vc, me).headers["Content-Type"],
        {name: name for name in ("application/octet-stream", "application/x-vnd.vmware-streamVmdk")},
    ),
    "nfc_next_disk": (_next_disk, {"whole": [True, True], "empty": [True, False]}),
    "newest_hardware": (_hardware, {12: ["OvfNoSupportedHardwareFamily"], 13: []}),
    "import_key_of_vapp": (_import_keys, {"path": {"/new/A0", "/new/A1"}, "machine": {"/A0", "/A1"}}),
    "import_boot_order": (_booting, {"passed-over": True, "empty-disks": False}),
    "import_without_folder": (_without_folder, {"InvalidArgument": "InvalidArgument", "chosen": "none"}),
    "import_without_host": (
        _without_host,
        {"chosen": ("none", "none"), "InvalidArgument": ("InvalidArgument", "none")},
    ),
    "import_incomplete": (_incomplete, {"completes": ("none", 4096), IS: (IS, 0)}),
    "import_digest": (_digested, {"to-eos": (True, False), "whole": (False, True)}),
    "upload_status": (lambda vc, me: _sent(vc, me)[0], {200: 200, 201: 201}),
    "bad_upload_status": (lambda vc, me: _sent(vc, me, b"x")[0], {500: 500, 400: 400}),
    "bad_upload_fault": (
        lambda vc, me: type(_sent(vc, me, b"x")[1].error).__name__.rpartition(".")[2],
        {name: name for name in ("OvfImportFailed", "SystemError")},
    ),
    "upload_content_type": (
        lambda vc, me: _sent(vc, me, **{"Content-Type": "text/plain"})[0],
        {"ignored": 200, "500": 500},
    ),
    "put_without_overwrite": (_put, {"stored": [200, 200], "412": [412, 200]}),
    "second_upload": (_sent_twice, {"replaces": (200, "ready"), "500": (500, "ready")}),
}
BASES = {"device_url_certificate": "9.0"}
"""Where a switch shows only in another version."""
BESIDE: dict[str, dict[str, Any]] = {
    "nfc_full_status": {"nfc_connections": 2},
    "lease_after_idle": {"session_idle_s": 60},
}
"""What has to be set besides for a switch to show."""
NOT_ON_A_HOST = (
    "ticket_scope", "running_vapp_export", "descriptor_cd_name", "import_key_of_vapp", "import_without_folder",
    "import_without_host",
)  # fmt: skip
"""What takes several hosts, or vApps, which need a vCenter, or is about its names."""
CASES = [
    (base, name, value)
    for base in (BASE, HOST)
    for name, (_, values) in SWITCHES.items()
    for value in values
    if value in (base.fields[name].accepted or (value,)) and not (base is HOST and name in NOT_ON_A_HOST)
]


def test_every_switch_is_walked_through_every_value() -> None:
    assert set(SWITCHES) == set(BASE.fields) == set(HOST.fields)
    for name, (_, values) in SWITCHES.items():
        accepted = [field.accepted for field in (BASE.fields[name], HOST.fields[name]) if field.accepted is not None]
        if accepted:
            assert set(values) == set().union(*accepted), name
        assert len(values) > 1 or accepted == [tuple(values)] * 2, name


@pytest.mark.parametrize(("base", "name", "value"), CASES, ids=lambda v: getattr(v, "name", str(v)))
def test_a_switch_does_what_it_says(base: Profile, name: str, value: Any) -> None:
    see, values = SWITCHES[name]
    if name in BASES:
        base = load_profile(f"{base.product}-{BASES[name]}")
    world = small_world(vms=2)
    datacenter = world["datacenters"][0]
    datacenter["vms"] += MORE
    if name in ("host_map", *NOT_ON_A_HOST) and base.product == "vcenter":
        del datacenter["hosts"]
        datacenter["clusters"] = [{"name": "C0", "hosts": ["H0", "H1"]}]
        datacenter["vapps"] = VAPPS
    with make(profile=base.but(**BESIDE.get(name, {}), **{name: value}), world=world) as vc, Plain(vc) as me:
        assert see(vc, me) == values[value]


def test_what_silence_does_to_a_lease_is_timed_by_its_switch() -> None:
    for seconds in (30, 3600):
        with make(profile=BASE.but(lease_timeout_s=seconds, session_idle_s=86400)) as vc, Plain(vc) as me:
            lease = me.export()
            vc.clock.advance(seconds - 1)
            assert lease.state == "ready"
            vc.clock.advance(1)
            assert isinstance(lease.error, vim.fault.Timedout)
