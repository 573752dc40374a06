"""Every broken cell has to be killed by the clause that it breaks, and the whole one by none."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from mutants.broken_cells import MUTANTS
from twohop.contracts.clauses import Verdict
from twohop.contracts.drivers import CELL_DRIVEN, CellDriver
from twohop.contracts.targets import FakeCellTarget

pytestmark = pytest.mark.mutants


@pytest.fixture(scope="module")
def target() -> Iterator[FakeCellTarget]:
    with FakeCellTarget() as running:
        yield running


def verdicts(target: FakeCellTarget, program: object) -> dict[str, Verdict]:
    driver = CellDriver(target)
    try:
        for step, arguments in program:  # type: ignore[attr-defined]
            driver.take(step, **arguments)
        driver._vsphere.close()
        return {judged.clause.id: judged.verdict for judged in driver.judge().verdicts}
    finally:
        driver.close()


def test_every_clause_of_a_cell_has_a_mutant() -> None:
    assert {clause.id for clause in CELL_DRIVEN} == {clause for clause, _, _ in MUTANTS.values()}


@pytest.mark.parametrize("name", MUTANTS)
def test_killed(
    name: str, target: FakeCellTarget, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    clause, breaks, program = MUTANTS[name]
    whole = verdicts(target, program)
    assert Verdict.BROKEN not in whole.values() and Verdict.UNKNOWN not in whole.values(), whole
    breaks(monkeypatch, target)
    found = verdicts(target, program)
    record_property("mutant", name)
    record_property("killed_by", sorted(id for id, verdict in found.items() if verdict is Verdict.BROKEN))
    assert found[clause] is Verdict.BROKEN, breaks.__doc__
