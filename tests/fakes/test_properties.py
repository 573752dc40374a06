"""Reading properties and refusing what is no request, on the wire (section 10, 1.8)."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from soap_wire import SOAP, VIM, XSI, Wire, objects, props, ref, traverse

HOSTILE = ["<", "&", "\"'", "</obj><x>", "]]>", "vm-1 ", "session[x]y", "propertyCollector2", "..", "ü€𝄞", "&amp;lt;"]
FOLDERS = traverse("f", "Folder", "childEntity", "f", "d", "f")
DOWN = FOLDERS + traverse("d", "Datacenter", "vmFolder", "f", "d")


def _root(wire: Wire) -> str:
    return str(wire.vcenter.world.root.moid)


def test_a_property_path_may_say_that_it_is_a_string(user: Wire) -> None:
    moid = user.moid("Vm", "VM0")
    paths = '<pathSet xsi:type="xsd:string">name</pathSet><pathSet xsi:type="xsd:string">config.uuid</pathSet>'
    spec = f"<propSet><type>VirtualMachine</type>{paths}</propSet>"
    answer = user.retrieve(f"{spec}<objectSet>{ref('obj', 'VirtualMachine', moid)}</objectSet>")
    assert (answer.fault, answer.texts("name")) == (None, ["config.uuid", "name"]), answer.data


@pytest.mark.parametrize("method", ["RetrieveProperties", "RetrievePropertiesEx"])
def test_a_cyclic_spec_that_names_itself_ends_and_finds_each_object_once(user: Wire, method: str) -> None:
    loop = traverse("p", "ManagedEntity", "parent", "p", "f", "d", "v")
    around = loop + DOWN + traverse("v", "VirtualMachine", "parent", "f", "p")
    answer = user.retrieve(props("VirtualMachine", "name") + objects("Folder", _root(user), around), method)
    assert sorted(answer.texts("val")) == ["VM0", "VM1", "VM2"]
    assert len(answer.texts("obj")) == 3


def test_skip_leaves_the_start_out_and_still_goes_on(user: Wire) -> None:
    for skip in (True, False):
        answer = user.retrieve(props("ManagedEntity", "name") + objects("Folder", _root(user), DOWN, skip=skip))
        assert (_root(user) in answer.texts("obj")) == (not skip)


def test_pages_together_are_what_one_page_is_and_a_token_is_good_once(user: Wire) -> None:
    spec = props("ManagedEntity", "name") + objects("Folder", _root(user), DOWN)
    whole = user.retrieve(spec).texts("obj")
    assert len(whole) >= 6
    answer = user.retrieve(spec, maximum=2)
    found, tokens = answer.texts("obj"), []
    while token := answer.texts("token"):
        assert len(answer.texts("obj")) == 2
        tokens += token
        argument = f"<token>{token[0]}</token>"
        answer = user.call("ContinueRetrievePropertiesEx", "PropertyCollector", "propertyCollector", argument)
        found += answer.texts("obj")
    assert found == whole
    for token in (*tokens, ["nonsense"]):
        argument = f"<token>{''.join(token)}</token>"
        again = user.call("ContinueRetrievePropertiesEx", "PropertyCollector", "propertyCollector", argument)
        assert again.fault == "InvalidArgument"


def test_a_cancelled_page_is_gone_and_no_object_of_the_service(user: Wire) -> None:
    answer = user.retrieve(props("ManagedEntity", "name") + objects("Folder", _root(user), DOWN), maximum=1)
    (token,) = answer.texts("token")
    assert user.fetch("Folder", f"page {token}", "name").fault == "ManagedObjectNotFound"
    assert user.fetch("Folder", token, "name").fault == "ManagedObjectNotFound"
    argument = f"<token>{token}</token>"
    cancel = ("CancelRetrievePropertiesEx", "PropertyCollector", "propertyCollector", argument)
    assert user.call(*cancel).fault is None
    assert user.call(*cancel).fault == "InvalidArgument"


@pytest.mark.parametrize("maximum", [0, -1])
def test_a_page_of_nothing_is_refused(user: Wire, maximum: int) -> None:
    spec = props("Folder", "name") + objects("Folder", _root(user))
    assert user.retrieve(spec, maximum=maximum).fault == "InvalidArgument"


@pytest.mark.parametrize(
    "path",
    [
        "nonsense", "config.nonsense", "name.x", "config.hardware.device.key", "summary.storage.nothing", "",
        "snapshot.nonsense", "runtime.host.name", "config.hardware.device[2000].nonsense", "name[1]x",
    ],
)  # fmt: skip
def test_a_path_that_names_nothing_is_invalid_property(user: Wire, path: str) -> None:
    vm = user.moid("Vm", "VM0")
    answer = user.retrieve(props("VirtualMachine", path) + objects("VirtualMachine", vm))
    assert answer.fault == "InvalidProperty"
    assert answer.detail.findtext(f"{{{VIM}}}name") == path
    assert user.fetch("VirtualMachine", vm, path).fault == "InvalidProperty"


def test_a_path_below_something_unset_is_unset_where_its_type_has_it(user: Wire) -> None:
    vm = user.moid("Vm", "VM0")
    answer = user.fetch("VirtualMachine", vm, "snapshot.currentSnapshot")
    assert (answer.status, len(answer.body)) == (200, 0)


def test_a_traversal_along_what_is_no_reference_is_refused(user: Wire) -> None:
    spec = props("VirtualMachine", "name") + objects("Folder", _root(user), traverse("n", "Folder", "name"))
    assert user.retrieve(spec).fault == "InvalidProperty"


@pytest.mark.parametrize("moid", HOSTILE)
def test_an_object_that_is_not_there_is_named_in_well_formed_xml(user: Wire, moid: str) -> None:
    for answer in (
        user.fetch("VirtualMachine", moid, "name"),
        user.call("ExportVm", "VirtualMachine", moid),
        user.retrieve(props("VirtualMachine", "name") + objects("VirtualMachine", moid)),
    ):
        assert answer.fault == "ManagedObjectNotFound"
        assert answer.detail.findtext(f"{{{VIM}}}obj") == moid


@pytest.mark.parametrize("moid", HOSTILE)
def test_a_hostile_id_without_a_session_is_well_formed_too(wire: Wire, moid: str) -> None:
    assert wire.fetch("VirtualMachine", moid, "name").detail.findtext(f"{{{VIM}}}object") == moid


def test_a_fault_that_a_client_gave_comes_back_well_formed(user: Wire) -> None:
    (lease,) = user.call("ExportVm", "VirtualMachine", user.moid("Vm", "VM0")).texts("returnval")
    inner = f'<fault><fault xsi:type="ManagedObjectNotFound">{ref("obj", "VirtualMachine", "<&")}</fault></fault>'
    assert user.call("HttpNfcLeaseAbort", "HttpNfcLease", lease, inner).fault is None
    assert user.fetch("HttpNfcLease", lease, "error").texts("obj") == ["<&"]


def test_an_unset_property_is_an_empty_answer_and_a_set_one_is_typed(user: Wire) -> None:
    vm = user.moid("Vm", "VM0")
    unset = user.fetch("VirtualMachine", vm, "snapshot")
    assert (unset.body.tag, len(unset.body)) == (f"{{{VIM}}}FetchResponse", 0)
    for path, kind in (
        ("name", "xsd:string"), ("parent", "ManagedObjectReference"), ("config", "VirtualMachineConfigInfo"),
        ("runtime.powerState", "VirtualMachinePowerState"), ("datastore", "ArrayOfManagedObjectReference"),
        ("config.hardware.device", "ArrayOfVirtualDevice"), ("config.hardware.numCPU", "xsd:int"),
        ("summary.storage.committed", "xsd:long"), ("effectiveRole", "ArrayOfInt"), ("tag", "ArrayOfTag"),
        ("alarmActionsEnabled", "xsd:boolean"), ("config.modified", "xsd:dateTime"),
    ):  # fmt: skip
        (value,) = user.fetch("VirtualMachine", vm, path).body
        assert value.get(f"{{{XSI}}}type") == kind, path
        assert value.get("versionId") is None


def test_every_item_of_an_array_has_its_type(user: Wire) -> None:
    for path in ("config.hardware.device", "datastore", "network"):
        (value,) = user.fetch("VirtualMachine", user.moid("Vm", "VM0"), path).body
        assert len(value) > 0
        assert all(item.get(f"{{{XSI}}}type") for item in value)


def test_the_type_named_for_an_object_may_be_one_of_its_parents(user: Wire) -> None:
    for kind in ("VirtualMachine", "ManagedEntity"):
        assert user.fetch(kind, user.moid("Vm", "VM0"), "name").texts("returnval") == ["VM0"]


NEWER = {
    "4.1": {"transferProgress", "mode", "capabilities"},
    "6.5": {"transferProgress", "mode", "capabilities"},
    "6.7": set(),
}


@pytest.mark.parametrize("version", NEWER)
def test_an_older_client_sees_nothing_newer(vc, version: str) -> None:  # type: ignore[no-untyped-def]
    with Wire(vc, version).login() as user:
        vm = user.moid("Vm", "VM0")
        (lease,) = user.call("ExportVm", "VirtualMachine", vm).texts("returnval")
        for path in ("transferProgress", "mode", "capabilities"):
            answer = user.fetch("HttpNfcLease", lease, path)
            assert (answer.fault == "InvalidProperty") == (path in NEWER[version])
        # Firmware came with 5.0, and stays unknown to 4.1 at the end of a path too.
        assert (user.fetch("VirtualMachine", vm, "config.firmware").fault == "InvalidProperty") == (version == "4.1")
        user.fetch("HttpNfcLease", lease, "state")
        every = user.retrieve(props("HttpNfcLease", everything=True) + objects("HttpNfcLease", lease))
        assert every.fault is None
        assert {"state", "initializeProgress", "info"} <= set(every.texts("name"))
        assert not set(every.texts("name")) & NEWER[version]
        (info,) = user.fetch("HttpNfcLease", lease, "info").body
        names = {child.tag.removeprefix(f"{{{VIM}}}") for child in info.iter()}
        assert names <= {
            "returnval", "lease", "entity", "deviceUrl", "key", "importKey", "url", "sslThumbprint", "disk", "targetId",
            "datastoreKey", "fileSize", "totalDiskCapacityInKB", "leaseTimeout", "hostMap",
        }  # fmt: skip
        content = user.content()
        known = {"storageResourceManager", "guestOperationsManager", "overheadMemoryManager", "healthUpdateManager"}
        if version == "4.1":
            assert not known - {"storageResourceManager"} & {c.tag.removeprefix(f"{{{VIM}}}") for c in content.body[0]}


def test_a_manifest_of_an_older_client_has_no_checksum_type(vc) -> None:  # type: ignore[no-untyped-def]
    import urllib3

    for version, expected in (("6.5", False), ("8.0.1.0", True)):
        with Wire(vc, version).login() as user:
            (lease,) = user.call("ExportVm", "VirtualMachine", user.moid("Vm", "VM0")).texts("returnval")
            user.fetch("HttpNfcLease", lease, "state")
            (url,) = user.fetch("HttpNfcLease", lease, "info").texts("url")
            with urllib3.PoolManager(ca_certs=str(vc.ca_file)) as pool:
                assert pool.request("GET", url).status == 200
            manifest = user.call("HttpNfcLeaseGetManifest", "HttpNfcLease", lease)
            assert (manifest.texts("checksumType") == ["sha1"]) == expected
            assert len(manifest.texts("sha1")) == 1
            user.call("HttpNfcLeaseComplete", "HttpNfcLease", lease)


def test_a_method_that_came_later_does_not_exist_in_an_older_version(vc) -> None:  # type: ignore[no-untyped-def]
    with Wire(vc, "6.5").login() as old, Wire(vc, "8.0.1.0").login() as new:
        for user, fault in ((old, "MethodNotFound"), (new, "InvalidArgument")):
            (lease,) = user.call("ExportVm", "VirtualMachine", user.moid("Vm", "VM0")).texts("returnval")
            pair = "<deviceUrlsToChecksumTypes><key>k</key><value>sha256</value></deviceUrlsToChecksumTypes>"
            assert user.call("HttpNfcLeaseSetManifestChecksumType", "HttpNfcLease", lease, pair).fault == fault


def test_what_is_not_implemented_says_whose_gap_it_is_and_is_counted(user: Wire) -> None:
    vm = user.moid("Vm", "VM0")
    for times in (1, 2):
        answer = user.call("UpgradeVM_Task", "VirtualMachine", vm)
        assert answer.fault == "NotSupported"
        assert "twohop does not implement the method VirtualMachine.UpgradeVM_Task" in answer.message
        assert user.vcenter.about()["gaps"]["the method VirtualMachine.UpgradeVM_Task"] >= times
    assert any("UpgradeVM_Task" in str(e.get("gap")) for e in user.vcenter.journal.entries(kind="fault"))
    assert user.vcenter.about()["calls"]["UpgradeVM_Task"] >= 2


def test_a_method_of_another_type_or_of_none_is_not_found(user: Wire) -> None:
    assert user.call("ExportVm", "HostSystem", user.moid("Host", "H0")).fault == "MethodNotFound"
    assert user.call("CurrentTime", "VirtualMachine", user.moid("Vm", "VM0")).fault == "MethodNotFound"
    assert user.call("BrewCoffee", "VirtualMachine", user.moid("Vm", "VM0")).fault == "MethodNotFound"
    wrong = f'<{"ExportVm"} xmlns="urn:vim24">{ref("_this", "VirtualMachine", user.moid("Vm", "VM0"))}</ExportVm>'
    assert user.envelope(wrong).fault == "MethodNotFound"
    fetch = f'<Fetch xmlns="urn:other">{ref("_this", "ServiceInstance", "ServiceInstance")}<prop>content</prop></Fetch>'
    assert user.envelope(fetch).fault == "MethodNotFound"


def _this(kind: str = "ServiceInstance", moid: str = "ServiceInstance") -> str:
    return ref("_this", kind, moid)


CALL = f'<e:Envelope xmlns:e="{SOAP}"><e:Body><CurrentTime xmlns="{VIM}">{_this()}</CurrentTime></e:Body></e:Envelope>'
DOCTYPE = '<!DOCTYPE a [<!ENTITY b "c">]>'
WRONG = {
    "nothing": b"",
    "no xml": b"hello",
    "half": b"<soapenv:Envelope xmlns:soapenv='x'>",
    "html": b"<html><body/></html>",
    "bad utf-8": b"<?xml version='1.0'?><a>\xff\xfe</a>",
    "no body": f'<e:Envelope xmlns:e="{SOAP}"/>',
    "empty body": f'<e:Envelope xmlns:e="{SOAP}"><e:Body/></e:Envelope>',
    "soap 1.2": '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body/></e:Envelope>',
    "no envelope": f'<foo><e:Body xmlns:e="{SOAP}"><CurrentTime xmlns="{VIM}">{_this()}</CurrentTime></e:Body></foo>',
    "doctype": DOCTYPE + CALL,
    "entity": '<!DOCTYPE a [<!ENTITY b "ServiceInstance">]>' + CALL.replace(">ServiceInstance<", ">&b;<"),
    "control character": b"<a>&#1;</a>",
}


def test_the_call_that_a_doctype_spoils_is_right_without_it(user: Wire) -> None:
    assert user.post(CALL).fault is None


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_soap_is_answered_in_soap(user: Wire, name: str) -> None:
    answer = user.post(WRONG[name])
    assert answer.fault == "InvalidRequest"
    assert answer.headers["Content-Type"].startswith("text/xml")


def test_a_request_holds_one_method(user: Wire) -> None:
    one = f'<CurrentTime xmlns="{VIM}">{_this()}</CurrentTime>'
    assert user.envelope(one).fault is None
    assert user.envelope(one + one).fault == "InvalidRequest"
    assert user.envelope(one + "<x/>").fault == "InvalidRequest"


DEEP = 10_000


@pytest.mark.parametrize(
    "inner",
    [
        "<a>" * DEEP + "</a>" * DEEP,
        f'<CurrentTime xmlns="{VIM}">' + "<a>" * DEEP + "</a>" * DEEP + "</CurrentTime>",
        f'<RetrieveProperties xmlns="{VIM}">{ref("_this", "PropertyCollector", "propertyCollector")}<specSet>'
        f"<objectSet>{ref('obj', 'Folder', 'group-d1')}"
        + '<selectSet xsi:type="TraversalSpec"><name>a</name><type>Folder</type><path>childEntity</path>' * DEEP
        + "</selectSet>" * DEEP
        + "</objectSet></specSet></RetrieveProperties>",
        "</soapenv:Body>" + "<soapenv:Header>" * DEEP + "</soapenv:Header>" * DEEP + "<soapenv:Body>",
    ],
    ids=["unknown method", "unknown argument", "known type", "envelope"],
)
def test_nesting_without_end_is_refused(user: Wire, inner: str) -> None:
    answer = user.envelope(inner)
    assert answer.fault in ("InvalidRequest", "MethodNotFound", "InvalidArgument")


@pytest.mark.parametrize(
    ("inner", "fault"),
    [
        (f'<CurrentTime xmlns="{VIM}"/>', "InvalidRequest"),
        (f'<CurrentTime xmlns="{VIM}"><_this>ServiceInstance</_this></CurrentTime>', "InvalidRequest"),
        (f'<CurrentTime xmlns="{VIM}">{ref("_this", "Bogus", "ServiceInstance")}</CurrentTime>', "InvalidRequest"),
        (f'<CurrentTime xmlns="{VIM}">{_this()}{_this()}</CurrentTime>', "InvalidRequest"),
        (f'<CurrentTime xmlns="{VIM}">{_this()}<extra/></CurrentTime>', "InvalidArgument"),
        (f'<HttpNfcLeaseProgress xmlns="{VIM}">{_this()}<percent>x</percent></HttpNfcLeaseProgress>', "InvalidRequest"),
        (f'<HttpNfcLeaseProgress xmlns="{VIM}">{_this()}</HttpNfcLeaseProgress>', "InvalidArgument"),
        (
            f'<HttpNfcLeaseProgress xmlns="{VIM}">{_this()}<percent>1</percent><percent>2</percent>'
            "</HttpNfcLeaseProgress>",
            "InvalidRequest",
        ),
        (
            f'<RetrieveProperties xmlns="{VIM}">{ref("_this", "PropertyCollector", "propertyCollector")}'
            f'<specSet><propSet xsi:type="AboutInfo"/>{objects("Folder", "group-d1")}</specSet></RetrieveProperties>',
            "InvalidRequest",
        ),
        (
            f'<RetrieveProperties xmlns="{VIM}">{ref("_this", "PropertyCollector", "propertyCollector")}'
            '<specSet xsi:type="Bogus"/></RetrieveProperties>',
            "InvalidRequest",
        ),
        (
            f'<RetrieveProperties xmlns="{VIM}">{ref("_this", "PropertyCollector", "propertyCollector")}'
            '<specSet xsi:type="VirtualMachineConfigInfo"/></RetrieveProperties>',
            "InvalidRequest",
        ),
        (
            f'<RetrieveProperties xmlns="{VIM}">{ref("_this", "PropertyCollector", "propertyCollector")}'
            "<specSet><propSet><type>Bogus</type></propSet></specSet></RetrieveProperties>",
            "InvalidRequest",
        ),
        (
            f'<RetrieveProperties xmlns="{VIM}">{ref("_this", "PropertyCollector", "propertyCollector")}'
            "<specSet><nonsense/></specSet></RetrieveProperties>",
            "InvalidRequest",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_schema_is_refused(user: Wire, inner: str, fault: str) -> None:
    answer = user.envelope(inner)
    assert answer.fault == fault
    assert "Error" not in answer.message


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.data())
def test_no_mangled_request_gets_anything_but_soap(user: Wire, data: st.DataObject) -> None:
    inner = f'<RetrieveProperties xmlns="{VIM}">{ref("_this", "PropertyCollector", "propertyCollector")}<specSet>'
    inner += props("VirtualMachine", "name") + objects("Folder", "group-d1", DOWN) + "</specSet></RetrieveProperties>"
    at, end = sorted(data.draw(st.lists(st.integers(0, len(inner)), min_size=2, max_size=2)))
    pieces = ["", "<", ">", "&", '"', "x", "</specSet>", inner[at:end], "<a/>", "xsi:type='b' "]
    put = data.draw(st.sampled_from(pieces))
    answer = user.envelope(inner[:at] + put + inner[end:])
    assert answer.status in (200, 500)
    assert answer.fault in (None, "InvalidRequest", "InvalidArgument", "InvalidProperty", "MethodNotFound",
                            "ManagedObjectNotFound")  # fmt: skip


def test_other_paths_and_methods_are_not_sdk(user: Wire) -> None:
    url = user.vcenter.url
    assert user.pool.request("GET", f"{url}/sdk").status == 405
    assert user.pool.request("GET", f"{url}/").status == 404
    assert user.pool.request("POST", f"{url}/sdk/vimServiceVersions.xml").status == 404
    assert user.pool.request("POST", f"{url}/mob").status == 404


def test_a_request_too_long_to_be_one_is_not_read_to_its_end(user: Wire) -> None:
    answer = user.pool.request("POST", f"{user.vcenter.url}/sdk", body=b" " * ((32 << 20) + 1))
    assert answer.status == 413
