"""The fuzz run as part of the suite: some hundred inputs of each kind, new ones each time Hypothesis draws.

What it finds, Hypothesis shrinks to the seed, and prints; the defect then becomes a named test beside what was wrong
(`tests/fakes/test_hostile_soap.py`, `tests/hostile/`, `tests/runtime/test_head.py`).
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz import damage, readers, soap
from fuzz.envelopes import BLOCKING

SEEDS = st.integers(0, 1 << 32)
SLOW = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module", params=["vcenter-8.0", "esxi-8.0", "vcenter-4.1"])
def service(request: pytest.FixtureRequest) -> Iterator[soap.Service]:
    with soap.service(request.param) as service:
        yield service


@SLOW
@given(seed=SEEDS)
def test_any_call_gets_a_result_or_a_fault_that_is_not_the_servers(service: soap.Service, seed: int) -> None:
    rng = random.Random(seed)
    service.reset()
    for data in service.requests(rng, 8):
        soap.parse(data)
        service.ask(data)


@SLOW
@given(seed=SEEDS, data=st.binary(max_size=200))
def test_any_bytes_are_a_request_or_none(seed: int, data: bytes) -> None:
    soap.parse(data)
    soap.parse(b"<?xml version='1.0'?>" + data)


def test_the_writer_writes_what_is_right_too(service: soap.Service) -> None:
    """A fuzz run of refusals alone would prove nothing: of what it writes some is right, for many methods."""
    rng = random.Random(1)
    right: set[str] = set()
    for _ in range(60):
        service.reset()
        for data in service.requests(rng, 20):
            status, body = service.ask(data)
            if status.startswith("200"):
                right.add(body.partition(b"Response ")[0].rpartition(b"<")[2].decode())
    assert len(right) > 30, sorted(right)
    assert not right & BLOCKING


@SLOW
@given(seed=SEEDS)
def test_a_damaged_disk_is_the_same_to_both_or_refused(seed: int) -> None:
    for data in islice(readers.inputs("vmdk", random.Random(seed)), 5):
        readers.vmdk(data)


def test_a_disk_that_is_not_damaged_is_the_same_to_both() -> None:
    found = [(readers.checked(data), readers.taken(data)) for data in readers.images()]
    assert sum(ours is not None and ours == theirs for ours, theirs in found) >= 8


@SLOW
@given(seed=SEEDS)
def test_a_damaged_descriptor_is_read_or_refused(seed: int) -> None:
    for kind in ("ovf", "manifest"):
        for data in islice(readers.inputs(kind, random.Random(seed)), 3):
            (readers.ovf if kind == "ovf" else readers.manifest)(data)


def test_a_descriptor_that_is_not_damaged_is_read() -> None:
    from twohop.exporter.package import read_descriptor as ours
    from twohop.fakes.ovf import read_descriptor as theirs

    for text in readers.descriptors():
        assert len(ours(text).disks) == 2
        assert len(theirs(text)["vms"][0]["disks"]) == 2
        assert damage.document(text, random.Random(1)) != text


@settings(max_examples=500)
@given(seed=SEEDS)
def test_nothing_is_smuggled_past_h11(seed: int) -> None:
    http = pytest.importorskip("fuzz.http")
    for data in islice(http.inputs(random.Random(seed)), 10):
        http.http(data)


@settings(max_examples=300)
@given(data=st.data())
def test_requests_of_any_parts_are_those_of_h11(data: st.DataObject) -> None:
    http = pytest.importorskip("fuzz.http")
    http.http(b"".join(data.draw(st.lists(st.sampled_from([*http.PARTS, *http.WHOLE]), max_size=12))))


def test_a_longer_run_is_a_command(tmp_path: Path) -> None:
    pytest.importorskip("h11")
    tests = Path(__file__).parents[1]
    ran = subprocess.run(
        [sys.executable, "-m", "fuzz", "all", "--seconds", "0.2", "--seed", "3"],
        cwd=tmp_path, env={"PYTHONPATH": str(tests), "PATH": ""}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("0 defects") == 6
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["soap", "http", "vmdk", "ovf"])
def test_libfuzzer_finds_nothing_either(tmp_path: Path, kind: str) -> None:
    """Guided by what the readers do, from a seed; `tox -e atheris` does it for as long as one likes."""
    pytest.importorskip("h11")
    pytest.importorskip("atheris", reason="atheris does not install here")
    tests = Path(__file__).parents[1]
    command = [sys.executable, "-m", "fuzz", kind, "--engine", "atheris", "--seed", "1", "--runs", "500"]
    ran = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(tests), "PATH": ""}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Done 500 runs" in ran.stderr
    assert not [path for path in (tmp_path / "fuzz-found").iterdir() if path.is_file()]
