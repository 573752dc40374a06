"""ParseDescriptor and CreateImportSpec: what a package says, what is chosen, and what is wrong with it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyVmomi import vim, vmodl

from importing import Importer, packed
from plain_pyvmomi import Plain
from twohop.fakes.ovf import PackageError, read_descriptor
from vcenters import SMALL, make

ROOT = Path(os.environ.get("TWOHOP_RECORDINGS", Path(__file__).parents[3] / "shared" / "recordings"))
FOLDER = ROOT / "vsphere" / "govmomi-ovf"
PRODUCT = """<ProductSection ovf:class="com.example" ovf:instance="1"><Info>i</Info><Product>Appliance</Product>
<Category>Net</Category><Property ovf:key="ip" ovf:type="string" ovf:userConfigurable="true" ovf:value="auto">
<Label>Address</Label></Property><Property ovf:key="count" ovf:type="uint8" ovf:value="1"/></ProductSection>
<EulaSection><Info>i</Info><License>Be good.</License></EulaSection>"""
OPTIONS = """<DeploymentOptionSection><Info>i</Info>
<Configuration ovf:id="small"><Label>Small</Label><Description>one</Description></Configuration>
<Configuration ovf:id="large" ovf:default="true"><Label>Large</Label><Description>two</Description></Configuration>
</DeploymentOptionSection><NetworkSection>"""
CPUS = "<rasd:VirtualQuantity>1</rasd:VirtualQuantity>"


@pytest.fixture(scope="module")
def me() -> Iterator[Plain]:
    world = {
        "datacenters": [
            {
                "name": "DC0",
                "clusters": [{"name": "C0", "hosts": ["H0", "H1"]}],
                "networks": ["VM Network", "second"],
                "datastores": [{"name": "both"}, {"name": "one", "hosts": ["H1"]}],
                "vms": [{"name": "VM0", "disks": [SMALL]}],
            }
        ]
    }
    with make(world=world) as vc, Plain(vc) as me:
        yield me


@pytest.fixture
def to(me: Plain) -> Importer:
    return Importer(me)


@pytest.fixture(scope="module")
def text(me: Plain) -> str:
    return packed(me, me.vm())[0]


def with_product(text: str) -> str:
    return text.replace("<VirtualHardwareSection", f"{PRODUCT}<VirtualHardwareSection", 1)


def parsed(me: Plain, text: str, option: str = "") -> Any:
    params = vim.OvfManager.ParseDescriptorParams(deploymentOption=option)
    return me.content.ovfManager.ParseDescriptor(text, params)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ovf")), ids=lambda path: path.stem[10:40])
def test_descriptors_that_servers_wrote(me: Plain, to: Importer, path: Path) -> None:
    text = path.read_text("utf-8")
    told = parsed(me, text)
    assert not told.error and told.defaultEntityName
    made = to.made(text, entityName=f"of {path.stem[10:60]}")
    assert not made.error, [error.msg for error in made.error]
    named = set(re.findall(r'ovf:href="([^"]+)"', text))
    assert {item.path for item in made.fileItem} <= named
    lease = to.started(made.importSpec)
    keys = {device.importKey for device in lease.info.deviceUrl}
    assert {item.deviceId for item in made.fileItem} <= keys
    assert isinstance(lease.info.entity, vim.VirtualApp) == told.virtualApp
    lease.HttpNfcLeaseAbort()


def test_the_recordings_are_there() -> None:
    if not FOLDER.exists():
        pytest.skip(f"no recordings in {FOLDER}: set TWOHOP_RECORDINGS to the directory that has vsphere/")
    assert len(list(FOLDER.glob("*.ovf"))) > 20


def test_what_a_descriptor_says_of_itself(me: Plain, text: str) -> None:
    told = parsed(me, with_product(text).replace("<NetworkSection>", OPTIONS, 1))
    assert not told.error
    assert (told.defaultEntityName, told.virtualApp, told.eula) == ("Appliance", False, ["Be good."])
    assert [(n.name, bool(n.description)) for n in told.network] == [("VM Network", True)]
    assert [(o.key, o.label) for o in told.deploymentOption] == [("small", "Small"), ("large", "Large")]
    assert told.defaultDeploymentOption == "large"
    (address, count) = told.property
    assert (address.id, address.label, address.category, address.defaultValue) == ("ip", "Address", "Net", "auto")
    assert (address.classId, address.instanceId) == ("com.example", "1")
    assert address.userConfigurable and not count.userConfigurable
    assert told.approximateFlatDeploymentSize == 4 << 20 and told.approximateDownloadSize > 68096


def test_a_host_says_whether_it_takes_a_package(me: Plain, to: Importer, text: str) -> None:
    ovf, params = me.content.ovfManager, vim.OvfManager.ValidateHostParams()
    told = ovf.ValidateHost(text, to.hosts[0], params)
    assert (told.flatDeploymentSize, told.error) == (4 << 20, []) and told.downloadSize > 68096
    assert "thin" in told.supportedDiskProvisioning
    (error,) = ovf.ValidateHost(text.replace("vmx-13", "vmx-99"), to.hosts[0], params).error
    assert isinstance(error, vim.fault.OvfNoSupportedHardwareFamily)


@pytest.mark.parametrize(("option", "cpus"), [("small", 1), ("large", 8), ("", 8)])
def test_a_deployment_option_chooses_hardware(to: Importer, text: str, option: str, cpus: int) -> None:
    item = next(row for row in re.findall(r"<Item>.*?</Item>", text, re.DOTALL) if ">3</rasd:ResourceType>" in row)
    other = item.replace("<Item>", '<Item ovf:configuration="large">').replace(CPUS, CPUS.replace("1", "8"))
    chosen = text.replace(item, item + other).replace("<NetworkSection>", OPTIONS, 1)
    assert to.spec(chosen, deploymentOption=option).importSpec.configSpec.numCPUs == cpus


def test_networks_are_mapped(me: Plain, to: Importer, text: str) -> None:
    networks = {network.name: network for network in to.datacenter.network}
    mapping = vim.OvfManager.NetworkMapping(name="VM Network", network=networks["second"])
    for mapped, name in (([mapping], "second"), ([], "VM Network")):
        lease = to.started(to.spec(text, networkMapping=mapped).importSpec)
        assert [network.name for network in lease.info.entity.network] == [name]
        lease.HttpNfcLeaseAbort()


@pytest.mark.parametrize(("provisioning", "thin"), [("thin", True), ("thick", False), ("eagerZeroedThick", False)])
def test_disks_are_provisioned(to: Importer, text: str, provisioning: str, thin: bool) -> None:
    lease = to.started(to.spec(text, diskProvisioning=provisioning).importSpec)
    (disk,) = [d for d in lease.info.entity.config.hardware.device if isinstance(d, vim.vm.device.VirtualDisk)]
    assert disk.backing.thinProvisioned == thin
    lease.HttpNfcLeaseAbort()


def test_properties_are_mapped_where_a_user_may(me: Plain, to: Importer, text: str) -> None:
    spec = to.spec(with_product(text), propertyMapping=[vim.KeyValue(key="ip", value="10.0.0.1")]).importSpec
    lease = to.started(spec)
    values = {each.id: each.value for each in lease.info.entity.config.vAppConfig.property}
    assert values == {"ip": "10.0.0.1", "count": "1"}
    lease.HttpNfcLeaseAbort()
    spec = to.spec(with_product(text), propertyMapping=[vim.KeyValue(key="count", value="7")]).importSpec
    lease = to.pool.ImportVApp(spec, to.folder)
    while lease.state == "initializing":
        pass
    assert lease.state == "error" and isinstance(lease.error, vim.fault.NotUserConfigurableProperty)
    assert "new" not in {vm.name for vm in me.vcenter.world.vms()}
    # Whoever may not set it may make it one that may be set.
    for each in spec.configSpec.vAppConfig.property:
        each.info.userConfigurable = True
    to.started(spec).HttpNfcLeaseAbort()
    made = to.made(with_product(text), propertyMapping=[vim.KeyValue(key="count", value="many")])
    assert isinstance(made.error[0], vim.fault.OvfPropertyValue)


@pytest.mark.parametrize(("name", "wanted"), [("given", "given"), ("", "Appliance")])
def test_the_name_is_the_one_given_or_the_product(to: Importer, text: str, name: str, wanted: str) -> None:
    assert to.spec(with_product(text), entityName=name).importSpec.configSpec.name == wanted


def test_without_a_product_the_name_is_the_id(to: Importer, text: str) -> None:
    assert to.spec(text, entityName="").importSpec.configSpec.name == "VM0"


def test_host_and_datastore_have_to_fit(me: Plain, to: Importer, text: str) -> None:
    stores = {store.name: store for store in to.datacenter.datastore}
    ovf = me.content.ovfManager
    params = vim.OvfManager.CreateImportSpecParams(entityName="x", hostSystem=to.hosts[0])
    with pytest.raises(vim.fault.InaccessibleDatastore):
        ovf.CreateImportSpec(text, to.pool, stores["one"], params)
    spec = ovf.CreateImportSpec(text, to.pool, stores["one"], vim.OvfManager.CreateImportSpecParams(entityName="x"))
    lease = to.started(spec.importSpec)
    assert lease.info.entity.runtime.host == to.hosts[1], "the one that sees the datastore"
    lease.HttpNfcLeaseAbort()


def _replaced(old: str, new: str) -> Any:
    def change(text: str) -> str:
        altered, count = re.subn(old, new, text, count=1, flags=re.DOTALL)
        assert count == 1, old
        return altered

    return change


def _bomb(text: str) -> str:
    entities = '<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    return re.sub(r"<VirtualSystem ", "&i;<VirtualSystem ", text).replace(
        "?>", f"?><!DOCTYPE Envelope [{entities}]>", 1
    )


def _file_entity(text: str) -> str:
    text = text.replace("?>", '?><!DOCTYPE Envelope [<!ENTITY x SYSTEM "file:///etc/passwd">]>', 1)
    return re.sub(r"<Info>", "<Info>&x;", text, count=1)


WRONG: dict[str, tuple[Any, str]] = {
    "no XML": (lambda text: text[: len(text) // 2], "OvfXmlFormat"),
    "empty": (lambda text: "", "OvfXmlFormat"),
    "a bomb of entities": (_bomb, "OvfXmlFormat"),
    "an entity that names a file": (_file_entity, "OvfXmlFormat"),
    "nested too deep": (
        _replaced(r"<NetworkSection>", "<a>" * 5000 + "</a>" * 5000 + "<NetworkSection>"),
        "OvfXmlFormat",
    ),
    "too large": (lambda text: text + "<!--" + "x" * (17 << 20) + "-->", "OvfXmlFormat"),
    "another namespace": (_replaced(r"ovf/envelope/1", "ovf/envelope/2"), "OvfWrongNamespace"),
    "no machine": (_replaced(r"<VirtualSystem .*</VirtualSystem>", ""), "OvfMissingElement"),
    "no hardware": (_replaced(r"<VirtualHardwareSection.*</VirtualHardwareSection>", ""), "OvfMissingElement"),
    "no processors": (_replaced(r">3</rasd:ResourceType>", ">24</rasd:ResourceType>"), "OvfMissingElement"),
    "a file without a name": (_replaced(r' ovf:href="[^"]*"', ""), "OvfMissingAttribute"),
    "a size that is none": (_replaced(r'ovf:size="\d+"', 'ovf:size="-1"'), "OvfInvalidValueFormatMalformed"),
    "a disk without capacity": (_replaced(r' ovf:capacity="\d+"', ""), "OvfInvalidValueFormatMalformed"),
    "a disk of no bytes": (_replaced(r'ovf:capacity="\d+"', 'ovf:capacity="0"'), "OvfInvalidValueFormatMalformed"),
    "a disk that no server has": (
        _replaced(r'ovf:capacity="\d+"', 'ovf:capacity="99999999999999999"'),
        "OvfInvalidValueFormatMalformed",
    ),
    "units that overflow": (_replaced(r"byte \* 2\^\d+", "byte * 2^999999999"), "OvfInvalidValueFormatMalformed"),
    "a file that is not there": (_replaced(r'ovf:fileRef="[^"]*"', 'ovf:fileRef="other"'), "OvfInvalidValueReference"),
    "a disk that is not there": (_replaced(r"ovf:/disk/vmdisk1", "ovf:/disk/other"), "OvfInvalidValueReference"),
    "a parent that is not there": (_replaced(r"<rasd:Parent>\d+<", "<rasd:Parent>99<"), "OvfInvalidValueReference"),
    "hardware that there is not": (
        _replaced(r">17</rasd:ResourceType>", ">99</rasd:ResourceType>"),
        "OvfUnsupportedType",
    ),
    "a controller that there is not": (_replaced(r">VirtualSCSI<", ">warp<"), "OvfUnsupportedSubType"),
    "memory that is no number": (
        _replaced(r"<rasd:VirtualQuantity>32<", "<rasd:VirtualQuantity>lots<"),
        "OvfElementInvalidValue",
    ),
    "memory in a unit that is none": (_replaced(r"byte \* 2\^20<", "byte * 10^6<"), "OvfElementInvalidValue"),
    "memory in parts of a MiB": (_replaced(r">byte \* 2\^20<", ">byte<"), "OvfElementInvalidValue"),
    "no memory": (_replaced(r"<rasd:VirtualQuantity>32<", "<rasd:VirtualQuantity>0<"), "OvfElementInvalidValue"),
    "0 processors": (_replaced(r"<rasd:VirtualQuantity>1<", "<rasd:VirtualQuantity>0<"), "OvfElementInvalidValue"),
    "hardware of tomorrow": (_replaced(r">vmx-\d+<", ">vmx-99<"), "OvfNoSupportedHardwareFamily"),
    "hardware of others": (_replaced(r">vmx-\d+<", ">virtualbox-2.2<"), "OvfNoSupportedHardwareFamily"),
    "a delta": (_replaced(r"<Disk ", '<Disk ovf:parentRef="vmdisk0" '), "OvfUnsupportedAttribute"),
}


@pytest.mark.parametrize("how", WRONG)
def test_what_is_wrong_with_a_package_is_told_by_its_fault(me: Plain, to: Importer, text: str, how: str) -> None:
    change, fault = WRONG[how]
    altered = change(text)
    for told in (parsed(me, altered), to.made(altered)):
        (error,) = told.error
        assert type(error).__name__ == f"vim.fault.{fault}" and error.msg
        assert isinstance(error, vim.fault.OvfFault)
    assert to.made(altered).importSpec is None


@pytest.mark.parametrize(
    ("units", "size", "mib"),
    [
        ("byte * 2^30", 4, 4096),
        ("byte*2^10", 8192, 8),
        ("byte", 64 << 20, 64),
        ("MegaBytes", 64, 64),
        ("GigaBytes", 1, 1024),
    ],
)
def test_memory_is_counted_in_the_unit_that_is_told(to: Importer, text: str, units: str, size: int, mib: int) -> None:
    altered = _replaced(r">byte \* 2\^20<(.*?)<rasd:VirtualQuantity>32<", rf">{units}<\1<rasd:VirtualQuantity>{size}<")(
        text
    )
    assert to.spec(altered).importSpec.configSpec.memoryMB == mib


def test_quantities_that_no_machine_has(to: Importer, text: str) -> None:
    wrong = [("numCPUs", 0), ("numCPUs", -1), ("numCoresPerSocket", -1), ("memoryMB", 0), ("memoryMB", 6)]
    for name, value in wrong:
        spec = to.spec(text).importSpec
        setattr(spec.configSpec, name, value)
        with pytest.raises(vmodl.fault.InvalidArgument, match=name):
            to.started(spec)


def test_parameters_that_there_are_not(to: Importer, text: str) -> None:
    (error,) = to.made(text, diskProvisioning="liquid").error
    assert isinstance(error, vim.fault.OvfUnsupportedDiskProvisioning) and error.diskProvisioning == "liquid"
    (error,) = to.made(text, deploymentOption="huge").error
    assert isinstance(error, vim.fault.OvfInvalidValueConfiguration)


def test_a_device_that_may_be_left_out_is(to: Importer, text: str) -> None:
    item = '<Item ovf:required="false"><rasd:ElementName>odd</rasd:ElementName><rasd:InstanceID>77</rasd:InstanceID>'
    item += "<rasd:ResourceType>99</rasd:ResourceType></Item></VirtualHardwareSection>"
    assert to.spec(text.replace("</VirtualHardwareSection>", item))


def test_a_device_that_the_fake_has_not_is_counted_as_a_gap(me: Plain, to: Importer, text: str) -> None:
    item = "<Item><rasd:ElementName>usb</rasd:ElementName><rasd:InstanceID>77</rasd:InstanceID>"
    item += "<rasd:ResourceType>23</rasd:ResourceType></Item></VirtualHardwareSection>"
    assert to.spec(text.replace("</VirtualHardwareSection>", item))
    assert me.vcenter.about()["gaps"]["importing a device of resource type 23"] == 1


def test_a_host_that_stands_alone_takes_no_vapp() -> None:
    world = {"datacenters": [{"hosts": ["H0"], "vapps": [{"name": "A", "vms": [{"name": "A0", "disks": [SMALL]}]}]}]}
    with make(world=world) as vc, Plain(vc) as me:
        text, _ = packed(me, me.vapp("A"))
    with make("esxi-8.0") as host, Plain(host) as me:
        (error,) = Importer(me).made(text).error
        assert isinstance(error, vim.fault.OvfUnsupportedElement)


def test_who_may_not_import(text: str) -> None:
    users = [{"name": "reader", "password": "p", "role": "ReadOnly"}]
    with make(users=users) as vc, Plain(vc) as me:
        made = Importer(me).spec(packed(me, me.vm())[0]).importSpec
        vc.user, vc.password = "reader", "p"
        with Plain(vc) as other:
            to = Importer(other)
            with pytest.raises(vim.fault.NoPermission) as refused:
                to.started(made)
            assert refused.value.privilegeId == "VApp.Import"
            with pytest.raises(vmodl.fault.SecurityError):
                to.made(text)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_altered_descriptor_ends_in_anything_but_a_fault(text: str, data: st.DataObject) -> None:
    raw = text.encode()
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(raw) - 1))
        length = data.draw(st.integers(0, 60))
        raw = (
            raw[:place]
            + data.draw(st.binary(max_size=12) | st.sampled_from([b"", b"-1", b"0", b"x"]))
            + raw[place + length :]
        )
    try:
        read_descriptor(raw)
    except PackageError as error:
        assert hasattr(vim.fault, error.fault)
