"""vApps: what they are, and that they start, stop and go as one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pyVmomi import vim, vmodl

from machine_client import WORLD, Machine
from plain_pyvmomi import Plain
from twohop.fakes.world import Vm
from twohop.runtime.profiles import load_profile
from vcenters import SMALL, make


@pytest.fixture
def m() -> Iterator[Machine]:
    with make(world=WORLD) as vc, Machine(vc) as machine:
        yield machine


def powers(m: Machine) -> list[str]:
    return [m.at(f"DC0/vm/shop/{name}").runtime.powerState for name in ("front", "back", "store/db")]


def test_a_vapp_is_a_pool_and_stands_among_the_machines(m: Machine) -> None:
    shop, store = m.at("DC0/vm/shop"), m.at("DC0/vm/shop/store")
    front = m.at("DC0/vm/shop/front")
    assert shop in m.at("DC0/vm").childEntity and front not in m.at("DC0/vm").childEntity
    assert (shop.parentFolder, shop.parentVApp, shop.parent) == (
        m.at("DC0/vm"),
        None,
        front.runtime.host.parent.resourcePool,
    )
    assert (store.parentFolder, store.parentVApp, store.parent) == (None, shop, shop)
    assert (list(shop.vm), list(shop.resourcePool)) == ([front, m.at("DC0/vm/shop/back")], [store])
    assert (front.parent, front.parentVApp, front.resourcePool) == (None, shop, shop)
    assert [(row.tag, row.startOrder) for row in shop.vAppConfig.entityConfig] == [
        ("back", 1), ("front", 2), ("store", 3),
    ]  # fmt: skip
    assert (shop.summary.vAppState, shop.summary.suspended) == ("stopped", False)
    assert [s.name for s in shop.datastore] == ["Main"] and [n.name for n in shop.network] == ["VM Network"]
    view = m.content.viewManager.CreateContainerView(m.content.rootFolder, [vim.VirtualApp], True)
    assert {vapp.name for vapp in view.view} == {"shop", "store"}
    below = m.content.viewManager.CreateContainerView(shop, [vim.VirtualMachine], True)
    assert {vm.name for vm in below.view} == {"front", "back", "db"}


def test_its_machines_start_in_order_and_stop_the_other_way_round(m: Machine) -> None:
    shop, order = m.at("DC0/vm/shop"), list[str]()
    m.vcenter.world.listen(
        lambda revision, made: order.extend(
            c.entity.name for c in made if c.path == "power" and isinstance(c.entity, Vm)
        )
    )
    assert shop.PowerOnVApp_Task().info.state == "success"
    assert (powers(m), shop.summary.vAppState) == (["poweredOn"] * 3, "started")
    with pytest.raises(vim.fault.InvalidState):
        shop.PowerOnVApp_Task()
    shop.SuspendVApp_Task()
    assert (powers(m), shop.summary.suspended) == (["suspended"] * 3, True)
    with pytest.raises(vim.fault.InvalidState):
        shop.SuspendVApp_Task()
    shop.PowerOnVApp_Task()
    shop.PowerOffVApp_Task(force=True)
    powered = [e.event for e in m.vcenter._service.history.events if type(e.event) is vim.event.VmPoweredOnEvent]
    assert len(powered) == 6 and {e.userName for e in powered} == {m.content.sessionManager.currentSession.userName}
    assert order[:3] == ["back", "front", "db"] and order[-3:] == ["db", "front", "back"]
    with pytest.raises(vim.fault.InvalidState):
        shop.PowerOffVApp_Task(force=False)


def test_a_vapp_goes_with_all_that_is_in_it(m: Machine) -> None:
    shop, store = m.at("DC0/vm/shop"), m.at("DC0/vm/shop/store")
    m.at("DC0/vm/shop/store/db").PowerOnVM_Task()
    with pytest.raises(vim.fault.InvalidState):
        shop.Destroy_Task()
    m.at("DC0/vm/shop/store/db").PowerOffVM_Task()
    store.Destroy_Task()
    assert [row.tag for row in shop.vAppConfig.entityConfig] == ["back", "front"]
    pool = shop.parent
    shop.Destroy_Task()
    assert m.at("DC0/vm/shop") is None and list(pool.resourcePool) == []
    assert {vm.name for vm in m.vcenter.world.vms()} == {"other", "VM0", "running", "mould"}
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        store.name  # noqa: B018


def test_a_vapp_is_renamed_among_its_neighbours(m: Machine) -> None:
    m.at("DC0/vm/shop/store").Rename_Task("depot")
    assert m.at("DC0/vm/shop/depot/db") is not None
    with pytest.raises(vim.fault.DuplicateName) as caught:
        m.at("DC0/vm/shop").Rename_Task("VM0")
    assert caught.value.object == m.me
    with pytest.raises(vim.fault.DuplicateName):
        m.at("DC0/vm/shop/depot").Rename_Task("front")


OPERATIONS: dict[str, dict[str, Any]] = {
    "PowerOnVApp_Task": {}, "PowerOffVApp_Task": {"force": True}, "SuspendVApp_Task": {}, "Destroy_Task": {},
    "Rename_Task": {"newName": "new"},
}  # fmt: skip


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_lease_on_a_machine_in_it_holds_the_vapp(name: str, m: Machine) -> None:
    lease = m.at("DC0/vm/shop/store/db").ExportVm()
    before = len(m.vcenter.world.tasks())
    with pytest.raises(vim.fault.TaskInProgress):
        getattr(m.at("DC0/vm/shop"), name)(**OPERATIONS[name])
    assert len(m.vcenter.world.tasks()) == before
    lease.HttpNfcLeaseAbort()
    if name in ("PowerOffVApp_Task", "SuspendVApp_Task"):
        m.at("DC0/vm/shop").PowerOnVApp_Task()
    assert getattr(m.at("DC0/vm/shop"), name)(**OPERATIONS[name]).info.state == "success"


def test_a_vapp_whose_destroy_waits_goes_when_every_lease_has_ended() -> None:
    with make(world=WORLD, profile=load_profile("vcenter-8.0").but(locked_destroy="waits")) as vc, Machine(vc) as m:
        leases = [m.at(f"DC0/vm/shop/{name}").ExportVm() for name in ("front", "store/db")]
        task = m.at("DC0/vm/shop").Destroy_Task()
        leases[0].HttpNfcLeaseAbort()
        assert (task.info.state, m.at("DC0/vm/shop") is None) == ("queued", False)
        leases[1].HttpNfcLeaseAbort()
        assert (task.info.state, m.at("DC0/vm/shop") is None) == ("success", True)


def test_a_vapp_without_machines_is_busy_while_the_lease_of_the_one_above_holds_it() -> None:
    vapps = [{"name": "above", "vms": [{"name": "a", "disks": [SMALL]}], "vapps": [{"name": "empty", "vms": []}]}]
    world = {"datacenters": [{"name": "DC0", "hosts": ["H0"], "vapps": vapps}]}
    with (
        make(world=world, profile=load_profile("vcenter-8.0").but(second_export="TaskInProgress")) as vc,
        Plain(vc) as me,
    ):
        above, empty = me.vapp("above"), me.vapp("empty")
        lease = me.ready(above.ExportVApp())
        for vapp in (above, empty):
            with pytest.raises(vim.fault.TaskInProgress) as busy:
                vapp.ExportVApp()
            assert [busy.value.task] == list(above.recentTask)
        lease.HttpNfcLeaseAbort()
        assert me.ready(empty.ExportVApp()).info.deviceUrl == []
