"""The runs of a real client against a real ESXi 8.0.3, made again against the fake: outcomes, tasks, sizes of replies.

`docs/esxi.toml` has a row for each kind of call with the sizes that the host sent and ours, and why they differ where
they do. It is rendered in the docs, and here it is held against what is measured.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fakes.rvvdk import Run, Sizes, load, measured_host, seconds
from soap_wire import Wire
from twohop.fakes import ESXi
from twohop.runtime.profiles import load_profile
from vcenters import knows

ROOT = Path(os.environ.get("TWOHOP_RECORDINGS", Path(__file__).parents[3] / "shared" / "recordings"))
RVVDK = ROOT / "vsphere" / "rvvdk"
TABLE = Path(__file__).parents[2] / "docs" / "esxi.toml"
pytestmark = pytest.mark.skipif(
    not RVVDK.is_dir(), reason=f"no recordings {RVVDK}: set TWOHOP_RECORDINGS to the directory that has vsphere/"
)


@dataclass(frozen=True)
class Campaign:
    """The runs of one day against one machine, in their order.

    `anchors` say where the log of a later inspection has the moment of a call: (run, call) to (inspection, its n-th
    task). `pause` is the time between runs in seconds, which no log tells; `before` is more of it before a run.
    """

    folder: str
    runs: tuple[str, ...]
    power: str
    license: str = "full"
    pause: float = 30.0
    before: Mapping[str, float] = field(default_factory=dict)
    anchors: Mapping[tuple[str, str], tuple[str, int]] = field(default_factory=dict)


CAMPAIGNS = (
    Campaign("2026-10-01-v031", ("license-probe",), "on", license="free"),
    Campaign(
        "2026-10-01-v032a",
        ("eligibility", "state-probe", "task-inspection", "task-times", "after-user-cancellation"),
        "on",
        anchors={("eligibility", "ExportVm"): ("task-times", 1), ("state-probe", "ExportVm"): ("task-times", 0)},
    ),
    Campaign(
        "2026-10-01-v032b",
        (
            "pre-export-inspection", "initial-export", "after-initial-failure", "lease-timeout-inspection",
            "lease-timeout-inspection-2", "opaque-reference-probe", "export-1", "device-diagnostic", "export-2",
            "completed-1", "final-task-inspection",
        ),
        "on",
        # No log tells when the lease that nobody renewed timed out: one inspection saw it held, and the next did not.
        before={"lease-timeout-inspection-2": 300.0},
        anchors={
            ("initial-export", "ShutdownGuest"): ("after-initial-failure", 1),
            ("initial-export", "ExportVm"): ("after-initial-failure", 0),
            ("completed-1", "ExportVm"): ("final-task-inspection", 0),
        },
    ),
    Campaign(
        "2026-10-02-v032c",
        ("preflight", "run-1", "run-2", "run-3", "final-inspection"),
        "off",
        # Between these runs the file of the last one was compared, and the host forgot the tasks before.
        pause=400.0,
        anchors={("run-3", "ExportVm"): ("final-inspection", 0)},
    ),
)  # fmt: skip


@dataclass
class Made:
    """What became of all runs: each with its log, and the sizes of all replies."""

    sizes: Sizes = field(default_factory=Sizes)
    runs: list[tuple[str, dict[str, Any], Run]] = field(default_factory=list)


def _cancel_everything(host: ESXi) -> None:
    """What the user of the host did between two inspections."""
    with Wire(host).login() as wire:
        for task in host.world.tasks():
            assert wire.call("CancelTask", "Task", task.moid).fault is None


def _moments(campaign: Campaign, folder: Path) -> dict[tuple[str, str], float]:
    tasks = {name: load(folder, name)["recent_tasks"] for name, _ in campaign.anchors.values()}
    return {call: seconds(tasks[name][n]["queued_at"]) for call, (name, n) in campaign.anchors.items()}


@pytest.fixture(scope="module")
def made() -> Iterator[Made]:
    made = Made()
    for campaign in CAMPAIGNS:
        folder = RVVDK / campaign.folder
        moments = _moments(campaign, folder)
        start = min(moments.values(), default=seconds("2026-10-01T12:00:00.25Z")) - 2000.0
        profile = load_profile("esxi-8.0", {"license": campaign.license})
        with measured_host(profile, campaign.power, start) as host:
            for name in campaign.runs:
                if name == "after-user-cancellation":
                    _cancel_everything(host)
                host.clock.advance(campaign.before.get(name, 0.0))
                log = load(folder, name)
                run = Run(host, log, made.sizes, {call: t for (of, call), t in moments.items() if of == name})
                run.walk()
                made.runs.append((name, log, run))
                host.clock.advance(campaign.pause)
    yield made


def test_every_run_is_walked() -> None:
    logs = {str(path.relative_to(RVVDK).with_suffix("")) for path in RVVDK.rglob("*.json")}
    with_calls = {name for name in logs if "requests" in load(RVVDK, name)}
    assert with_calls == {f"{campaign.folder}/{run}" for campaign in CAMPAIGNS for run in campaign.runs}


def test_each_call_ends_as_it_ended(made: Made) -> None:
    for name, log, run in made.runs:
        recorded = [(row["method"], row["error"]) for row in log["requests"]]
        assert run.errors == recorded, name


def test_power_states_and_kinds_of_files_are_as_reported(made: Made) -> None:
    for name, log, run in made.runs:
        assert run.power[0] == log["initial_power_state"], name
        assert run.power[-1] == log["last_observed_power_state"], name
        if "ignored_non_disk_devices" in log and run.flags:
            assert run.flags.count(False) == log["ignored_non_disk_devices"], name
    shape = (RVVDK / "2026-10-01-v032b" / "device-shape.txt").read_text("utf-8")
    (diagnosed,) = (run for name, _, run in made.runs if name == "device-diagnostic")
    recorded = [flag == "true" for flag in re.findall(r"Some\((true|false)\)", shape)]
    assert diagnosed.flags == recorded == [False, True, False]
    reference = (RVVDK / "2026-10-01-v032b" / "opaque-reference-shape.txt").read_text("utf-8")
    (probed,) = (run for name, _, run in made.runs if name == "opaque-reference-probe")
    assert f"length={len(probed.lease)}," in reference and "[" in probed.lease


def test_recent_tasks_are_as_inspected(made: Made) -> None:
    compared = 0
    for name, log, run in made.runs:
        assert len(run.tasks) == len(log.get("recent_tasks", ())), name
        for ours, recorded in zip(run.tasks, log.get("recent_tasks", ()), strict=True):
            told = {key: recorded[key] for key in ("state", "operation", "cancelable", "cancelled")}
            assert {key: ours[key] for key in told} == told, name
            if "queued_at" in recorded:
                assert ours["queued_at"] == pytest.approx(seconds(recorded["queued_at"]), abs=0.001), name
            compared += 1
    assert compared > 10


@knows("8.0.3.0")
def test_replies_have_the_sizes_of_the_table(made: Made) -> None:
    """What is told better grows: then put the new size into `docs/esxi.toml` and run `python docs/generate.py`."""
    rows = {row["call"]: row for row in tomllib.loads(TABLE.read_text("utf-8"))["calls"]}
    measured = {
        call: {"recorded": sorted(made.sizes.recorded[call]), "ours": sorted(made.sizes.ours[call])}
        for call in made.sizes.recorded
    }
    assert measured == {call: {"recorded": row["recorded"], "ours": row["ours"]} for call, row in rows.items()}
    unexplained = {call for call, row in rows.items() if (row["recorded"] == row["ours"]) != (row["why"] == "")}
    assert unexplained == set(), "a row that differs says why, and no other"


def test_replies_of_fixed_form_have_the_same_size_to_the_byte(made: Made) -> None:
    fixed = {
        "ExportVm": 506, "HttpNfcLeaseProgress": 406, "HttpNfcLeaseComplete": 406, "HttpNfcLeaseAbort": 400,
        "Logout": 378, "ExportVm: RestrictedVersion": 615, "ExportVm: InvalidState": 571,
        "ExportVm: TaskInProgress": 628,
    }  # fmt: skip
    assert {call: (made.sizes.recorded[call], made.sizes.ours[call]) for call in fixed} == {
        call: ({size}, {size}) for call, size in fixed.items()
    }


def test_a_manifest_differs_by_the_digits_of_its_sizes_alone(made: Made) -> None:
    (ours,), (recorded,) = (sizes["HttpNfcLeaseGetManifest"] for sizes in (made.sizes.ours, made.sizes.recorded))
    wanting = []
    for _, log, run in made.runs:
        if run.manifest is None:
            continue
        (size,), (populated,) = run.manifest.texts("size"), run.manifest.texts("populatedSize")
        (file,) = log["files"]
        digits = len(str(file["encoded_bytes"]))
        # That much data on a disk of 30 GiB is of as many digits as its stream.
        wanting.append(digits - len(size) + digits - len(populated))
    assert len(wanting) == 3 and {ours + more for more in wanting} == {recorded}


def test_reads_of_tasks_differ_by_one_length_in_every_state_that_is_understood(made: Made) -> None:
    states = ("running", "error by Timedout", "error by RequestCanceled, cancelled")
    labels = [f"read a task, exportVm, {state}" for state in states]
    offsets = {min(made.sizes.recorded[label]) - min(made.sizes.ours[label]) for label in labels}
    assert len(offsets) == 1, "the same name of a machine in each"
