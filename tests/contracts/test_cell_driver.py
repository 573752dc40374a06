"""The driver of downloads against the cell: quiet about what is right, whatever the profile chooses."""

from __future__ import annotations

from typing import Any

import pytest

from mutants.broken_cells import MUTANTS
from twohop.contracts.clauses import Verdict
from twohop.contracts.drivers import CELL_DRIVEN, CELL_TOUR, CellDriver, ContractBroken, drive_cell, replay_cell
from twohop.contracts.history import dump
from twohop.contracts.targets import FakeCellTarget
from twohop.runtime.profiles import load_profile


def test_one_story_puts_every_rule_to_the_test() -> None:
    with FakeCellTarget() as target:
        report = replay_cell(target, CELL_TOUR)
        left = {judged.clause.id for judged in report.verdicts if judged.verdict is not Verdict.KEPT}
        assert left == set()
        assert len(report.verdicts) == len(CELL_DRIVEN)


def test_stories_of_exports_pauses_silence_and_crashes() -> None:
    with FakeCellTarget() as target:
        drive_cell(target, examples=3, steps=4, seed=1)


@pytest.mark.parametrize(
    "choice",
    [
        {"build_at": "get"}, {"disable_removes": "reaper"}, {"repeat_enable": "new"}, {"range": "200-full"},
        {"expired_status": 410}, {"get_refreshes": "never"}, {"disk_names": "diskN.vmdk"},
        {"finish_removes": "yes"}, {"link_lag": 2}, {"task_waits": 3}, {"lock_during_enable": "BUSY_ENTITY"},
        {"links_while_busy": "hidden"}, {"media_file_name": "<name>.iso", "file_bytes_transferred": "absent"},
        {"stale_token_on_transfer": "401"}, {"missing_right": "link-hidden", "enable_right": "org-admin"},
        {"ova_link_type": "text/xml"}, {"descriptor_mf": "present"},
        {"dead_cell_tasks": "stay-running", "half_built": "at-start"},
        {"transfer_auth": "needed", "head": "405"}, {"build_at": "get", "finish_removes": "yes"},
        {"get_refreshes": "start", "repeat_restarts": "no", "disable_removes": "reaper"},
        {"transfer_validators": "present", "content_disposition": "attachment", "file_content_type": "absent"},
    ],
    ids=str,
)  # fmt: skip
def test_accepts_whatever_a_profile_may_choose(choice: dict[str, Any]) -> None:
    with FakeCellTarget(load_profile("cell-36.0").but(**choice)) as target:
        replay_cell(target, CELL_TOUR)


def test_no_secret_gets_into_a_history() -> None:
    with FakeCellTarget() as target:
        driver = CellDriver(target)
        for step, arguments in CELL_TOUR:
            driver.take(step, **arguments)
        driver.close()
        text = dump(driver.history())
        assert target.password not in text
        assert "transfer:1" in text
        for path in target.transfer_dir.iterdir():
            assert path.name not in text


def test_a_failure_says_how_to_see_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clause, breaks = MUTANTS["disabling_answers_200"]
    with FakeCellTarget() as target:
        breaks(monkeypatch, target)
        with pytest.raises(ContractBroken) as caught:
            replay_cell(target, [("disable", {"vapp": 0})])
        assert caught.value.clauses == (clause,)
        assert "from twohop.contracts.targets import FakeCellTarget" in str(caught.value)
        assert "replay_cell(target, [\n        ('disable', {'vapp': 0})" in str(caught.value)


def test_a_failing_program_is_made_as_short_as_it_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    clause, breaks = MUTANTS["no_ova"]
    with FakeCellTarget() as target:
        breaks(monkeypatch, target)
        with pytest.raises(ContractBroken) as caught:
            drive_cell(target, examples=2, steps=2, seed=2)
    assert caught.value.clauses == (clause,)
    # A vApp has to be enabled and looked at when that has ended, which reading does too; nothing else is needed.
    *before, look = [step for step, _ in caught.value.program]
    assert before == ["enable", "wait"] and look in ("look", "read")


@pytest.mark.parametrize("entity", [0, 2], ids=["vapp", "medium"])
def test_the_cell_may_die_at_each_step_of_an_export(entity: int) -> None:
    mine = {"vapp": entity}
    with FakeCellTarget() as target:
        deaths = [
            step
            for at in target.steps()
            for step in (
                ("look", mine), ("crash", {**mine, "at": at}), ("list", {}), ("look", mine), ("wait", mine),
                ("reap", {}), ("list", {}), ("power_on", mine), ("power_off", mine), ("disable", mine), ("list", {}),
            )
        ]  # fmt: skip
        after = [("look", mine), ("enable", mine), ("wait", mine), ("read", {**mine, "rel": "default"}), ("list", {})]
        report = replay_cell(target, [*deaths, *after])
        assert Verdict.UNKNOWN not in {judged.verdict for judged in report.verdicts}
        kept = {judged.clause.id for judged in report.verdicts if judged.verdict is Verdict.KEPT}
        assert {"CTASK-001", "CTASK-002", "CTASK-003", "CLEAN-002", "LINK-001"} <= kept


def test_a_step_nobody_knows_is_refused() -> None:
    with FakeCellTarget() as target:
        driver = CellDriver(target)
        with pytest.raises(LookupError, match="no step 'juggle'"):
            driver.take("juggle")
        with pytest.raises(LookupError, match="an export has no step 'tomorrow'; it has asked"):
            driver.take("crash", vapp=0, at="tomorrow")
        driver.close()
