"""A plan of faults: which connection, request or call of a world goes wrong, how, and how often it did."""

from ._file import faults_of, read_faults
from ._kinds import SOCKET_KINDS, Arg, FaultError, Kind
from ._plan import FaultPlan, Strike
from ._rules import Count, Event, Rule, decide, matches

__all__ = [
    "SOCKET_KINDS",
    "Arg",
    "Count",
    "Event",
    "FaultError",
    "FaultPlan",
    "Kind",
    "Rule",
    "Strike",
    "decide",
    "faults_of",
    "matches",
    "read_faults",
]
