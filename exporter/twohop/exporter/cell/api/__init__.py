"""The HTTP face of a cell: the vCloud API and the download endpoint."""

from ._app import CellApp
from ._logins import Logins

__all__ = ["CellApp", "Logins"]
