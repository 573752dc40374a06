"""Operations on machines: carried out on a free one, refused while a lease holds it, carried out once it has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from pyVmomi import vim, vmodl

from machine_client import WORLD, Machine, clone, edit, place
from twohop.runtime.profiles import load_profile
from vcenters import make

Make = Callable[["Machine"], dict[str, Any]]


@pytest.fixture
def free() -> Iterator[Machine]:
    with make(world=WORLD) as vc, Machine(vc) as machine:
        yield machine


@dataclass(frozen=True)
class Operation:
    """A method, its arguments, and what is true afterwards and was not before."""

    name: str
    done: Callable[[Machine], bool]
    arguments: Make = field(default=lambda m: {})
    on: Callable[[Machine], Any] = field(default=lambda m: m.me)
    label: str = ""
    vm: str = "VM0"

    def call(self, m: Machine) -> Any:
        arguments = self.arguments(m)
        return getattr(self.on(m), self.name)(**arguments)

    def __str__(self) -> str:
        return self.label or self.name


def gone(m: Machine) -> bool:
    return m.me._moId not in m.vcenter.world.objects


def names_of_snapshots(m: Machine) -> list[str]:
    return [s.name for s in m.entity.all_snapshots()]


MEMORY = {"name": "s", "memory": False, "quiesce": False}
OPERATIONS = [
    Operation("PowerOnVM_Task", lambda m: m.me.runtime.powerState == "poweredOn"),
    Operation("Destroy_Task", gone),
    Operation("UnregisterVM", gone),
    Operation("Rename_Task", lambda m: m.me.name == "new", lambda m: {"newName": "new"}),
    Operation("MarkAsTemplate", lambda m: bool(m.me.config.template)),
    Operation("MigrateVM_Task", lambda m: m.me.runtime.host.name == "H1",
              lambda m: {"host": m.host("H1"), "priority": "defaultPriority"}),
    Operation("RelocateVM_Task", lambda m: [s.name for s in m.me.datastore] == ["Other", "Main"],
              lambda m: place(datastore=m.store("Other"))),
    Operation("ReconfigVM_Task", lambda m: m.me.config.annotation == "noted",
              lambda m: {"spec": vim.vm.ConfigSpec(annotation="noted")}),
    Operation("ReconfigVM_Task", lambda m: len(m.entity.disks) == 1, lambda m: edit("remove", m.device(2000)),
              label="ReconfigVM_Task, a disk removed"),
    Operation("CreateSnapshot_Task", lambda m: "s" in names_of_snapshots(m), lambda m: MEMORY),
    Operation("CreateSnapshotEx_Task", lambda m: "s" in names_of_snapshots(m),
              lambda m: {"name": "s", "memory": False}),
    Operation("RemoveSnapshot_Task", lambda m: names_of_snapshots(m) == ["s1", "s3"],
              lambda m: {"removeChildren": False}, lambda m: m.snapshot("s2")),
    Operation("RenameSnapshot", lambda m: "first" in names_of_snapshots(m), lambda m: {"name": "first"},
              lambda m: m.snapshot("s1")),
    Operation("RevertToSnapshot_Task", lambda m: m.entity.current_snapshot.name == "s1", on=lambda m: m.snapshot("s1")),
    Operation("RemoveAllSnapshots_Task", lambda m: not names_of_snapshots(m)),
    Operation("RevertToCurrentSnapshot_Task", lambda m: "000003" not in m.entity.disks[0].file_name),
    Operation("CloneVM_Task", lambda m: m.at("DC0/vm/copy") is not None, clone),
]  # fmt: skip
MORE: dict[str, Make] = {
    "AttachDisk_Task": lambda m: {"diskId": vim.vslm.ID(id="x"), "datastore": m.store("Main")},
    "CustomizeVM_Task": lambda m: {
        "spec": vim.vm.customization.Specification(
            identity=vim.vm.customization.IdentitySettings(),
            globalIPSettings=vim.vm.customization.GlobalIPSettings(),
        )
    },
    "DetachDisk_Task": lambda m: {"diskId": vim.vslm.ID(id="x")},
    "MarkAsVirtualMachine": lambda m: {"pool": m.me.resourcePool},
    "PromoteDisks_Task": lambda m: {"unlink": True},
}
ENDS: dict[str, Callable[[Machine, Any], None]] = {
    "complete": lambda m, lease: m.ready(lease).HttpNfcLeaseComplete(),
    "abort": lambda m, lease: lease.HttpNfcLeaseAbort(),
    "timeout": lambda m, lease: m.vcenter.clock.advance(300),
}


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_an_operation_is_carried_out_on_a_free_machine(operation: Operation, free: Machine) -> None:
    assert not operation.done(free)
    task = operation.call(free)
    if task is not None:
        assert (task.info.state, task.info.error) == ("success", None)
    assert operation.done(free)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_it_is_refused_while_leased_and_carried_out_afterwards(operation: Operation, end: str, free: Machine) -> None:
    lease = free.me.ExportVm()
    before = len(free.vcenter.world.tasks())
    with pytest.raises(vim.fault.TaskInProgress) as locked:
        operation.call(free)
    assert locked.value.task.info.descriptionId == "VirtualMachine.exportVm"
    assert not operation.done(free)
    assert len(free.vcenter.world.tasks()) == before, "what is refused leaves no task"
    ENDS[end](free, lease)
    operation.call(free)
    assert operation.done(free)


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_it_is_refused_with_the_other_fault_where_the_profile_says(operation: Operation) -> None:
    profile = load_profile("vcenter-8.0").but(locked_fault="InvalidState", locked_destroy="InvalidState")
    with make(world=WORLD, profile=profile) as vc, Machine(vc) as m:
        m.export()
        with pytest.raises(vim.fault.InvalidState):
            operation.call(m)


def test_every_locked_method_is_listed_as_disabled_and_no_other() -> None:
    profile = load_profile("vcenter-8.0").but(blocked_methods="listed")
    with make(world=WORLD, profile=profile) as vc, Machine(vc) as m:
        methods = {o.name for o in OPERATIONS if o.on(m) == m.me}
        by_power = set(m.me.disabledMethod)
        lease = m.export()
        listed = set(m.me.disabledMethod)
        assert by_power < listed and methods <= listed
        for name in listed - by_power - methods:
            with pytest.raises(vim.fault.TaskInProgress):
                getattr(m.me, name)(**MORE.get(name, lambda m: {})(m))
        lease.HttpNfcLeaseAbort()
        assert set(m.me.disabledMethod) == by_power


def test_an_export_of_a_snapshot_holds_its_running_machine(free: Machine) -> None:
    free.me = free.vm("running")
    lease = free.snapshot("r1").ExportSnapshot()
    for change in (free.me.PowerOffVM_Task, free.me.ShutdownGuest, free.me.RemoveAllSnapshots_Task,
                   free.snapshot("r1").RevertToSnapshot_Task):  # fmt: skip
        with pytest.raises(vim.fault.TaskInProgress) as locked:
            change()
        assert locked.value.task.info.descriptionId == "vm.Snapshot.exportSnapshot"
    free.ready(lease).HttpNfcLeaseComplete()
    free.me.ShutdownGuest()
    assert free.me.runtime.powerState == "poweredOff"


@pytest.mark.parametrize("end", ENDS)
def test_an_export_of_a_vapp_holds_it_and_all_in_it(end: str, free: Machine) -> None:
    shop, inside = free.at("DC0/vm/shop"), free.at("DC0/vm/shop/store/db")
    lease = shop.ExportVApp()
    for change in (shop.PowerOnVApp_Task, shop.Destroy_Task, inside.PowerOnVM_Task, inside.Destroy_Task,
                   free.at("DC0/vm/shop/store").Destroy_Task, lambda: shop.Rename_Task("x")):  # fmt: skip
        with pytest.raises(vim.fault.TaskInProgress) as locked:
            change()
        assert locked.value.task.info.descriptionId == "VirtualApp.exportVApp"
    ENDS[end](free, lease)
    shop.PowerOnVApp_Task()
    assert inside.runtime.powerState == "poweredOn"


def test_two_leases_hold_until_the_second_has_ended(free: Machine) -> None:
    first, second = free.export(), free.export()
    first.HttpNfcLeaseComplete()
    with pytest.raises(vim.fault.TaskInProgress):
        free.me.PowerOnVM_Task()
    second.HttpNfcLeaseAbort()
    free.me.PowerOnVM_Task()


@pytest.mark.parametrize("end", ENDS)
def test_a_destroy_that_waits_goes_on_when_the_last_lease_ends(end: str) -> None:
    profile = load_profile("vcenter-8.0").but(locked_destroy="waits")
    with make(world=WORLD, profile=profile) as vc, Machine(vc) as m:
        first, second = m.export(), m.me.ExportVm()
        task = m.me.Destroy_Task()
        assert task.info.state == "queued"
        first.HttpNfcLeaseComplete()
        assert (task.info.state, gone(m)) == ("queued", False)
        ENDS[end](m, second)
        assert (task.info.state, gone(m)) == ("success", True)


def test_of_two_that_wait_the_second_finds_nothing_left() -> None:
    profile = load_profile("vcenter-8.0").but(locked_destroy="waits")
    with make(world=WORLD, profile=profile) as vc, Machine(vc) as m:
        lease = m.export()
        first, second = m.me.Destroy_Task(), m.me.Destroy_Task()
        lease.HttpNfcLeaseComplete()
        assert (first.info.state, second.info.state) == ("success", "error")
        assert isinstance(second.info.error, vmodl.fault.ManagedObjectNotFound)


GAPS = ("ConsolidateVMDisks_Task", "UpgradeVM_Task")


@pytest.mark.parametrize("name", GAPS)
def test_what_is_not_carried_out_is_refused_alike_and_named(name: str, free: Machine) -> None:
    lease = free.me.ExportVm()
    with pytest.raises(vim.fault.TaskInProgress):
        getattr(free.me, name)()
    lease.HttpNfcLeaseAbort()
    with pytest.raises(vmodl.fault.NotSupported, match="twohop does not implement"):
        getattr(free.me, name)()
    assert f"the method VirtualMachine.{name}" in free.vcenter.about()["gaps"]
