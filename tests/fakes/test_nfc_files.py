"""Files that are no disks at a host, the headers that clients send, and what no path can reach (section 6)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pyVmomi import vim

from plain_pyvmomi import Plain
from twohop.fakes.nfc import _app as nfc_app
from twohop.fakes.nfc._stream import send, size_of
from twohop.runtime.profiles import load_profile
from vcenters import SMALL, make, small_world
from waiting import until

FURNISHED: dict[str, Any] = {
    "disks": [SMALL, SMALL],
    "images": [{"size": 700_000, "content": "seed:8"}, {"missing": True}],
    "firmware": "efi",
    "nvram": {"size": 8684, "content": "seed:6"},
}


@pytest.fixture(scope="module")
def _shared() -> Iterator[Any]:
    world = small_world()
    world["datacenters"][0]["vms"][0] |= FURNISHED
    profile = load_profile("vcenter-8.0", {"missing_image": "CreateDescriptor", "nfc_head": "200"})
    with make(world=world, profile=profile) as vc:
        yield vc


@pytest.fixture
def me(_shared: Any) -> Iterator[Plain]:
    """A client of a machine with everything, one of its images gone without any lease noticing."""
    _shared.reset()
    with Plain(_shared) as me:
        yield me


def test_they_come_whole_with_their_length(me: Plain) -> None:
    vm = me.vcenter.world.vm("VM0")
    iso, gone, *disks, nvram = (url.url for url in me.export().info.deviceUrl)
    assert vm.nvram is not None
    for url, content in ((iso, vm.images[0].content), (nvram, vm.nvram.content)):
        answer, head = me.get(url), me.pool.request("HEAD", url)
        assert answer.status == head.status == 200
        assert answer.data == b"".join(content.pieces())
        for shown in (answer, head):
            assert shown.headers["Content-Type"] == "application/octet-stream"
            assert shown.headers["Content-Length"] == str(content.size)
            assert "Transfer-Encoding" not in shown.headers
    assert me.get(gone).status == me.pool.request("HEAD", gone).status == 404
    assert [me.get(url).data[:4] for url in disks] == [b"KDMV"] * 2


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH"])
def test_nothing_is_uploaded_to_an_export(me: Plain, method: str) -> None:
    urls = [url.url for url in me.export().info.deviceUrl]
    for url in (urls[0], urls[-1], urls[2].rpartition("/")[0] + "/multi?targets=disk-2.vmdk,disk-3.vmdk"):
        answer = me.pool.request(method, url, body=b"x", headers={"Overwrite": "t"})
        assert (answer.status, answer.data) == (405, b"")
    assert me.get(urls[2].rpartition("/")[0] + "/multi?targets=disk-2.vmdk").status == 404, "4.12: of imports"


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "text/html"},
        {"Accept": "application/json;q=0.1"},
        {"Accept": "garbage ;;;"},
        {"Accept-Encoding": "gzip, br"},
        {"Expect": "100-continue", "Content-Type": "application/octet-stream", "Cookie": "a=b"},
        {"If-None-Match": "*", "If-Modified-Since": "Mon, 01 Jan 2035 00:00:00 GMT"},
    ],
)
def test_no_header_changes_what_comes(me: Plain, headers: dict[str, str]) -> None:
    for url in me.export().info.deviceUrl:
        plain, other = me.get(url.url), me.get(url.url, **headers)
        assert (other.status, other.data) == (plain.status, plain.data)
        names = ("Content-Type", "Content-Length", "Transfer-Encoding", "Content-Encoding")
        assert [other.headers.get(name) for name in names] == [plain.headers.get(name) for name in names]


def test_a_manifest_has_them_too_without_a_capacity(me: Plain) -> None:
    lease = me.export()
    sent = {url.key: me.get(url.url) for url in lease.info.deviceUrl}
    entries = {entry.key: entry for entry in lease.HttpNfcLeaseGetManifest()}
    assert set(entries) == {key for key, answer in sent.items() if answer.status == 200}
    for key, entry in entries.items():
        disk = "SCSI" in key
        assert (entry.disk, entry.size) == (disk, len(sent[key].data))
        assert (entry.capacity, entry.populatedSize) == ((4 << 20, 192 << 10) if disk else (None, None))


@pytest.mark.parametrize("profile", ["vcenter-8.0", "esxi-8.0"])
def test_the_paths_of_the_other_product_open_nothing(profile: str) -> None:
    with make(profile=profile) as vc, Plain(vc) as me:
        (url,) = me.export().info.deviceUrl
        parts = urlsplit(me.address_of(url.url))
        mine, other = ("nfc", "ha-nfc") if profile.startswith("vcenter") else ("ha-nfc", "nfc")
        assert parts.path.startswith(f"/{mine}/")
        assert me.get(url.url).status == 200
        path = parts.path.replace(f"/{mine}/", f"/{other}/")
        assert me.pool.request("GET", f"https://{parts.netloc}{path}").status == 404


def test_no_path_of_a_client_can_reach_a_file_system() -> None:
    """The endpoint compares what it is asked for with what leases offer; it opens nothing and knows no directory."""
    sources = [ast.parse(path.read_text("utf-8")) for path in Path(nfc_app.__file__).parent.glob("*.py")]
    assert len(sources) > 1
    nodes = [node for tree in sources for node in ast.walk(tree)]
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    assert not {node.id for node in nodes if isinstance(node, ast.Name)} & {"open", "Path"}
    assert not modules & {"os", "io", "pathlib", "shutil", "glob", "tempfile"}


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_file_counts_as_sent_with_its_last_byte_and_not_where_that_byte_is_lost(framing: str) -> None:
    world = small_world()
    world["datacenters"][0]["vms"][0] |= FURNISHED
    profile = load_profile("vcenter-8.0", {"missing_image": "CreateDescriptor", "nfc_framing": framing})
    with make(world=world, profile=profile) as vc, Plain(vc) as me:
        me.export()
        (lease,) = vc.world.leases()
        for file in lease.files:
            if not file.there:
                continue
            sending = send(vc.world, lease, file)
            sizes = []
            for piece in sending:
                sizes.append(len(piece))
                assert file.sent == (sum(sizes) == size_of(file))
            assert file.sent
            file.sent = False
            for count in range(len(sizes)):
                sending = send(vc.world, lease, file)
                for _ in range(count + 1):
                    next(sending)
                sending.close()  # type: ignore[attr-defined]  # as the server does where the client is gone
                assert not file.sent


def test_a_transfer_that_broke_off_has_started_all_the_same() -> None:
    world = small_world()
    world["datacenters"][0]["vms"][0]["disks"] = [{"size": "256 MiB", "data": "64 MiB"}]
    with make(world=world) as vc, Plain(vc) as me:
        lease = me.export()
        (device,) = lease.info.deviceUrl
        answer = me.pool.request("GET", me.address_of(device.url), preload_content=False)
        assert answer.read(4) == b"KDMV"
        answer.close()
        (file,) = vc.world.leases()[0].files
        until(lambda: not file.open_streams, "the stream is still open")
        assert not file.sent
        with pytest.raises(vim.fault.InvalidState):
            lease.HttpNfcLeaseSetManifestChecksumType([vim.KeyValue(key=device.key, value="sha256")])
        assert lease.HttpNfcLeaseGetManifest() == []
