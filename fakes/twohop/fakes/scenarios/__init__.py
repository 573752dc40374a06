"""What people ran into with real servers, as servers that do it again: `twohop serve --scenario NAME`."""

from ._scenario import Scenario, scenario
from ._table import SCENARIOS

__all__ = ["SCENARIOS", "Scenario", "scenario"]
