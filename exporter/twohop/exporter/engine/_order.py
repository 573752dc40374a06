"""Which of the hosts that have a file is asked for it first.

A lease names the host on which the machine is registered, and others that see the datastore (4.12). Asking the named
one first is what every client does; a strategy may put them otherwise, and leave some out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .._device_file import Source
from .._errors import HostUnreachable

HostOrder = Callable[[Sequence[Source]], Sequence[Source]]
"""Puts the places of one file in the order to try them; the first given is the one that the lease names."""


def registered_first(sources: Sequence[Source]) -> Sequence[Source]:
    """Ask the host that the lease names, and the others where that one cannot be reached."""
    return sources


def ordered(order: HostOrder, sources: Sequence[Source]) -> list[Source]:
    """Return the places as a strategy puts them; HostUnreachable where it leaves none of those there are."""
    chosen = [source for source in order(sources) if source in sources]
    if not chosen:
        names = ", ".join(source.host for source in sources)
        raise HostUnreachable(f"the strategy of this export leaves none of the hosts {names}; change it")
    return chosen
