"""A plan of faults on a vCenter and its hosts: the API, and sockets matched by call, lease and file."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from pyVmomi import vim, vmodl

from plain_pyvmomi import Plain
from soap_wire import Wire, objects, props
from twohop.fakes import VCenter
from twohop.runtime.faults import FaultError
from vcenters import make, small_world


@pytest.fixture(scope="module")
def _shared() -> Iterator[VCenter]:
    with make(world=small_world(vms=3, hosts=2, disks=2)) as vcenter:
        yield vcenter


@pytest.fixture
def vc(_shared: VCenter) -> VCenter:
    _shared.reset()
    return _shared


@pytest.fixture
def plain(vc: VCenter) -> Iterator[Plain]:
    with Plain(vc) as client:
        yield client


def fault(vc: VCenter, kind: str, match: dict[str, Any] | None = None, times: int | None = 1, **args: Any) -> str:
    return vc.faults.add({"match": match or {}, "action": {"kind": kind, "args": args}, "times": times})


@pytest.mark.parametrize(
    ("args", "kind", "text"),
    [
        ({"type": "Timedout"}, vim.fault.Timedout, "Operation timed out."),
        ({"type": "vim.fault.TaskInProgress", "message": "busy"}, vim.fault.TaskInProgress, "busy"),
        ({"type": "RestrictedVersion"}, vim.fault.RestrictedVersion, None),
        ({"type": "NoPermission", "fields": {"privilegeId": "VApp.Export"}}, vim.fault.NoPermission, None),
        ({"type": "ManagedObjectNotFound"}, vmodl.fault.ManagedObjectNotFound, None),
        ({"type": "FileFault", "fields": {"file": "[a] b.iso"}}, vim.fault.FileFault, None),
        ({"type": "InvalidPowerState"}, vim.fault.InvalidPowerState, None),
        ({"type": "SystemError", "message": "A general system error occurred"}, vmodl.fault.SystemError, None),
    ],
)
def test_any_fault_on_the_second_call_of_a_method(
    vc: VCenter, plain: Plain, args: dict[str, Any], kind: type[Exception], text: str | None
) -> None:
    id = fault(vc, "fault", {"method": "ExportVm", "nth": 2}, **args)
    first = plain.vm().ExportVm()
    first.HttpNfcLeaseAbort()
    with pytest.raises(kind) as caught:
        plain.vm().ExportVm()
    assert text is None or caught.value.msg == text  # type: ignore[attr-defined]
    for name, value in args.get("fields", {}).items():
        assert getattr(caught.value, name) == value
    if args["type"] == "ManagedObjectNotFound":
        assert caught.value.obj._moId == plain.vm()._moId  # type: ignore[attr-defined]
    plain.vm().ExportVm().HttpNfcLeaseAbort()
    assert (vc.faults.count(id).seen, vc.faults.count(id).struck) == (3, 1)
    assert len(vc.world.leases()) == 2


def test_a_call_that_faults_may_have_been_carried_out(vc: VCenter, plain: Plain) -> None:
    fault(vc, "fault", {"method": "ExportVm"}, type="SystemError", carried_out=True)
    with pytest.raises(vmodl.fault.SystemError):
        plain.vm().ExportVm()
    assert len(vc.world.leases()) == 1


@pytest.mark.parametrize(
    ("kind", "args", "said"),
    [
        ("fault", {"type": "TimedOut"}, "vim25 has no fault 'TimedOut'"),
        ("fault", {"type": "VirtualMachine"}, "vim25 has no fault 'VirtualMachine'"),
        ("fault", {}, "fault needs type"),
        ("fault", {"type": "FileFault", "fields": {"fil": "x"}}, "FileFault has no field 'fil'"),
        ("fault", {"type": "FileFault", "fields": {"file": 3}}, "file of FileFault is a str"),
        ("foreign", {"reply": "Nothing"}, "no method 'Nothing'"),
        ("missing", {"how": "gone"}, "how is one of unset, missingSet"),
        ("slow-initialising", {}, "give one of reads and seconds"),
        ("failed-initialising", {}, "failed-initialising needs type"),
    ],
)
def test_wrong_words_are_refused_in_one_line(vc: VCenter, kind: str, args: dict[str, Any], said: str) -> None:
    with pytest.raises(FaultError) as caught:
        fault(vc, kind, **args)
    assert said in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("match", "said"),
    [
        ({"method": "ExprtVm"}, "there is no method 'ExprtVm'"),
        ({"method": "Exprt*"}, "there is no method 'Exprt\\*'"),
        ({"type": "Lease"}, "there is no type 'Lease'"),
        ({"server": "H7"}, "there is no server 'H7'; there are vcenter, H0, H1"),
    ],
)
def test_what_nothing_is_called_is_refused(vc: VCenter, match: dict[str, Any], said: str) -> None:
    with pytest.raises(FaultError, match=said):
        fault(vc, "fault", match, type="Timedout") if "server" not in match else fault(vc, "reset", match)


def test_a_foreign_reply_to_complete(vc: VCenter) -> None:
    """PR 1019166 of rbvmomi (10.9)."""
    fault(vc, "foreign", {"method": "HttpNfcLeaseComplete"})
    with Wire(vc) as wire:
        wire.login()
        lease = wire.call("ExportVm", "VirtualMachine", wire.moid("Vm", "VM0")).texts("returnval")[0]
        wire.fetch("HttpNfcLease", lease, "state")
        answer = wire.call("HttpNfcLeaseComplete", "HttpNfcLease", lease)
        assert answer.status == 200 and answer.body.tag == "{urn:vim25}RetrievePropertiesResponse"
        assert wire.fetch("HttpNfcLease", lease, "state").texts("returnval") == ["done"]


@pytest.mark.parametrize("how", ["unset", "missingSet"])
def test_a_state_that_is_missing(vc: VCenter, how: str) -> None:
    """PR 969599 of rbvmomi (10.9)."""
    id = fault(vc, "missing", {"type": "HttpNfcLease", "property": "state"}, how=how)
    with Wire(vc) as wire:
        wire.login()
        lease = wire.call("ExportVm", "VirtualMachine", wire.moid("Vm", "VM0")).texts("returnval")[0]
        specs = props("HttpNfcLease", "state", "mode") + objects("HttpNfcLease", lease)
        answer = wire.retrieve(specs)
        assert answer.texts("name") == ["mode"]
        assert answer.texts("path") == ([] if how == "unset" else ["state"])
        assert wire.retrieve(specs).texts("name") == ["mode", "state"]
    assert vc.faults.count(id).struck == 1


def test_a_state_that_fetch_does_not_tell(vc: VCenter, plain: Plain) -> None:
    fault(vc, "missing", {"type": "HttpNfcLease", "property": "state", "method": "Fetch"}, times=2)
    lease = plain.vm().ExportVm()
    assert [lease.state, lease.state] == [None, None] and lease.state is not None


def test_slow_to_initialise_by_reads(vc: VCenter, plain: Plain) -> None:
    fault(vc, "slow-initialising", {"method": "ExportVm"}, reads=5)
    lease = plain.vm().ExportVm()
    assert [lease.state for _ in range(7)] == ["initializing"] * 5 + ["ready"] * 2


def test_slow_to_initialise_by_the_clock(vc: VCenter, plain: Plain) -> None:
    fault(vc, "slow-initialising", seconds=90)
    lease = plain.vm().ExportVm()
    assert {lease.state for _ in range(30)} == {"initializing"}
    vc.clock.advance(89)
    assert lease.state == "initializing"
    vc.clock.advance(1)
    assert lease.state == "ready"


def test_a_wait_ends_when_a_slow_lease_is_ready(vc: VCenter, plain: Plain) -> None:
    fault(vc, "slow-initialising", seconds=90)
    lease = plain.vm().ExportVm()
    pc = vmodl.query.PropertyCollector
    spec = pc.FilterSpec(
        objectSet=[pc.ObjectSpec(obj=lease)], propSet=[pc.PropertySpec(type=type(lease), pathSet=["state"])]
    )
    collector = plain.content.propertyCollector
    collector.CreateFilter(spec, partialUpdates=False)
    version = collector.WaitForUpdatesEx("").version
    seen: list[Any] = []
    waiting = threading.Thread(target=lambda: seen.append(collector.WaitForUpdatesEx(version)))
    waiting.start()
    vc.clock.advance(90)
    waiting.join(30)
    assert seen[0].filterSet[0].objectSet[0].changeSet[0].val == "ready"


def test_failing_to_initialise(vc: VCenter, plain: Plain) -> None:
    fault(vc, "failed-initialising", type="FileFault", message="no room", fields={"file": "[a] b"})
    lease = plain.vm().ExportVm()
    assert [lease.state, lease.state] == ["initializing", "error"]
    assert isinstance(lease.error, vim.fault.FileFault) and lease.error.file == "[a] b"
    assert not vc.world.vm("VM0").leases


def test_a_slow_descriptor_is_matched_by_its_method(vc: VCenter, plain: Plain) -> None:
    id = fault(vc, "slow", {"method": "CreateDescriptor"}, seconds=60)
    made: list[Any] = []
    vm = plain.vm()
    params = vim.OvfManager.CreateDescriptorParams()
    asking = threading.Thread(target=lambda: made.append(plain.content.ovfManager.CreateDescriptor(vm, params)))
    asking.start()
    vc.faults.wait_stalled(id)
    vc.clock.advance(59)
    assert made == []
    vc.clock.advance(1)
    asking.join(30)
    assert "<Envelope" in made[0].ovfDescriptor


def test_a_cut_on_a_call_leaves_what_the_call_did(vc: VCenter, plain: Plain) -> None:
    fault(vc, "cut", {"method": "ExportVm"})
    with pytest.raises(Exception, match=r"(?i)closed|EOF|remote"):
        plain.vm().ExportVm()
    assert [lease.number for lease in vc.world.leases()] == [1]


def test_a_cut_on_a_call_may_come_before_it(vc: VCenter, plain: Plain) -> None:
    fault(vc, "cut", {"method": "ExportVm"}, carried_out=False)
    with pytest.raises(Exception, match=r"(?i)closed|EOF|remote"):
        plain.vm().ExportVm()
    assert vc.world.leases() == []


def test_one_file_of_one_lease(vc: VCenter, plain: Plain) -> None:
    id = fault(vc, "status", {"server": "H0", "lease": 2, "file": "disk-1.*"}, times=None, status=503)
    statuses = []
    for _ in range(3):
        lease = plain.export()
        statuses.append([plain.get(entry.url).status for entry in lease.info.deviceUrl])
        lease.HttpNfcLeaseComplete()
    assert statuses == [[200, 200], [200, 503], [200, 200]]
    assert vc.faults.count(id).struck == 1


def test_calls_on_one_lease(vc: VCenter, plain: Plain) -> None:
    fault(vc, "status", {"method": "HttpNfcLeaseProgress", "lease": 2})
    one, other = plain.export("VM0"), plain.export("VM1")
    one.HttpNfcLeaseProgress(1)
    with pytest.raises(Exception, match="503"):
        other.HttpNfcLeaseProgress(1)


def test_a_stalled_stream_whose_lease_ends_meanwhile_is_cut(vc: VCenter, plain: Plain) -> None:
    id = fault(vc, "stall", {"server": "H0"}, seconds=400, after=1000)
    url = plain.export().info.deviceUrl[0].url
    ended: list[BaseException] = []

    def get() -> None:
        try:
            plain.get(url)
        except urllib3.exceptions.HTTPError as error:
            ended.append(error)

    getting = threading.Thread(target=get)
    getting.start()
    vc.faults.wait_stalled(id)
    vc.clock.advance(400)
    getting.join(30)
    assert isinstance(ended[0], urllib3.exceptions.ProtocolError)


def test_an_expired_certificate_of_a_host_is_the_one_that_the_lease_tells(vc: VCenter, plain: Plain) -> None:
    fault(vc, "expired-certificate", {"server": "H0"}, times=None)
    entry = plain.export().info.deviceUrl[0]
    with pytest.raises(urllib3.exceptions.SSLError, match="expired"):
        plain.get(entry.url)
    with urllib3.PoolManager(assert_fingerprint=entry.sslThumbprint, cert_reqs="CERT_NONE", retries=False) as pinned:
        assert pinned.request("GET", entry.url).status == 200
    vc.faults.clear()
    assert vc.world.host("H0").thumbprint != entry.sslThumbprint
    assert plain.get(plain.export("VM0").info.deviceUrl[0].url).status == 200


def test_a_wrong_certificate_is_not_the_one_that_the_lease_tells(vc: VCenter, plain: Plain) -> None:
    fault(vc, "wrong-certificate", {"server": "H0"}, times=None)
    entry = plain.export().info.deviceUrl[0]
    with (
        urllib3.PoolManager(assert_fingerprint=entry.sslThumbprint, cert_reqs="CERT_NONE", retries=False) as pinned,
        pytest.raises(urllib3.exceptions.SSLError, match="Fingerprints did not match"),
    ):
        pinned.request("GET", entry.url)


def test_a_plan_from_a_file_and_what_is_wrong_with_one(tmp_path: Path) -> None:
    file = tmp_path / "faults.yaml"
    file.write_text(
        "twohop: 1\nseed: 3\nfaults:\n- match: {server: H0, nth: 1}\n  action: {kind: reset}\n"
        "- match: {method: ExportVm}\n  action: {kind: fault, args: {type: TaskInProgress}}\n"
    )
    with make(faults=file) as vc:
        assert [rule["action"]["kind"] for rule in vc.faults.report()] == ["reset", "fault"]
        assert vc.faults.seed == 3
        vc.faults.clear()
        vc.reset()
        assert len(vc.faults.report()) == 2
    file.write_text("faults: [{match: {server: H9}, action: {kind: reset}}]")
    with pytest.raises(FaultError, match="fault 1: there is no server 'H9'; there are vcenter, H0"), make(faults=file):
        pass


def test_a_standalone_host_is_one_server() -> None:
    with make("esxi-8.0") as host:
        assert host.faults.servers == ["esxi"]
        with pytest.raises(FaultError, match="there is no server 'H0'; there are esxi"):
            fault(host, "reset", {"server": "H0"})
        id = fault(host, "status", {"server": "esxi", "file": "*.vmdk"}, status=503)
        with Plain(host) as plain:
            assert plain.get(plain.export().info.deviceUrl[0].url).status == 503
        assert host.faults.count(id).struck == 1


def test_one_seed_strikes_the_same_requests_again() -> None:
    def struck(seed: int) -> list[int]:
        with make(faults={"seed": seed, "faults": [HALF]}) as vc, Plain(vc) as plain:
            url = plain.export().info.deviceUrl[0].url
            return [plain.get(url).status for _ in range(24)]

    first, again, other = struck(1), struck(1), struck(2)
    assert first == again != other and set(first) == {200, 503}


HALF = {"match": {"path": "/nfc/*", "chance": 0.5}, "action": {"kind": "status"}}
