"""Views that a client puts together: lists, and opened branches of the tree."""

from __future__ import annotations

import pytest
from pyVmomi import vim, vmodl

from plain_pyvmomi import Plain
from soap_wire import Wire, objects, props, traverse
from twohop.fakes import VCenter


def test_a_list_view_holds_what_is_put_into_it(vc: VCenter) -> None:
    with Plain(vc) as me:
        first, second = me.vm("VM0"), me.vm("VM1")
        gone = vim.VirtualMachine("vm-999", me.si._stub)
        view = me.content.viewManager.CreateListView([first])
        assert view.view == [first]
        assert view.ModifyListView(add=[second, gone], remove=[first]) == [gone]
        assert view.view == [second]
        assert view.ModifyListView(remove=[first]) == [first]
        assert view.ResetListView([first, first]) == []
        assert view.view == [first]
        assert me.content.viewManager.viewList == [view]
        container = me.content.viewManager.CreateContainerView(me.content.rootFolder, [vim.VirtualMachine], True)
        copy = me.content.viewManager.CreateListViewFromView(container)
        assert copy.view == container.view
        view.ResetListViewFromView(copy)
        assert len(view.view) == 3
        first.Destroy()
        assert first not in view.view and len(view.view) == 2
        view.DestroyView()
        assert len(me.content.viewManager.viewList) == 2
        with pytest.raises(vmodl.fault.ManagedObjectNotFound):
            me.content.viewManager.CreateListView([gone])


def test_an_inventory_view_opens_and_closes_branches(vc: VCenter) -> None:
    with Plain(vc) as me:
        root = me.content.rootFolder
        view = me.content.viewManager.CreateInventoryView()
        assert view.view == [root]
        (datacenter,) = root.childEntity
        assert view.OpenInventoryViewFolder([root]) == []
        assert view.view == [root, datacenter]
        view.OpenInventoryViewFolder([datacenter])
        view.OpenInventoryViewFolder([datacenter.vmFolder])
        assert me.vm() in view.view
        gone = vim.Folder("group-x", me.si._stub)
        assert view.CloseInventoryViewFolder([root, gone]) == [gone]
        assert view.view == [root]


def test_a_wait_follows_a_list_view(user: Wire) -> None:
    (moid,) = user.call("CreateListView", "ViewManager", "ViewManager").texts("returnval")
    pc = ("PropertyCollector", "propertyCollector")
    spec = props("VirtualMachine", "name") + objects("ListView", moid, traverse("v", "ListView", "view"))
    user.call("CreateFilter", *pc, f"<spec>{spec}</spec><partialUpdates>false</partialUpdates>")
    assert user.call(
        "WaitForUpdatesEx", *pc, "<version></version><options><maxWaitSeconds>0</maxWaitSeconds></options>"
    )
    vm = f'<add type="VirtualMachine">{user.moid("Vm", "VM0")}</add>'
    assert user.call("ModifyListView", "ListView", moid, vm).fault is None
    came = user.call("WaitForUpdatesEx", *pc, "<version></version>")
    assert (came.texts("kind"), came.texts("val")) == (["enter"], ["VM0"])
    user.call("ModifyListView", "ListView", moid, vm.replace("add", "remove"))
    left = user.call("WaitForUpdatesEx", *pc, f"<version>{came.texts('version')[0]}</version>")
    assert left.texts("kind") == ["leave"]
