"""The export without a socket, a file or a clock: what to do next, and what to do when that fails."""

from ._actions import Action, Steps
from ._export import export
from ._order import HostOrder, registered_first
from ._request import Exported, NameFile, Request
from ._run import run
from ._values import Algorithm, Described, Fetched, LeaseHandle, ManifestRow, PulledFile, Ready, Subject, WantedFile

__all__ = [
    "Action",
    "Algorithm",
    "Described",
    "Exported",
    "Fetched",
    "HostOrder",
    "LeaseHandle",
    "ManifestRow",
    "NameFile",
    "PulledFile",
    "Ready",
    "Request",
    "Steps",
    "Subject",
    "WantedFile",
    "export",
    "registered_first",
    "run",
]
