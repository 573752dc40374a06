"""Machinery without VMware behaviour: time, secrets by reference, journal, certificates, HTTP, profiles, control."""

from ._certificates import Authority, Leaf, thumbprint_of
from ._clock import Clock, Timer, Wake
from ._journal import Journal
from ._references import References

__all__ = ["Authority", "Clock", "Journal", "Leaf", "References", "Timer", "Wake", "thumbprint_of"]
