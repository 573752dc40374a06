"""Every switch of the profiles of vCenter and ESXi changes what a client sees: none is dead, none is ignored."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import urllib3
from pyVmomi import vim, vmodl

from plain_pyvmomi import Plain
from soap_wire import Wire
from twohop.fakes import VCenter
from twohop.runtime.profiles import Profile, load_profile
from vcenters import make, small_world

BASE = load_profile("vcenter-8.0")
# What one host does otherwise is walked by its own switch; the rest is looked at as at a vCenter.
HOST = load_profile("esxi-8.0").but(device_url_host="address", second_export="shared", lease_initializing_reads=1)
See = Callable[[VCenter, Plain], Any]
LONG = [{"size": "256 MiB", "data": "64 MiB"}]


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


def _lingers(vc: VCenter, me: Plain) -> list[str]:
    done, failed = me.export(), me.export()
    done.HttpNfcLeaseComplete()
    failed.HttpNfcLeaseAbort()
    seen = [fault_of(lambda: done.state), fault_of(lambda: failed.error)]
    vc.clock.advance(60)
    return [*seen, fault_of(lambda: done.state), fault_of(lambda: failed.error)]


def _after_logout(vc: VCenter, me: Plain) -> tuple[str, int]:
    with Plain(vc) as other:
        lease = other.export()
        url = lease.info.deviceUrl[0].url
    (task,) = me.vm().recentTask
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


def _connections(vc: VCenter, me: Plain) -> list[int]:
    url = me.export("LONG").info.deviceUrl[0].url
    held = [me.pool.request("GET", url, preload_content=False) for _ in range(2)]
    # What has been read of the first shows that it is under way when the second comes.
    statuses = [answer.status for answer in held]
    for answer in held:
        answer.close()
    return statuses


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
    exports = (task.info for task in vm.recentTask if task.info.descriptionId == "VirtualMachine.exportVm")
    return [answer, *(info.state for info in exports)]


def _powered_on(vc: VCenter, me: Plain) -> list[str]:
    vm = me.vm("VM1")
    return [fault_of(vm.ExportVm), fault_of(vm.ExportVm), *(task.info.state for task in vm.recentTask)]


def _licence(vc: VCenter, me: Plain) -> bool:
    return {fault_of(me.vm(name).ExportVm) for name in ("VM0", "VM1")} == {"RestrictedVersion"}


def _blocked(vc: VCenter, me: Plain) -> list[bool]:
    vm = me.vm()
    before = list(vm.disabledMethod)
    lease = me.export()
    held = list(vm.disabledMethod)
    lease.HttpNfcLeaseComplete()
    assert before == list(vm.disabledMethod) == []
    return [name in held for name in ("PowerOnVM_Task", "Destroy_Task", "MigrateVM_Task", "ExportVm")]


def _url_host(vc: VCenter, me: Plain) -> str:
    url = me.export().info.deviceUrl[0].url
    own = vc.hosts[vc.world.vm("VM0").host.name]
    return str(urlsplit(url).netloc.replace(own.host, "HOST").replace(str(own.port), "PORT"))


def _thumbprint(vc: VCenter, me: Plain) -> bool:
    shown = me.export().info.deviceUrl[0].sslThumbprint
    assert shown in ("", vc.world.vm("VM0").host.thumbprint)
    return bool(shown)


def _datastore_key(vc: VCenter, me: Plain) -> bool:
    (device,) = me.export().info.deviceUrl
    return bool(device.datastoreKey) and device.url.startswith(device.datastoreKey)


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
    collector = me.content.taskManager.CreateCollectorForTasks(vim.TaskFilterSpec())
    return fault_of(lambda: collector.ReadNextTasks(50))


def _idle(vc: VCenter, me: Plain) -> str:
    vc.clock.advance(100)
    return fault_of(lambda: me.vm())


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
    "history_page_limit": (_page_limit, {49: "InvalidArgument", 50: "none"}),
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
    "done_lingers_s": (_lingers, {0: [GONE] * 4, 59: ["none", "none", GONE, GONE], 61: ["none"] * 4}),
    "lease_after_logout": (_after_logout, {"stays": ("running", 200), "ends": ("error", 404)}),
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
    "stream_at_end_of_lease": (_at_end, {"cut": "broken", "reset": "broken", "finish": "finish"}),
    "nfc_connections": (_connections, {1: [200, 503], 2: [200, 200]}),
    "stream_bytes": (_bytes, {"differ": False, "equal": True}),
    "manifest_checksum": (_checksum, {"sha1": ("sha1", 40), "sha256": ("sha256", 64)}),
    "manifest_sha1": (_sha1_beside_sha256, {"filled": 40, "empty": 0}),
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
    "license": (_licence, {"full": False, "free": True}),
    "blocked_methods": (_blocked, {"listed": [True, True, True, False], "empty": [False] * 4}),
    "device_url_host": (_url_host, {"address": "HOST:PORT", "*": "*", "*:port": "*:PORT"}),
    "device_url_thumbprint": (_thumbprint, {"sha1": True, "empty": False}),
    "datastore_key": (_datastore_key, {"host-url": True, "unset": False}),
}
CASES = [
    (base, name, value)
    for base in (BASE, HOST)
    for name, (_, values) in SWITCHES.items()
    for value in values
    if value in (base.fields[name].accepted or (value,))
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
    world = small_world(vms=2)
    world["datacenters"][0]["vms"].append({"name": "LONG", "power": "off", "host": "H0", "disks": LONG})
    with make(profile=base.but(**{name: value}), world=world) as vc, Plain(vc) as me:
        assert see(vc, me) == values[value]


def test_what_silence_does_to_a_lease_is_timed_by_its_switch() -> None:
    for seconds in (30, 3600):
        with make(profile=BASE.but(lease_timeout_s=seconds, session_idle_s=86400)) as vc, Plain(vc) as me:
            lease = me.export()
            vc.clock.advance(seconds - 1)
            assert lease.state == "ready"
            vc.clock.advance(1)
            assert isinstance(lease.error, vim.fault.Timedout)
