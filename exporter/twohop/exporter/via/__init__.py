"""Two hops, seen from the user: have a cell export, then download from the cell.

>>> from twohop.exporter.via import export_via_cell
"""

from ._export import CellExport, TaskProgress, export_via_cell
from ._ledger import LegTold
from ._look import machines_of

__all__ = ["CellExport", "LegTold", "TaskProgress", "export_via_cell", "machines_of"]
