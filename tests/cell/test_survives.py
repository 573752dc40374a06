"""vCenter or a host in trouble: the task names it, nothing is left, and when it is back the next export works.

A host that is gone while another one sees the datastore is no trouble at all: the other is asked (4.12).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cell.http import VCLOUD, Http
from cell.support import START
from cell.test_two_hops import Lab
from twohop.exporter._device_file import Source
from twohop.exporter._events import BytesMoved, Event, FileDone, LeaseGranted
from twohop.exporter.cell import Cell
from twohop.exporter.cell.engine import Leg, default_catalogue
from twohop.exporter.engine import HostOrder, registered_first
from twohop.exporter.vsphere import VCenterAddress
from twohop.fakes import VCenter
from twohop.runtime import Clock
from twohop.runtime.observing import Observations
from twohop.runtime.profiles import load_profile

VMS = ["VM0", "VM1"]
WORLD = {
    "datacenters": [
        {
            "name": "DC0",
            "clusters": [{"name": "C0", "hosts": ["H0", "H1"]}],
            "vms": [
                {"name": name, "power": "off", "host": "H0", "disks": [{"size": "64 MiB", "data": "16 MiB"}]}
                for name in VMS
            ],
        }
    ]
}
Do = Callable[[Event], None]


@contextmanager
def opened(
    tmp_path: Path, *, order: HostOrder = registered_first, host_map: str = "present", hear: Sequence[Do] = ()
) -> Iterator[tuple[Lab, Http]]:
    """A vCenter whose two hosts see one datastore, a cell before it, and somebody who is logged in."""

    def events(event: Event) -> None:
        for each in list(hear):
            each(event)

    with ExitStack() as stack:
        profile = load_profile("vcenter-8.0").but(host_map=host_map)
        vcenter = stack.enter_context(VCenter(world=WORLD, clock=Clock(start=START), profile=profile))
        seen = Observations(vcenter.clock.now, vcenter.journal.references)
        address = VCenterAddress(vcenter.url, vcenter.user, vcenter.password, vcenter.ca_file)
        cell = Cell(
            address, transfer_dir=tmp_path / "transfer", clock=vcenter.clock, authority=vcenter.authority,
            journal=vcenter.journal, observer=seen.observer("cell"), catalogue=default_catalogue(VMS), events=events,
            order=order,
        )  # fmt: skip
        lab = Lab(vcenter, stack.enter_context(cell), tmp_path / "out", seen)
        http = stack.enter_context(Http(lab.cell))
        http.log_in()
        yield lab, http


def once(kind: type[Event], act: Callable[[], object], nth: int = 1) -> Do:
    """Act when an event of a kind is heard for the nth time, and never again."""
    heard = 0

    def hear(event: Event) -> None:
        nonlocal heard
        heard += isinstance(event, kind)
        if isinstance(event, kind) and heard == nth:
            act()

    return hear


def ended(http: Http) -> tuple[str, str]:
    """Export; return how the task ended and what its error says."""
    (vapp,) = (e for e in http.cell.engine.catalogue.entities.values() if e.name == "vApp0")
    answer = http.call("POST", f"/api/vApp/vapp-{vapp.id}/action/enableDownload")
    assert answer.status == 202, answer.data
    http.cell.engine.settle()
    task = http.get(answer.headers["Location"])
    error = task.find(f"{VCLOUD}Error")
    return str(task.get("status")), str(error.get("message")) if error is not None else ""


def clean(lab: Lab) -> None:
    """Nothing of an export is left: no file, no row that claims one, no lease once its own time has passed."""
    assert list(lab.cell.transfer_dir.iterdir()) == []
    assert lab.cell.engine.quota.taken() == 0
    assert {entry["state"] for entry in lab.cell.ledger()} <= {"removed"}
    lab.vcenter.clock.advance(301)
    assert not any(lease.value.state.held for lease in lab.vcenter.world.leases())


def works(lab: Lab, http: Http) -> None:
    """The next export does what the first one could not."""
    http.log_in()
    assert ended(http) == ("success", "")
    assert len(list(lab.cell.transfer_dir.glob("*/*.vmdk"))) == 2
    lab.nothing_is_held()


def sources(lab: Lab) -> list[str]:
    """The hosts from which the disks of the last export came."""
    (vapp,) = (e for e in lab.cell.engine.catalogue.entities.values() if e.name == "vApp0")
    return [p.source for p in lab.cell.engine.ledger(vapp) if p.leg is Leg.HOST_TO_CELL]


HOST_TROUBLE: dict[str, tuple[type[Event], int] | None] = {
    "gone before": None, "dying in the middle of a disk": (BytesMoved, 3), "dying between two disks": (FileDone, 1),
}  # fmt: skip


@pytest.mark.parametrize("when", HOST_TROUBLE)
def test_hosts_that_are_gone_are_named_and_when_they_are_back_the_next_export_works(tmp_path: Path, when: str) -> None:
    hear: list[Do] = []
    with opened(tmp_path, hear=hear) as (lab, http):
        hosts = list(lab.vcenter.hosts.values())

        def die() -> None:
            for host in hosts:
                host.stop(keep_port=True)

        trigger = HOST_TROUBLE[when]
        if trigger is None:
            die()
        else:
            hear.append(once(trigger[0], die, trigger[1]))
        status, said = ended(http)
        assert status == "error"
        assert any(host.authority in said for host in hosts), said
        clean(lab)
        hear.clear()
        for host in hosts:
            host.start()
        works(lab, http)


@pytest.mark.parametrize("when", HOST_TROUBLE)
def test_another_host_that_sees_the_datastore_steps_in(tmp_path: Path, when: str) -> None:
    hear: list[Do] = []
    with opened(tmp_path, hear=hear) as (lab, http):
        registered, other = lab.vcenter.hosts["H0"], lab.vcenter.hosts["H1"]
        trigger = HOST_TROUBLE[when]
        if trigger is None:
            registered.stop(keep_port=True)
        else:
            hear.append(once(trigger[0], partial(registered.stop, keep_port=True), trigger[1]))
        if when == "dying in the middle of a disk":
            # What has come of the disk is no disk, and what another lease gives would be other bytes.
            status, said = ended(http)
            assert status == "error" and registered.authority in said
            clean(lab)
            http.log_in()
        assert ended(http) == ("success", "")
        came = sources(lab)
        assert came[-1] == other.authority
        assert (registered.authority in came) == (when == "dying between two disks")
        chosen = [entry for entry in lab.cell.journal.entries(kind="file") if entry["what"] == "host chosen"]
        assert {entry["why"] for entry in chosen if entry["host"] == other.authority} <= {
            f"instead of {registered.authority}", f"{registered.authority} was not to be had before",
        }  # fmt: skip
        lab.nothing_is_held()


def test_without_the_map_nobody_else_is_known(tmp_path: Path) -> None:
    with opened(tmp_path, host_map="absent") as (lab, http):
        lab.vcenter.hosts["H0"].stop(keep_port=True)
        status, said = ended(http)
        assert status == "error" and lab.vcenter.hosts["H0"].authority in said
        clean(lab)


def test_the_strategy_decides_who_is_asked_and_the_journal_shows_it(tmp_path: Path) -> None:
    def others_first(given: Sequence[Source]) -> Sequence[Source]:
        return [*given[1:], given[0]]

    with opened(tmp_path, order=others_first) as (lab, http):
        assert ended(http) == ("success", "")
        other = lab.vcenter.hosts["H1"].authority
        assert set(sources(lab)) == {other}
        chosen = [entry for entry in lab.cell.journal.entries(kind="file") if entry["what"] == "host chosen"]
        assert {(entry["host"], entry["why"]) for entry in chosen} == {(other, "the strategy puts it first")}


VCENTER_TROUBLE: dict[str, tuple[type[Event], int] | None] = {
    "gone before": None,
    "gone with a lease granted": (LeaseGranted, 1),
    "gone in the middle of a disk": (BytesMoved, 3),
    "gone between two disks": (FileDone, 1),
    "gone before the second lease is complete": (FileDone, 2),
}


@pytest.mark.parametrize("when", VCENTER_TROUBLE)
def test_a_vcenter_that_is_gone_is_named_and_when_it_is_back_the_next_export_works(tmp_path: Path, when: str) -> None:
    hear: list[Do] = []
    with opened(tmp_path, hear=hear) as (lab, http):
        server: Any = lab.vcenter._server
        go = partial(server.stop, keep_port=True)
        trigger = VCENTER_TROUBLE[when]
        if trigger is None:
            go()
        else:
            hear.append(once(trigger[0], go, trigger[1]))
        status, said = ended(http)
        assert (status, "vCenter" in said or server.authority in said) == ("error", True), said
        hear.clear()
        server.start()
        clean(lab)
        works(lab, http)


@pytest.mark.parametrize("kind", [LeaseGranted, BytesMoved, FileDone])
def test_a_session_that_ends_in_an_export_is_named_and_the_next_export_works(tmp_path: Path, kind: type[Event]) -> None:
    hear: list[Do] = []
    with opened(tmp_path, hear=hear) as (lab, http):
        hear.append(once(kind, lab.vcenter._service.sessions.clear))
        status, said = ended(http)
        assert status == "error"
        assert "session" in said or "logged in" in said, said
        hear.clear()
        clean(lab)
        works(lab, http)
