"""What a reference may call an object, and what else a lenient fake would let pass."""

from __future__ import annotations

import pytest
from pyVmomi import vim, vmodl
from pyVmomi.VmomiSupport import ManagedObject

from plain_pyvmomi import Plain
from vcenters import make, small_world


@pytest.mark.parametrize("kind", [vim.VirtualMachine, vim.ManagedEntity, ManagedObject], ids=lambda k: k.__name__)
def test_a_super_class_is_taken_for_the_type(kind: type) -> None:
    with make() as vc, Plain(vc) as me:
        vm = me.vm()
        stub = vm._stub
        assert stub.InvokeAccessor(kind(vm._moId, stub), vim.VirtualMachine._GetPropertyInfo("name")) == "VM0"


@pytest.mark.parametrize("kind", [vim.HostSystem, vim.Task, vim.SessionManager], ids=lambda k: k.__name__)
def test_another_type_is_not(kind: type) -> None:
    with make() as vc, Plain(vc) as me:
        vm = me.vm()
        stub = vm._stub
        with pytest.raises(vmodl.fault.ManagedObjectNotFound):
            stub.InvokeAccessor(kind(vm._moId, stub), vim.VirtualMachine._GetPropertyInfo("name"))


@pytest.mark.parametrize(("name", "travels"), [("a/b", "a%2fb"), ("100%", "100%25"), ("c\\d", "c%5cd")])
def test_a_path_names_what_the_name_property_shows(name: str, travels: str) -> None:
    world = small_world()
    world["datacenters"][0]["vms"][0]["name"] = name
    with make(world=world) as vc, Plain(vc) as me:
        index = me.content.searchIndex
        found = index.FindByInventoryPath(f"DC0/vm/{travels}")
        assert found is not None and found.name == travels
        assert index.FindByInventoryPath(f"DC0/vm/{name}") is None
        assert index.FindChild(found.parent, travels) == found


def test_a_descriptor_of_files_that_fit_no_disk_has_no_disk() -> None:
    with make() as vc, Plain(vc) as me:
        files = [vim.OvfManager.OvfFile(deviceId="/nope", path="x.vmdk", size=5)]
        params = vim.OvfManager.CreateDescriptorParams(ovfFiles=files)
        text = me.content.ovfManager.CreateDescriptor(me.vm(), params).ovfDescriptor
        assert "x.vmdk" not in text and "DiskSection" not in text and "VirtualSystem" in text
