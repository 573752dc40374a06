"""What a driver needs to know of the server it drives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol


class MovableClock(Protocol):
    """A clock that a test may move."""

    def now(self) -> float:
        """Return the present of the target, in seconds."""

    def advance(self, seconds: float) -> None:
        """Let that many seconds pass and return when their effects can be seen."""


class Target(Protocol):
    """A vCenter or an ESXi host that may be driven.

    `url` is scheme, host and port without a path; `ca_file` verifies it and its hosts. `vms` are names of machines that
    are powered off at the start and free to be exported and powered on and off, `vapps` those of vApps, of which a host
    has none. `declared` is the target's own profile
    per product, empty where it has none. `recipe` is the Python expression that makes the same target again.

    A target may have a `reader` too: name and password of a user who may read everything and do nothing else.
    """

    @property
    def recipe(self) -> str: ...

    @property
    def url(self) -> str: ...

    @property
    def user(self) -> str: ...

    @property
    def password(self) -> str: ...

    @property
    def ca_file(self) -> Path: ...

    @property
    def clock(self) -> MovableClock: ...

    @property
    def vms(self) -> Sequence[str]: ...

    @property
    def vapps(self) -> Sequence[str]: ...

    @property
    def declared(self) -> Mapping[str, Mapping[str, Any]]: ...

    def reset(self) -> None:
        """Bring the target back to where it began, so that the next run does not see this one."""
