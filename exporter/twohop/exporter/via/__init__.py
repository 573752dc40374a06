"""Two hops, seen from the user: have a cell export, then download from the cell.

>>> from twohop.exporter.via import export_via_cell
"""

from .._events import LegTold, TaskProgress
from ._export import CellExport, export_via_cell
from ._look import machines_of

__all__ = ["CellExport", "LegTold", "TaskProgress", "export_via_cell", "machines_of"]
