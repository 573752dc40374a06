"""Servers that can be driven and judged. The only room of the contract that knows the fakes."""

from ._fake import FakeTarget
from ._target import MovableClock, Target

__all__ = ["FakeTarget", "MovableClock", "Target"]
