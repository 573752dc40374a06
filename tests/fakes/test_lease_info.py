"""HttpNfcLeaseInfo with real values (section 4), read by pyVmomi and by hand, in old and new versions."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plain_pyvmomi import Plain
from soap_wire import Wire, shape
from twohop.fakes.world import World, device_files
from twohop.runtime import Clock, Journal
from twohop.runtime.profiles import Profile, known_profiles, load_profile
from vcenters import SMALL, make

VCENTERS = [name for name in known_profiles() if name.startswith("vcenter-")]
KINDS = {
    "pvscsi": "ParaVirtualSCSIController", "lsilogic": "VirtualLsiLogicController",
    "lsilogicsas": "VirtualLsiLogicSASController", "buslogic": "VirtualBusLogicController",
    "sata": "VirtualAHCIController", "ide": "VirtualIDEController", "nvme": "VirtualNVMEController",
}  # fmt: skip
FULL: dict[str, Any] = {
    "name": "FULL",
    "firmware": "efi",
    "nvram": {"size": 8684},
    "disks": [{**SMALL, "controller": "lsilogicsas"}, {"size": "100 GiB", "data": "1 MiB", "controller": "nvme"}],
    "images": [{"size": 5000, "content": "seed:5"}, {"kind": "floppy", "size": 2880}],
}


def world(*vms: Any, **datacenter: Any) -> dict[str, Any]:
    clusters = [{"name": "C0", "hosts": ["H0", "H1", "H2"]}]
    return {"datacenters": [{"name": "DC0", "clusters": clusters, "vms": list(vms), **datacenter}]}


@pytest.mark.parametrize("profile", VCENTERS)
def test_every_field_of_a_machine_with_everything(profile: str) -> None:
    with make(profile=profile, world=world(FULL)) as vc, Plain(vc) as me:
        lease = me.export("FULL")
        info = lease.info
        moid = info.entity._GetMoId()
        keys = ["VirtualIDEController0:0", "VirtualSIOController0:0", "VirtualLsiLogicSASController0:0",
                "VirtualNVMEController0:0"]  # fmt: skip
        names = ["disk-0.iso", "disk-1.flp", "disk-2.vmdk", "disk-3.vmdk"]
        sizes = [5000, 2880, None, None]
        if tuple(map(int, profile.partition("-")[2].split("."))) >= (6, 7):
            keys, names, sizes = [*keys, "nvram"], [*names, "disk-4.nvram"], [*sizes, 8684]
        assert [url.key for url in info.deviceUrl] == [f"/{moid}/{key}" for key in keys]
        assert [url.url.rpartition("/")[2] for url in info.deviceUrl] == names
        assert [url.fileSize for url in info.deviceUrl] == sizes
        assert [url.disk for url in info.deviceUrl] == [size is None for size in sizes]
        assert [url.targetId for url in info.deviceUrl] == [n if n.endswith("vmdk") else None for n in names]
        assert {url.importKey for url in info.deviceUrl} == {""}
        assert len({url.url.rpartition("/")[0] for url in info.deviceUrl}) == 1, "4.5: one ticket"
        for url in info.deviceUrl:
            assert url.datastoreKey == (url.url.rpartition("/")[0] + "/" if url.disk else None)
            assert re.fullmatch(r"([0-9A-F]{2}:){19}[0-9A-F]{2}", url.sslThumbprint)
        assert (info.totalDiskCapacityInKB, info.leaseTimeout) == (100 << 20 | 4096, 300)
        assert (info.lease, list(info.hostMap)) == (lease, [])
        for url, size in zip(info.deviceUrl, sizes, strict=True):
            assert size is None or len(me.get(url.url).data) == size


@pytest.mark.parametrize(("kind", "wsdl"), KINDS.items())
def test_a_disk_has_its_key_from_its_controller(kind: str, wsdl: str) -> None:
    row = {"name": "VM", "disks": [{**SMALL, "controller": kind, "unit": 1}]}
    with make(world=world(row)) as vc, Plain(vc) as me:
        (url,) = me.export("VM").info.deviceUrl
        assert url.key.partition("/vm-")[2].partition("/")[2] == f"{wsdl}0:1"


def test_a_client_of_an_older_version_gets_no_newer_field() -> None:
    new = ["disk", "targetId", "datastoreKey", "fileSize"]
    with make(profile=load_profile("vcenter-9.0", {"host_map": "present"}), world=world(FULL)) as vc:
        for version, seen, unseen in (
            ("4.0", [], [*new, "sslCertificate", "hostMap"]),
            ("8.0.3.0", [*new, "hostMap"], ["sslCertificate"]),
        ):
            with Wire(vc, version).login() as user:
                (moid,) = user.call("ExportVm", "VirtualMachine", user.moid("Vm", "FULL")).texts("returnval")
                while user.fetch("HttpNfcLease", moid, "state").texts("returnval") != ["ready"]:
                    pass
                answer = user.fetch("HttpNfcLease", moid, "info")
                assert all(answer.texts(name) or name == "hostMap" for name in seen)
                assert ("hostMap" in dict(shape(answer.body[0]))) == ("hostMap" in seen)
                assert not any(answer.texts(name) for name in unseen)
                first = [name for name, _ in shape(answer.body[0]) if name not in ("hostMap",)]
                assert first == ["lease", "entity", "deviceUrl", "totalDiskCapacityInKB", "leaseTimeout"]
                assert user.fetch("HttpNfcLease", moid, "mode").fault == (
                    "InvalidProperty" if version == "4.0" else None
                )


@pytest.mark.parametrize("scope", ["lease-and-host", "lease"])
def test_every_host_that_sees_the_datastore_serves_its_disks(scope: str) -> None:
    stores = [{"name": "Shared"}, {"name": "Two", "hosts": ["H0", "H1"]}]
    row = {"name": "VM", "disks": [SMALL, {**SMALL, "datastore": "Two"}], "images": [{"size": 100}]}
    profile = load_profile("vcenter-8.0", {"host_map": "present", "ticket_scope": scope})
    with make(profile=profile, world=world(row, datastores=stores)) as vc, Plain(vc) as me:
        info = me.export("VM").info
        (row,) = info.hostMap
        disks = [url for url in info.deviceUrl if url.disk]
        assert {row.datastoreKey} == {url.datastoreKey for url in disks}
        assert [urlsplit(host.url).netloc for host in row.hosts] == [
            urlsplit(vc.hosts[name].url).netloc for name in ("H0", "H1")
        ], "the machine's own first, and none that sees but one of two datastores"
        prints = {host.sslThumbprint for host in row.hosts}
        assert prints == {vc.world.host(name).thumbprint for name in ("H0", "H1")}
        tickets = {urlsplit(host.url).path.split("/")[2] for host in row.hosts}
        assert len(tickets) == (2 if scope == "lease-and-host" else 1)
        for url in disks:
            bodies = {me.get(host.url + url.targetId).data for host in row.hosts}
            assert bodies == {me.get(url.url).data}
        (image,) = (url for url in info.deviceUrl if not url.disk)
        name = image.url.rpartition("/")[2]
        assert me.get(row.hosts[1].url + name).status == 404, "the map is of disks"
        assert me.get(image.url).status == 200
        ticket = urlsplit(row.hosts[1].url).path
        assert me.get(vc.hosts["H2"].url + ticket + disks[0].targetId).status == 404


def test_nvram_under_the_machines_name_is_asked_for_percent_encoded() -> None:
    profile = load_profile("vcenter-8.0", {"nvram_name": "vm-name"})
    row = {"name": "my ünïted vm (1)", "firmware": "efi", "nvram": {"size": 300}}
    with make(profile=profile, world=world(row)) as vc, Plain(vc) as me:
        (url,) = me.export(row["name"]).info.deviceUrl
        assert url.url.endswith("/my ünïted vm (1).nvram"), "as it is"
        answer = me.get(url.url)
        assert (answer.status, len(answer.data)) == (200, 300)
        assert (answer.headers["Content-Length"], answer.headers["Content-Type"]) == ("300", "application/octet-stream")
        base = url.url.rpartition("/")[0]
        encoded = "my%20%C3%BCn%C3%AFted%20vm%20(1).nvram"
        for name, status in (
            (encoded, 200), (encoded.lower(), 200), (encoded.replace("(1)", "%281%29"), 200),
            (encoded.replace("vm", "%76m"), 200), (encoded.replace("%20", "+"), 404), ("..%2f" + encoded, 404),
            (encoded + "%00", 404), (encoded.replace("%C3%BC", "%FC"), 404),
        ):  # fmt: skip
            assert me.pool.request("GET", f"{base}/{name}").status == status, name


@given(
    disks=st.lists(st.sampled_from(list(KINDS)), max_size=4), images=st.integers(0, 2), nvram=st.booleans(),
    order=st.sampled_from(["images-first", "disks-first", "nvram-first"]),
    named=st.sampled_from(["disk-N", "vm-name"]), machines=st.integers(1, 3),
    scope=st.sampled_from(["lease-and-host", "lease"]), host_map=st.sampled_from(["present", "absent"]),
)  # fmt: skip
@settings(max_examples=60)
def test_files_of_any_machines_have_keys_names_and_tickets_of_their_own(
    disks: list[str], images: int, nvram: bool, order: str, named: str, machines: int, scope: str, host_map: str
) -> None:
    rows = [
        {
            "name": f"VM{n}",
            "host": f"H{n}",
            "disks": [{**SMALL, "controller": kind} for kind in disks],
            "images": [{"size": 10, "controller": "sata"}] * images,
            "nvram": nvram,
        }
        for n in range(machines)
    ]
    profile = load_profile("vcenter-8.0").but(
        device_order=order, nvram_name=named, ticket_scope=scope, host_map=host_map
    )
    vms = _built(profile, world(*rows)).vms()
    drawn = iter(range(1000))
    files, tickets = device_files(profile, [(vm, vm) for vm in vms], lambda: f"t{next(drawn)}")
    assert len(files) == machines * (len(disks) + images + nvram)
    assert len({file.key for file in files}) == len({file.name for file in files}) == len(files)
    numbers = [int(file.name[5:].partition(".")[0]) for file in files if file.name.startswith("disk-")]
    assert numbers == [n for n, file in enumerate(files) if file.name.startswith("disk-")], "4.6: files, not disks"
    by_host = {(file.host.name, file.ticket) for file in files}
    assert len(by_host) == (machines if files else 0)
    assert len({ticket for _, ticket in by_host}) <= (1 if scope == "lease" else machines)
    own = [ticket for ticket in tickets if ticket.host is ticket.whose]
    assert [file for ticket in own for file in ticket.files] == files
    others = [ticket for ticket in tickets if ticket.host is not ticket.whose]
    assert len(others) == (2 * machines if host_map == "present" and disks else 0)
    assert all(file.disk is not None for ticket in others for file in ticket.files)


def _built(profile: Profile, spec: dict[str, Any]) -> World:
    clock = Clock(start=0)
    return World(profile=profile, clock=clock, journal=Journal("w", clock.now), spec=spec)
