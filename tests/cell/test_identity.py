"""The descriptors of a download against the OVF schema: the cloud's own sections stand where that lets them (3.6).

OVF lets others add sections where they declare them to be sections. The cloud's schema is not at hand, so what is known
of the two that a descriptor has, by a recorded answer (2.7), is declared here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from cell.http import Http, links
from twohop.exporter.cell import Cell
from twohop.exporter.package import read_descriptor
from twohop.exporter.vsphere import VCenterAddress
from twohop.fakes import VCenter

SCHEMA = Path(os.environ.get("TWOHOP_SCHEMAS", Path(__file__).parents[3] / "shared" / "schemas")) / "ovf"
OVF, VCLOUD = "{http://schemas.dmtf.org/ovf/envelope/1}", "{http://www.vmware.com/vcloud/v1.5}"
VMS = ["DC0_C0_RP0_VM0", "DC0_C0_RP0_VM2"]
VAPPS: list[dict[str, Any]] = [
    {"name": "one", "vms": VMS[:1]},
    {"name": "two; (really)", "vms": VMS, "deployment_lease_s": 7200, "storage_lease_s": 86400},
]
CATALOGUE = {
    "orgs": [
        {
            "name": "Org0", "vdcs": [{"name": "Vdc0", "vapps": VAPPS}],
            "catalogs": [{"name": "Catalog0", "templates": [{"name": "template", "vms": VMS, "storage_lease_s": 60}]}],
        }
    ]
}  # fmt: skip


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> etree.XMLSchema:
    if not (SCHEMA / "ovf-envelope.xsd").exists():
        pytest.skip(f"no OVF schema in {SCHEMA}: set TWOHOP_SCHEMAS")
    sections = tmp_path_factory.mktemp("schema") / "sections.xsd"
    sections.write_text(SECTIONS.format(ovf=(SCHEMA / "ovf-envelope.xsd").resolve().as_uri()))
    return etree.XMLSchema(file=str(sections))


@pytest.fixture(scope="module")
def me(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Http]:
    with VCenter(vms=3) as vcenter:
        address = VCenterAddress(vcenter.url, vcenter.user, vcenter.password, vcenter.ca_file)
        share = tmp_path_factory.mktemp("share")
        with Cell(
            address, transfer_dir=share, clock=vcenter.clock, authority=vcenter.authority, catalogue=CATALOGUE
        ) as cell, Http(cell) as http:  # fmt: skip
            http.log_in()
            yield http


def where(me: Http, kind: str, name: str) -> str:
    rows = me.get(f"/api/query?type={kind}")
    return next(str(row.get("href")) for row in rows if row.get("name") == name)


def both(me: Http, kind: str, name: str) -> tuple[bytes, bytes]:
    href = where(me, kind, name)
    assert me.call("POST", f"{href}/action/enableDownload").status == 202
    me.cell.engine.settle()
    shown = links(me.get(href))
    default, identity = (me.pool.request("GET", shown[f"download:{each}"]).data for each in ("default", "identity"))
    return default, identity


SECTIONS = """
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="http://www.vmware.com/vcloud/v1.5"
    xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" targetNamespace="http://www.vmware.com/vcloud/v1.5"
    elementFormDefault="qualified">
  <xs:import namespace="http://schemas.dmtf.org/ovf/envelope/1" schemaLocation="{ovf}"/>
  <xs:complexType name="Lease"><xs:complexContent><xs:extension base="ovf:Section_Type"><xs:sequence>
    <xs:element name="DeploymentLeaseInSeconds" type="xs:int" minOccurs="0"/>
    <xs:element name="StorageLeaseInSeconds" type="xs:int" minOccurs="0"/>
    <xs:element name="StorageLeaseExpiration" type="xs:dateTime" minOccurs="0"/>
  </xs:sequence></xs:extension></xs:complexContent></xs:complexType>
  <xs:complexType name="Network"><xs:sequence>
    <xs:element name="Description" type="xs:string" minOccurs="0"/>
    <xs:element name="Configuration"><xs:complexType><xs:sequence>
      <xs:element name="FenceMode"><xs:simpleType><xs:restriction base="xs:string">
        <xs:enumeration value="bridged"/><xs:enumeration value="isolated"/><xs:enumeration value="natRouted"/>
      </xs:restriction></xs:simpleType></xs:element>
      <xs:element name="RetainNetInfoAcrossDeployments" type="xs:boolean" minOccurs="0"/>
    </xs:sequence></xs:complexType></xs:element>
    <xs:element name="IsDeployed" type="xs:boolean" minOccurs="0"/>
  </xs:sequence><xs:attribute name="networkName" type="xs:string" use="required"/></xs:complexType>
  <xs:complexType name="Networks"><xs:complexContent><xs:extension base="ovf:Section_Type"><xs:sequence>
    <xs:element name="NetworkConfig" type="Network" minOccurs="0" maxOccurs="unbounded"/>
  </xs:sequence></xs:extension></xs:complexContent></xs:complexType>
  <xs:element name="LeaseSettingsSection" type="Lease" substitutionGroup="ovf:Section"/>
  <xs:element name="NetworkConfigSection" type="Networks" substitutionGroup="ovf:Section"/>
</xs:schema>
"""

CASES = [("vApp", "one"), ("vApp", "two; (really)"), ("vAppTemplate", "template")]


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_both_descriptors_are_valid_and_name_the_same_files(
    me: Http, schema: etree.XMLSchema, kind: str, name: str
) -> None:
    default, identity = both(me, kind, name)
    for text in (default, identity):
        assert schema.validate(etree.fromstring(text)), schema.error_log
    assert read_descriptor(default).files == read_descriptor(identity).files


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_the_identity_descriptor_says_what_the_entity_says_of_itself(me: Http, kind: str, name: str) -> None:
    _, identity = both(me, kind, name)
    root, entity = etree.fromstring(identity), me.get(where(me, kind, name))
    (section,) = root.iterfind(f"{VCLOUD}LeaseSettingsSection")
    (shown,) = entity.iterfind(f"{VCLOUD}LeaseSettingsSection")
    assert [(each.tag, each.text) for each in section] == [(each.tag, each.text) for each in shown]
    networks = {str(each.get(f"{OVF}name")) for each in root.iterfind(f"{OVF}NetworkSection/{OVF}Network")}
    configured = root.iterfind(f"{VCLOUD}NetworkConfigSection/{VCLOUD}NetworkConfig")
    assert networks and {str(each.get("networkName")) for each in configured} == networks
    machines = [str(each.get(f"{OVF}id")) for each in root.iter(f"{OVF}VirtualSystem")]
    started = [str(each.get(f"{OVF}id")) for each in root.iter(f"{OVF}Item") if each.get(f"{OVF}order") is not None]
    assert started == machines
