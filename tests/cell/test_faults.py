"""One plan of faults for vCenter, hosts and cell: what breaks the user's leg, and what breaks the cell's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from passing import passing
from twohop.exporter import ExportError
from twohop.exporter.cell import Cell
from twohop.exporter.via import export_via_cell
from twohop.exporter.vsphere import VCenterAddress
from twohop.fakes import VCenter
from twohop.runtime.faults import FaultError


class Lab:
    """A cell in front of a vCenter, on one clock and one plan."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.vcenter = vc = stack.enter_context(VCenter())
        shared = {"clock": vc.clock, "authority": vc.authority, "journal": vc.journal, "faults": vc.faults}
        address = VCenterAddress(vc.url, vc.user, vc.password, vc.ca_file)
        self.cell = stack.enter_context(Cell(address, transfer_dir=folder / "share", **shared))
        self.output = folder / "out"

    def fault(self, kind: str, match: dict[str, Any], times: int | None = 1, **args: Any) -> str:
        return self.vcenter.faults.add({"match": match, "action": {"kind": kind, "args": args}, "times": times})

    def export(self, **options: Any) -> None:
        export_via_cell(
            self.cell.url, self.cell.user, self.cell.password, "vApp0", self.output, ca_file=self.cell.ca_file,
            clock=self.vcenter.clock, **options,
        )  # fmt: skip


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with ExitStack() as stack:
        yield Lab(stack, tmp_path)


@pytest.mark.parametrize(
    ("kind", "match", "args"),
    [
        ("cut", {"path": "/transfer/*.vmdk"}, {"after": 100_000}),
        ("reset", {"path": "/transfer/*.vmdk"}, {"after": 100_000}),
        ("short", {"path": "/transfer/*.vmdk"}, {"less": 512}),
        ("empty", {"path": "/transfer/*.vmdk"}, {}),
        ("status", {"path": "/transfer/*"}, {"status": 503}),
        ("status", {"path": "/api/*"}, {"status": 503}),
        ("wrong-certificate", {}, {}),
        ("expired-certificate", {}, {}),
        ("refuse", {}, {}),
        ("reset", {}, {}),
    ],
)
def test_a_broken_leg_to_the_user_leaves_nothing_there(
    lab: Lab, kind: str, match: dict[str, Any], args: dict[str, Any]
) -> None:
    id = lab.fault(kind, {"server": "cell", **match}, times=None, **args)
    with pytest.raises(ExportError) as caught:
        lab.export()
    assert "\n" not in str(caught.value)
    assert lab.vcenter.faults.count(id).struck
    assert not lab.output.exists()
    lab.vcenter.faults.clear()
    lab.export()
    assert any(lab.output.iterdir())


@pytest.mark.parametrize("kind", ["cut", "short"])
def test_a_broken_leg_of_the_cell_fails_its_task_and_leaves_no_lease(lab: Lab, kind: str) -> None:
    args = {"after": 1000} if kind == "cut" else {"less": 1024}
    id = lab.fault(kind, {"server": "DC0_C0_H0", "path": "/nfc/*"}, times=None, **args)
    with pytest.raises(ExportError):
        lab.export()
    assert lab.vcenter.faults.count(id).struck
    assert not lab.output.exists()
    assert not [lease for lease in lab.vcenter.world.leases() if lease.state.held]


def test_a_stall_of_the_cell_costs_nothing(lab: Lab) -> None:
    lab.fault("stall", {"server": "cell", "path": "/transfer/*.vmdk"}, seconds=60, after=1000)
    before = lab.vcenter.clock.now()
    with passing(lab.vcenter):
        lab.export()
    assert any(lab.output.iterdir()) and lab.vcenter.clock.now() >= before + 60


def test_a_cell_by_itself_takes_a_plan_and_knows_its_own_name(tmp_path: Path) -> None:
    with pytest.raises(FaultError, match="there is no server 'vcenter'; there are cell"):
        Cell(
            VCenterAddress("https://127.0.0.1:1", "u", "p"), transfer_dir=tmp_path,
            faults=[{"match": {"server": "vcenter"}, "action": {"kind": "reset"}}],
        )  # fmt: skip
