"""The engine in a world that is cut at every step and at every byte that matters: nothing lost, nothing left."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.engine_world import NVRAM, World, disk
from twohop.cli._show import Words
from twohop.exporter import (
    BadStream,
    FileUnlisted,
    HostRefused,
    HostUnreachable,
    LeaseAborted,
    LeaseAgain,
    LeaseCompleted,
    ManifestCompared,
)
from twohop.exporter.engine import ManifestRow
from twohop.exporter.engine._actions import Abort, Sync
from twohop.exporter.package import parse_manifest

FILES = {"/disk-0.vmdk": disk(1), "/disk-1.vmdk": disk(2), "/vm.nvram": NVRAM}


def attempt(world: World, **changes: Any) -> Any:
    try:
        return world.export(**changes)
    except BaseException as error:
        world.error = error  # type: ignore[attr-defined]
        return None


def test_a_whole_export() -> None:
    world = World(FILES)
    done = world.export()
    assert not list(world.wrong(done, 1))
    assert [type(step).__name__ for step in world.steps if type(step).__name__ not in ("Claim", "Tell")] == [
        "OpenTarget", "Reserve", "Reserve", "AskLease", "AwaitReady", "StartRenewing", "ChooseDigest", "Reserve",
        "Reserve", "Together", "Fetch", "Fetch", "Fetch", "AskManifest", "Describe", "Write", "Write", "Sync",
        "StopRenewing", "Report", "Complete", "Publish",
    ]  # fmt: skip
    assert [event.by for event in world.events if isinstance(event, ManifestCompared)] == ["SHA256"] * 3
    listed = {entry.name: entry.digest for entry in parse_manifest(world.finals["vm.mf"])}
    assert listed == {name: hashlib.sha256(data).hexdigest() for name, data in world.finals.items() if name != "vm.mf"}


@given(st.data())
def test_cuts_under_several_leases(data: st.DataObject) -> None:
    bound = data.draw(st.integers(1, 4))
    keys = st.sampled_from(["/disk-0.vmdk", "/disk-1.vmdk"])
    cut = {
        (lease, data.draw(keys)): data.draw(st.integers(0, 4000))
        for lease in range(1, data.draw(st.integers(0, 4)) + 1)
    }
    world = World(FILES, cut=cut)
    done = attempt(world, leases=bound, at_once=data.draw(st.integers(1, 3)))
    assert not list(world.wrong(done, bound))
    assert (done is not None) == (len(cut) < bound)
    assert len(world.leases) == min(bound, len(cut) + 1)
    again = [(event.attempt, event.of) for event in world.events if isinstance(event, LeaseAgain)]
    assert again == [(number, bound) for number in range(2, len(world.leases) + 1)]
    ends = [type(event) for event in world.events if isinstance(event, LeaseAborted | LeaseCompleted)]
    assert len(ends) == len(world.leases)


def test_a_cut_of_small_files_is_seen_by_the_manifest() -> None:
    world = World(FILES, cut={(1, "/vm.nvram"): 100})
    assert attempt(world) is None
    assert "8684" in str(world.error)  # type: ignore[attr-defined]
    assert not list(world.wrong(None, 1))


def test_who_ended_the_lease_on_purpose_is_not_asked_again() -> None:
    world = World(FILES, cut={(1, "/disk-1.vmdk"): 700})

    def ended(number: int, action: Any) -> None:
        if type(action).__name__ == "Abort":
            world.leases[-1].state = "error"

    world.before = ended
    assert attempt(world, leases=3) is None
    assert len(world.leases) == 1
    [said] = [event for event in world.events if isinstance(event, LeaseAborted)]
    assert said.gone


@pytest.mark.parametrize(("ending", "leases"), [("timed out", 2), ("aborted", 1), ("gone", 1)])
def test_a_ticket_that_is_not_known_any_more_is_a_lease_that_has_ended(ending: str, leases: int) -> None:
    class Late(World):
        def Fetch(self, action: Any) -> Any:  # noqa: N802
            if len(self.leases) == 1:
                raise HostRefused("404")
            return super().Fetch(action)

        def Abort(self, action: Any) -> str:  # noqa: N802
            super().Abort(action)
            return ending

    world = Late(FILES)
    assert (attempt(world, leases=3) is not None) == (leases == 2)
    assert len(world.leases) == leases


def test_an_abort_that_nobody_answers_is_told_and_hides_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    def fail(number: int, action: Any) -> None:
        if isinstance(action, Abort):
            raise HostUnreachable("no route")
        if isinstance(action, Sync):
            raise BadStream("why")

    world = World(FILES, before=fail)
    with pytest.raises(BadStream, match="why"):
        world.export()
    [said] = [event for event in world.events if isinstance(event, LeaseAborted)]
    assert (said.heard, said.gone) == (False, False)
    Words()(said)
    assert "may stay locked until it times out" in capsys.readouterr().err


def test_what_no_second_try_mends_is_not_tried_again() -> None:
    world = World(FILES, lie=lambda files: {**files, "/disk-0.vmdk": b"<html>" * 100})
    assert attempt(world, leases=3) is None
    assert type(world.error) is BadStream and len(world.leases) == 1  # type: ignore[attr-defined]
    assert not list(world.wrong(None, 3))


def test_other_bytes_than_the_server_says_it_sent_are_refused() -> None:
    world = World(FILES, lie=lambda files: {**files, "/vm.nvram": b"\1" * len(NVRAM)})
    assert attempt(world, leases=3) is None
    assert type(world.error) is BadStream and "changes bytes" in str(world.error)  # type: ignore[attr-defined]
    blind = World(FILES, lie=world.lie, manifest=False)
    assert attempt(blind) is not None, "without a manifest nobody can tell"


def test_a_manifest_of_another_algorithm_still_gives_sizes() -> None:
    class Sized(World):
        def AskManifest(self, action: Any) -> Any:  # noqa: N802
            return (ManifestRow("/vm.nvram", len(NVRAM), "SHA512", "00"), ManifestRow("/other", 1, "SHA1", ""))

    world = Sized(FILES)
    assert world.export()
    assert [(e.name, e.by) for e in world.events if isinstance(e, ManifestCompared)] == [("vm-vm.nvram", "size")]


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, {"vm-disk-0.vmdk", "vm-disk-1.vmdk", "vm-vm.nvram", "vm-cd.iso"}),
        ({"nvram": False}, {"vm-disk-0.vmdk", "vm-disk-1.vmdk", "vm-cd.iso"}),
        ({"images": False}, {"vm-disk-0.vmdk", "vm-disk-1.vmdk", "vm-vm.nvram"}),
        ({"images": False, "nvram": False}, {"vm-disk-0.vmdk", "vm-disk-1.vmdk"}),
    ],
)
def test_what_is_left_out_is_not_asked_for(changes: dict[str, bool], names: set[str]) -> None:
    world = World({**FILES, "/cd.iso": b"CD001"})
    done = world.export(**changes)
    assert {file.name for file in done.files} == names
    assert set(world.finals) == {*names, "vm.ovf", "vm.mf"}


class Describing(World):
    """A server that writes descriptors of its own mind."""

    xml = ""

    def Describe(self, action: Any) -> Any:  # noqa: N802
        made = super().Describe(action)
        return type(made)(self.xml.encode() if self.xml else made.xml)


@pytest.mark.parametrize(
    ("href", "size", "words"),
    [("../../etc/passwd", 1, "none of the 3 that came"), ("vm-vm.nvram", 5, "gives 'vm-vm.nvram' 5 bytes, 8684 came")],
)
def test_a_descriptor_of_other_files_than_came_is_refused(href: str, size: int, words: str) -> None:
    world = Describing(FILES)
    world.xml = (
        '<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1">'
        f'<References><File ovf:id="a" ovf:href="{href}" ovf:size="{size}"/></References></Envelope>'
    )
    assert attempt(world) is None
    assert words in str(world.error)  # type: ignore[attr-defined]
    assert not list(world.wrong(None, 1))


def test_the_files_of_one_stream_come_in_the_order_of_the_descriptor() -> None:
    """A vApp in a vApp: the lease has its disks in one order, the descriptor in another."""

    class Backwards(World):
        def Describe(self, action: Any) -> Any:  # noqa: N802
            return super().Describe(
                replace(action, files=tuple(sorted(action.files, key=lambda each: each.path))[::-1])
            )

    for one_stream, order in ((True, ["/vm.nvram", "/disk-1.vmdk", "/disk-0.vmdk"]), (False, list(FILES))):
        world = Backwards(FILES)
        done = world.export(one_stream=one_stream)
        assert not list(world.wrong(done, 1))
        assert [step.entry.key for step in world.steps if type(step).__name__ == "Fetch"] == order


def test_a_descriptor_that_is_a_bomb_of_entities_is_refused_unread() -> None:
    world = Describing(FILES)
    world.xml = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><Envelope>&b;</Envelope>'
    assert attempt(world) is None
    assert "document type" in str(world.error)  # type: ignore[attr-defined]
    assert not list(world.wrong(None, 1))


def test_a_file_that_the_descriptor_leaves_out_is_told() -> None:
    world = Describing(FILES)
    world.xml = '<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"><References/></Envelope>'
    assert world.export()
    assert len([event for event in world.events if isinstance(event, FileUnlisted)]) == 3


@pytest.mark.parametrize("algorithm", ["SHA256", "SHA1"])
def test_the_manifest_has_the_algorithm_that_was_asked_for(algorithm: str) -> None:
    world = World(FILES)
    world.export(algorithm=algorithm)
    assert {entry.algorithm for entry in parse_manifest(world.finals["vm.mf"])} == {algorithm}
