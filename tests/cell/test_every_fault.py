"""Whatever goes wrong once at vCenter or a host: the export is whole, or its task names the cause and nothing is left.

Hypothesis draws the fault, where it strikes and how often; what is looked at is the task, the share, the database and
vCenter, and then the next export, which nothing hinders.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cell.http import VCLOUD, Http
from cell.support import START
from twohop.exporter.cell import Cell
from twohop.exporter.vsphere import VCenterAddress
from twohop.fakes import VCenter
from twohop.runtime import Clock

WORLD = {
    "datacenters": [
        {
            "name": "DC0",
            "hosts": ["H0"],
            "vms": [
                {"name": "VM0", "host": "H0", "power": "off", "disks": [{"size": "8 MiB", "data": "4 MiB"}]},
                {"name": "VM1", "host": "H0", "power": "off", "disks": [{"size": "8 MiB", "data": "1 MiB"}]},
                {"name": "VM2", "host": "H0", "images": [{"name": "iso/tools.iso", "size": 300_000}]},
            ],
        }
    ]
}
CALLS = (
    "ExportVm", "RetrievePropertiesEx", "HttpNfcLeaseComplete", "CreateDescriptor", "Login", "RetrieveServiceContent",
    "WaitForUpdatesEx", "CreateContainerView",
)  # fmt: skip
after = st.one_of(st.none(), st.integers(0, 200_000))
kinds = st.one_of(
    st.builds(lambda a, c: {"kind": "cut", "args": {"after": a, "carried_out": c}}, after, st.just(True)),
    st.builds(lambda a: {"kind": "reset", "args": {"after": a}}, after),
    st.builds(lambda c: {"kind": "cut", "args": {"carried_out": c}}, st.booleans()),
    st.just({"kind": "empty"}),
    st.builds(lambda n: {"kind": "short", "args": {"bytes": n}}, st.integers(0, 200_000)),
    st.builds(lambda n: {"kind": "short", "args": {"less": n}}, st.integers(1, 5000)),
    st.builds(lambda s: {"kind": "status", "args": {"status": s}}, st.sampled_from([401, 403, 404, 500, 502, 503])),
)
places = st.one_of(
    st.builds(lambda n: {"path": "/nfc/*", "nth": n}, st.integers(1, 2)),
    st.builds(lambda m, n: {"method": m, "nth": n}, st.sampled_from(CALLS), st.integers(1, 3)),
    st.just({"path": "/folder/*", "verb": "GET"}),
    st.just({"path": "/folder/*", "verb": "HEAD"}),
)
faults = st.one_of(
    st.builds(lambda p, k, n: {"match": p, "action": k, "times": n}, places, kinds, st.sampled_from([1, 2, None])),
    st.builds(lambda s: {"match": {"server": s}, "action": {"kind": "refuse"}}, st.sampled_from(["vcenter", "H0"])),
    st.builds(
        lambda s: {"match": {"server": s}, "action": {"kind": "wrong-certificate"}, "times": None},
        st.sampled_from(["vcenter", "H0"]),
    ),
)


@dataclass
class Place:
    """A vCenter, a cell before it, and somebody who is logged in."""

    vcenter: VCenter
    cell: Cell
    me: Http

    def ended(self, name: str) -> tuple[str, str]:
        """Export; return how the task ended, and what its error says."""
        self.me.log_in()
        (entity,) = (e for e in self.cell.engine.catalogue.entities.values() if e.name == name)
        path = "vApp/vapp-" if entity.kind == "vApp" else "media/"
        answer = self.me.call("POST", f"/api/{path}{entity.id}/action/enableDownload")
        assert answer.status == 202, answer.data
        self.cell.engine.settle()
        task = self.me.get(answer.headers["Location"])
        error = task.find(f"{VCLOUD}Error")
        return str(task.get("status")), str(error.get("message")) if error is not None else ""

    def files(self) -> list[str]:
        """What stands in the share."""
        return sorted(path.suffix for path in self.cell.transfer_dir.glob("*/*") if not path.name.startswith("."))


WHOLE = {"vApp0": [".ovf", ".ovf", ".vmdk", ".vmdk"], "tools": [""]}


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with ExitStack() as stack:
        vcenter = stack.enter_context(VCenter(world=WORLD, clock=Clock(start=START)))
        (image,) = (image for vm in vcenter.world.vms() for image in vm.images)
        media = [{"name": "tools", "datacenter": "DC0", "file": image.file_name}]
        vapps = [{"name": "vApp0", "vms": ["VM0", "VM1"]}]
        vdcs, catalogs = [{"name": "Vdc0", "vapps": vapps}], [{"name": "Catalog0", "media": media}]
        address = VCenterAddress(vcenter.url, vcenter.user, vcenter.password, vcenter.ca_file)
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cell = stack.enter_context(
            Cell(
                address, transfer_dir=home / "share", clock=vcenter.clock, authority=vcenter.authority,
                catalogue={"orgs": [{"name": "Org0", "vdcs": vdcs, "catalogs": catalogs}]},
            )
        )  # fmt: skip
        yield Place(vcenter, cell, stack.enter_context(Http(cell)))


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(sorted(WHOLE)), faults)
def test_whole_or_named_and_gone_and_the_next_export_works(place: Place, name: str, fault: dict[str, Any]) -> None:
    place.vcenter.faults.clear()
    place.cell.reset()
    place.vcenter.clock.advance(301)
    place.vcenter.faults.add(fault)
    status, said = place.ended(name)
    if status == "success":
        assert place.files() == WHOLE[name]
    else:
        assert status == "error"
        known = [place.vcenter.url.removeprefix("https://"), "vCenter", "the server", "the lease", "session"]
        known += [host.authority for host in place.vcenter.hosts.values()]
        assert any(each in said for each in known), said
        assert "twohop's own fault" not in said
        assert list(place.cell.transfer_dir.iterdir()) == []
        assert place.cell.engine.quota.taken() == 0
    place.vcenter.faults.clear()
    place.vcenter.clock.advance(301)
    assert not any(lease.value.state.held for lease in place.vcenter.world.leases())
    place.cell.reset()
    assert place.ended(name) == ("success", "")
    assert place.files() == WHOLE[name]
