"""What a driver needs to know of the cell it drives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from twohop.runtime.observing import Observations

from ._target import MovableClock, Target


class CellTarget(Protocol):
    """A cell that may be driven, and the vCenter behind it, on one clock.

    `user` is USER@ORG. `vapps` are names of vApps whose machines are powered off at the start, `machines` those of
    their machines in vCenter, `media` names of media. A driver counts vApps first and media behind them. `declared` are
    the profiles of both.
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
    def vapps(self) -> Sequence[str]: ...

    @property
    def media(self) -> Sequence[str]: ...

    @property
    def machines(self) -> Sequence[str]: ...

    @property
    def declared(self) -> Mapping[str, Mapping[str, Any]]: ...

    @property
    def transfer_dir(self) -> Path: ...

    @property
    def vcenter(self) -> Target:
        """The vCenter behind the cell."""

    def begin(self, observations: Observations) -> None:
        """Bring cell and vCenter back to where they began; what the cell says to vCenter and hosts is written down."""

    def settle(self) -> None:
        """Return once no export is running."""

    def crash_at(self, step: str) -> None:
        """Let the cell die when an export takes this step; LookupError for a step that it does not have."""

    def steps(self) -> Sequence[str]:
        """The names of the steps of an export."""

    def restart(self) -> None:
        """Start the cell again over what it left, if it has died."""
