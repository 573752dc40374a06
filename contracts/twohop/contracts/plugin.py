"""The pytest plugin: fixtures `vcenter`, `cell` and `esxi`, for tests of whatever talks to these servers.

pytest loads it in every run where twohop is installed, so it imports nothing but pytest until a fixture is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from twohop.exporter.cell import Cell
    from twohop.fakes import ESXi, VCenter


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options, all of them prefixed."""
    group = parser.getgroup("twohop", "fake vCenter, ESXi and vCloud Director cell")
    group.addoption(
        "--twohop-seed",
        type=int,
        default=0,
        metavar="N",
        help="Seed of the fakes' inventory and disk content (default: 0); tickets and sessions never depend on it.",
    )


@pytest.fixture
def vcenter(request: pytest.FixtureRequest) -> Iterator[VCenter]:
    """A fresh fake vCenter with two hosts and two machines; its clock stands still until `vcenter.clock.advance`."""
    from twohop.contracts.targets import fresh_vcenter

    with fresh_vcenter(seed=request.config.getoption("--twohop-seed")) as running:
        yield running


@pytest.fixture
def cell(vcenter: VCenter, tmp_path: Path) -> Iterator[Cell]:
    """A cell in front of `vcenter`, on its clock, with an empty transfer directory of its own."""
    from twohop.contracts.targets import cell_over

    with cell_over(vcenter, tmp_path / "transfer") as running:
        yield running


@pytest.fixture
def esxi(request: pytest.FixtureRequest) -> Iterator[ESXi]:
    """A fresh fake ESXi host without a vCenter, with two machines; its clock stands till `esxi.clock.advance`."""
    from twohop.contracts.targets import fresh_esxi

    with fresh_esxi(seed=request.config.getoption("--twohop-seed")) as running:
        yield running
