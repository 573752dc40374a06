"""libvirt's ESX driver, by virsh, against a vCenter and a standalone host.

The driver asks for a session by cookie, reads by RetrieveProperties with an xsi:type on every element, and takes a
machine's configuration from its datastore. It trusts the system's authorities alone, so it is told not to verify.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lxml import etree

from interop.support import VM0, VM1, Environment, drove, run, served, tool

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300), tool("virsh", "libvirt-clients")]

Virsh = Callable[..., str]
Front = tuple[str, str, Environment]
FRONTS = {"vpx": ("vcenter-8.0", "DC0/DC0_C0/DC0_C0_H0"), "esx": ("esxi-8.0", "")}


@pytest.fixture(scope="module", params=FRONTS)
def front(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str, Environment]]:
    scheme = str(request.param)
    profile, place = FRONTS[scheme]
    with served(tmp_path_factory.mktemp("serve"), "--profile", profile) as environment:
        yield scheme, place, environment


@pytest.fixture
def virsh(front: Front, tmp_path: Path) -> Virsh:
    scheme, place, environment = front
    secrets = tmp_path / "auth.conf"
    secrets.write_text(
        f"[credentials-fake]\nusername={environment['TWOHOP_USER']}\npassword={environment['TWOHOP_PASSWORD']}\n"
        "[auth-esx-127.0.0.1]\ncredentials=fake\n"
    )
    address = environment["TWOHOP_VCENTER_URL"].removeprefix("https://")
    uri = f"{scheme}://{address}/{place}?no_verify=1&authfile={secrets}"
    version = run("virsh", "--version").stdout.strip()

    def virsh(*arguments: str) -> str:
        drove("libvirt (virsh)", version, f"{scheme}:// {' '.join(a for a in arguments if a not in (VM0, VM1))}")
        return run("virsh", "-q", "-c", uri, *arguments).stdout

    return virsh


def test_list(virsh: Virsh, front: Front) -> None:
    rows = {row.split()[1]: " ".join(row.split()[2:]) for row in virsh("list", "--all").splitlines() if row.strip()}
    # By vpx:// a connection is to one host of the vCenter.
    assert rows == ({VM0: "shut off"} if front[0] == "vpx" else {VM0: "shut off", VM1: "running"})


def test_dumpxml(virsh: Virsh) -> None:
    domain = etree.fromstring(virsh("dumpxml", VM0))
    assert (domain.get("type"), domain.findtext("name")) == ("vmware", VM0)
    source = domain.find("devices/disk[@device='disk']/source")
    assert source is not None and source.get("file") == f"[LocalDS_0] {VM0}/{VM0}.vmdk"
    assert domain.findtext("memory") == str(32 << 10)
    mac = domain.find("devices/interface/mac")
    assert mac is not None and str(mac.get("address")).startswith("00:50:56:")


def test_node(virsh: Virsh) -> None:
    told = dict(line.split(":", 1) for line in virsh("nodeinfo").splitlines() if ":" in line)
    assert int(told["CPU(s)"]) == 8
    assert "LocalDS_0" in virsh("pool-list", "--all")
