"""Bodies of the cell beside those that real cells sent: the same elements and attributes, in the same order.

Ours may leave out what it has nothing to say about; it may not invent, misname or reorder.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from lxml import etree

from cell.http import Http, links
from cell.support import START, MadeUpSource
from twohop.exporter.cell import Cell
from twohop.runtime import Clock

RECORDINGS = (
    Path(os.environ.get("TWOHOP_RECORDINGS", Path(__file__).parents[2].parent / "shared" / "recordings")) / "vcd"
)
MIQ = "manageiq-providers-vmware/spec/vcr_cassettes/manageiq/providers/vmware/cloud_manager/refresher.yml"
REST = "vcloud-rest/spec/fixtures/vcr_cassettes"
NEWER = {"Session": {"roles", "userId"}}
"""Attributes that the recorded version did not have yet: of the session in a 10.x one (1.2)."""

pytestmark = pytest.mark.skipif(not RECORDINGS.is_dir(), reason=f"no recordings at {RECORDINGS}: set TWOHOP_RECORDINGS")


def recorded(cassette: str, number: int) -> etree._Element:
    with (RECORDINGS / cassette).open() as file:
        body = yaml.safe_load(file)["http_interactions"][number]["response"]["body"]["string"]
    return etree.fromstring(body.encode())


@pytest.fixture
def http(tmp_path: Path) -> Iterator[Http]:
    cell = Cell(None, transfer_dir=tmp_path / "t", clock=Clock(start=START), source=MadeUpSource(), profile="cell-29.0")
    with cell, Http(cell, "29.0") as client:
        client.log_in()
        yield client


def compare(ours: etree._Element, theirs: etree._Element, where: str = "") -> None:
    where = f"{where}/{etree.QName(ours).localname}"
    assert ours.tag == theirs.tag, where
    invented = set(ours.attrib) - set(theirs.attrib) - NEWER.get(etree.QName(ours).localname, set())
    assert not invented, f"{where}: {invented}"
    order = list(dict.fromkeys(str(child.tag) for child in theirs.iterchildren("*")))
    names = list(dict.fromkeys(str(child.tag) for child in ours.iterchildren("*")))
    assert [name for name in order if name in names] == names, where
    for child in ours.iterchildren("*"):
        if etree.QName(child).localname == "Link":
            rels = {(link.get("rel"), "type" in link.attrib) for link in theirs.iterfind(str(child.tag))}
            assert (child.get("rel"), "type" in child.attrib) in rels, f"{where}: Link {child.get('rel')}"
        else:
            other = theirs.find(str(child.tag))
            assert other is not None
            compare(child, other, where)


def test_session_and_organisation(http: Http) -> None:
    compare(http.get("/api/session"), recorded(MIQ, 0))
    organisations = http.get("/api/org")
    compare(organisations, recorded(MIQ, 1))
    compare(http.get(str(organisations[0].get("href"))), recorded(MIQ, 2))


def test_vapp_template_and_what_holds_them(http: Http) -> None:
    vapp = http.vapp()
    compare(vapp, recorded(MIQ, 6))
    compare(http.get(links(vapp)["up"]), recorded(MIQ, 3))
    template = http.get(str(http.record("vAppTemplate", "Template0").get("href")))
    compare(template, recorded(MIQ, 24))
    item = http.get(links(template)["catalogItem"])
    compare(item, recorded(MIQ, 23))
    compare(http.get(links(item)["up"]), recorded(MIQ, 22))


def test_task(http: Http) -> None:
    compare(http.enable(), recorded(f"{REST}/tasks/get_task.yml", 1))


def test_error(http: Http) -> None:
    compare(http.get("/api/nothing", 404), recorded(f"{REST}/vapps/reset_vapp_not_running.yml", 1))
