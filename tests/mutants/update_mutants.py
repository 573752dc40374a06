"""Mutants of waits for updates."""

from __future__ import annotations

from typing import Any

import pytest

from twohop.contracts.targets import FakeTarget
from twohop.fakes.vim import _faults as faults
from twohop.fakes.vim._registry import vmodl
from twohop.fakes.vim._updates import Collector, Filter

from .mutant import killed_by, rewritten


@killed_by("UPDATE-001")
def nothing_ever_enters(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The full state is told as a modification (10.7)."""
    rewritten(patch, "<kind>enter</kind>", "<kind>modify</kind>")


@killed_by("UPDATE-002")
def parts_like_wholes(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A truncated answer has a plain number as version (10.7)."""
    rewritten(patch, r"<version>(\d+)_(\d+)</version>", r"<version>\g<1>0\2</version>")


def _waits(patch: pytest.MonkeyPatch, around: Any) -> None:
    honest = Collector.wait
    patch.setattr(Collector, "wait", lambda self, call, version, *more: around(honest, self, call, version, *more))


@killed_by("UPDATE-003")
def silence_in_an_update_set(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A wait in which nothing changes ends with an empty UpdateSet (10.8)."""

    def talkative(honest: Any, self: Any, call: Any, version: str, *more: Any) -> Any:
        empty = vmodl.query.PropertyCollector.UpdateSet(version=self._version, filterSet=[])
        return honest(self, call, version, *more) or empty

    _waits(patch, talkative)


@killed_by("UPDATE-004")
def any_version_will_do(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A version that was never given is taken for the last one (10.8)."""
    _waits(patch, lambda honest, self, call, version, *more: honest(self, call, version and self._version, *more))


@killed_by("UPDATE-005")
def changes_are_not_told(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """An object that has entered is never spoken of again (10.7)."""
    patch.setattr(Filter, "_modified", lambda self, *given: None)


@killed_by("UPDATE-006")
def all_at_once(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """However few objects the client takes, it is told of all (10.7)."""
    _waits(patch, lambda honest, self, call, version, seconds, most, *more: honest(self, call, version, seconds, None))


@killed_by("UPDATE-007")
def cancelled_by_another_name(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A wait that is cancelled ends as one that took too long (10.8)."""
    patch.setattr(faults, "request_canceled", faults.timed_out)
