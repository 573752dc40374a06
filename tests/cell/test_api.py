"""The vCloud face, walked with plain urllib3; the vCenter behind it is made up."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from cell.http import VCLOUD, Http, links
from cell.support import DISK, START, VM, Gate, MadeUpSource, Trouble
from twohop.exporter.cell import Cell
from twohop.exporter.cell.engine import default_catalogue
from twohop.runtime import Clock
from twohop.runtime.profiles import load_profile

Open = Callable[..., Http]


@pytest.fixture
def open_cell(tmp_path: Path) -> Iterator[Open]:
    with ExitStack() as stack:

        def make(
            source: MadeUpSource | None = None, version: str = "36.0", logged_in: bool = True, **options: Any
        ) -> Http:
            catalogue = options.pop("catalogue", None)
            profile = load_profile(f"cell-{version}", options)
            clock = Clock(start=START)
            cell = stack.enter_context(
                Cell(
                    None, transfer_dir=tmp_path / "transfer", clock=clock, profile=profile, catalogue=catalogue,
                    source=source or MadeUpSource(),
                )
            )  # fmt: skip
            http = stack.enter_context(Http(cell, str(profile.list("offered")[-1])))
            if logged_in:
                http.log_in()
            return http

        yield make


# -- versions and sessions


def test_versions_need_no_login_and_no_version(open_cell: Open) -> None:
    http = open_cell(logged_in=False)
    answer = http.call("GET", "/api/versions", {"Accept": "*/*"})
    root = etree.fromstring(answer.data)
    space = "{http://www.vmware.com/vcloud/versions}"
    urls = {info.findtext(f"{space}Version"): info.findtext(f"{space}LoginUrl") for info in root}
    assert urls["35.0"] == f"{http.cell.url}/api/sessions"
    assert urls["36.0"] == f"{http.cell.url}/cloudapi/1.0.0/sessions"


def test_login_answers_200_with_token_cookie_and_session(open_cell: Open) -> None:
    http = open_cell(logged_in=False)
    answer = http.log_in()
    token = answer.headers["X-VCLOUD-AUTHORIZATION"]
    assert re.fullmatch("[0-9a-f]{32}", token)
    assert answer.headers["Set-Cookie"] == f"vcloud-token={token}; Secure; Path=/"
    assert answer.headers["Content-Type"] == "application/vnd.vmware.vcloud.session+xml;version=36.0"
    root = etree.fromstring(answer.data)
    assert (root.tag, root.get("org"), root.get("user")) == (f"{VCLOUD}Session", "Org0", "administrator")


def test_an_old_cell_gives_44_characters_of_base64(open_cell: Open) -> None:
    token = open_cell(version="5.5").token["x-vcloud-authorization"]
    assert re.fullmatch(r"[A-Za-z0-9+/]{43}=", token)


def test_wrong_credentials_are_401_with_an_empty_body(open_cell: Open) -> None:
    http = open_cell(logged_in=False)
    for basic in (
        http.basic(password="wrong"),
        http.basic(user="nobody@Org0"),
        http.basic(user="administrator@Other"),
        {},
        {"Authorization": "Basic !!"},
    ):
        for path in ("/api/sessions", "/cloudapi/1.0.0/sessions"):
            answer = http.call("POST", path, basic)
            assert (answer.status, answer.data) == (401, b"")
            assert answer.headers["WWW-Authenticate"].startswith('Basic realm="vCloud", SIGN')


def test_the_newer_login_gives_a_bearer_token_that_both_apis_take(open_cell: Open) -> None:
    http = open_cell(logged_in=False)
    answer = http.call("POST", "/cloudapi/1.0.0/sessions", http.basic())
    assert answer.status == 200
    assert answer.json()["org"]["name"] == "Org0"
    http.token = {"Authorization": f"Bearer {answer.headers['X-VMWARE-VCLOUD-ACCESS-TOKEN']}"}
    assert http.get("/api/session").get("org") == "Org0"
    assert http.call("GET", "/cloudapi/1.0.0/sessions/current").status == 200
    http.token = {"x-vcloud-authorization": answer.headers["X-VMWARE-VCLOUD-ACCESS-TOKEN"]}
    assert http.call("GET", "/api/session").status == 401


def test_version_38_has_the_old_login_no_more(open_cell: Open) -> None:
    http = open_cell(version="38.0", logged_in=False)
    assert http.call("POST", "/api/sessions", http.basic()).status == 404
    http.version = "37.0"
    assert http.call("POST", "/api/sessions", http.basic()).status == 200


@pytest.mark.parametrize("accept", ["", "*/*", "application/*+xml", "application/*+xml;version=1.0", "text/html"])
def test_no_version_or_a_strange_one_is_406(open_cell: Open, accept: str) -> None:
    http = open_cell()
    answer = http.call("GET", "/api/org", {"Accept": accept})
    error = etree.fromstring(answer.data)
    assert (answer.status, error.get("minorErrorCode"), error.get("majorErrorCode")) == (406, "NOT_ACCEPTABLE", "406")
    assert "[36.0, 35.0, 34.0, 33.0, 32.0, 31.0 [D]] ([D] indicates deprecated versions)" in str(error.get("message"))
    assert answer.headers["Content-Type"].startswith("application/vnd.vmware.vcloud.error+xml;version=")


def test_sessions_end_idle_and_absolutely_and_by_logout(open_cell: Open) -> None:
    http = open_cell()
    clock = http.cell.clock
    for _ in range(47):
        clock.advance(1799)
        assert http.call("GET", "/api/session").status == 200
    clock.advance(86400 - 47 * 1799)
    assert http.call("GET", "/api/session").status == 401
    http.log_in()
    clock.advance(1800)
    answer = http.call("GET", "/api/session")
    assert (answer.status, answer.data) == (401, b"")
    http.log_in()
    answer = http.call("DELETE", "/api/session")
    assert (answer.status, answer.data) == (204, b"")
    assert http.call("GET", "/api/session").status == 401


def test_without_a_token_everything_is_401(open_cell: Open) -> None:
    http = open_cell(logged_in=False)
    for path in ("/api/session", "/api/org", "/api/query", "/api/vApp/vapp-1", "/cloudapi/1.0.0/sessions/current"):
        assert http.call("GET", path).status == 401


def test_answers_of_the_api_carry_a_request_id_and_errors_too(open_cell: Open) -> None:
    http = open_cell()
    for path in ("/api/org", "/api/org/nobody"):
        assert re.fullmatch("[0-9a-f-]{36}", http.call("GET", path).headers["X-VMWARE-VCLOUD-REQUEST-ID"])


# -- entities


def test_the_way_from_the_organisation_to_the_template(open_cell: Open) -> None:
    http = open_cell()
    org_href = str(http.get("/api/org")[0].get("href"))
    queries = [str(link.get("href")) for link in http.get(org_href).iterfind(f"{VCLOUD}Link")]
    catalog = next(row for query in queries if "type=catalog&" in query for row in http.get(query))
    item = http.get(str(catalog.get("href"))).find(f"{VCLOUD}CatalogItems/{VCLOUD}CatalogItem")
    assert item is not None
    entity = http.get(str(item.get("href"))).find(f"{VCLOUD}Entity")
    assert entity is not None
    template = http.get(str(entity.get("href")))
    assert (template.get("name"), template.get("status")) == ("Template0", "8")
    assert {"enable", "disable"} <= set(links(template))
    vdc = http.get(links(template)["up"])
    names = [row.get("name") for row in vdc.iterfind(f"{VCLOUD}ResourceEntities/{VCLOUD}ResourceEntity")]
    assert names == ["vApp0", "Template0"]


def test_an_old_organisation_links_its_vdc_and_catalog(open_cell: Open) -> None:
    http = open_cell(version="5.5")
    org = http.get(str(http.get("/api/org/")[0].get("href")))
    names = [link.get("name") for link in org.iterfind(f"{VCLOUD}Link")]
    assert names == ["Vdc0", "Catalog0"]


@pytest.mark.parametrize(
    "kind", ["org/", "vdc/", "catalog/", "catalogItem/", "vApp/vapp-", "vAppTemplate/vappTemplate-", "task/"]
)
def test_an_unknown_id_is_403_and_not_404(open_cell: Open, kind: str) -> None:
    http = open_cell()
    error = http.get(f"/api/{kind}00000000-0000-0000-0000-000000000000", 403)
    assert error.get("minorErrorCode") == "ACCESS_TO_RESOURCE_IS_FORBIDDEN"


def test_somebody_elses_vapp_is_403(open_cell: Open) -> None:
    other = default_catalogue()["orgs"][0] | {"name": "Org1"}
    http = open_cell(catalogue={"orgs": [default_catalogue()["orgs"][0], other]})
    theirs = next(e for e in http.cell.engine.catalogue.entities.values() if e.org_id != http_org(http))
    http.get(f"/api/vApp/vapp-{theirs.id}", 403)
    assert http.call("POST", f"/api/vApp/vapp-{theirs.id}/action/enableDownload").status == 403
    assert len(http.get("/api/query?type=vApp")) == 1


def http_org(http: Http) -> str:
    org = http.cell.engine.catalogue.org_named("Org0")
    assert org is not None
    return org.id


@pytest.mark.parametrize(
    ("power", "status", "deployed", "offered"),
    [("poweredOff", "8", "false", True), ("poweredOn", "4", "true", False), ("suspended", "3", "true", False),
     ("unknown", "6", "false", False)],
)  # fmt: skip
def test_only_a_powered_off_vapp_offers_the_download(
    open_cell: Open, power: Any, status: str, deployed: str, offered: bool
) -> None:
    vapp = open_cell(MadeUpSource(powers={VM: power})).vapp()
    assert vapp.tag == f"{VCLOUD}VApp"
    assert (vapp.get("status"), vapp.get("deployed")) == (status, deployed)
    assert ({"enable", "disable"} <= set(links(vapp))) is offered
    assert ({"enable", "disable"} & set(links(vapp)) == set()) is not offered
    assert all("type" not in link.attrib for link in vapp.iterfind(f"{VCLOUD}Link") if link.get("rel") == "enable")


def test_a_vapp_that_is_off_but_deployed_is_not_to_be_had(open_cell: Open) -> None:
    spec = default_catalogue()
    spec["orgs"][0]["vdcs"][0]["vapps"][0]["deployed"] = True
    http = open_cell(catalogue=spec)
    vapp = http.vapp()
    assert (vapp.get("status"), vapp.get("deployed")) == ("8", "true")
    assert {"enable", "disable"}.isdisjoint(links(vapp))
    assert http.record("vApp", "vApp0").get("isDeployed") == "true"
    answer = http.call("POST", f"{vapp.get('href')}/action/enableDownload")
    assert answer.status == 400
    assert b"Stop the vApp and try again." in answer.data


def test_the_second_descriptor_came_with_version_5_1(open_cell: Open) -> None:
    http = open_cell(version="5.5")
    seen = {}
    for version in ("1.5", "5.1", "5.5"):
        http.version = version
        http.log_in()
        http.enable()
        seen[version] = sorted(rel for rel in links(http.vapp()) if rel.startswith("download:"))
    both = ["download:default", "download:identity"]
    assert seen == {"1.5": both[:1], "5.1": both, "5.5": both}


def test_an_empty_vapp_offers_nothing(open_cell: Open) -> None:
    spec = default_catalogue([])
    http = open_cell(catalogue=spec)
    assert http.vapp().get("status") == "1"
    assert set(links(http.vapp())) == {"up"}


# -- enabling


def test_enable_answers_202_and_the_links_come_only_after_success(open_cell: Open) -> None:
    gate = Gate()
    http = open_cell(MadeUpSource(after=gate))
    answer = http.call("POST", links(http.vapp())["enable"])
    task = etree.fromstring(answer.data)
    assert answer.status == 202
    assert answer.headers["Location"] == task.get("href")
    assert answer.headers["Content-Type"] == "application/vnd.vmware.vcloud.task+xml;version=36.0"
    assert task.get("status") == "running"
    assert re.fullmatch(r"Enabling download of Virtual Application vApp0\([0-9a-f-]{36}\)", str(task.get("operation")))
    assert "task:cancel" in links(task)
    assert gate.reached.wait(30)
    during = http.vapp()
    assert not [rel for rel in links(during) if rel.startswith("download")]
    assert during.find(f"{VCLOUD}Tasks/{VCLOUD}Task") is not None
    gate.release()
    http.cell.engine.settle()
    after = http.get(answer.headers["Location"])
    assert (after.get("status"), after.findtext(f"{VCLOUD}Progress")) == ("success", "100")
    vapp = http.vapp()
    assert vapp.find(f"{VCLOUD}Tasks") is None
    downloads = [link for link in vapp.iterfind(f"{VCLOUD}Link") if str(link.get("rel")).startswith("download")]
    assert [(d.get("rel"), d.get("type")) for d in downloads] == [
        ("download:default", "text/xml"),
        ("download:identity", "text/xml"),
        ("download:ovaDefault", "application/binary"),
        ("download:ovaIdentity", "application/binary"),
    ]
    assert re.search(r"/transfer/[0-9a-f-]{36}/descriptor\.ovf$", str(downloads[0].get("href")))
    names = ("descriptor-with-id.ovf", "descriptor.ova", "descriptor-with-id.ova")
    assert [str(d.get("href")).rpartition("/")[2] for d in downloads[1:]] == list(names)


def test_a_template_is_enabled_under_its_own_operation(open_cell: Open) -> None:
    http = open_cell()
    template = http.get(str(http.record("vAppTemplate", "Template0").get("href")))
    task = etree.fromstring(http.call("POST", links(template)["enable"]).data)
    assert task.get("operationName") == "vdcEnableDownload"
    assert str(task.get("operation")).startswith("Enabling download of Virtual Application Template Template0(")
    http.cell.engine.settle()


def test_a_running_vapp_is_400_in_the_documented_words(open_cell: Open) -> None:
    source = MadeUpSource()
    http = open_cell(source)
    enable = links(http.vapp())["enable"]
    source.powers[VM] = "poweredOn"
    answer = http.call("POST", enable)
    error = etree.fromstring(answer.data)
    assert (answer.status, error.get("minorErrorCode")) == (400, "BAD_REQUEST")
    assert str(error.get("message")).endswith('on vApp "vApp0". Stop the vApp and try again.')


def test_a_failed_export_says_why_in_its_task(open_cell: Open) -> None:
    def fail(vm: str) -> None:
        raise Trouble("esx7 cannot be reached")

    http = open_cell(MadeUpSource(before=fail))
    task = http.enable()
    error = task.find(f"{VCLOUD}Error")
    assert task.get("status") == "error"
    assert error is not None
    assert re.fullmatch(r"\[ [0-9a-f-]{36} \] esx7 cannot be reached", str(error.get("message")))
    assert not [rel for rel in links(http.vapp()) if rel.startswith("download")]


def test_cancel_and_disable(open_cell: Open) -> None:
    gate = Gate()
    http = open_cell(MadeUpSource(after=gate))
    answer = http.call("POST", links(http.vapp())["enable"])
    assert http.call("POST", links(etree.fromstring(answer.data))["task:cancel"]).status == 204
    gate.release()
    http.cell.engine.settle()
    task = http.get(answer.headers["Location"])
    assert (task.get("status"), task.get("cancelRequested")) == ("canceled", "true")
    http.enable()
    disable = links(http.vapp())["disable"]
    for _ in range(2):
        answer = http.call("POST", disable)
        assert (answer.status, answer.data) == (204, b"")
        assert "Location" not in answer.headers
    assert not [rel for rel in links(http.vapp()) if rel.startswith("download")]


# -- the download


def download(http: Http, **options: Any) -> tuple[str, str]:
    """Enable and return the URLs of descriptor and disk."""
    http.enable()
    url = links(http.vapp())["download:default"]
    root = etree.fromstring(http.pool.request("GET", url).data)
    ovf = "{http://schemas.dmtf.org/ovf/envelope/1}"
    file = root.find(f"{ovf}References/{ovf}File")
    assert file is not None
    return url, url.rpartition("/")[0] + "/" + str(file.get(f"{ovf}href"))


def test_the_url_is_all_it_takes_and_no_header_of_the_api_comes_back(open_cell: Open) -> None:
    http = open_cell()
    descriptor, disk = download(http)
    for headers in ({}, {"x-vcloud-authorization": "0" * 32}, {"Accept": "application/*+xml;version=36.0"}):
        answer = http.pool.request("GET", descriptor, headers=headers)
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/xml")
    answer = http.pool.request("GET", disk)
    assert (answer.status, answer.data) == (200, DISK)
    assert answer.headers["Content-Length"] == str(len(DISK))
    assert not [name for name in answer.headers if name.lower().startswith("x-v")]


def test_ranges_and_head(open_cell: Open) -> None:
    http = open_cell()
    _, disk = download(http)
    size = len(DISK)
    for asked, first, beyond in (
        ("100-", 100, size),
        ("0-0", 0, 1),
        ("-10", size - 10, size),
        ("5-99999999", 5, size),
        ("-999999", 0, size),
        (f"-{size}", 0, size),
    ):
        answer = http.pool.request("GET", disk, headers={"Range": f"bytes={asked}"})
        assert (answer.status, answer.data) == (206, DISK[first:beyond])
        assert answer.headers["Content-Range"] == f"bytes {first}-{beyond - 1}/{size}"
    answer = http.pool.request("GET", disk, headers={"Range": f"bytes={size}-"})
    assert (answer.status, answer.data, answer.headers["Content-Range"]) == (416, b"", f"bytes */{size}")
    answer = http.pool.request("GET", disk, headers={"Range": "bytes=0-1,5-6"})
    assert (answer.status, answer.data) == (200, DISK)
    answer = http.pool.request("HEAD", disk)
    assert (answer.status, answer.headers["Content-Length"], answer.data) == (200, str(size), b"")


def test_the_profile_may_refuse_ranges_and_head(open_cell: Open) -> None:
    http = open_cell(range="200-full", head="405")
    _, disk = download(http)
    answer = http.pool.request("GET", disk, headers={"Range": "bytes=100-"})
    assert (answer.status, answer.data) == (200, DISK)
    assert http.pool.request("HEAD", disk).status == 405


def test_where_the_profile_needs_a_session_the_url_alone_is_401(open_cell: Open) -> None:
    http = open_cell(transfer_auth="needed")
    http.enable()
    url = links(http.vapp())["download:default"]
    answer = http.pool.request("GET", url)
    assert (answer.status, answer.data) == (401, b"")
    assert http.pool.request("GET", url, headers=http.token).status == 200
    http.cell.clock.advance(1800)
    assert http.pool.request("GET", url, headers=http.token).status == 401


@pytest.mark.parametrize("status", [404, 403, 410])
def test_a_dead_link_answers_as_the_profile_says_with_nothing_in_it(open_cell: Open, status: int) -> None:
    http = open_cell(expired_status=status)
    descriptor, disk = download(http)
    http.cell.clock.advance(3599)
    assert http.pool.request("GET", descriptor).status == 200
    http.cell.clock.advance(3601)
    for url in (descriptor, disk):
        answer = http.pool.request("GET", url)
        assert (answer.status, answer.data) == (status, b"")
    http.cell.clock.advance(3600)
    assert list(http.cell.transfer_dir.iterdir()) == []


def test_the_sessions_of_api_and_transfer_do_not_keep_each_other_alive(open_cell: Open) -> None:
    http = open_cell()
    descriptor, _ = download(http)
    for _ in range(3):
        http.cell.clock.advance(1700)
        assert http.pool.request("GET", descriptor).status == 200
    assert http.call("GET", "/api/session").status == 401


@pytest.mark.parametrize(
    "path",
    [
        "/transfer/",
        "/transfer/x",
        "/transfer/%2e%2e/descriptor.ovf",
        "/transfer/00000000-0000-4000-8000-000000000000/descriptor.ovf",
    ],
)
def test_other_transfer_urls_are_404_and_empty(open_cell: Open, path: str) -> None:
    http = open_cell()
    answer = http.pool.request("GET", http.cell.url + path)
    assert (answer.status, answer.data) == (404, b"")


@pytest.mark.parametrize("name", ["..%2f..%2fsecret", "%2e%2e/x", "descriptor.ovf/", "DESCRIPTOR.OVF", "", "."])
def test_names_that_are_not_in_the_package_are_404(open_cell: Open, name: str) -> None:
    http = open_cell()
    descriptor, _ = download(http)
    answer = http.pool.request("GET", descriptor.rpartition("/")[0] + "/" + name)
    assert (answer.status, answer.data) == (404, b"")


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_other_methods_on_a_transfer_url_are_405_and_empty(open_cell: Open, method: str) -> None:
    http = open_cell()
    descriptor, _ = download(http)
    answer = http.pool.request(method, descriptor)
    assert (answer.status, answer.data) == (405, b"")


def test_a_running_download_outlives_its_link(open_cell: Open) -> None:
    source = MadeUpSource(data=DISK * 200)
    http = open_cell(source)
    _, disk = download(http)
    with http.pool.request("GET", disk, preload_content=False) as answer:
        first = answer.read(1000)
        http.cell.clock.advance(100_000)
        assert http.pool.request("HEAD", disk).status == 200
        assert first + answer.read() == source.data
    http.cell.clock.advance(3600)
    assert http.pool.request("GET", disk).status == 404


def test_a_disk_that_vanished_is_404_while_the_link_stands(open_cell: Open) -> None:
    http = open_cell()
    _, disk = download(http)
    next(http.cell.transfer_dir.glob("*/*.vmdk")).unlink()
    assert "download:default" in links(http.vapp())
    answer = http.pool.request("GET", disk)
    assert (answer.status, answer.data) == (404, b"")


# -- what is not there


@pytest.mark.parametrize(
    ("method", "path", "status", "minor"),
    [("GET", "/api/nothing", 404, "RESOURCE_NOT_FOUND"), ("PUT", "/api/session", 405, "METHOD_NOT_ALLOWED"),
     ("GET", "/api/admin", 501, "NotSupported"), ("POST", "/api/vApp/vapp-1/power/action/powerOn", 501, "NotSupported"),
     ("GET", "/api/query?type=adminVApp", 501, "NotSupported"),
     ("GET", "/api/query?type=vApp&filter=name==a,name==b", 501, "NotSupported"),
     ("GET", "/api/query?type=vApp&filter=colour==red", 400, "BAD_REQUEST"),
     ("GET", "/api/query?type=vApp&page=0", 400, "BAD_REQUEST")],
)  # fmt: skip
def test_what_is_not_here_says_so_in_the_api_s_own_shape(
    open_cell: Open, method: str, path: str, status: int, minor: str
) -> None:
    http = open_cell()
    answer = http.call(method, path)
    error = etree.fromstring(answer.data)
    assert (answer.status, error.get("majorErrorCode"), error.get("minorErrorCode")) == (status, str(status), minor)
    if minor == "NotSupported":
        assert "twohop does not implement" in str(error.get("message"))
        assert sum(http.cell.about()["not_implemented"].values()) == 1


def test_a_cloudapi_that_is_not_here_says_so_in_json(open_cell: Open) -> None:
    answer = open_cell().call("GET", "/cloudapi/1.0.0/vdcs")
    assert (answer.status, answer.json()["minorErrorCode"]) == (501, "NotSupported")


def test_the_query_service_pages(open_cell: Open) -> None:
    spec = default_catalogue()
    spec["orgs"][0]["vdcs"][0]["vapps"] = [{"name": f"v {n}", "vms": [VM]} for n in range(5)]
    http = open_cell(catalogue=spec)
    names: list[str] = []
    url: str | None = "/api/query?type=vApp&format=idrecords&pageSize=2"
    while url is not None:
        page = http.get(url)
        assert page.get("total") == "5"
        names += [str(row.get("name")) for row in page.iterfind(f"{VCLOUD}VAppRecord")]
        url = links(page).get("nextPage")
    assert names == [f"v {n}" for n in range(5)]
    assert len(http.get("/api/query?type=vApp&filter=name==v%203")) == 1
    assert len(http.get("/api/query?type=vm&filter=containerName==v%203")) == 1


def test_the_journal_and_about_hold_no_secret(open_cell: Open) -> None:
    http = open_cell()
    descriptor, _ = download(http)
    text = http.cell.journal.ndjson() + repr(http.cell.about())
    for secret in (http.cell.password, http.token["x-vcloud-authorization"], descriptor.split("/")[-2]):
        assert secret not in text


@pytest.mark.parametrize("way", ["/api/sessions", "/cloudapi/1.0.0/sessions"])
def test_neither_journal_nor_exceptions_tell_password_or_tokens(open_cell: Open, way: str) -> None:
    secrets: list[str] = []

    def fail(vm: str) -> None:
        raise Trouble(f"vCenter said: {' '.join(secrets)}")

    http = open_cell(MadeUpSource(before=fail))
    answer = http.call("POST", way, http.basic())
    http.log_in()
    secrets += [http.cell.password, *http.token.values()]
    secrets += [answer.headers[name] for name in ("X-VCLOUD-AUTHORIZATION", "X-VMWARE-VCLOUD-ACCESS-TOKEN")]
    journal = http.cell.journal
    # What a client sends is written down, and so is what an export ended with: there a secret could stand.
    for secret in secrets:
        assert http.call("GET", f"/api/nothing/{secret}").status == 404
        assert http.call("GET", f"/api/admin/{secret}").status == 501
    assert http.enable().get("status") == "error"
    text = journal.ndjson()
    assert "vCenter said: password:1 token:" in text
    for secret in secrets:
        assert secret not in text
    with pytest.raises(Exception) as raised:
        http.cell.engine.open(http.cell.password, secrets[-1], "user")
    for error in (raised.value, raised.value.__cause__, raised.value.__context__):
        assert not any(secret in f"{error!s} {error!r}" for secret in secrets)


def test_reset_ends_sessions_links_and_files(open_cell: Open) -> None:
    http = open_cell()
    descriptor, _ = download(http)
    http.cell.reset()
    assert http.call("GET", "/api/session").status == 401
    assert http.pool.request("GET", descriptor).status == 404
    assert list(http.cell.transfer_dir.iterdir()) == []
    http.log_in()
    assert http.enable().get("status") == "success"
