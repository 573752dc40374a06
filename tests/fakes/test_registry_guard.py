"""The dozen internals of pyVmomi that the fake stands on, for every pyVmomi in range.

When one of these fails with a new pyVmomi, `vim/_registry.py`, `_request.py` and `_reply.py` are where to look.
"""

from __future__ import annotations

import inspect
from io import StringIO
from typing import Any

import pytest
from pyVmomi import SoapAdapter, VmomiSupport, vim, vmodl

from plain_pyvmomi import Plain
from soap_wire import Wire, objects, props
from twohop.fakes import VCenter
from twohop.fakes.vim import _registry
from twohop.runtime.profiles import known_profiles, load_profile


def test_raw_definitions_are_tuples_of_six_with_rows_of_name_type_version_flags() -> None:
    definitions = list(VmomiSupport._managedDefMap.values())
    assert len(definitions) > 100
    vmodl_name, wsdl_name, parent, version, properties, methods = VmomiSupport._managedDefMap["vim.HttpNfcLease"]
    assert (vmodl_name, wsdl_name) == ("vim.HttpNfcLease", "HttpNfcLease")
    assert parent in ("vmodl.ManagedObject", "vim.ManagedObject")
    rows = {row[0]: row for row in properties}
    name, type_name, since, flags = rows["info"][:4]
    assert (name, type_name) == ("info", "vim.HttpNfcLease.Info")
    assert flags & VmomiSupport.F_OPTIONAL
    assert not rows["state"][3] & VmomiSupport.F_OPTIONAL
    assert VmomiSupport.IsChildVersion("vim.version.version9", since)
    assert methods
    assert version


def test_versions_have_dotted_identities_and_know_their_parents() -> None:
    versions = VmomiSupport.GetServiceVersions("vim25")
    identities = {VmomiSupport.versionIdMap.get(version) for version in versions}
    assert {"4.0", "4.1", "5.5", "6.0", "6.5", "6.7"} <= identities
    assert VmomiSupport.IsChildVersion("vim.version.version9", "vim.version.version6")
    assert not VmomiSupport.IsChildVersion("vim.version.version6", "vim.version.version9")
    assert VmomiSupport.IsChildVersion("vim.version.version6", "vmodl.version.version0")


@pytest.mark.parametrize("profile", [name for name in known_profiles() if name.startswith("vcenter-")])
def test_every_profile_has_an_api_version_that_this_pyvmomi_knows(profile: str) -> None:
    api = load_profile(profile).text("api_version")
    newest = _registry.newest_known(api)
    assert newest.split(".")[0] == api.split(".")[0] or newest == max(_registry._known(), key=_registry._numbers)
    assert newest not in _registry.prior_versions(api) or newest != api


def test_names_lead_to_types_and_methods() -> None:
    assert VmomiSupport.GetWsdlType("urn:vim25", "VirtualMachine") is vim.VirtualMachine
    assert VmomiSupport.GetVmodlType("vim.ManagedEntity[]").Item is vim.ManagedEntity
    assert VmomiSupport.GetWsdlName(vim.VirtualMachine) == "VirtualMachine"
    assert VmomiSupport.GetQualifiedWsdlName(vim.VirtualMachine) == ("urn:vim25", "VirtualMachine")
    with pytest.raises(KeyError):
        VmomiSupport.GetWsdlType("urn:vim25", "Bogus")
    with pytest.raises(KeyError):
        VmomiSupport.GetWsdlMethod("urn:vim25", "Bogus")


def test_a_method_tells_its_parameters_result_version_and_owner() -> None:
    info = VmomiSupport.GetWsdlMethod("urn:vim25", "HttpNfcLeaseAbort").info
    (parameter,) = info.params
    assert (info.wsdlName, parameter.name, parameter.type) == ("HttpNfcLeaseAbort", "fault", vmodl.MethodFault)
    assert parameter.flags & VmomiSupport.F_OPTIONAL
    assert isinstance(info.type, type) or isinstance(info.typeName, str)
    assert VmomiSupport.IsChildVersion("vim.version.version9", info.version)
    assert hasattr(info, "result") and hasattr(info, "methodResult") and hasattr(info, "resultFlags")


def test_a_missing_argument_is_a_type_error() -> None:
    (percent,) = VmomiSupport.GetWsdlMethod("urn:vim25", "HttpNfcLeaseProgress").info.params
    VmomiSupport.CheckField(percent, 5)
    for wrong in (None, "x"):
        with pytest.raises(TypeError):
            VmomiSupport.CheckField(percent, wrong)


def test_a_data_type_tells_a_property_by_name_without_an_instance() -> None:
    info = vim.HttpNfcLease.Info._GetPropertyInfo("deviceUrl")
    assert info.type.Item is vim.HttpNfcLease.DeviceUrl
    assert VmomiSupport.IsChildVersion("vim.version.version9", info.version)
    with pytest.raises((AttributeError, KeyError)):
        vim.HttpNfcLease.Info._GetPropertyInfo("nonsense")


def test_deserialiser_and_serialiser_have_the_hooks_that_are_overridden() -> None:
    assert list(inspect.signature(SoapAdapter.SoapDeserializer.__init__).parameters)[:3] == ["self", "stub", "version"]
    assert list(inspect.signature(SoapAdapter.SoapDeserializer.Deserialize).parameters) == [
        "self", "parser", "resultType", "isFault", "nsMap",
    ]  # fmt: skip
    for name in ("StartElementHandler", "EndElementHandler", "CharacterDataHandler", "GetResult"):
        assert callable(getattr(SoapAdapter.SoapDeserializer, name))
    for name, count in (("_Serialize", 4), ("_QName", 3), ("_SerializeDataObject", 5), ("Serialize", 3)):
        assert len(inspect.signature(getattr(SoapAdapter.SoapSerializer, name)).parameters) == count
    serializer: Any = SoapAdapter.SoapSerializer(StringIO(), "vim.version.version9", {"urn:vim25": ""})
    assert "versionId" in serializer.outermostAttrs
    assert (serializer.xsiPrefix, serializer.xsdPrefix) == ("xsi:", "xsd:")
    assert issubclass(SoapAdapter.SoapDeserializer, SoapAdapter.ExpatDeserializerNSHandlers)
    assert SoapAdapter.LocalizedMethodFault._GetPropertyInfo("localizedMessage").type is str


def test_pyvmomi_writes_ids_as_they_are_which_is_why_the_fake_escapes_them() -> None:
    assert SoapAdapter.XmlEscape("<&>") == "&lt;&amp;&gt;"
    out = StringIO()
    info = VmomiSupport.Object(name="x", type=object, version="vim.version.version9", flags=0)
    SoapAdapter.SoapSerializer(out, "vim.version.version9", {"urn:vim25": ""}).Serialize(vim.Task("<", None), info)
    assert "><<" in out.getvalue(), "pyVmomi escapes ids now: the fake's own escaping would do it twice"


def test_a_client_in_the_same_process_does_not_change_what_the_fake_answers(vc: VCenter, user: Wire) -> None:
    vm, host = user.moid("Vm", "VM0"), user.moid("Host", "H0")
    everything = [
        ("VirtualMachine", vm), ("HostSystem", host), ("Folder", vc.world.root.moid),
        ("Datacenter", user.moid("Datacenter", "DC0")), ("Datastore", user.moid("Datastore", "LocalDS_0")),
    ]  # fmt: skip

    def answers() -> list[bytes]:
        found = [user.retrieve(props(kind, everything=True) + objects(kind, moid)).data for kind, moid in everything]
        found += [user.fetch(kind, moid, path).data for kind, moid in everything for path in ("name", "parent", "tag")]
        found.append(user.fetch("VirtualMachine", vm, "nonsense").data)
        return [*found, user.content().data]

    before = answers()
    tables = {kind: _registry.properties_of(kind) for kind, _ in everything}
    with Plain(vc) as me:
        for thing in (me.vm(), *vc_objects(me)):
            for info in thing._GetPropertyList():
                try:
                    getattr(thing, info.name)
                except vmodl.MethodFault:
                    pass
    assert answers() == before
    _registry.properties_of.cache_clear()
    _registry._definitions.cache_clear()
    assert {kind: _registry.properties_of(kind) for kind, _ in everything} == tables


def vc_objects(me: Plain) -> list[Any]:
    """Some of everything."""
    (datacenter,) = me.content.rootFolder.childEntity
    return [me.content.rootFolder, datacenter, me.vm().runtime.host, me.vm().datastore[0], me.content.taskManager]
