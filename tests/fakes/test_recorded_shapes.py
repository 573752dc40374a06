"""Answers against recordings of real servers: names and order of elements, never their values."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml
from lxml import etree

from soap_wire import VIM, Wire, objects, props, shape
from twohop.fakes.vim._registry import newest_known
from twohop.runtime.profiles import known_profiles
from vcenters import make

ROOT = Path(os.environ.get("TWOHOP_RECORDINGS", Path(__file__).parents[3] / "shared" / "recordings")) / "vsphere"
SMART = {
    "5.5": "2014-07-23_19e5029d14/smart_connection.yaml",
    "6.0": "2015-10-13_779bc68131/basic_container_view.yaml",
    "6.5": "2017-05-30_9d0deeff53/pbm_check_compatibility.yaml",
    "6.7": "2018-11-06_827747fb7a/test_json_datacenter_explode.yaml",
    "8.0": "2023-12-21_3ec58e268c/smart_connection.yaml",
}
CONTENT = {
    **{version: f"pyvmomi/{name}" for version, name in SMART.items()},
    "4.1": "manageiq-providers-vmware/ccd60765db__infra_manager__vm__remote_console.yml",
    "9.0": "manageiq-providers-vmware/747959b768__infra_manager__metrics_capture__realtime.yml",
}
VCENTERS = [name for name in known_profiles() if name.startswith("vcenter-")]


class _Loader(yaml.SafeLoader):
    """Takes the tags that Python 2 left in cassettes."""


_Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda loader, tag, node: loader.construct_scalar(node))


def _recorded(name: str) -> Iterator[tuple[str, Any]]:
    """Each (path or method, root element) of a cassette's answers in XML."""
    path = ROOT / name
    if not path.exists():
        pytest.skip(f"no recording {path}: set TWOHOP_RECORDINGS to the directory that has vsphere/")
    cassette = yaml.load(path.read_text("utf-8"), Loader=_Loader)  # noqa: S506
    for row in cassette.get("interactions") or cassette["http_interactions"]:
        body = row["response"]["body"]
        text = body.get("string", "") if isinstance(body, dict) else body
        data = text.encode() if isinstance(text, str) else text
        if not data.lstrip().startswith(b"<"):
            continue
        root = etree.fromstring(data.lstrip(), etree.XMLParser(resolve_entities=False, no_network=True, recover=True))
        found = root.find("{http://schemas.xmlsoap.org/soap/envelope/}Body")
        yield (row["request"]["uri"], root) if found is None else (etree.QName(found[0]).localname, found[0])


def _first(name: str, what: str) -> Any:
    for seen, element in _recorded(name):
        if seen.endswith(what):
            return element
    pytest.skip(f"{name} has no {what}")


def _common(ours: list[Any], theirs: list[Any], where: str = "") -> int:
    """Check that the names which both have stand in one order, at every depth; return how many there are."""
    mine, real = [name for name, _ in ours], [name for name, _ in theirs]
    both = set(mine) & set(real)
    assert [n for n in mine if n in both] == [n for n in real if n in both], where
    below = dict(ours), dict(theirs)
    return len(both) + sum(_common(below[0][n], below[1][n], f"{where}/{n}") for n in both)


@pytest.mark.parametrize("version", SMART)
def test_the_list_of_versions_has_the_form_of_the_recorded_one(version: str) -> None:
    theirs = _first(f"pyvmomi/{SMART[version]}", "/sdk/vimServiceVersions.xml")
    with make(profile=f"vcenter-{version}") as vc, urllib3.PoolManager(ca_certs=str(vc.ca_file)) as pool:
        answer = pool.request("GET", f"{vc.url}/sdk/vimServiceVersions.xml")
    ours = etree.fromstring(answer.data)
    assert answer.headers["Content-Type"].startswith("text/xml")
    assert (ours.tag, dict(ours.attrib)) == (theirs.tag, dict(theirs.attrib))
    assert [ns.findtext("name") for ns in ours] == [ns.findtext("name") for ns in theirs]
    assert shape(ours)[0] == ("namespace", shape(theirs[0]))
    offered, known = ours.findall(".//version"), theirs.findall(".//version")
    common = [v.text for v in known if v.text in {o.text for o in offered}]
    assert len(common) > 3


@pytest.mark.parametrize("profile", VCENTERS)
def test_the_versions_offered_begin_with_the_newest_and_repeat_none(profile: str) -> None:
    with make(profile=profile) as vc, urllib3.PoolManager(ca_certs=str(vc.ca_file)) as pool:
        root = etree.fromstring(pool.request("GET", f"{vc.url}/sdk/vimServiceVersions.xml").data)
        # An older pyVmomi does not know the newest versions, so what it knows is what is offered.
        newest = newest_known(vc.profile.text("api_version"))
    versions = [v.text for v in root[0].iter("version")]
    assert len(set(versions)) == len(versions)
    assert versions[0] == newest
    numbers = [tuple(int(n) for n in v.split(".")) for v in versions]
    assert numbers == sorted(numbers, reverse=True)


@pytest.mark.parametrize("version", sorted(CONTENT))
def test_service_content_has_the_recorded_names_in_the_recorded_order(version: str) -> None:
    theirs = _first(CONTENT[version], "RetrieveServiceContentResponse")
    with make(profile=f"vcenter-{version}") as vc, Wire(vc) as wire:
        ours = wire.content().body
    assert _common(shape(ours), shape(theirs)) > 25
    names = {name for name, _ in shape(ours[0])}
    real = {name for name, _ in shape(theirs[0])}
    assert names <= real, "a server of this version has no such manager"
    about = {name for name, _ in dict(shape(ours[0]))["about"]}
    assert about <= {name for name, _ in dict(shape(theirs[0]))["about"]}
    for name in names & real:
        mine, recorded = ours[0].find(f"{{{VIM}}}{name}"), theirs[0].find(f"{{{VIM}}}{name}")
        assert mine.get("type") == recorded.get("type"), name
        # One id ends with the build, which a version has many of.
        if name not in ("rootFolder", "about"):
            assert mine.text.partition("-")[0] == recorded.text.partition("-")[0], name


@pytest.mark.parametrize("profile", VCENTERS)
def test_service_content_of_every_profile_is_the_same_twice_and_names_its_product(profile: str) -> None:
    with make(profile=profile) as vc, Wire(vc) as wire:
        first, second = wire.content(), wire.content()
        assert shape(first.body) == shape(second.body)
        assert first.texts("version") == [vc.profile.text("about_version")]
        assert first.texts("apiType") == ["VirtualCenter"]


@pytest.mark.parametrize("version", sorted(CONTENT))
def test_login_has_the_recorded_names_in_the_recorded_order(version: str) -> None:
    theirs = _first(CONTENT[version], "LoginResponse")
    with make(profile=f"vcenter-{version}") as vc, Wire(vc) as wire:
        ours = wire.try_login().body
    assert _common(shape(ours), shape(theirs)) > 6
    assert {name for name, _ in shape(ours[0])} <= {name for name, _ in shape(theirs[0])}


@pytest.mark.parametrize("name", ["2014-07-21_cd533499cb", "2015-10-13_779bc68131"])
def test_a_refused_login_has_the_recorded_form(name: str) -> None:
    theirs = _first(f"pyvmomi/{name}/basic_connection_bad_password.yaml", "Fault")
    with make(profile="vcenter-6.0") as vc, Wire(vc) as wire:
        answer = wire.try_login(password="wrong")
    assert shape(answer.body) == shape(theirs)
    assert answer.message == theirs.findtext("faultstring")
    assert dict(answer.detail.attrib) == dict(theirs.find("detail")[0].attrib)
    assert answer.detail.tag == theirs.find("detail")[0].tag


def test_vcenter_4_1_takes_the_soap_action_of_a_foreign_call_for_its_version() -> None:
    foreign = '<RetrieveServiceContent xmlns="urn:vim2"><_this type="ServiceInstance">ServiceInstance</_this>'
    for profile, refused in (("vcenter-4.1", True), ("vcenter-5.5", False), ("vcenter-9.0", False)):
        with make(profile=profile) as vc, Wire(vc) as wire:
            this = ("ServiceInstance", "ServiceInstance")
            answer = wire.envelope(f"{foreign}</RetrieveServiceContent>", action='"RetrieveServiceContent"')
            assert answer.fault == ("ClientFaultCode" if refused else "MethodNotFound")
            if refused:
                assert answer.message == "Unsupported version URI RetrieveServiceContent"
                assert answer.body.find("detail") is None
            assert wire.call("RetrieveServiceContent", *this, action='"RetrieveServiceContent"').fault is None
            for action in ("urn:vim25/4.1", '"urn:vim25/4.1"', '"urn:vim25/99.0.0.0"', '""', "urn:vim25/"):
                call = wire.call("RetrieveServiceContent", "ServiceInstance", "ServiceInstance", action=action)
                assert call.fault is None, (profile, action)


SERVICE = ("ServiceInstance", "ServiceInstance")


@pytest.mark.parametrize("profile", VCENTERS)
@pytest.mark.parametrize("action", ["", '""'])
def test_an_empty_soap_action_is_answered_in_the_oldest_api(profile: str, action: str) -> None:
    # So yavijava begins, and fields that it was not made for end it: a vCenter 6.0 sent it no instanceUuid (API 4.0).
    with make(profile=profile) as vc, Wire(vc) as wire:
        named, unnamed = wire.content(), wire.call("RetrieveServiceContent", *SERVICE, action=action)
        about = {name for name, _ in dict(shape(unnamed.body[0]))["about"]}
        assert "apiVersion" in about and "patchLevel" not in about
        oldest_is_2_5 = vc.profile.version in ("4.1", "5.5", "6.0")
        assert ("instanceUuid" in about) is not oldest_is_2_5
        assert {name for name, _ in shape(unnamed.body[0])} < {name for name, _ in shape(named.body[0])}


def test_a_reference_bears_its_type_before_its_xsi_type_as_recorded(user: Wire) -> None:
    answer = user.fetch("VirtualMachine", user.moid("Vm", "VM0"), "parent").data
    assert b'<returnval type="Folder" xsi:type="ManagedObjectReference">' in answer
    spec = props("Folder", "childEntity") + objects("Folder", user.vcenter.world.root.moid)
    assert b'<ManagedObjectReference type="Datacenter" xsi:type="ManagedObjectReference">' in user.retrieve(spec).data
