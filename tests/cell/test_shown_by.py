"""The whole story over plain HTTP: log in, enable, poll, GET, and both clocks run out (vcd 3)."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
import urllib3
from lxml import etree

from cell.http import VCLOUD, Http, links
from cell.support import START
from cell.test_two_hops import Lab
from twohop.exporter import export_vm
from twohop.exporter._device_file import Source
from twohop.exporter._errors import HostUnreachable
from twohop.exporter.cell import Cell
from twohop.exporter.cell.engine import Entity, default_catalogue
from twohop.exporter.engine._files import Hosts
from twohop.exporter.package import grain_digest
from twohop.exporter.vsphere import VCenterAddress
from twohop.fakes import VCenter
from twohop.runtime import Clock
from twohop.runtime.observing import Observations
from waiting import until

OVF = "{http://schemas.dmtf.org/ovf/envelope/1}"
VM0, VM2 = "DC0_C0_RP0_VM0", "DC0_C0_RP0_VM2"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with ExitStack() as stack:
        vcenter = stack.enter_context(VCenter(vms=3, clock=Clock(start=START)))
        seen = Observations(vcenter.clock.now, vcenter.journal.references)
        address = VCenterAddress(vcenter.url, vcenter.user, vcenter.password, vcenter.ca_file)
        cell = Cell(
            address, transfer_dir=tmp_path / "transfer", clock=vcenter.clock, authority=vcenter.authority,
            journal=vcenter.journal, observer=seen.observer("cell"), catalogue=default_catalogue([VM0, VM2]),
        )  # fmt: skip
        yield Lab(vcenter, stack.enter_context(cell), tmp_path / "out", seen)


def finished(http: Http, task: etree._Element) -> str:
    """Poll a task as any client does until it has ended."""
    seen: list[str] = []

    def ended() -> bool:
        seen.append(str(http.get(str(task.get("href"))).get("status")))
        return seen[-1] not in ("queued", "running", "preRunning")

    until(ended, "the task does not end")
    return seen[-1]


def disks_of(http: Http, url: str) -> dict[str, urllib3.BaseHTTPResponse]:
    root = etree.fromstring(http.pool.request("GET", url).data)
    names = [str(file.get(f"{OVF}href")) for file in root.iterfind(f"{OVF}References/{OVF}File")]
    return {name: http.pool.request("GET", f"{url.rpartition('/')[0]}/{name}") for name in names}


def test_two_hops_over_plain_http(lab: Lab, tmp_path: Path) -> None:
    with Http(lab.cell) as http:
        http.log_in()
        vapp = http.vapp()
        assert (vapp.get("status"), vapp.get("deployed")) == ("8", "false")
        answer = http.call("POST", links(vapp)["enable"])
        assert answer.status == 202
        assert finished(http, etree.fromstring(answer.data)) == "success"

        shown = links(http.vapp())
        got = disks_of(http, shown["download:default"])
        assert [disk.status for disk in got.values()] == [200, 200]
        for number, (name, disk) in enumerate(got.items()):
            (tmp_path / name).write_bytes(disk.data)
            one = export_vm(lab.address, (VM0, VM2)[number], tmp_path / f"one-{number}", clock=lab.vcenter.clock)
            assert grain_digest(tmp_path / name) == grain_digest(one.files[0].path)
        for rel in ("download:ovaDefault", "download:ovaIdentity"):
            with tarfile.open(fileobj=io.BytesIO(http.pool.request("GET", shown[rel]).data)) as archive:
                inside = {name: archive.extractfile(name).read() for name in archive.getnames()}  # type: ignore[union-attr]
            digests = {name: hashlib.sha256(disk.data).digest() for name, disk in got.items()}
            assert {name: hashlib.sha256(data).digest() for name, data in inside.items() if name in got} == digests

        lab.vcenter.clock.advance(3601)
        assert http.pool.request("GET", shown["download:default"]).status == 404
        lab.vcenter.clock.advance(3600)
        assert list(lab.cell.transfer_dir.iterdir()) == []
        lab.nothing_is_held()


def test_the_identity_descriptor_has_what_the_default_one_leaves_out(lab: Lab) -> None:
    with Http(lab.cell) as http:
        http.log_in()
        http.enable()
        shown = links(http.vapp())
        default, identity = (
            http.pool.request("GET", shown[f"download:{kind}"]).data for kind in ("default", "identity")
        )
        for mark in (b"NetworkConfigSection", b"LeaseSettingsSection", b"StartupSection", b"uuid.bios"):
            assert mark not in default, mark
            assert mark in identity, mark
        files = [
            [dict(file.attrib) for file in etree.fromstring(text).iterfind(f"{OVF}References/{OVF}File")]
            for text in (default, identity)
        ]
        assert files[0] == files[1]
        # In the order in which a descriptor has them: sections of the collection before its machines.
        order = [etree.QName(child).localname for child in etree.fromstring(identity)]
        assert order.index("NetworkConfigSection") < order.index("VirtualSystemCollection")
        (collection,) = etree.fromstring(identity).iterfind(f"{OVF}VirtualSystemCollection")
        assert [etree.QName(child).localname for child in collection][:3] == ["Info", "Name", "StartupSection"]
        started = [item.get(f"{OVF}id") for item in collection.iterfind(f"{OVF}StartupSection/{OVF}Item")]
        assert started == [machine.get(f"{OVF}id") for machine in collection.iterfind(f"{OVF}VirtualSystem")]


def test_many_readers_at_once_and_a_resumed_one_get_the_same_bytes(lab: Lab) -> None:
    with Http(lab.cell) as http:
        http.log_in()
        http.enable()
        url = links(http.vapp())["download:default"]
        (first, second) = disks_of(http, url).items()
        disk = f"{url.rpartition('/')[0]}/{first[0]}"
        whole, got = first[1].data, list[bytes]()

        def read(at: int) -> None:
            with urllib3.PoolManager(ca_certs=str(lab.cell.ca_file), retries=False) as pool:
                got.append(whole[:at] + pool.request("GET", disk, headers={"Range": f"bytes={at}-"}).data)

        readers = [threading.Thread(target=read, args=(number * len(whole) // 8,)) for number in range(8)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(60)
        assert got == [whole] * 8
        assert second[1].data != whole
        assert http.pool.request("HEAD", disk).headers["Content-Length"] == str(len(whole))


def test_a_session_that_expires_during_a_long_download_does_not_touch_it(lab: Lab) -> None:
    with Http(lab.cell) as http:
        http.log_in()
        http.enable()
        url = links(http.vapp())["download:ovaDefault"]
        whole = http.pool.request("GET", url).data
        with http.pool.request("GET", url, headers=http.token, preload_content=False) as answer:
            begun = answer.read(1000)
            # Past the idle time of the login, its absolute time, and the link's own idle time.
            lab.vcenter.clock.advance(90_000)
            assert http.call("GET", "/api/session").status == 401
            assert begun + answer.read() == whole
        # And a new GET with the token that has expired is served, since the URL is all it takes (3.10b).
        assert http.pool.request("GET", url, headers=http.token).data == whole


# -- vCenter and hosts in trouble


def task_error(http: Http, name: str = "vApp0") -> str:
    task = http.enable(name)
    assert task.get("status") == "error", task.get("status")
    error = task.find(f"{VCLOUD}Error")
    assert error is not None
    return str(error.get("message"))


def test_a_host_that_dies_between_two_disks_is_named_and_the_next_export_works(lab: Lab) -> None:
    host = lab.vcenter.hosts
    seen: list[int] = []

    def die(step: object) -> None:
        if getattr(step, "label", "") == "pulled" and not seen:
            seen.append(1)
            for server in host.values():
                server.stop(keep_port=True)

    lab.cell.engine._exports._builder._on_step = die  # type: ignore[assignment]
    with Http(lab.cell) as http:
        http.log_in()
        assert "cannot be reached" in task_error(http)
        assert list(lab.cell.transfer_dir.iterdir()) == []
        lab.nothing_is_held()


def test_a_session_that_ends_in_the_middle_of_an_export_is_told_and_nothing_is_held(lab: Lab) -> None:
    def forget(step: object) -> None:
        if getattr(step, "label", "") == "stored":
            lab.vcenter._service.sessions.clear()

    lab.cell.engine._exports._builder._on_step = forget  # type: ignore[assignment]
    with Http(lab.cell) as http:
        http.log_in()
        said = task_error(http)
        assert "session" in said or "logged in" in said, said
        assert list(lab.cell.transfer_dir.iterdir()) == []
        # The lease of a session that is gone ends by its own clock.
        lab.vcenter.clock.advance(301)
        lab.nothing_is_held()


def test_a_vcenter_that_goes_in_the_middle_is_told(lab: Lab) -> None:
    def go(step: object) -> None:
        if getattr(step, "label", "") == "leased":
            lab.vcenter._server.stop(keep_port=True)

    lab.cell.engine._exports._builder._on_step = go  # type: ignore[assignment]
    with Http(lab.cell) as http:
        http.log_in()
        assert "vCenter" in task_error(http)
    assert list(lab.cell.transfer_dir.iterdir()) == []
    lab.vcenter.clock.advance(301)
    assert not any(lease.value.state.held for lease in lab.vcenter.world.leases())


# -- which host is asked


def test_the_host_that_the_lease_names_is_asked_and_the_journal_says_why(lab: Lab) -> None:
    with Http(lab.cell) as http:
        http.log_in()
        http.enable()
        chosen = [entry for entry in lab.cell.journal.entries(kind="file") if entry["what"] == "host chosen"]
        assert {entry["why"] for entry in chosen} == {"the lease names it"}
        came = [passage for passage in lab.cell.engine.ledger(vapp_of(lab)) if passage.leg.value == "host->cell"]
        assert [passage.source for passage in came] == [entry["host"] for entry in chosen]


def test_a_strategy_chooses_among_the_hosts_of_a_lease_and_says_so() -> None:
    names = Source("https://one/nfc/1/d.vmdk", None), Source("https://two/nfc/1/d.vmdk", None)
    assert Hosts().in_turn(names)[0] == (names[0], "the lease names it")
    last = Hosts(lambda sources: list(reversed(sources)))
    assert [source for source, _ in last.in_turn(names)] == [names[1], names[0]]
    assert last.in_turn(names)[0][1] == "the strategy puts it first"
    with pytest.raises(HostUnreachable, match="leaves none of the hosts one, two"):
        Hosts(lambda sources: []).in_turn(names)


def test_a_cell_asks_by_its_strategy(lab: Lab, tmp_path: Path) -> None:
    asked: list[int] = []

    def count(sources: Sequence[Source]) -> Sequence[Source]:
        asked.append(len(sources))
        return sources

    other = Cell(lab.address, transfer_dir=tmp_path / "other", clock=lab.vcenter.clock, order=count)
    with other as cell, Http(cell) as http:
        http.log_in()
        assert http.enable().get("status") == "success"
    assert asked


def vapp_of(lab: Lab) -> Entity:
    return next(e for e in lab.cell.engine.catalogue.entities.values() if e.name == "vApp0")
