"""Servers that can be driven and judged. The only room of the contract that knows fakes and exporter."""

from twohop.contracts._cell_target import CellTarget
from twohop.contracts._target import MovableClock, Target

from ._cell import FakeCellTarget
from ._fake import FakeTarget
from ._servers import cell_over, fresh_esxi, fresh_vcenter

__all__ = [
    "CellTarget",
    "FakeCellTarget",
    "FakeTarget",
    "MovableClock",
    "Target",
    "cell_over",
    "fresh_esxi",
    "fresh_vcenter",
]
