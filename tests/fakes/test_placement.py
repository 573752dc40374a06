"""Moving machines, cloning them, templates, renaming, removing: what is where afterwards, and what is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pyVmomi import vim, vmodl

from machine_client import WORLD, Machine, clone, place
from twohop.fakes.world import Disk, ExportLease
from vcenters import make


@pytest.fixture
def m() -> Iterator[Machine]:
    with make(world=WORLD) as vc, Machine(vc) as machine:
        yield machine
        check_lists(machine)


def check_lists(m: Machine) -> None:
    """Whatever was done, each machine is on every list that it belongs to, once, and on no other."""
    world = m.vcenter.world
    for vm in world.vms():
        for holder in (vm.host, *vm.datastores(), vm.pool, *(nic.network for nic in vm.nics)):
            assert holder.vms.count(vm) == 1, (vm, holder)
        assert vm in getattr(vm.parent, "children", ()) or vm in getattr(vm.parent, "vms", ())
    for holder in (e for e in world.objects.values() if hasattr(e, "vms") and not isinstance(e, ExportLease)):
        for vm in holder.vms:
            assert world.objects.get(vm.moid) is vm, (vm, holder)
    assert len({nic.mac for vm in world.vms() for nic in vm.nics}) == len(world.vms())
    assert len({vm.uuid for vm in world.vms()} | {vm.instance_uuid for vm in world.vms()}) == 2 * len(world.vms())


def digest(disk: Disk) -> str:
    return hashlib.sha256(b"".join(piece for _, piece in disk.content.grains())).hexdigest()


def names(m: Machine, vm: Any) -> list[str]:
    return [d.backing.fileName for d in vm.config.hardware.device if isinstance(d, vim.vm.device.VirtualDisk)]


def test_a_migration_changes_host_or_pool(m: Machine) -> None:
    m.me.MigrateVM_Task(host=m.host("H1"), priority="defaultPriority", state="poweredOff")
    assert (m.me.runtime.host.name, m.me.resourcePool.owner.name) == ("H1", "C0")
    shop = m.at("DC0/vm/shop")
    m.vm("running").MigrateVM_Task(pool=shop, priority="defaultPriority")
    moved = m.at("DC0/vm/shop/running")
    assert (moved.resourcePool, moved.parentVApp, moved.parent) == (shop, shop, None)
    assert [row.startOrder for row in shop.vAppConfig.entityConfig] == [1, 2, 3, 4]
    moved.MigrateVM_Task(pool=m.host("H0").parent.resourcePool, priority="defaultPriority")
    assert (m.vm("running").parent, m.vm("running").parentVApp) == (m.at("DC0/vm"), None)


def test_a_relocation_takes_the_files_along(m: Machine) -> None:
    spec = vim.vm.RelocateSpec(datastore=m.store("Other"), transform="flat")
    spec.disk = [vim.vm.RelocateSpec.DiskLocator(diskId=2001, datastore=m.store("Main"))]
    m.me.RelocateVM_Task(spec)
    assert m.me.config.files.vmPathName == "[Other] VM0/VM0.vmx"
    assert names(m, m.me) == ["[Other] VM0/VM0-000003.vmdk", "[Main] VM0/VM0_1-000003.vmdk"]
    backing = m.device(2000).backing
    assert (backing.parent.fileName, backing.datastore, backing.thinProvisioned) == (
        "[Other] VM0/VM0-000001.vmdk", m.store("Other"), False,
    )  # fmt: skip
    s1 = m.snapshot("s1").config
    assert s1.files.vmPathName == "[Other] VM0/VM0.vmx"
    assert [d.backing.fileName for d in s1.hardware.device if isinstance(d, vim.vm.device.VirtualDisk)] == [
        "[Other] VM0/VM0.vmdk", "[Main] VM0/VM0_1.vmdk",
    ]  # fmt: skip
    assert [s.name for s in m.me.datastore] == ["Other", "Main"]
    index = m.content.searchIndex
    assert index.FindByDatastorePath(m.at("DC0"), "[Other] VM0/VM0.vmx") == m.me
    assert m.entity.nvram.file_name == "[Other] VM0/VM0.nvram"


def test_a_relocation_changes_folder_and_compute_resource(m: Machine) -> None:
    there = m.host("H2")
    m.me.RelocateVM_Task(vim.vm.RelocateSpec(host=there, pool=there.parent.resourcePool, folder=m.at("DC0/vm/dev")))
    moved = m.at("DC0/vm/dev/VM0")
    assert (moved, moved.runtime.host, moved.parent) == (m.me, there, m.at("DC0/vm/dev"))


def test_a_full_clone_is_a_machine_of_its_own(m: Machine) -> None:
    task = m.me.CloneVM_Task(**clone(m, "a%2fcopy", location={"datastore": m.store("Other")}, powerOn=True))
    copy, entity = task.info.result, m.vcenter.world.vm("a/copy")
    assert (copy.name, copy.runtime.powerState, copy.snapshot) == ("a%2fcopy", "poweredOn", None)
    assert names(m, copy) == ["[Other] a_copy/a_copy.vmdk", "[Other] a_copy/a_copy_1.vmdk"]
    assert [digest(d) for d in entity.disks] == [digest(d) for d in m.entity.disks]
    assert all(d.parents == () and d.controller in entity.controllers for d in entity.disks)
    assert entity.nvram is not None and entity.nvram.file_name == "[Other] a_copy/a_copy.nvram"
    assert (copy.config.firmware, len(entity.images), len(entity.drives)) == ("efi", 1, 1)


def test_a_linked_clone_stands_on_the_snapshot(m: Machine) -> None:
    location = {"diskMoveType": "createNewChildDiskBacking"}
    config = vim.vm.ConfigSpec(annotation="linked", numCPUs=2)
    made = m.me.CloneVM_Task(**clone(m, location=location, snapshot=m.snapshot("s1"), config=config)).info.result
    disk = next(d for d in made.config.hardware.device if d.key == 2000)
    assert (disk.backing.fileName, disk.backing.parent.fileName) == ("[Main] copy/copy.vmdk", "[Main] VM0/VM0.vmdk")
    assert (made.config.annotation, made.config.hardware.numCPU) == ("linked", 2)
    entity = m.vcenter.world.vm("copy")
    assert digest(entity.disks[0]) == digest(m.snapshot_of("s1").machine.disks[0]) != digest(m.entity.disks[0])
    made.RelocateVM_Task(vim.vm.RelocateSpec(datastore=m.store("Other")))
    assert made.config.hardware.device and m.vcenter.world.vm("copy").disks[0].parents == (), "moved whole"


def test_a_template_is_in_no_pool_and_becomes_a_machine_again(m: Machine) -> None:
    mould = m.vm("mould")
    assert (mould.config.template, mould.summary.config.template, mould.resourcePool) == (True, True, None)
    made = mould.CloneVM_Task(**clone(m, location={"pool": m.me.resourcePool})).info.result
    assert (made.config.template, made.resourcePool) == (False, m.me.resourcePool)
    as_template = m.me.CloneVM_Task(**clone(m, "another", template=True)).info.result
    assert as_template.config.template
    mould.MarkAsVirtualMachine(pool=m.host("H2").parent.resourcePool, host=m.host("H2"))
    assert (mould.config.template, mould.runtime.host.name) == (False, "H2")
    mould.PowerOnVM_Task()


def test_a_rename_leaves_the_files_alone(m: Machine) -> None:
    m.me.Rename_Task("a/b%")
    assert (m.me.name, m.entity.name, m.me.config.name) == ("a%2fb%25", "a/b%", "a/b%")
    assert m.me.config.files.vmPathName == "[Main] VM0/VM0.vmx"
    assert m.at("DC0/vm/a%2fb%25") == m.me
    m.me.Rename_Task("a%2Fb%25")
    assert m.entity.name == "a/b%", "what is escaped stays what it was"


def test_unregistering_takes_a_machine_and_its_snapshots_out(m: Machine) -> None:
    snapshot = m.snapshot("s1")
    m.me.UnregisterVM()
    assert m.at("DC0/vm/VM0") is None
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        snapshot.childSnapshot  # noqa: B018


def test_the_guest_is_asked_where_tools_run(m: Machine) -> None:
    running = m.vm("running")
    assert (running.guest.toolsRunningStatus, running.guestHeartbeatStatus) == ("guestToolsRunning", "green")
    running.RebootGuest()
    assert running.runtime.powerState == "poweredOn"
    running.ShutdownGuest()
    assert (running.runtime.powerState, running.guest.toolsStatus) == ("poweredOff", "toolsNotRunning")
    with pytest.raises(vim.fault.InvalidPowerState):
        running.ShutdownGuest()
    running.PowerOnVM_Task()
    running.StandbyGuest()
    assert running.runtime.powerState == "suspended"


def _relocate(m: Machine, **fields: Any) -> Any:
    return m.me.RelocateVM_Task(**place(**fields))


REFUSED: dict[str, tuple[Callable[[Machine], Any], Any, dict[str, Any]]] = {
    "migrate nowhere": (lambda m: m.me.MigrateVM_Task(priority="defaultPriority"),
                        vmodl.fault.InvalidArgument, {"invalidProperty": "host"}),
    "migrate to another cluster without a pool": (
        lambda m: m.me.MigrateVM_Task(host=m.host("H2"), priority="defaultPriority"),
        vmodl.fault.InvalidArgument, {"invalidProperty": "pool"}),
    "migrate to a host that is not of the pool": (
        lambda m: m.me.MigrateVM_Task(host=m.host("H2"), pool=m.me.resourcePool, priority="defaultPriority"),
        vmodl.fault.InvalidArgument, {"invalidProperty": "host"}),
    "migrate in another state": (
        lambda m: m.me.MigrateVM_Task(host=m.host("H1"), priority="defaultPriority", state="poweredOn"),
        vim.fault.InvalidPowerState, {"existingState": "poweredOff", "requestedState": "poweredOn"}),
    "migrate a template": (lambda m: m.vm("mould").MigrateVM_Task(host=m.host("H1"), priority="defaultPriority"),
                           vmodl.fault.NotSupported, {}),
    "power on a template": (lambda m: m.vm("mould").PowerOnVM_Task(), vmodl.fault.NotSupported, {}),
    "mark a template as template": (lambda m: m.vm("mould").MarkAsTemplate(), vmodl.fault.NotSupported, {}),
    "mark a machine as machine": (lambda m: m.me.MarkAsVirtualMachine(m.me.resourcePool),
                                  vmodl.fault.NotSupported, {}),
    "mark a running machine as template": (
        lambda m: m.vm("running").MarkAsTemplate(), vim.fault.InvalidPowerState,
        {"existingState": "poweredOn", "requestedState": "poweredOff"}),
    "unregister a running machine": (lambda m: m.vm("running").UnregisterVM(), vim.fault.InvalidPowerState,
                                     {"existingState": "poweredOn", "requestedState": "poweredOff"}),
    "shut down a guest without tools": (
        lambda m: (m.vm("other").PowerOnVM_Task(), m.vm("other").ShutdownGuest()), vim.fault.ToolsUnavailable, {}),
    "relocate to a datastore that the host does not see": (
        lambda m: (m.me.MigrateVM_Task(host=m.host("H1"), priority="defaultPriority"),
                   _relocate(m, datastore=m.store("Local"))),
        vim.fault.InaccessibleDatastore, {"name": "Local"}),
    "relocate a disk that is none": (
        lambda m: _relocate(m, disk=[vim.vm.RelocateSpec.DiskLocator(diskId=7, datastore=m.store("Other"))]),
        vmodl.fault.InvalidArgument, {"invalidProperty": "spec.disk[0].diskId"}),
    "relocate into a folder of no machines": (
        lambda m: _relocate(m, folder=m.at("DC0/host")), vmodl.fault.InvalidArgument, {"invalidProperty": "folder"}),
    "rename to nothing": (lambda m: m.me.Rename_Task(" "), vim.fault.InvalidName, {"name": " "}),
    "rename to something too long": (lambda m: m.me.Rename_Task("x" * 81), vim.fault.InvalidName, {"name": "x" * 81}),
    "rename to a neighbour's name": (lambda m: m.me.Rename_Task("other"), vim.fault.DuplicateName, {"name": "other"}),
    "clone under a name that is taken": (lambda m: m.me.CloneVM_Task(**clone(m, "shop")),
                                         vim.fault.DuplicateName, {"name": "shop"}),
    "clone into a folder of no machines": (
        lambda m: m.me.CloneVM_Task(**(clone(m) | {"folder": m.at("DC0/host")})),
        vmodl.fault.InvalidArgument, {"invalidProperty": "folder"}),
    "clone a template into no pool": (lambda m: m.vm("mould").CloneVM_Task(**clone(m)),
                                      vmodl.fault.InvalidArgument, {"invalidProperty": "spec.location.pool"}),
    "power a template on at once": (lambda m: m.me.CloneVM_Task(**clone(m, template=True, powerOn=True)),
                                    vmodl.fault.InvalidArgument, {"invalidProperty": "spec.powerOn"}),
    "clone another machine's snapshot": (
        lambda m: m.vm("other").CloneVM_Task(**clone(m, snapshot=m.snapshot("s1"))),
        vmodl.fault.InvalidArgument, {"invalidProperty": "spec.snapshot"}),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_done_is_refused_with_what_the_fault_must_say(what: str, m: Machine) -> None:
    act, fault, fields = REFUSED[what]
    before = [(vm.name, vm.host.name, vm.template) for vm in m.vcenter.world.vms() if vm.name != "VM0"]
    with pytest.raises(fault) as caught:
        act(m)
    assert {name: getattr(caught.value, name) for name in fields} == fields
    assert "twohop" not in caught.value.msg
    assert [(vm.name, vm.host.name, vm.template) for vm in m.vcenter.world.vms() if vm.name != "VM0"] == before
    if fault is vim.fault.DuplicateName:
        assert caught.value.object == m.at(f"DC0/vm/{fields['name']}")


GAPS: dict[str, Callable[[Machine], Any]] = {
    "customization": lambda m: m.me.CloneVM_Task(
        **clone(m, customization=vim.vm.customization.Specification(
            identity=vim.vm.customization.IdentitySettings(), globalIPSettings=vim.vm.customization.GlobalIPSettings()))
    ),
    "without a snapshot": lambda m: m.me.CloneVM_Task(
        **clone(m, location={"diskMoveType": "createNewChildDiskBacking"})),
    "with memory": lambda m: m.me.CloneVM_Task(**clone(m, memory=True)),
    "moveChildMostDiskBacking": lambda m: _relocate(m, diskMoveType="moveChildMostDiskBacking"),
    "deviceChange": lambda m: _relocate(
        m, deviceChange=[vim.vm.device.VirtualDeviceSpec(operation="edit", device=m.device(4000))]),
    "elsewhere than on its host": lambda m: m.me.PowerOnVM_Task(m.host("H1")),
}  # fmt: skip


@pytest.mark.parametrize("what", GAPS)
def test_what_the_fake_does_not_do_is_never_ignored(what: str, m: Machine) -> None:
    with pytest.raises(vmodl.fault.NotSupported, match=f"twohop does not implement .*{what}"):
        GAPS[what](m)
    assert any(what in gap for gap in m.vcenter.about()["gaps"])
    assert not m.vcenter.world.tasks()


def test_a_standalone_host_leaves_to_vcenter_what_takes_one() -> None:
    from twohop.fakes import ESXi
    from vcenters import AUTHORITY

    spec = {"datacenters": [{"hosts": ["h"], "vms": [{"name": "VM0"}]}]}
    with ESXi(world=spec, authority=AUTHORITY) as host, Machine(host) as m:
        for act in (
            lambda: m.me.MigrateVM_Task(priority="defaultPriority"), m.me.MarkAsTemplate,
            lambda: m.me.RelocateVM_Task(vim.vm.RelocateSpec()), lambda: m.me.MarkAsVirtualMachine(m.me.resourcePool),
        ):  # fmt: skip
            with pytest.raises(vmodl.fault.NotSupported, match="not supported on the object"):
                act()
        m.me.CreateSnapshot_Task("s", None, False, False)
        assert m.me.snapshot.currentSnapshot._moId == "1-snapshot-1"
