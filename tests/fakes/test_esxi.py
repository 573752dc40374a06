"""A standalone ESXi host: hostd's ids, one port for API and files, and what it refuses otherwise than a vCenter."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from lxml import etree
from pyVmomi import vim, vmodl

from plain_pyvmomi import Plain
from soap_wire import SOAP, Wire, objects, props
from twohop.contracts.clauses import Verdict
from twohop.contracts.drift import read_cassette
from twohop.contracts.drivers import TOUR, replay
from twohop.contracts.targets import FakeTarget
from twohop.exporter import VCenterAddress, export_vm
from twohop.fakes import ESXi, VCenter, WorldFileError, default_spec
from twohop.runtime import thumbprint_of
from twohop.runtime.profiles import ProfileError, known_profiles, load_profile
from vcenters import make, small_world

ROOT = Path(os.environ.get("TWOHOP_RECORDINGS", Path(__file__).parents[3] / "shared" / "recordings")) / "vsphere"
GENUINE = ROOT / "pyvmomi/2017-02-13_67f9276d61/test_context_connection.yaml"
HOSTS = [name for name in known_profiles() if name.startswith("esxi-")]


@pytest.fixture(scope="module")
def _shared() -> Iterator[ESXi]:
    with make("esxi-8.0") as host:
        yield host


@pytest.fixture
def host(_shared: ESXi) -> ESXi:
    """A host in its seed state: VM0, id 1, is off, VM1, id 2, is on."""
    _shared.reset()
    return _shared


@pytest.fixture
def me(host: ESXi) -> Iterator[Plain]:
    with Plain(host) as me:
        yield me


def there(host: ESXi, url: str) -> str:
    """A device URL with the server that we are connected to in place of the star (4.5)."""
    return url.replace("*", urlsplit(host.url).netloc)


def fault_of(act: Any) -> str:
    try:
        act()
    except vmodl.MethodFault as fault:
        return type(fault).__name__.rpartition(".")[2]
    return "none"


def exports(vm: Any) -> list[tuple[str, bool]]:
    """State and `cancelled` of a machine's exports, newest first."""
    infos = (task.info for task in vm.recentTask)
    return [(i.state, i.cancelled) for i in infos if i.descriptionId == "VirtualMachine.exportVm"]


def test_service_content_is_that_of_a_genuine_host_to_the_byte() -> None:
    if not GENUINE.exists():
        pytest.skip(f"no recording {GENUINE}: set TWOHOP_RECORDINGS to the directory that has vsphere/")
    theirs = next(e.answer.body for e in read_cassette(GENUINE).exchanges if "RetrieveServiceContent" in e.request.body)
    with make("esxi-6.0") as host, Wire(host, "4.1") as wire:
        ours = wire.content()
    (real,) = etree.fromstring(theirs.encode()).find(f"{{{SOAP}}}Body")[0]
    (mine,) = ours.body
    assert [(e.tag, dict(e.attrib), e.text) for e in mine.iter()] == [
        (e.tag, dict(e.attrib), e.text) for e in real.iter()
    ]
    assert len(ours.data) == len(theirs.encode())


@pytest.mark.parametrize("profile", HOSTS)
def test_what_only_a_vcenter_has_is_absent(profile: str) -> None:
    with make(profile) as host, Wire(host) as wire:
        content = wire.content()
        names = {etree.QName(e).localname for e in content.body[0]}
        assert not names & {
            "extensionManager",
            "customFieldsManager",
            "alarmManager",
            "ipPoolManager",
            "serviceManager",
        }
        assert content.texts("apiType") == ["HostAgent"] and content.texts("instanceUuid") == []
        assert content.texts("version") == [host.profile.text("about_version")]
        assert wire.try_login("administrator@vsphere.local").fault == "InvalidLogin"
        assert wire.try_login("root").fault is None
        # A manager that the host does not have cannot be called by the id that a vCenter's has.
        wire.login()
        assert wire.fetch("ExtensionManager", "ExtensionManager", "extensionList").fault == "ManagedObjectNotFound"


def test_the_inventory_has_the_ids_that_hostd_gives(me: Plain) -> None:
    root = me.content.rootFolder
    (datacenter,) = root.childEntity
    assert (root._GetMoId(), root.name) == ("ha-folder-root", "ha-folder-root")
    assert (datacenter._GetMoId(), datacenter.name) == ("ha-datacenter", "ha-datacenter")
    folders = {kind: getattr(datacenter, f"{kind}Folder") for kind in ("vm", "host", "datastore", "network")}
    assert {kind: (f._GetMoId(), f.name) for kind, f in folders.items()} == {
        kind: (f"ha-folder-{kind}", kind) for kind in folders
    }
    (compute,) = folders["host"].childEntity
    assert type(compute) is vim.ComputeResource
    assert (compute._GetMoId(), compute.resourcePool._GetMoId()) == ("ha-compute-res", "ha-root-pool")
    assert [h._GetMoId() for h in compute.host] == ["ha-host"] and compute.name == compute.host[0].name == "H0"
    assert (compute.summary.numHosts, compute.host[0].summary.managementServerIp) == (1, None)
    assert [n._GetMoId() for n in datacenter.network] == ["HaNetwork-VM Network"]
    (store,) = datacenter.datastore
    assert store.summary.url == f"ds:///vmfs/volumes/{store._GetMoId()}/"
    assert [len(part) for part in store._GetMoId().split("-")] == [8, 8, 4, 12]
    assert [(vm._GetMoId(), vm.name) for vm in folders["vm"].childEntity] == [("1", "VM0"), ("2", "VM1")]
    assert me.content.searchIndex.FindByInventoryPath("ha-datacenter/vm/VM0")._GetMoId() == "1"
    assert me.content.searchIndex.FindByInventoryPath("DC0/vm/VM0") is None
    view = me.content.viewManager.CreateContainerView(root, [vim.VirtualMachine, vim.HostSystem], True)
    assert {o._GetMoId() for o in view.view} == {"1", "2", "ha-host"}


def test_pages_of_properties_need_a_session_here_too(host: ESXi) -> None:
    spec = props("VirtualMachine", "name") + "".join(objects("VirtualMachine", n) for n in "12")
    with Wire(host) as wire:
        assert wire.retrieve(spec, maximum=1).fault == "NotAuthenticated"
        page = wire.login().retrieve(spec, maximum=1)
        (token,) = page.texts("token")
        rest = wire.call("ContinueRetrievePropertiesEx", "PropertyCollector", wire.collector, f"<token>{token}</token>")
        assert [*page.texts("val"), *rest.texts("val")] == ["VM0", "VM1"]


@pytest.mark.parametrize("profile", HOSTS)
def test_the_story_of_a_lease(profile: str) -> None:
    with make(profile) as host, Plain(host) as me:
        vm = me.vm()
        before = list(vm.disabledMethod)
        lease = vm.ExportVm()
        assert len(lease._GetMoId()) == 81
        assert lease.state == "ready", "ready at the first look (1.12)"
        (device,) = lease.info.deviceUrl
        parts = urlsplit(device.url)
        assert (parts.scheme, parts.netloc) == ("https", "*") and parts.path.startswith("/ha-nfc/52")
        assert (device.key, device.disk) == ("/1/ParaVirtualSCSIController0:0", True)
        assert device.sslThumbprint == ("" if profile == "esxi-5.5" else host.thumbprint)
        assert 30 <= lease.info.leaseTimeout <= 3600
        (task,) = vm.recentTask
        assert task._GetMoId() == "haTask-1-vim.VirtualMachine.exportVm-100"
        assert (task.info.state, task.info.cancelable) == ("running", True)
        assert fault_of(vm.PowerOn) == fault_of(vm.ExportVm) == "TaskInProgress"
        assert "PowerOnVM_Task" in vm.disabledMethod and "PowerOnVM_Task" not in before
        answer = me.get(there(host, device.url))
        (entry,) = lease.HttpNfcLeaseGetManifest()
        assert (answer.status, entry.size, entry.key) == (200, len(answer.data), device.key)
        lease.HttpNfcLeaseComplete()
        assert me.get(there(host, device.url)).status == 404
        assert (task.info.state, list(vm.disabledMethod)) == ("success", before)
        assert vm.PowerOn().info.state == "success"


def test_renewals_and_silence(host: ESXi, me: Plain) -> None:
    vm = me.vm()
    lease = vm.ExportVm()
    for _ in range(2):
        host.clock.advance(290)
        lease.HttpNfcLeaseProgress(0)
    assert lease.state == "ready"
    host.clock.advance(300)
    assert (lease.state, type(lease.error)) == ("error", vim.fault.Timedout)
    assert exports(vm) == [("error", False)]
    assert vm.PowerOn().info.state == "success"


def test_one_port_and_one_certificate_serve_the_api_and_the_files(host: ESXi, me: Plain) -> None:
    lease = me.export()
    url = there(host, lease.info.deviceUrl[0].url)
    assert url.startswith(host.url) and next(iter(host.hosts.values())).url == host.url
    assert host.thumbprint == host.world.hosts()[0].thumbprint == lease.info.deviceUrl[0].sslThumbprint
    answer = me.pool.request("GET", url, preload_content=False)
    assert thumbprint_of(answer.connection.sock.getpeercert(binary_form=True)) == host.thumbprint
    answer.close()
    # A vCenter's path is nothing here, and the endpoint takes no other method.
    assert me.get(url.replace("/ha-nfc/", "/nfc/")).status == 404
    assert me.pool.request("POST", url, body=b"").status == 405
    with make() as vc, Plain(vc) as other:
        theirs = other.export().info.deviceUrl[0].url
        assert other.get(theirs.replace("/nfc/", "/ha-nfc/")).status == 404


def test_a_machine_that_is_on_is_refused_and_each_try_leaves_a_task(host: ESXi, me: Plain) -> None:
    vm = me.vm("VM1")
    before = list(vm.disabledMethod)
    said = [fault_of(vm.ExportVm) for _ in range(3)]
    assert said == ["InvalidState", "TaskInProgress", "TaskInProgress"]
    assert exports(vm) == [("running", False)] * 3
    with pytest.raises(vim.fault.TaskInProgress) as refused:
        vm.ExportVm()
    assert refused.value.task.info.entity == vm
    # They hold no lease: nothing times out, and the machine is not locked.
    host.clock.advance(4000)
    me.content.sessionManager.Login(host.user, host.password)
    assert {state for state, _ in exports(vm)} == {"running"}
    assert list(vm.disabledMethod) == before and vm.PowerOff().info.state == "success"
    # Off it is still busy with them, until a user cancels them all (2.17, 9.3).
    assert fault_of(vm.ExportVm) == "TaskInProgress"
    for task in vm.recentTask:
        if task.info.state == "running":
            task.CancelTask()
    assert set(exports(vm)) == {("error", True)}
    assert {type(t.info.error) for t in vm.recentTask if t.info.state == "error"} == {vmodl.fault.RequestCanceled}
    assert vm.ExportVm().state == "ready"


def test_the_free_licence_is_judged_before_the_power_state() -> None:
    profile = load_profile("esxi-8.0", {"license": "free"})
    with make(profile) as host, Plain(host) as me:
        for name in ("VM0", "VM1"):
            vm = me.vm(name)
            with pytest.raises(vim.fault.RestrictedVersion):
                vm.ExportVm()
            assert exports(vm) == [] and vm.runtime.powerState in ("poweredOff", "poweredOn")
        (licence,) = me.content.licenseManager.licenses
        assert licence.editionKey.startswith("esx.hypervisor")


def test_a_logout_leaves_task_and_lock_until_the_timeout(host: ESXi, me: Plain) -> None:
    with Plain(host) as other:
        url = there(host, other.export().info.deviceUrl[0].url)
    vm = me.vm()
    host.clock.advance(299)
    assert exports(vm) == [("running", False)] and fault_of(vm.PowerOn) == "TaskInProgress"
    assert me.get(url).status == 200
    host.clock.advance(1)
    assert exports(vm) == [("error", False)] and me.get(url).status == 404
    assert vm.PowerOn().info.state == "success"


@pytest.mark.parametrize("form", ["*", "*:port", "address"])
@pytest.mark.parametrize("pinned", [False, True])
def test_the_exporter_takes_every_form_of_device_url(tmp_path: Path, form: str, pinned: bool) -> None:
    with make(load_profile("esxi-8.0", {"device_url_host": form})) as host:
        trust: dict[str, Any] = {"thumbprint": host.thumbprint} if pinned else {"ca_file": host.ca_file}
        export = export_vm(VCenterAddress(host.url, host.user, host.password, **trust), "VM0", tmp_path / "package")
        (disk,) = [file for file in export.files if file.name.endswith(".vmdk")]
        assert (tmp_path / "package" / disk.name).stat().st_size == disk.size > 0
        assert [task.value.state.value for task in host.world.tasks()] == ["success"]


def test_a_host_that_gives_no_thumbprint_is_exported_from(tmp_path: Path) -> None:
    with make("esxi-5.5") as host:
        address = VCenterAddress(host.url, host.user, host.password, host.ca_file)
        assert export_vm(address, "VM0", tmp_path / "package").files


HOST = {"hosts": ["H0"]}


@pytest.mark.parametrize(
    ("world", "said"),
    [
        (default_spec(1, 1), "stands in no cluster"),
        ({"datacenters": [{"hosts": ["H0", "H1"]}]}, "is one host; 'hosts' has 2"),
        ({"datacenters": [{"hosts": []}]}, "is one host; 'hosts' has 0"),
        ({"datacenters": [HOST, {"hosts": ["H1"]}]}, "has one datacenter; got 2"),
        ({"datacenters": [{**HOST, "vapps": [{"name": "a"}]}]}, "has no vapps"),
        ({"datacenters": [{**HOST, "folders": [{"name": "a"}]}]}, "has no folders"),
    ],
)
def test_a_world_of_more_than_one_host_is_refused(world: dict[str, Any], said: str) -> None:
    with pytest.raises(WorldFileError, match=said):
        ESXi(world=world)


def test_a_world_file_may_name_the_profile_of_a_host(tmp_path: Path) -> None:
    path = tmp_path / "world.yaml"
    path.write_text("twohop: 1\nprofile: esxi-7.0\ndatacenters:\n  - {hosts: [H0], vms: [{name: only}]}\n")
    with ESXi(world=path) as host:
        assert (host.profile.name, [vm.name for vm in host.world.vms()]) == ("esxi-7.0", ["only"])
    with pytest.raises(ProfileError, match="a vCenter takes a profile of product vcenter"):
        VCenter(world=path)
    with pytest.raises(ProfileError, match=r"an ESXi host takes a profile of product esxi.*got vcenter-8\.0"):
        ESXi(profile="vcenter-8.0")


def test_a_version_that_nobody_listed_takes_the_nearest() -> None:
    profile = load_profile("esxi-7.5")
    assert profile.name == "esxi-7.0" and "esxi 7.5 is not listed" in str(profile.note)


def test_the_default_world_is_that_of_a_vcenter_on_one_host() -> None:
    with ESXi(vms=3) as host, VCenter(vms=3) as vc:
        mine, theirs = ([(vm.name, vm.power, vm.disks[0].capacity) for vm in s.world.vms()] for s in (host, vc))
        assert mine == theirs
        assert [h.name for h in host.world.hosts()] == ["DC0_C0_H0"]


def test_the_seed_decides_ids_and_reset_brings_them_back() -> None:
    def ids(host: Any) -> list[str]:
        return list(host.world.objects)

    world = small_world()
    world["datacenters"][0]["vms"][0]["snapshots"] = [{"name": "before"}]
    with make("esxi-8.0", world=world, seed=1) as one, make("esxi-8.0", world=world, seed=1) as same:
        assert ids(one) == ids(same) and "1-snapshot-1" in ids(one)
        before = ids(one)
        with Plain(one) as me:
            me.export()
        one.reset()
        assert ids(one) == before
    with make("esxi-8.0", world=world, seed=2) as other:
        assert ids(other) != before


def test_the_contract_is_kept_by_a_host() -> None:
    with FakeTarget("esxi-8.0") as target:
        report = replay(target, TOUR)
        broken = {v.clause.id: v.verdict for v in report.verdicts if v.verdict is Verdict.BROKEN}
        assert broken == {} and list(target.declared) == ["esxi"]


class Exports(RuleBasedStateMachine):
    """Calls on one machine in any order, against a model of what runs and who holds it."""

    host: ESXi
    me: Plain

    def __init__(self) -> None:
        super().__init__()
        self.host.reset()
        self.me.content.sessionManager.Login(self.host.user, self.host.password)
        self.vm = self.me.vm()
        self.on = False
        self.lease: Any = None
        self.strays: list[Any] = []

    @rule()
    def export(self) -> None:
        busy = bool(self.strays or self.lease)
        try:
            self.lease = self.vm.ExportVm()
            assert not self.on and not busy
        except vim.fault.InvalidState as fault:
            assert self.on and (isinstance(fault, vim.fault.TaskInProgress) == busy)
            self.strays.append(self.vm.recentTask[0])
        except vim.fault.TaskInProgress:
            assert busy
            if self.on:
                self.strays.append(self.vm.recentTask[0])

    @rule()
    def switch(self) -> None:
        act = self.vm.PowerOff if self.on else self.vm.PowerOn
        if self.lease:
            assert fault_of(act) == "TaskInProgress"
        else:
            act()
            self.on = not self.on

    @precondition(lambda self: self.strays)
    @rule(data=st.data())
    def cancel(self, data: Any) -> None:
        task = data.draw(st.sampled_from(self.strays))
        task.CancelTask()
        self.strays.remove(task)
        assert (task.info.state, task.info.cancelled) == ("error", True)
        assert fault_of(task.CancelTask) == "InvalidState"

    @precondition(lambda self: self.lease)
    @rule(how=st.sampled_from(["Complete", "Abort"]))
    def end(self, how: str) -> None:
        getattr(self.lease, f"HttpNfcLease{how}")()
        self.lease = None

    @invariant()
    def what_runs_is_what_the_model_says(self) -> None:
        running = [t for t in self.host.world.tasks() if t.value.state.value == "running"]
        assert len(running) == len(self.strays) + bool(self.lease)
        assert bool(self.host.world.vm("VM0").leases) == bool(self.lease)


def test_exports_in_any_order(host: ESXi, me: Plain) -> None:
    machine = type("Bound", (Exports,), {"host": host, "me": me})
    machine.TestCase.settings = settings(
        max_examples=20, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
    )
    machine.TestCase().runTest()
