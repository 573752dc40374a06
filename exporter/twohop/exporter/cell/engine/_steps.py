"""The steps of a download's whole life, from the asking to the last file deleted, in order.

They are enumerated so that a test can end the process at each of them, and look at what a restart makes of it.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum


class Step(Enum):
    """A step, reported in the moment it has been taken."""

    ASKED = "the task is written down"
    RESERVED = "the session is written down, with the place where its package is built"
    OPENED = "that directory is made"
    LEASED = "vCenter has granted a lease on a machine"
    STORED = "a file of it is stored"
    PULLED = "all its files are stored and its lease is complete"
    DESCRIBED = "both descriptors are stored"
    PUBLISHED = "the directory has its name"
    LINKED = "the session is linked and the task has succeeded"
    BEGUN = "a GET has begun"
    SERVED = "a GET has ended"
    ENDED = "the URLs are dead"
    SET_ASIDE = "the package has lost its name"
    DELETED = "its files are deleted"
    REMOVED = "the session is written down as removed"

    @property
    def label(self) -> str:
        """The step's name as users give it."""
        return self.name.lower().replace("_", "-")


OnStep = Callable[[Step], None]
EXPORT = tuple(list(Step)[: list(Step).index(Step.LINKED) + 1])
"""The steps of an export; what follows happens to its package."""


def step_named(label: str) -> Step:
    """Return the step of a name; ValueError lists them all."""
    for step in Step:
        if step.label == label:
            return step
    raise ValueError(f"a cell has no step {label!r}; it has {', '.join(step.label for step in Step)}")


def unheard(step: Step) -> None:
    """Hear a step and do nothing."""
