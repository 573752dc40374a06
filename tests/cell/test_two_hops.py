"""The real thing: a fake vCenter with its hosts, a cell, and the user's client, on one clock that stands still."""

from __future__ import annotations

import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim

from cell.http import Http, links
from twohop.exporter import Cancellation, ExportError, NotFound, WrongPowerState, export_vm
from twohop.exporter._events import BytesMoved
from twohop.exporter.cell import Cell
from twohop.exporter.cell.engine import Leg, default_catalogue, totals
from twohop.exporter.package._vmdk import grain_digest
from twohop.exporter.via import CellExport, TaskProgress, export_via_cell
from twohop.exporter.vsphere import VCenterAddress
from twohop.fakes import VCenter
from twohop.runtime.observing import Observations
from twohop.runtime.profiles import load_profile

VM0, VM1, VM2 = (f"DC0_C0_RP0_VM{n}" for n in range(3))
CATALOGUE = {
    "orgs": [
        {
            "name": "Org0",
            "vdcs": [
                {
                    "name": "Vdc0",
                    "vapps": [
                        {"name": "vApp0", "vms": [VM0]},
                        {"name": "both of them; (really), ok?", "vms": [VM0, VM2]},
                        {"name": "running", "vms": [VM0, VM1]},
                    ],
                }
            ],
            "catalogs": [{"name": "Catalog0", "templates": [{"name": "Template0", "vms": [VM0]}]}],
        }
    ]
}


@dataclass
class Lab:
    vcenter: VCenter
    cell: Cell
    output: Path
    seen: Observations

    @property
    def address(self) -> VCenterAddress:
        return VCenterAddress(self.vcenter.url, self.vcenter.user, self.vcenter.password, self.vcenter.ca_file)

    def export(self, name: str, output: Path | None = None, **options: Any) -> CellExport:
        settings = {"ca_file": self.cell.ca_file, "clock": self.vcenter.clock, **options}
        return export_via_cell(
            self.cell.url, self.cell.user, self.cell.password, name, output or self.output, **settings
        )

    def nothing_is_held(self) -> None:
        """Every lease has ended, and every VM that is off can be powered on."""
        for lease in self.vcenter.world.leases():
            assert not lease.value.state.held
        tls = ssl.create_default_context(cafile=str(self.vcenter.ca_file))
        host, _, port = self.vcenter.url.removeprefix("https://").partition(":")
        client = SmartConnect(
            host=host, port=int(port), user=self.vcenter.user, pwd=self.vcenter.password, sslContext=tls
        )
        try:
            for vm in self.vcenter.world.vms():
                if vm.power.name == "OFF":
                    task = vim.VirtualMachine(vm.moid, client._stub).PowerOnVM_Task()
                    assert task.info.state == "success", task.info.error
        finally:
            Disconnect(client)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with ExitStack() as stack:
        vcenter = stack.enter_context(VCenter(vms=3))
        seen = Observations(vcenter.clock.now, vcenter.journal.references)
        address = VCenterAddress(vcenter.url, vcenter.user, vcenter.password, vcenter.ca_file)
        cell = stack.enter_context(
            Cell(
                address, transfer_dir=tmp_path / "transfer", clock=vcenter.clock, authority=vcenter.authority,
                journal=vcenter.journal, catalogue=CATALOGUE, observer=seen.observer("cell"),
            )
        )  # fmt: skip
        yield Lab(vcenter, cell, tmp_path / "out", seen)


def test_both_paths_give_the_same_disk(lab: Lab) -> None:
    one = export_vm(lab.address, VM0, lab.output / "one", clock=lab.vcenter.clock)
    two = lab.export("vApp0", lab.output / "two")
    assert grain_digest(one.files[0].path) == grain_digest(two.files[0].path)
    assert two.descriptor.name == "vApp0.ovf"
    assert sorted(path.name for path in (lab.output / "two").iterdir()) == sorted(
        [two.files[0].name, "vApp0.ovf", "vApp0.mf"]
    )
    for line in two.manifest.read_text().splitlines():
        match = re.fullmatch(r"SHA256\((.+)\)= ([0-9a-f]{64})", line)
        assert match
        assert sha256((lab.output / "two" / match[1]).read_bytes()).hexdigest() == match[2]


def test_what_the_user_got_is_what_the_host_sent_and_the_user_never_saw_a_host(lab: Lab) -> None:
    two = lab.export("vApp0", observer=lab.seen.observer("user"))
    sent = {
        e.response.digest.sha256
        for e in lab.seen.exchanges
        if e.observer == "cell" and e.response and e.response.digest
    }
    assert {file.sha256 for file in two.files} == sent
    ports = {e.conn.port for e in lab.seen.exchanges if e.observer == "user"}
    assert ports == {int(lab.cell.url.rpartition(":")[2])}
    vapp = next(e for e in lab.cell.engine.catalogue.entities.values() if e.name == "vApp0")
    size = sum(file.size for file in two.files)
    over = totals([p for p in lab.cell.engine.ledger(vapp) if p.file.endswith(".vmdk")])
    assert over == dict.fromkeys([leg.value for leg in Leg], size)


def test_the_descriptors_differ_in_identity_alone(lab: Lab) -> None:
    default = lab.export("vApp0", lab.output / "default").descriptor.read_text()
    identity = lab.export("vApp0", lab.output / "identity", identity=True).descriptor.read_text()
    mac = r"[0-9a-f]{2}(:[0-9a-f]{2}){5}"
    for mark in (mac, "uuid.bios", "NetworkConfigSection", "LeaseSettingsSection"):
        assert re.search(mark, identity)
        assert not re.search(mark, default)


def test_a_template_and_a_vapp_of_two(lab: Lab) -> None:
    template = lab.export("Catalog0/Template0", lab.output / "template")
    assert template.descriptor.name == "Template0.ovf"
    both = lab.export("both of them; (really), ok?", lab.output / "both")
    assert len(both.files) == 2
    text = both.descriptor.read_text()
    assert "VirtualSystemCollection" in text
    assert VM0 in text
    assert VM2 in text
    lab.nothing_is_held()


def test_link_and_directory_end_each_by_its_own_clock(lab: Lab) -> None:
    two = lab.export("vApp0")
    with Http(lab.cell) as http:
        assert http.pool.request("GET", two.link).status == 200
        lab.vcenter.clock.advance(3601)
        assert http.pool.request("GET", two.link).status == 404
        assert list(lab.cell.transfer_dir.iterdir()) != [] or lab.cell.profile.seconds("reaper_s") <= 3600
        lab.vcenter.clock.advance(3601)
        assert list(lab.cell.transfer_dir.iterdir()) == []
        lab.nothing_is_held()


def test_a_download_is_disabled_afterwards_where_asked(lab: Lab) -> None:
    two = lab.export("vApp0", finish="disable")
    with Http(lab.cell) as http:
        assert http.pool.request("GET", two.link).status == 404
    assert list(lab.cell.transfer_dir.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("nobody", NotFound, "sees no vApp called 'nobody'"),
        ("Catalog0/nothing", NotFound, "sees no catalog item"),
        (VM0, NotFound, "single VMs cannot be downloaded"),
        ("running", WrongPowerState, "powered on or suspended"),
    ],
)
def test_what_cannot_be_exported_says_why(lab: Lab, name: str, error: type[ExportError], words: str) -> None:
    with pytest.raises(error, match=re.escape(words)) as raised:
        lab.export(name)
    assert raised.value.whose == "you"
    assert not lab.output.exists()


def test_a_host_that_is_down_ends_the_task_with_its_name(lab: Lab) -> None:
    for server in lab.vcenter.hosts.values():
        server.stop(keep_port=True)
    with pytest.raises(ExportError, match=r"ended as error: .*cannot be reached") as raised:
        lab.export("vApp0")
    assert raised.value.whose == "cell"
    assert not lab.output.exists()
    assert list(lab.cell.transfer_dir.iterdir()) == []
    lab.nothing_is_held()


def test_a_vcenter_that_is_gone_makes_the_vapp_unknown_and_leaves_nothing(lab: Lab) -> None:
    with Http(lab.cell) as http:
        http.log_in()
        enable = links(http.vapp())["enable"]
        lab.vcenter._server.stop()
        assert http.vapp().get("status") == "6"
        answer = http.call("POST", enable)
        assert answer.status == 202
        lab.cell.engine.settle()
        task = http.get(answer.headers["Location"])
        assert task.get("status") == "error"
    assert list(lab.cell.transfer_dir.iterdir()) == []


def test_a_session_that_vcenter_forgot_is_renewed(lab: Lab) -> None:
    with Http(lab.cell) as http:
        http.log_in()
        assert http.vapp().get("status") == "8"
        lab.vcenter._service.sessions.clear()
        assert http.vapp().get("status") == "8"


def test_stopping_the_client_cancels_the_cell_s_task_and_frees_the_vm(lab: Lab) -> None:
    stop, began = Cancellation(), threading.Event()

    def hear(event: object) -> None:
        if isinstance(event, TaskProgress) and event.status == "running":
            stop.cancel()
            began.set()

    with pytest.raises(ExportError, match="cancelled"):
        lab.export("both of them; (really), ok?", cancelled=stop, events=hear)
    assert began.is_set()
    assert not lab.output.exists()
    lab.cell.engine.settle()
    assert list(lab.cell.transfer_dir.iterdir()) == []
    lab.nothing_is_held()


def test_files_purged_behind_the_link_are_made_again(lab: Lab) -> None:
    first = lab.export("vApp0", lab.output / "first")
    for path in lab.cell.transfer_dir.rglob("*.*"):
        path.unlink()
    again = lab.export("vApp0", lab.output / "again")
    assert grain_digest(first.files[0].path) == grain_digest(again.files[0].path)


def test_nothing_is_overwritten_unless_forced(lab: Lab) -> None:
    lab.export("vApp0")
    with pytest.raises(ExportError, match="exists already") as raised:
        lab.export("vApp0")
    assert raised.value.whose == "target"
    lab.export("vApp0", force=True)


def test_no_secret_is_written_down(lab: Lab) -> None:
    two = lab.export("vApp0", observer=lab.seen.observer("user"))
    text = lab.vcenter.journal.ndjson() + "".join(str(e.to_json()) for e in lab.seen.exchanges)
    for secret in (lab.cell.password, lab.vcenter.password, two.link.split("/")[-2]):
        assert secret not in text
    assert two.link.split("/")[-2] not in repr(two)


def test_the_default_catalogue_is_made_of_the_default_world() -> None:
    assert default_catalogue()["orgs"][0]["vdcs"][0]["vapps"] == [{"name": "vApp0", "vms": [VM0]}]


@pytest.mark.parametrize("name", ["a/b", "100 %", "c\\d"])
def test_a_machine_whose_name_would_be_a_path_is_exported_all_the_same(tmp_path: Path, name: str) -> None:
    vms = [{"name": name, "host": "H0", "disks": [{"size": "4 MiB", "data": "192 KiB"}]}]
    world = {"datacenters": [{"name": "DC0", "hosts": ["H0"], "vms": vms}]}
    catalogue = {"orgs": [{"name": "Org0", "vdcs": [{"name": "Vdc0", "vapps": [{"name": "app", "vms": [name]}]}]}]}
    with VCenter(world=world) as vc:
        address = VCenterAddress(vc.url, vc.user, vc.password, vc.ca_file)
        share = tmp_path / "share"
        with Cell(address, transfer_dir=share, clock=vc.clock, authority=vc.authority, catalogue=catalogue) as cell:
            made = export_via_cell(cell.url, cell.user, cell.password, "app", tmp_path / "out", ca_file=cell.ca_file)
            assert [file.disk for file in made.files] == [True]


@pytest.mark.parametrize(
    "choice",
    [
        {"link_lag": 3}, {"task_waits": 3}, {"finish_removes": "yes"}, {"stale_token_on_transfer": "401"},
        {"lock_during_enable": "BUSY_ENTITY", "links_while_busy": "hidden"}, {"build_at": "get"},
        {"transfer_auth": "needed"}, {"head": "405", "range": "200-full"}, {"missing_right": "link-hidden"},
    ],
    ids=str,
)  # fmt: skip
def test_our_own_client_gets_its_package_from_any_cell(tmp_path: Path, choice: dict[str, str]) -> None:
    with VCenter() as vc:
        address = VCenterAddress(vc.url, vc.user, vc.password, vc.ca_file)
        profile = load_profile("cell-36.0").but(**choice)
        with Cell(
            address, transfer_dir=tmp_path / "share", clock=vc.clock, authority=vc.authority, profile=profile
        ) as cell:
            made = export_via_cell(cell.url, cell.user, cell.password, "vApp0", tmp_path / "out", ca_file=cell.ca_file)
            assert [file.disk for file in made.files] == [True]
            assert (list(cell.transfer_dir.iterdir()) == []) == ("finish_removes" in choice)


@pytest.mark.parametrize(
    ("missing", "error"), [("403", "need some or all of the following rights"), ("link-hidden", "may lack the right")]
)
def test_who_may_not_is_told_so(tmp_path: Path, missing: str, error: str) -> None:
    catalogue = default_catalogue()
    catalogue["orgs"][0]["users"] = [{"name": "reader", "role": "vApp User"}]
    with VCenter() as vc:
        address = VCenterAddress(vc.url, vc.user, vc.password, vc.ca_file)
        profile = load_profile("cell-36.0").but(missing_right=missing)
        with Cell(
            address, transfer_dir=tmp_path / "share", clock=vc.clock, authority=vc.authority, profile=profile,
            catalogue=catalogue,
        ) as cell, pytest.raises(ExportError, match=error) as raised:  # fmt: skip
            export_via_cell(cell.url, "reader@Org0", cell.password, "vApp0", tmp_path / "out", ca_file=cell.ca_file)
        assert raised.value.whose == "you"


def test_a_lease_is_kept_alive_however_long_the_export_takes_and_the_task_says_how_far_it_is(tmp_path: Path) -> None:
    seen: list[int] = []
    with ExitStack() as stack:
        vc = stack.enter_context(VCenter())
        address = VCenterAddress(vc.url, vc.user, vc.password, vc.ca_file)

        def hear(event: object) -> None:
            if isinstance(event, BytesMoved):
                # Each piece takes longer than half the time that a lease lives unless somebody renews it.
                vc.clock.advance(170)
                (task,) = cell.engine.tasks_of(vapp)
                seen.append(task.progress)

        cell = stack.enter_context(
            Cell(
                address,
                transfer_dir=tmp_path / "share",
                clock=vc.clock,
                authority=vc.authority,
                journal=vc.journal,
                events=hear,
            )
        )
        (vapp,) = (e for e in cell.engine.catalogue.entities.values() if e.kind == "vApp")
        task = cell.engine.enable(vapp, "administrator").id
        cell.engine.settle()
        ended = cell.engine.task(task)
        assert ended is not None and ended.value.state.value == "success", ended
    assert len(seen) > 10
    assert seen == sorted(seen) and seen[0] < 10 < 30 < seen[-1] < 100
