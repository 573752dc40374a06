"""Two hops, seen from the user: have a cell export, then download from the cell.

>>> from twohop.exporter.via import export_via_cell
"""

from ._export import CellExport, TaskProgress, export_via_cell

__all__ = ["CellExport", "TaskProgress", "export_via_cell"]
