"""Every broken cell has to be killed by the clause that it breaks, and the whole one by none."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from mutants.broken_cells import MUTANTS
from twohop.contracts.clauses import Verdict
from twohop.contracts.drivers import CELL_DRIVEN, CELL_TOUR, ContractBroken, replay_cell
from twohop.contracts.targets import FakeCellTarget

pytestmark = pytest.mark.mutants


@pytest.fixture(scope="module")
def target() -> Iterator[FakeCellTarget]:
    with FakeCellTarget() as running:
        yield running


def toured(target: FakeCellTarget) -> set[str]:
    """The clauses that the one program broke which puts each of them to the test."""
    try:
        replay_cell(target, CELL_TOUR)
    except ContractBroken as broken:
        return set(broken.clauses)
    return set()


def test_every_clause_of_a_cell_has_a_mutant() -> None:
    assert {clause.id for clause in CELL_DRIVEN} == {clause for clause, _ in MUTANTS.values()}


def test_the_whole_cell_lives_and_every_clause_is_put_to_the_test(target: FakeCellTarget) -> None:
    assert {judged.verdict for judged in replay_cell(target, CELL_TOUR).verdicts} == {Verdict.KEPT}


@pytest.mark.parametrize("name", MUTANTS)
def test_killed(
    name: str, target: FakeCellTarget, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    clause, breaks = MUTANTS[name]
    breaks(monkeypatch, target)
    killers = toured(target)
    record_property("mutant", name)
    record_property("killed_by", sorted(killers))
    assert clause in killers, f"{breaks.__doc__} Killed only by {sorted(killers) or 'nobody'}"
