"""Media: one file, copied from a datastore of vCenter to the share, and a link of its own (2.8, 3.16)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
from lxml import etree

from cell.http import Http, links
from cell.support import Bench, MadeUpSource, Trouble, with_media_and_users
from twohop.exporter.cell import Cell
from twohop.exporter.cell.engine import Catalogue, CatalogueError, Leg, Step, totals
from twohop.exporter.vsphere import VCenterAddress
from twohop.fakes import VCenter

SIZE = 300_000
WORLD = {
    "datacenters": [
        {
            "name": "DC0", "hosts": ["H0"],
            "vms": [{"name": "VM0", "host": "H0", "images": [{"name": "iso/tools 1.iso", "size": SIZE}]}],
        }
    ]
}  # fmt: skip
MEDIA = [
    {"name": "tools", "datacenter": "DC0", "file": "[datastore1] iso/tools 1.iso"},
    {"name": "lost", "datacenter": "DC0", "file": "[datastore1] iso/lost.iso"},
]


def catalogue(media: list[dict[str, str]]) -> dict[str, object]:
    return {"orgs": [{"name": "Org0", "vdcs": [{"name": "Vdc0"}], "catalogs": [{"name": "Catalog0", "media": media}]}]}


@pytest.fixture
def vcenter() -> Iterator[VCenter]:
    with VCenter(world=WORLD) as running:
        yield running


@pytest.fixture
def me(vcenter: VCenter, tmp_path: Path) -> Iterator[Http]:
    address = VCenterAddress(vcenter.url, vcenter.user, vcenter.password, vcenter.ca_file)
    image = next(image for vm in vcenter.world.vms() for image in vm.images)
    store = image.datastore.name
    media = [{**row, "file": row["file"].replace("datastore1", store)} for row in MEDIA]
    with Cell(
        address, transfer_dir=tmp_path / "share", clock=vcenter.clock, authority=vcenter.authority,
        journal=vcenter.journal, catalogue=catalogue(media),
    ) as cell, Http(cell) as http:  # fmt: skip
        http.log_in()
        yield http


def on_the_datastore(vcenter: VCenter) -> bytes:
    """The image as the datastore itself gives it."""
    (image,) = (image for vm in vcenter.world.vms() for image in vm.images)
    path = image.file_name.partition("] ")[2].replace(" ", "%20")
    headers = urllib3.make_headers(basic_auth=f"{vcenter.user}:{vcenter.password}")
    with urllib3.PoolManager(ca_certs=str(vcenter.ca_file), retries=False) as pool:
        url = f"{vcenter.url}/folder/{path}?dcPath=DC0&dsName={image.datastore.name}"
        return pool.request("GET", url, headers=headers).data


def enabled(me: Http, name: str) -> tuple[etree._Element, etree._Element]:
    """Enable a medium and wait; return the task and the medium."""
    href = str(me.record("media", name).get("href"))
    answer = me.call("POST", links(me.get(href))["enable"])
    assert answer.status == 202
    me.cell.engine.settle()
    return me.get(answer.headers["Location"]), me.get(href)


def test_a_medium_is_found_enabled_downloaded_and_gone_again(me: Http, vcenter: VCenter) -> None:
    item = me.get(str(me.record("catalogItem", "tools").get("href")))
    (entity,) = item.iterfind("{*}Entity")
    assert str(entity.get("type")).endswith(".media+xml")
    before = me.get(str(entity.get("href")))
    assert (before.get("status"), before.get("size"), before.find("{*}Files")) == ("1", str(SIZE), None)
    task, medium = enabled(me, "tools")
    assert (task.get("status"), task.get("operationName")) == ("success", "catalogItemEnableDownload")
    assert "Media File tools(" in str(task.get("operation"))
    (file,) = medium.iterfind("{*}Files/{*}File")
    assert {"name": "file", "size": str(SIZE), "bytesTransferred": "0"} == dict(file.items())
    url = links(file)["download:default"]
    whole = on_the_datastore(vcenter)
    assert len(whole) == SIZE
    assert me.pool.request("GET", url).data == whole
    part = me.pool.request("GET", url, headers={"Range": "bytes=299990-"})
    assert (part.status, part.data) == (206, whole[299990:])
    assert me.pool.request("HEAD", url).headers["Content-Length"] == str(SIZE)
    for other in ("descriptor.ovf", "descriptor.ova", "descriptor-with-id.ova"):
        assert me.pool.request("GET", url.replace("/file", f"/{other}")).status == 404
    told = next(e for e in me.cell.engine.catalogue.entities.values() if e.name == "tools")
    over = totals(me.cell.engine.ledger(told))
    assert over[Leg.HOST_TO_CELL.value] == over[Leg.CELL_TO_SHARE.value] == SIZE
    assert over[Leg.CELL_TO_USER.value] == SIZE + 10
    vcenter.clock.advance(3601)
    assert me.pool.request("GET", url).status == 404
    vcenter.clock.advance(3601)
    assert list(me.cell.transfer_dir.iterdir()) == []
    me.log_in()
    assert me.get(str(entity.get("href"))).find("{*}Files") is None
    assert me.cell.about()["not_implemented"] == {}


def test_a_medium_that_vcenter_has_not_ends_the_task_with_its_name_and_the_next_one_works(me: Http) -> None:
    task, medium = enabled(me, "lost")
    (error,) = task.iterfind("{*}Error")
    assert "has no file [" in str(error.get("message")) and "iso/lost.iso" in str(error.get("message"))
    assert task.get("status") == "error" and medium.find("{*}Files") is None
    assert list(me.cell.transfer_dir.iterdir()) == []
    assert enabled(me, "tools")[0].get("status") == "success"


def test_disabling_a_medium_leaves_nothing(me: Http) -> None:
    _, medium = enabled(me, "tools")
    assert me.call("POST", links(medium)["disable"]).status == 204
    assert list(me.cell.transfer_dir.iterdir()) == []
    assert me.get(str(medium.get("href"))).find("{*}Files") is None


def test_a_session_that_vcenter_forgot_is_renewed_for_media_too(me: Http, vcenter: VCenter) -> None:
    href = str(me.record("media", "tools").get("href"))
    vcenter._service.sessions.clear()
    assert me.get(href).get("size") == str(SIZE)


def test_media_stand_in_their_data_center_and_are_counted(me: Http) -> None:
    vdc = me.get(str(me.record("orgVdc", "Vdc0").get("href")))
    kinds = [str(each.get("type")) for each in vdc.iterfind("{*}ResourceEntities/{*}ResourceEntity")]
    assert [kind.rpartition(".")[2] for kind in kinds] == ["media+xml"] * 2
    assert me.record("catalog", "Catalog0").get("numberOfMedia") == "2"


@pytest.mark.parametrize("step", [Step.ASKED, Step.RESERVED, Step.OPENED, Step.STORED, Step.PULLED, Step.DESCRIBED])
def test_a_failure_at_any_step_of_a_medium_leaves_nothing(tmp_path: Path, step: Step) -> None:
    def fail(taken: Step) -> None:
        if taken is step and failing:
            raise Trouble("on purpose")

    failing = [True]
    with Bench(tmp_path, on_step=fail, catalogue=with_media_and_users()) as bench:
        if step is Step.ASKED:
            with pytest.raises(Trouble):
                bench.export("tools")
        else:
            assert bench.state(bench.export("tools")) == "error"
        assert bench.listing() == []
        failing.clear()
        assert bench.state(bench.export("tools")) == "success"


def test_a_quota_counts_media(tmp_path: Path) -> None:
    with Bench(tmp_path, source=MadeUpSource(data=bytes(1000)), catalogue=with_media_and_users(), quota=999) as bench:
        task = bench.engine.task(bench.export("tools"))
        assert task is not None and "tools needs 1000 bytes" in str(task.error)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"name": "a", "file": "tools.iso", "datacenter": "DC0"}, "'file' is a file of a datastore such as"),
        ({"name": "a", "file": "[ds] /tools.iso", "datacenter": "DC0"}, "'file' is a file of a datastore such as"),
        ({"name": "a", "file": "[ds] tools.iso"}, "'datacenter' is the inventory path"),
        ({"name": "a", "file": "[ds] tools.iso", "datacenter": "DC0", "vdc": "Vdc9"}, "stands in vDC 'Vdc9'"),
        ({"name": "a", "size": 3}, "a media has no 'size'"),
    ],
)
def test_a_medium_that_is_none_is_named(row: dict[str, str], words: str) -> None:
    with pytest.raises(CatalogueError, match=words.replace("[", r"\[")):
        Catalogue.read(catalogue([row]))


def test_a_user_of_a_role_that_no_cloud_has_is_named() -> None:
    spec = {"orgs": [{"name": "Org0", "users": [{"name": "me", "role": "King"}]}]}
    with pytest.raises(CatalogueError, match="'role' is one of Organization Administrator, Catalog Author"):
        Catalogue.read(spec)


def test_a_medium_may_be_copied_by_the_first_get(tmp_path: Path) -> None:
    with Bench(tmp_path, catalogue=with_media_and_users(), build_at="get") as bench:
        assert bench.state(bench.export("tools")) == "success"
        assert bench.listing() == [] and bench.source.pulled == []
        link = bench.engine.link(bench.entity("tools"))
        assert link is not None
        for _ in range(2):
            download = bench.engine.open(link.id, "file", "user")
            assert download.read(1 << 20) == bench.source.data
            download.close(download.size)
        assert bench.source.pulled == ["iso/tools.iso"]
        bench.clock.advance(7200)
        assert bench.listing() == []
