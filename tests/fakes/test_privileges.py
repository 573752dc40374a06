"""Users, roles and privileges: who may do what, and what becomes of the rest (2.11, 2.14)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyVmomi import vim, vmodl

from plain_pyvmomi import Plain
from soap_wire import Wire, objects, props, traverse
from twohop.fakes import VCenter
from twohop.fakes.vim._access import canonical, shown
from twohop.fakes.vim._guard import check_call
from twohop.fakes.vim._registry import known_privileges, method_named, newest_known, properties_of, version_for
from twohop.fakes.vim._service import Call
from twohop.fakes.world import WorldFileError, read_users
from twohop.runtime.profiles import load_profile
from vcenters import make, small_world

VIEWING = ["System.Anonymous", "System.Read", "System.View"]
USERS: list[dict[str, Any]] = [
    {"name": "reader@vsphere.local", "password": "r", "role": "ReadOnly"},
    {"name": "exporter@vsphere.local", "password": "e", "privileges": ["VApp.Export"]},
    {"name": "nobody", "password": "n", "role": "NoAccess"},
    {"name": "one", "password": "o", "permissions": [{"on": "DC0/vm/VM1", "role": "Admin"}]},
    {
        "name": "blind",
        "password": "b",
        "role": "Admin",
        "permissions": [{"on": "DC0/vm/VM1", "role": "NoAccess"}],
    },
    {"name": "shallow", "password": "s", "permissions": [{"role": "Admin", "propagate": False}]},
]


class As:
    """The vCenter as one of its users sees it."""

    def __init__(self, vcenter: VCenter, user: str) -> None:
        self.user = user
        self.password = next(u["password"] for u in USERS if u["name"] == user)
        self.vcenter = vcenter

    def __getattr__(self, name: str) -> Any:
        return getattr(self.vcenter, name)


@pytest.fixture(scope="module")
def _crowded() -> Iterator[VCenter]:
    with make(world=small_world(vms=3), users=USERS) as vcenter:
        yield vcenter


@pytest.fixture
def crowded(_crowded: VCenter) -> VCenter:
    _crowded.reset()
    return _crowded


def test_a_read_only_user_reads_and_does_not_export(crowded: VCenter) -> None:
    with Plain(As(crowded, "reader@vsphere.local")) as me:
        vm = me.vm()
        assert vm.config.hardware.numCPU == 1
        for act in (vm.ExportVm, vm.PowerOn, vm.Destroy, lambda: vm.Rename("x"), vm.MarkAsTemplate):
            with pytest.raises(vim.fault.NoPermission) as denied:
                act()
            assert denied.value.object == vm
            assert denied.value.msg == "Permission to perform this operation was denied."
        needed = {"ExportVm": "VApp.Export", "PowerOn": "VirtualMachine.Interact.PowerOn"}
        for name, privilege in needed.items():
            with pytest.raises(vim.fault.NoPermission) as denied:
                getattr(vm, name)()
            assert denied.value.privilegeId == privilege
        with pytest.raises(vim.fault.NoPermission) as denied:
            me.content.ovfManager.CreateDescriptor(vm, vim.OvfManager.CreateDescriptorParams())
        assert (denied.value.object, denied.value.privilegeId) == (vm, "VApp.Export")
    assert crowded.world.leases() == []


def test_no_permission_says_what_is_missing_in_versions_that_know_it(crowded: VCenter) -> None:
    who = As(crowded, "reader@vsphere.local")
    for version, newer in (("8.0.3.0", True), ("6.7", False)):
        with Wire(who, version).login() as wire:
            answer = wire.call("ExportVm", "VirtualMachine", wire.moid("Vm", "VM0"))
            assert (answer.status, answer.fault) == (500, "NoPermission")
            names = [child.tag.removeprefix("{urn:vim25}") for child in answer.detail]
            assert names == ["object", "privilegeId"] + ["missingPrivileges"] * newer


def test_one_privilege_is_enough_to_export_and_for_nothing_else(crowded: VCenter) -> None:
    with Plain(As(crowded, "exporter@vsphere.local")) as me:
        lease = me.export()
        lease.HttpNfcLeaseProgress(1)
        lease.HttpNfcLeaseComplete()
        with pytest.raises(vim.fault.NoPermission):
            me.vm().PowerOn()


def test_who_does_not_see_a_machine_does_not_touch_its_lease(crowded: VCenter) -> None:
    key_values: list[vim.KeyValue] = []
    with Plain(crowded) as owner, Plain(As(crowded, "one")) as other:
        mine = owner.export()
        lease = vim.HttpNfcLease(mine._GetMoId(), other.si._stub)
        for act in (
            lambda: lease.state,
            lambda: lease.HttpNfcLeaseProgress(50),
            lease.HttpNfcLeaseGetManifest,
            lambda: lease.HttpNfcLeaseSetManifestChecksumType(key_values),
            lease.HttpNfcLeaseAbort,
            lease.HttpNfcLeaseComplete,
        ):
            with pytest.raises(vim.fault.NoPermission) as denied:
                act()
            assert (denied.value.object, denied.value.privilegeId) == (owner.vm(), "System.View")
        assert (mine.state, mine.transferProgress) == ("ready", 0)


def test_who_sees_a_lease_does_not_turn_it_to_pull_mode(crowded: VCenter) -> None:
    source = vim.HttpNfcLease.SourceFile(targetDeviceId="x", url="https://h/x", create=False)
    with Plain(crowded) as owner, Plain(As(crowded, "reader@vsphere.local")) as reader:
        mine = owner.export()
        theirs = vim.HttpNfcLease(mine._GetMoId(), reader.si._stub)
        with pytest.raises(vim.fault.NoPermission) as denied:
            theirs.HttpNfcLeasePullFromUrls_Task([source])
        assert (denied.value.object, denied.value.privilegeId) == (owner.vm(), "VApp.PullFromUrls")
        with pytest.raises(vim.fault.InvalidState):
            mine.HttpNfcLeasePullFromUrls_Task([source])
        assert theirs.state == "ready"


def test_a_user_without_access_does_not_get_in(crowded: VCenter) -> None:
    with Wire(As(crowded, "nobody")) as wire:
        answer = wire.try_login()
        assert (answer.fault, answer.texts("privilegeId")) == ("NoPermission", ["System.View"])
        assert wire.try_login(password="wrong").fault == "InvalidLogin"


def test_a_user_without_access_who_gets_in_sees_nothing() -> None:
    profile = load_profile("vcenter-8.0", {"login_without_access": "granted"})
    with make(users=USERS[2:3], world=small_world(), profile=profile) as vc, Wire(As(vc, "nobody")).login() as wire:
        root = vc.world.root.moid
        (missing,) = wire.retrieve(props("Folder", "name") + objects("Folder", root)).root.iter("{urn:vim25}missingSet")
        assert missing.find(".//{urn:vim25}fault[@{http://www.w3.org/2001/XMLSchema-instance}type]") is not None
        assert missing.findtext(".//{urn:vim25}privilegeId") == "System.View"
        walk = traverse("v", "Folder", "childEntity")
        nothing = wire.retrieve(props("Datacenter", "name") + objects("Folder", root, walk))
        assert nothing.texts("obj") == []
        assert wire.fetch("VirtualMachine", wire.moid("Vm", "VM0"), "name").fault == "NoPermission"
        assert wire.call("Logout", "SessionManager", "SessionManager").fault is None


def test_access_to_one_machine_shows_the_way_to_it_and_no_other(crowded: VCenter) -> None:
    with Plain(As(crowded, "one")) as me:
        (datacenter,) = me.content.rootFolder.childEntity
        assert [vm.name for vm in datacenter.vmFolder.childEntity] == ["VM1"]
        assert me.content.searchIndex.FindByInventoryPath("DC0/vm/VM0") is None
        view = me.content.viewManager.CreateContainerView(me.content.rootFolder, [vim.VirtualMachine], True)
        assert [vm.name for vm in view.view] == ["VM1"]
        other = vim.VirtualMachine(crowded.world.vm("VM0").moid, me.si._stub)
        with pytest.raises(vim.fault.NoPermission):
            other.name  # noqa: B018
        with pytest.raises(vim.fault.NoPermission):
            other.ExportVm()
        me.export("VM1").HttpNfcLeaseAbort()
        assert datacenter.effectiveRole == [-3]
        with pytest.raises(vim.fault.NoPermission) as denied:
            datacenter.overallStatus  # noqa: B018
        assert denied.value.privilegeId == "System.Read"


def test_the_nearest_permission_counts_and_one_for_here_alone_is_not_inherited(crowded: VCenter) -> None:
    with Plain(As(crowded, "blind")) as me:
        assert me.vm("VM1") is None
        assert me.vm("VM0").effectiveRole == [-1]
    with Plain(As(crowded, "shallow")) as me:
        assert me.content.rootFolder.name == "Datacenters"
        assert me.content.rootFolder.childEntity == []


def test_tasks_of_others_are_theirs_to_cancel(crowded: VCenter) -> None:
    with Plain(crowded) as admin, Plain(As(crowded, "reader@vsphere.local")) as me:
        admin.export()
        (task,) = me.vm().recentTask
        with pytest.raises(vim.fault.NoPermission) as denied:
            task.CancelTask()
        assert denied.value.privilegeId == "Global.CancelTask"
    with Plain(As(crowded, "exporter@vsphere.local")) as me:
        me.export("VM1")
        (task,) = me.vm("VM1").recentTask
        task.CancelTask()
        assert task.info.state == "error"


def test_the_authorization_manager_answers_for_everybody(crowded: VCenter) -> None:
    with Plain(crowded) as me, Plain(As(crowded, "reader@vsphere.local")) as reader:
        manager, vm, root = me.content.authorizationManager, me.vm(), me.content.rootFolder
        roles = {role.name: role for role in manager.roleList}
        assert {"NoAccess", "Anonymous", "View", "ReadOnly", "Admin"} <= set(roles)
        assert sorted(roles["ReadOnly"].privilege) == VIEWING
        assert roles["NoAccess"].privilege == []
        assert {p.privId for p in manager.privilegeList} == set(roles["Admin"].privilege)
        assert {p.key for p in manager.description.privilege} == set(roles["Admin"].privilege)
        key = reader.content.sessionManager.currentSession.key
        wanted = ["System.Read", "VApp.Export"]
        assert manager.HasPrivilegeOnEntity(vm, key, wanted) == [True, False]
        (on,) = manager.HasPrivilegeOnEntities([vm], key, wanted)
        assert [(a.privId, a.isGranted) for a in on.privAvailability] == [("System.Read", True), ("VApp.Export", False)]
        (on,) = manager.HasUserPrivilegeOnEntities([root], "exporter@vsphere.local", wanted)
        assert [a.isGranted for a in on.privAvailability] == [True, True]
        (on,) = manager.FetchUserPrivilegeOnEntities([vm], "VSPHERE.LOCAL\\reader")
        assert on.privileges == VIEWING
        inherited = manager.RetrieveEntityPermissions(vm, True)
        assert "VSPHERE.LOCAL\\reader" in {p.principal for p in inherited}
        assert all(p.entity == root for p in inherited)
        assert manager.RetrieveEntityPermissions(vm, False) == []
        assert {p.principal for p in manager.RetrieveRolePermissions(-5)} == {"nobody", "blind"}
        with pytest.raises(vmodl.fault.InvalidArgument):
            manager.HasPrivilegeOnEntity(vm, "no session", wanted)


def test_permissions_change_at_once_and_a_reset_takes_them_back(crowded: VCenter) -> None:
    with Plain(crowded) as me, Plain(As(crowded, "reader@vsphere.local")) as reader:
        manager, vm = me.content.authorizationManager, me.vm()
        number = manager.AddAuthorizationRole("Exporter", ["VApp.Export"])
        with pytest.raises(vim.fault.AlreadyExists):
            manager.AddAuthorizationRole("Exporter", [])
        with pytest.raises(vmodl.fault.InvalidArgument):
            manager.AddAuthorizationRole("Typist", ["VApp.Exprt"])
        given = vim.AuthorizationManager.Permission(
            principal="reader@vsphere.local", group=False, roleId=number, propagate=True
        )
        manager.SetEntityPermissions(vm, [given])
        reader.vm().ExportVm().HttpNfcLeaseAbort()
        with pytest.raises(vim.fault.NoPermission):
            reader.vm("VM1").ExportVm()
        manager.UpdateAuthorizationRole(number, "Exporter", ["VirtualMachine.Interact.PowerOn"])
        with pytest.raises(vim.fault.NoPermission):
            reader.vm().ExportVm()
        with pytest.raises(vim.fault.RemoveFailed):
            manager.RemoveAuthorizationRole(number, True)
        manager.MergePermissions(number, -5)
        assert reader.vm() is None
        manager.RemoveEntityPermission(vm, "reader@vsphere.local", False)
        assert reader.vm() is not None
        with pytest.raises(vim.fault.NotFound):
            manager.RemoveEntityPermission(vm, "reader@vsphere.local", False)
        with pytest.raises(vim.fault.UserNotFound):
            given.principal = "ghost"
            manager.SetEntityPermissions(vm, [given])
        with pytest.raises(vim.fault.AuthMinimumAdminPermission):
            manager.ResetEntityPermissions(me.content.rootFolder, [])
        with pytest.raises(vim.fault.NoPermission):
            reader.content.authorizationManager.AddAuthorizationRole("Mine", [])
        with pytest.raises(vmodl.fault.InvalidArgument):
            manager.RemoveAuthorizationRole(-1, False)
    crowded.reset()
    assert all(role.system or role.name.startswith("role of ") for role in crowded._service.access.roles.values())


def test_a_wait_tells_of_an_object_that_one_may_not_see_any_more(crowded: VCenter) -> None:
    with Plain(crowded) as admin, Wire(As(crowded, "reader@vsphere.local")).login() as wire:
        down = traverse("v", "Datacenter", "vmFolder", "c") + traverse("c", "Folder", "childEntity")
        spec = props("VirtualMachine", "name") + objects("Datacenter", wire.moid("Datacenter", "DC0"), down)
        pc = ("PropertyCollector", "propertyCollector")
        wire.call("CreateFilter", *pc, f"<spec>{spec}</spec><partialUpdates>false</partialUpdates>")
        assert len(wire.call("WaitForUpdatesEx", *pc, "<version></version>").texts("obj")) == 3
        hidden = vim.AuthorizationManager.Permission(
            principal="reader@vsphere.local", group=False, roleId=-5, propagate=True
        )
        admin.content.authorizationManager.SetEntityPermissions(admin.vm(), [hidden])
        after = wire.call("WaitForUpdatesEx", *pc, "<version>1</version>")
        assert (after.texts("kind"), after.texts("obj")) == (["leave"], [wire.moid("Vm", "VM0")])


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("x", "is a list"),
        ([{"name": "a"}], "has a password"),
        ([{"name": "a", "password": "p", "role": "Root"}], "role is Admin, ReadOnly, NoAccess"),
        ([{"name": "a", "password": "p", "role": "Admin", "privileges": []}], "either 'role' or 'privileges'"),
        ([{"name": "a", "password": "p", "permissions": [{"on": "DC0"}]}], "either 'role' or 'privileges'"),
        ([{"name": "a", "password": "p"}, {"name": "A", "password": "q"}], "two users"),
        ([{"name": "a", "password": "p", "groups": []}], "has no 'groups'"),
        ([{"name": "a", "password": "p", "permissions": [{"role": "Admin", "propagate": 1}]}], "true or false"),
    ],
)
def test_users_that_cannot_be_are_refused(rows: Any, says: str) -> None:
    with pytest.raises(WorldFileError, match=says):
        read_users(rows, "users")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"role": "Admin", "permissions": [{"on": "DC9", "role": "Admin"}]}, "nothing at 'DC9'"),
        ({"privileges": ["VApp.Exprt"]}, "no privilege is called 'VApp.Exprt'"),
    ],
)
def test_places_and_privileges_that_are_not_there_are_named(row: dict[str, Any], says: str) -> None:
    with pytest.raises(WorldFileError, match=says):
        make(users=[{"name": "a", "password": "p", **row}])


def test_two_forms_of_one_name_are_one_user() -> None:
    with pytest.raises(WorldFileError, match="two users have one name"):
        make(users=[{"name": "VSPHERE.LOCAL\\Administrator", "password": "p"}])


@given(
    local=st.text("abcXYZ09.-", min_size=1),
    domain=st.text("abcXYZ.", min_size=1),
)
def test_a_user_has_one_name_in_two_forms(local: str, domain: str) -> None:
    for name in (f"{local}@{domain}", f"{domain}\\{local}", f"{local}@{domain}".upper()):
        assert canonical(name) == canonical(shown(f"{local}@{domain}"))
    assert canonical(local) == canonical(local.upper()) != canonical(f"{local}@{domain}")


def test_the_metadata_names_the_privileges_that_the_sheet_does() -> None:
    assert method_named("ExportVm").privileges == ("VApp.Export",)
    assert method_named("ExportSnapshot").privileges == ("VApp.Export",)
    assert method_named("CreateDescriptor").on_arguments == (("obj", "VApp.Export"),)
    assert method_named("RetrievePropertiesEx").privileges == ("System.Anonymous",)
    assert method_named("CreateFilter").privileges == method_named("WaitForUpdatesEx").privileges == ("System.View",)
    assert properties_of("SessionManager")["sessionList"].privilege == "Sessions.TerminateSession"
    assert {"System.View", "VApp.Export", "Sessions.TerminateSession"} <= known_privileges()
    assert not any(" " in privilege for privilege in known_privileges())


def test_a_user_of_the_world_file_logs_in() -> None:
    world = {**small_world(), "users": [{"name": "file", "password": "p", "role": "ReadOnly"}]}
    with make(world=world) as vc, Wire(vc) as wire:
        assert wire.try_login("FILE", "p").texts("userName") == ["file"]
        assert wire.try_login("file", "q").fault == "InvalidLogin"


def test_every_method_refuses_a_reader_who_lacks_what_it_declares(crowded: VCenter) -> None:
    service = crowded._service
    with Wire(As(crowded, "reader@vsphere.local")).login():
        (session,) = service.sessions.active()
        call = Call(service, session, version_for("", newest_known(crowded.profile.text("api_version"))))
        there = [*crowded.world.objects.values(), *service.singletons.values()]
        targets = {service.kind_of(each).wsdl: each for each in there}
        refused = set()
        for wsdl, target in targets.items():
            for name in service.kind_of(target).methods:
                needed = [each for each in method_named(name).privileges if each not in VIEWING]
                if not needed:
                    continue
                with pytest.raises(vim.fault.NoPermission) as denied:
                    check_call(call, target, method_named(name), {})
                assert denied.value.privilegeId == needed[0], name
                refused.add(f"{wsdl}.{name}")
    assert {"VirtualMachine.ExportVm", "VirtualMachine.PowerOffVM_Task", "SessionManager.TerminateSession"} <= refused
    assert len(refused) > 10
