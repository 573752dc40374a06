"""Machinery without VMware behaviour: time, secrets by reference, journal, certificates, HTTP, profiles, control."""

from ._certificates import Authority, Leaf, OtherLeaves, thumbprint_of
from ._clock import Clock
from ._journal import Journal
from ._references import References
from ._timers import ClockClosed, Timer, Wake

__all__ = [
    "Authority",
    "Clock",
    "ClockClosed",
    "Journal",
    "Leaf",
    "OtherLeaves",
    "References",
    "Timer",
    "Wake",
    "thumbprint_of",
]
