"""Finding and viewing the inventory by pyVmomi."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pyVmomi import vim, vmodl

from plain_pyvmomi import Plain
from soap_wire import Wire
from twohop.fakes import VCenter


@pytest.fixture
def me(vc: VCenter) -> Iterator[Plain]:
    with Plain(vc) as me:
        yield me


def _names(me: Plain, container: Any, kind: Any, recursive: bool = True) -> list[str]:
    view = me.content.viewManager.CreateContainerView(container, [kind], recursive)
    try:
        return sorted(found.name for found in view.view)
    finally:
        view.Destroy()


def test_a_view_holds_what_stands_below_its_container(me: Plain) -> None:
    root = me.content.rootFolder
    (datacenter,) = root.childEntity
    host = me.vm("VM1").runtime.host
    assert _names(me, root, vim.VirtualMachine) == ["VM0", "VM1", "VM2"]
    assert _names(me, root, vim.HostSystem) == ["H0", "H1"]
    assert _names(me, root, vim.VirtualMachine, recursive=False) == []
    assert _names(me, root, vim.Datacenter, recursive=False) == ["DC0"]
    assert _names(me, datacenter.vmFolder, vim.ManagedEntity) == ["VM0", "VM1", "VM2"]
    assert _names(me, host, vim.VirtualMachine) == ["VM1"]
    assert _names(me, me.vm().resourcePool, vim.VirtualMachine) == ["VM0", "VM2"]


def test_a_view_follows_the_inventory_until_it_is_destroyed(me: Plain) -> None:
    view = me.content.viewManager.CreateContainerView(me.content.rootFolder, [vim.VirtualMachine], True)
    assert len(view.view) == 3
    me.vm("VM0").Destroy_Task()
    assert [vm.name for vm in view.view] == ["VM1", "VM2"]
    view.Destroy()
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        len(view.view)


def test_a_machine_contains_nothing_to_view(me: Plain) -> None:
    with pytest.raises(vmodl.fault.InvalidArgument) as caught:
        me.content.viewManager.CreateContainerView(me.vm(), [], True)
    assert caught.value.invalidProperty == "container"


def test_the_search_index_finds_by_path_name_uuid_and_file(me: Plain) -> None:
    index, vm = me.content.searchIndex, me.vm()
    (datacenter,) = me.content.rootFolder.childEntity
    assert index.FindByInventoryPath("/DC0/vm/VM0/") == vm
    assert index.FindChild(datacenter.vmFolder, "VM0") == vm
    assert index.FindByUuid(None, vm.config.uuid.upper(), True) == vm
    assert index.FindByUuid(datacenter, vm.config.instanceUuid, True, True) == vm
    assert list(index.FindAllByUuid(None, vm.config.uuid, True)) == [vm]
    assert index.FindByDatastorePath(datacenter, vm.config.files.vmPathName) == vm
    for nothing in (
        index.FindByInventoryPath("DC0/vm/none"), index.FindByInventoryPath(""), index.FindChild(vm, "x"),
        index.FindByUuid(None, vm.config.uuid, False), index.FindByUuid(None, vm.config.instanceUuid, True),
        index.FindByDatastorePath(datacenter, "[LocalDS_0] x/x.vmx"),
    ):  # fmt: skip
        assert nothing is None


def test_power_goes_where_it_may_and_names_both_states_where_not(me: Plain) -> None:
    vm = me.vm()
    with pytest.raises(vim.fault.InvalidPowerState) as caught:
        vm.PowerOffVM_Task()
    assert (caught.value.existingState, caught.value.requestedState) == ("poweredOff", "poweredOn")
    for act, after in (
        (vm.PowerOnVM_Task, "poweredOn"), (vm.ResetVM_Task, "poweredOn"), (vm.SuspendVM_Task, "suspended"),
        (vm.PowerOnVM_Task, "poweredOn"), (vm.PowerOffVM_Task, "poweredOff"),
    ):  # fmt: skip
        task = act()
        assert (task.info.state, task.info.entity, vm.runtime.powerState) == ("success", vm, after)
    assert len(vm.recentTask) == 5


def test_about_says_which_api_is_spoken(vc: VCenter, me: Plain) -> None:
    assert vc.about()["api_version"] == me.content.about.apiVersion


def test_hosts_are_found_by_name_and_machines_without_tools_are_not(user: Wire) -> None:
    index = ("SearchIndex", "SearchIndex")
    host = user.moid("Host", "H0")
    for method, name in (("FindByDnsName", "dnsName"), ("FindAllByDnsName", "dnsName"), ("FindByIp", "ip")):
        found = user.call(method, *index, f"<{name}>h0</{name}><vmSearch>false</vmSearch>")
        assert found.texts("returnval") == [host]
        nobody = user.call(method, *index, f"<{name}>VM0</{name}><vmSearch>true</vmSearch>")
        assert (nobody.fault, nobody.texts("returnval")) == (None, [])
