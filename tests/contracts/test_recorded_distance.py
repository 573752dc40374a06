"""The distance to every recording there is, and what the recordings say that a world must tell."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from twohop.cli._drift_run import profile_of, replay_both
from twohop.contracts.drift import Cassette, Figures, read_cassette, read_inventory
from twohop.fakes import fake_for
from twohop.fakes.vim._registry import known_type, newest_known, version_for
from twohop.fakes.vim._service import Call
from vcenters import knows

ROOT = Path(os.environ.get("TWOHOP_RECORDINGS", Path(__file__).parents[3] / "shared" / "recordings")) / "vsphere"
STATES = {
    ("VirtualMachine", "permission"): "the default world has no permission on one machine",
    ("VirtualMachine", "tag"): "a machine that holds a vCenter bears its tag, and the default world's hold none",
    ("Datacenter", "triggeredAlarmState"): "nothing is wrong in the default world",
    ("VirtualMachine", "snapshot"): "the default world's machines have no snapshot",
    ("VirtualMachine", "rootSnapshot"): "the default world's machines have no snapshot",
}
"""What a recorded object has by what had happened to it, not by what it is."""


def cassettes() -> list[Path]:
    return sorted(p for p in ROOT.rglob("*") if p.suffix in (".yaml", ".yml"))


@pytest.fixture(scope="module")
def read() -> list[Cassette]:
    if not cassettes():
        pytest.skip(f"no recordings in {ROOT}: set TWOHOP_RECORDINGS to the directory that has vsphere/")
    return [read_cassette(path) for path in cassettes()]


@knows("8.0.3.0")
def test_the_fakes_are_near_every_recorded_server(read: list[Cassette]) -> None:
    figures = {"imported": Figures(), "own": Figures()}
    for cassette in read:
        for mode, outcomes in replay_both(cassette).items():
            figures[mode].add(cassette.path.name, outcomes)
    shown = {mode: (each.counts, [str(o.differences[:2]) for _, o in each.different]) for mode, each in figures.items()}
    assert figures["imported"].near, shown["imported"]
    assert figures["imported"].exchanges == figures["own"].exchanges == sum(len(c.exchanges) for c in read)
    assert figures["own"].near, shown["own"]


@knows("8.0.3.0")
def test_the_page_about_the_distance_is_fresh(read: list[Cassette]) -> None:
    script = Path(__file__).parents[2] / "docs" / "drift.py"
    ended = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def altered(cassette: Cassette, number: int, old: str, new: str) -> Cassette:
    exchange = cassette.exchanges[number]
    assert old in exchange.answer.body
    body = exchange.answer.body.replace(old, new, 1)
    answer = type(exchange.answer)(exchange.answer.status, exchange.answer.headers, body)
    changed = type(exchange)(exchange.number, exchange.request, answer)
    return Cassette(cassette.path, (*cassette.exchanges[:number], changed, *cassette.exchanges[number + 1 :]))


def test_one_altered_element_of_a_recording_comes_out_different(read: list[Cassette]) -> None:
    cassette = next(c for c in read if c.path.parent.name.startswith("2018") and "vm_explode" in c.path.name)
    before = {mode: [o.verdict for o in outcomes] for mode, outcomes in replay_both(cassette).items()}
    number, body = next(
        (e.number, e.answer.body) for e in cassette.exchanges if "<name>layout</name>" in e.answer.body
    )  # fmt: skip
    assert "<key>" in body
    for old, new in (("<key>", "<clef>"), ("</key>", "</clef>")):
        cassette = altered(cassette, number, old, new)
    for mode, outcomes in replay_both(cassette).items():
        after = [o.verdict for o in outcomes]
        assert [n for n, verdict in enumerate(after) if verdict != before[mode][n]] == [number], mode
        assert (before[mode][number], after[number]) == ("alike", "different")


def _set_in(read: list[Cassette]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the profile and each property that a recorded object of the inventory has a value of."""
    for cassette in read:
        inventory = read_inventory(cassette)
        name = profile_of(inventory).name
        for seen in inventory.objects.values():
            if not seen.id.startswith("session["):
                for path, xml in seen.properties.items():
                    value = etree.fromstring(xml)
                    listed = "ArrayOf" in str(value.get("{http://www.w3.org/2001/XMLSchema-instance}type"))
                    if len(value) or not listed:
                        yield name, (seen.type, path.partition(".")[0])


def test_what_is_set_in_a_recording_is_set_in_the_default_world(read: list[Cassette]) -> None:
    wanted: dict[str, set[tuple[str, str]]] = {}
    for profile, pair in _set_in(read):
        wanted.setdefault(profile, set()).add(pair)
    assert sum(map(len, wanted.values())) > 50
    missing = []
    for profile, pairs in wanted.items():
        fake = fake_for(profile)
        service = fake._service
        spoken = version_for("", newest_known(fake.profile.text("api_version")))
        session = service.sessions.open(service.sessions.new_cookie(), fake.user, "127.0.0.1", "")
        call = Call(service, session, spoken)
        objects: dict[str, list[Any]] = {}
        for each in (*service.singletons.values(), *fake.world.objects.values()):
            objects.setdefault(service.kind_of(each).wsdl, []).append(each)
        for kind, name in sorted(pairs - set(STATES)):
            assert known_type(kind)
            values = [service.kind_of(each).read(call, each, name) for each in objects.get(kind, ())]
            if not any(value is not None and not (isinstance(value, list) and not value) for value in values):
                missing.append(f"{profile}: {kind}.{name}")
    assert missing == []
