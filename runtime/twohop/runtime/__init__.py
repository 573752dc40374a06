"""Machinery without VMware behaviour: time, secrets by reference, journal, certificates, HTTP, profiles, control."""

from ._clock import Clock
from ._journal import Journal
from ._references import References
from ._thumbprint import thumbprint_of
from ._timers import ClockClosed, Timer, Wake

__all__ = [
    "Clock",
    "ClockClosed",
    "Journal",
    "References",
    "Timer",
    "Wake",
    "thumbprint_of",
]
