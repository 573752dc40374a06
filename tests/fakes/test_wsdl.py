"""The WSDL and its schemas: well-formed, whole, of the version asked for, and true of what the fake sends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from lxml import etree

from soap_wire import Wire, objects, props, ref
from twohop.contracts.drivers._package import descriptor
from twohop.fakes.vim._registry import version_for
from twohop.fakes.vim._schema import schema_of
from twohop.fakes.vim._wsdl import DOCUMENTS
from twohop.fakes.world import Datastore
from vcenters import make

SERVERS = ["vcenter-4.1", "vcenter-6.7", "vcenter-8.0", "vcenter-9.0", "esxi-6.5", "esxi-8.0"]
WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
SOAP = "{http://schemas.xmlsoap.org/wsdl/soap/}"
XSD = "{http://www.w3.org/2001/XMLSchema}"


def fetched(wire: Wire, name: str) -> Any:
    answer = wire.pool.request("GET", f"{wire.vcenter.url}/sdk/{name}")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/xml"), name
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    return etree.fromstring(answer.data, etree.XMLParser(huge_tree=True))


@pytest.fixture(scope="module", params=SERVERS)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Wire, Any]]:
    """A client of a vCenter of each version, and the schema that it gives for its messages."""
    folder: Path = tmp_path_factory.mktemp("wsdl")
    with make(profile=request.param) as vc, Wire(vc).login() as wire:
        for name in DOCUMENTS:
            (folder / name).write_bytes(etree.tostring(fetched(wire, name)))
        both = "".join(f'<include schemaLocation="{room}-messagetypes.xsd"/>' for room in ("query", "vim"))
        head = '<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:vim25"'
        (folder / "all.xsd").write_text(f'{head} elementFormDefault="qualified">{both}</schema>')
        yield wire, etree.XMLSchema(etree.parse(folder / "all.xsd"))


def judge(schema: Any, body: Any) -> None:
    """Fail where an element of an answer is not what the schema says, in place, type or number."""
    if not schema.validate(etree.fromstring(etree.tostring(body))):
        raise AssertionError([str(error.message) for error in schema.error_log])


def test_everything_that_is_imported_is_there(world: tuple[Wire, Any]) -> None:
    wire, _ = world
    todo, seen = ["vimService.wsdl"], set()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        root = fetched(wire, name)
        todo += [each.get("location") for each in root.iter(f"{WSDL}import")]
        todo += [each.get("schemaLocation") for each in root.iter(f"{XSD}include")]
    assert seen == set(DOCUMENTS)
    head = wire.pool.request("HEAD", f"{wire.vcenter.url}/sdk/vim.wsdl")
    assert (head.status, head.data) == (200, b"")
    assert wire.pool.request("GET", f"{wire.vcenter.url}/sdk/other.xsd").status == 404


def test_operations_of_the_version_and_no_newer_ones(world: tuple[Wire, Any]) -> None:
    wire, _ = world
    binding = fetched(wire, "vim.wsdl").find(f"{WSDL}binding")
    names = {operation.get("name") for operation in binding.findall(f"{WSDL}operation")}
    assert {"Login", "ExportVm", "HttpNfcLeaseComplete", "WaitForUpdatesEx", "CreateDescriptor"} <= names
    assert "Fetch" not in names
    version = tuple(int(part) for part in wire.vcenter.profile.version.split("."))
    assert ("ExportSnapshot" in names) == (version >= (5, 5))
    assert ("HttpNfcLeaseSetManifestChecksumType" in names) == (version >= (6, 7))
    assert ("HttpNfcLeaseProbeUrls" in names) == (version >= (7, 0))
    (action,) = {each.get("soapAction") for each in binding.iter(f"{SOAP}operation")}
    about = wire.content().texts("apiVersion")[0]
    assert action == f"urn:vim25/{about}"
    service = fetched(wire, "vimService.wsdl").find(f"{WSDL}service")
    assert service.find(f".//{SOAP}address").get("location") == "https://localhost/sdk/vimService"


def test_what_is_read_of_every_object_is_what_the_schema_says(world: tuple[Wire, Any]) -> None:
    wire, schema = world
    service = wire.vcenter._service
    wire.call("ExportVm", "VirtualMachine", wire.moid("Vm", "VM0"))
    there = [(service.kind_of(each).wsdl, each.moid) for each in wire.vcenter.world.objects.values()]
    there += [(each.wsdl, each.moid) for each in service.singletons.values()]
    for kind, moid in there:
        answer = wire.retrieve(props(kind, everything=True) + objects(kind, moid))
        if answer.fault is None:
            judge(schema, answer.body)
    judge(schema, wire.content().body)
    judge(schema, wire.call("QueryEvents", "EventManager", service.the("EventManager").moid, "<filter/>").body)


@pytest.mark.parametrize(
    ("method", "kind", "arguments", "fault"),
    [
        ("ExportVm", "VirtualMachine", "", "InvalidPowerState"),
        ("PowerOnVM_Task", "VirtualMachine", "", "InvalidPowerState"),
        ("Login", "SessionManager", "<userName>a</userName><password>b</password>", "InvalidLogin"),
    ],
)
def test_faults_are_what_the_schema_says(
    world: tuple[Wire, Any], method: str, kind: str, arguments: str, fault: str
) -> None:
    wire, schema = world
    with Wire(wire.vcenter) as other:
        other.cookie = wire.cookie if kind == "VirtualMachine" else None
        moid = wire.moid("Vm", "VM1") if kind == "VirtualMachine" else wire.session_manager
        answer = other.call(method, kind, moid, arguments)
        # A host says less of a machine that is on (2.17).
        assert answer.fault in (fault, "InvalidState")
        judge(schema, answer.detail)


@pytest.mark.parametrize("hardware", ["vmx-07", "vmx-99"])
def test_answers_about_packages_are_what_the_schema_says(world: tuple[Wire, Any], hardware: str) -> None:
    wire, schema = world
    ovf = wire.vcenter._service.the("OvfManager").moid
    text = f"<ovfDescriptor>{escape(descriptor('new').replace('vmx-07', hardware))}</ovfDescriptor>"
    common = "<locale></locale><deploymentOption></deploymentOption>"
    pool, store = (
        ref(name, kind, wire.moid(of, called))
        for name, kind, of, called in (
            ("resourcePool", "ResourcePool", "ResourcePool", "Resources"),
            ("datastore", "Datastore", "Datastore", wire.vcenter.world.all(Datastore)[0].name),
        )
    )
    parsed = wire.call("ParseDescriptor", "OvfManager", ovf, f"{text}<pdp>{common}</pdp>")
    given = f"{text}{pool}{store}<cisp>{common}<entityName>new</entityName></cisp>"
    made = wire.call("CreateImportSpec", "OvfManager", ovf, given)
    for answer in (parsed, made):
        assert answer.fault is None and ("OvfNoSupportedHardwareFamily" in etree.tostring(answer.body).decode()) == (
            hardware == "vmx-99"
        )
        judge(schema, answer.body)


def test_the_requests_of_the_tests_are_what_the_schema_says(world: tuple[Wire, Any]) -> None:
    _, schema = world
    inner = f"{ref('_this', 'HttpNfcLease', 'x')}<percent>1</percent>"
    right = f'<HttpNfcLeaseProgress xmlns="urn:vim25">{inner}</HttpNfcLeaseProgress>'
    judge(schema, etree.fromstring(right))
    for wrong in (right.replace("1<", "one<"), right.replace("percent", "percents")):
        with pytest.raises(AssertionError):
            judge(schema, etree.fromstring(wrong))


def test_types_keep_their_order_and_what_they_stand_on() -> None:
    schema = schema_of(version_for("", "8.0.3.0"))
    data = {each.name: each for each in schema.data}
    session = [field.name for field in data["UserSession"].fields]
    assert session[:2] == ["key", "userName"] and session[-1] == "callCount"
    assert data["NotAuthenticated"].base == "vim25:NoPermission"
    assert {f.name: f.type for f in data["LocalizedMethodFault"].fields}["fault"] == "vim25:MethodFault"
    info = {field.name: field for field in data["HttpNfcLeaseInfo"].fields}
    assert (info["deviceUrl"].repeated, info["deviceUrl"].optional) == (True, True)
    assert info["lease"].type == "vim25:ManagedObjectReference"
    assert {f.name: f.type for f in data["TaskInfo"].fields}["error"] == "vim25:LocalizedMethodFault"
    states = next(each for each in schema.enums if each.name == "HttpNfcLeaseState")
    assert set(states.values) == {"initializing", "ready", "done", "error"}
