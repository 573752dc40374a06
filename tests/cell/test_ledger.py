"""The ledger: per leg which addresses, how many bytes, when; in the task, at the control port, to the user."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import urllib3

from cell.http import VCLOUD, Http, links
from cell.support import START
from cell.test_command import environment
from twohop.cli._compare import Paths, words
from twohop.exporter import _perform
from twohop.exporter.cell import Cell
from twohop.exporter.cell.engine import Leg
from twohop.exporter.transfer import _fetch, _sink
from twohop.exporter.via import CellExport, LegTold, export_via_cell
from twohop.exporter.via._ledger import read_ledger
from twohop.exporter.vsphere import VCenterAddress
from twohop.fakes import VCenter
from twohop.runtime import Clock
from twohop.runtime.control import ControlApp, ControlledWorld
from twohop.runtime.serving import HttpServer


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[tuple[VCenter, Cell]]:
    with ExitStack() as stack:
        vcenter = stack.enter_context(VCenter(clock=Clock(start=START)))
        address = VCenterAddress(vcenter.url, vcenter.user, vcenter.password, vcenter.ca_file)
        cell = Cell(
            address, transfer_dir=tmp_path / "transfer", clock=vcenter.clock, authority=vcenter.authority,
            journal=vcenter.journal,
        )  # fmt: skip
        yield vcenter, stack.enter_context(cell)
        stack.callback(vcenter.clock.close)


def test_the_task_tells_each_leg_and_the_user_reads_it(lab: tuple[VCenter, Cell], tmp_path: Path) -> None:
    vcenter, cell = lab
    heard: list[object] = []
    two = export_via_cell(
        cell.url, cell.user, cell.password, "vApp0", tmp_path / "out", ca_file=cell.ca_file, clock=vcenter.clock,
        events=heard.append,
    )  # fmt: skip
    assert [leg.leg for leg in two.legs] == [leg.value for leg in Leg]
    assert [event for event in heard if isinstance(event, LegTold)] == list(two.legs)
    by = {leg.leg: leg for leg in two.legs}
    disks = sum(file.size for file in two.files)
    hosts = {server.url.removeprefix("https://") for server in vcenter.hosts.values()}
    assert by["host->cell"].source in hosts and by["host->cell"].target == by["cell->share"].source == "cell"
    assert (by["host->cell"].bytes, by["host->cell"].passages) == (disks, 1)
    # The descriptors that vCenter wrote cross the share besides, both of them; the user took one.
    assert by["cell->share"].bytes > by["share->cell"].bytes == disks + two.descriptor.stat().st_size
    assert by["cell->user"].bytes == by["share->cell"].bytes and by["cell->user"].target == "127.0.0.1"
    assert by["cell->share"].target == by["share->cell"].source == "share:transfer"
    assert all(leg.seconds >= 0 and leg.began.startswith("2023-11-14T") for leg in two.legs)


def test_of_a_package_that_the_cell_had_already_the_download_alone_is_counted(
    lab: tuple[VCenter, Cell], tmp_path: Path
) -> None:
    _, cell = lab

    def export(folder: str) -> CellExport:
        cell.clock.advance(1)
        return export_via_cell(
            cell.url, cell.user, cell.password, "vApp0", tmp_path / folder, ca_file=cell.ca_file, clock=cell.clock
        )

    first, second = export("first"), export("second")
    assert (first.already, first.moved) == (False, first.legs)
    assert second.already and [leg.leg for leg in second.legs] == [leg.value for leg in Leg]
    assert {leg.leg: (leg.bytes, leg.passages) for leg in second.moved} == {
        leg.leg: (leg.bytes, leg.passages) for leg in first.legs if leg.leg in ("share->cell", "cell->user")
    }
    said = words(Paths((1, 1), (1.0, 1.0), 0.1, second.moved, True, second.already))
    assert "disable its download first" in said and "from the hosts" not in said


def test_the_details_of_a_task_grow_with_every_download(lab: tuple[VCenter, Cell]) -> None:
    _, cell = lab
    with Http(cell) as http:
        http.log_in()
        task = http.enable()
        before = list(read_ledger(task.findtext(f"{VCLOUD}Details") or ""))
        assert [leg.leg for leg in before] == ["host->cell", "cell->share"]
        url = links(http.vapp())["download:default"]
        cell.clock.advance(10)
        http.pool.request("GET", url)
        http.pool.request("GET", url)
        after = {
            leg.leg: leg for leg in read_ledger(http.get(str(task.get("href"))).findtext(f"{VCLOUD}Details") or "")
        }
        assert after["cell->user"].passages == 2
        assert after["cell->user"].began > after["host->cell"].ended


def test_the_control_port_tells_every_passage_and_no_transfer_id(lab: tuple[VCenter, Cell], tmp_path: Path) -> None:
    _, cell = lab

    class Keeper:
        def names(self) -> list[str]:
            return ["default"]

        def world(self, name: str) -> ControlledWorld:
            return cell

        def create(self, name: str, options: object) -> ControlledWorld:
            raise ValueError

        def remove(self, name: str) -> None:
            raise ValueError

    two = export_via_cell(cell.url, cell.user, cell.password, "vApp0", tmp_path / "o", ca_file=cell.ca_file)
    control = HttpServer(ControlApp(Keeper()), name="control").start()
    try:
        with urllib3.PoolManager() as pool:
            answer = pool.request("GET", f"{control.url}/v1/ledger")
    finally:
        control.stop()
    (transfer,) = json.loads(answer.data)["transfers"]
    assert (transfer["transfer"], transfer["state"]) == ("transfer:1", "linked")
    assert transfer["totals"] == {leg.leg: leg.bytes for leg in two.legs}
    assert {p["file"] for p in transfer["passages"] if p["leg"] == "cell->user"} >= {two.files[0].name}
    assert two.link.split("/")[-2].encode() not in answer.data


CUT = {"match": {"server": "DC0_C0_H0", "path": "/nfc/*"}, "action": {"kind": "cut", "args": {"after": 300_000}}}


def crossed(cell: Cell) -> dict[tuple[str, bool], int]:
    """Bytes of disks by leg, and whether they were kept."""
    sums: dict[tuple[str, bool], int] = {}
    for passage in (p for entry in cell.ledger() for p in entry["passages"] if p["file"].endswith(".vmdk")):
        at = passage["leg"], passage["kept"]
        sums[at] = sums.get(at, 0) + passage["bytes"]
    return sums


def test_an_export_that_failed_has_a_ledger_of_what_came_for_nothing(lab: tuple[VCenter, Cell]) -> None:
    vcenter, cell = lab
    vcenter.faults.add({**CUT, "times": None})
    with Http(cell) as http:
        http.log_in()
        task = http.enable()
        said = task.findtext(f"{VCLOUD}Details") or ""
    legs = list(read_ledger(said))
    assert task.get("status") == "error" and "ended the connection" in said.splitlines()[0]
    assert [leg.leg for leg in legs] == ["host->cell", "cell->share"]
    assert {kept for _, kept in crossed(cell)} == {False}
    assert legs[0].bytes == legs[1].bytes == crossed(cell)["host->cell", False] == 300_000


def test_each_task_tells_of_its_own_download(lab: tuple[VCenter, Cell]) -> None:
    _, cell = lab
    with Http(cell) as http:
        http.log_in()
        first = http.enable()
        http.pool.request("GET", links(http.vapp())["download:default"])
        again = http.enable()
        assert http.call("POST", links(http.vapp())["disable"]).status == 204
        second = http.enable()

        def told_of(task: str | None) -> dict[str, int]:
            return {
                leg.leg: leg.passages for leg in read_ledger(http.get(str(task)).findtext(f"{VCLOUD}Details") or "")
            }

        # The one that found it enabled tells of what it found (3.14).
        whole = {"host->cell": 1, "cell->share": 3}
        assert told_of(first.get("href")) == told_of(again.get("href")) == {**whole, "share->cell": 1, "cell->user": 1}
        assert told_of(second.get("href")) == whole


def test_waiting_for_the_disk_is_the_share_s_time_and_not_the_host_s(
    lab: tuple[VCenter, Cell], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, cell = lab
    host, disk, moment, honest = 7.0, 1000.0, [0.0], _fetch.Intake.close

    def fsync(fd: int) -> None:
        moment[0] += disk

    def close(self: _fetch.Intake, framing: Any) -> None:
        moment[0] += host
        honest(self, framing)

    ticking = SimpleNamespace(monotonic=lambda: moment[0])
    for module in (_sink, _fetch, _perform):
        monkeypatch.setattr(module, "time", ticking)
    monkeypatch.setattr(_fetch.Intake, "close", close)
    monkeypatch.setattr(_sink, "os", SimpleNamespace(**{**vars(os), "fsync": fsync}))
    with Http(cell) as http:
        http.log_in()
        http.enable()
    busy = {p["leg"]: p["seconds"] for p in cell.ledger()[0]["passages"] if p["file"].endswith(".vmdk")}
    assert busy == {"host->cell": host, "cell->share": disk}


def test_a_real_cell_s_details_are_no_ledger() -> None:
    assert list(read_ledger("Enabling download of vApp0 at 40 %\n\nhost: 3 bytes")) == []


def told(leg: str, size: int, seconds: float) -> LegTold:
    return LegTold(leg, "a", "b", size, 1, "t", "t", seconds)


def test_words_name_the_bottleneck() -> None:
    legs = [told("host->cell", 10 << 20, 4.0), told("cell->share", 10 << 20, 1.0), told("cell->user", 10 << 20, 2.0)]
    said = words(Paths((10 << 20, 10 << 20), (4.0, 8.0), 6.0, legs, True))
    assert "One hop took 4.00 s for 10.0 MiB. Two hops took 8.00 s for 10.0 MiB, 2.0 times as long." in said
    assert "75 % of it went by before the cell gave a link, 25 % was the download." in said
    assert "The bottleneck was the leg from the hosts to the cell: 10.0 MiB at 2.5 MiB a second." in said
    assert "hold the same" in said
    silent = words(Paths((1, 1), (1.0, 2.0), 0.5, (), False))
    assert "by the clock here its download was the bottleneck" in silent
    assert "DO NOT hold the same" in silent


def test_compare_from_the_command_line(tmp_path: Path) -> None:
    with ExitStack() as stack:
        clock = Clock(running=True)
        stack.callback(clock.close)
        vcenter = stack.enter_context(VCenter(clock=clock))
        address = VCenterAddress(vcenter.url, vcenter.user, vcenter.password, vcenter.ca_file)
        cell = stack.enter_context(
            Cell(address, transfer_dir=tmp_path / "share", clock=clock, authority=vcenter.authority)
        )
        command = [sys.executable, "-m", "twohop.cli", "export", "vApp0", "-o", str(tmp_path / "out")]
        more = {"TWOHOP_CELL_USER": cell.user, "TWOHOP_CELL_PASSWORD": cell.password}
        done = subprocess.run(
            [*command, "--via", cell.url, "--compare"], env=environment(vcenter, **more), capture_output=True,
            text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert re.search(
            r"One hop took .*\n.*% was the download\.\nThe cell was busy for .*\nThe bottleneck", done.stdout
        )
        assert done.stdout.rstrip().endswith("The disks of both hold the same, grain by grain.")
        assert {path.name for path in (tmp_path / "out").iterdir()} == {"one-hop", "two-hops"}
        alone = subprocess.run([*command, "--compare"], env=environment(vcenter), capture_output=True, text=True)
        assert alone.returncode == 2 and "--compare needs --via" in alone.stderr
