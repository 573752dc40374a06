"""Mutants of reads of properties."""

from __future__ import annotations

import re
from typing import Any

import pytest

from twohop.contracts.targets import FakeTarget
from twohop.fakes.vim import _faults as faults

from .mutant import answers, killed_by, rewritten


@killed_by("PROPERTY-001")
def every_name_twice(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """A retrieve call shows a name twice (10.5)."""
    rewritten(patch, r"(<propSet><name>name</name><val[^>]*>[^<]*</val></propSet>)", r"\1\1")


@killed_by("PROPERTY-002")
def fetched_without_a_type(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """What Fetch gives has no xsi:type (10.5)."""
    answers(
        patch,
        lambda name, text: text.replace('<returnval xsi:type="xsd:string"', "<returnval") if name == "Fetch" else text,
    )


@killed_by("PROPERTY-003")
def names_another_property(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """InvalidProperty names a property that nobody has asked for (2.15)."""
    honest: Any = faults.invalid_property
    patch.setattr(faults, "invalid_property", lambda name, *more: honest("pathSet", *more))


@killed_by("PROPERTY-004")
def another_name_for_old_clients(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """RetrieveProperties shows another name than Fetch (10.5)."""
    pattern = r"(<name>name</name><val[^>]*>)"

    def changed(name: str, text: str) -> str:
        return re.sub(pattern, r"\1Old ", text) if name == "RetrieveProperties" else text

    answers(patch, changed)


@killed_by("PROPERTY-005")
def references_without_a_type(patch: pytest.MonkeyPatch, target: FakeTarget) -> None:
    """The references in an array have no xsi:type (10.5)."""
    rewritten(patch, r'(<ManagedObjectReference type="\w+") xsi:type="ManagedObjectReference">', r"\1>")
