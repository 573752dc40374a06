"""The two-hop service: a cell that exports from a vCenter into a transfer directory and gives the user a link."""

from ._cell import Cell
from .engine import CatalogueError, SpoolError, StoreError

__all__ = ["CatalogueError", "Cell", "SpoolError", "StoreError"]
