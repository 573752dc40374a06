"""A history: what observers saw of one run, in one order, and the events that follow from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from twohop.runtime.observing import Exchange, Listing, Observations

from ._bytes import byte_events
from ._events import Event
from ._leases import LeaseRecord, lease_records
from ._soap import read_call
from ._tasks import OwnTask, own_tasks
from ._vcloud import vcloud_events
from ._vsphere import vsphere_events

PROBE = "probe"
"""The observer that misbehaves on purpose: what a client must do is not asked of it."""

E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class History:
    """The common tongue of everything that can be judged.

    `exchanges` and `listings` stand in the order in which they ended. `declared` holds, per product (`vcenter`,
    `cell`), the profile values that the target itself declares; it is empty for a server that has no profile.
    """

    exchanges: tuple[Exchange, ...]
    listings: tuple[Listing, ...] = ()
    declared: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, observations: Observations, declared: Mapping[str, Mapping[str, Any]] | None = None) -> History:
        """Return what the observers of a run have seen up to now."""
        return cls.build(list(observations.exchanges), list(observations.listings), declared)

    @classmethod
    def build(
        cls,
        exchanges: Iterable[Exchange],
        listings: Iterable[Listing] = (),
        declared: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> History:
        """Return a history of these, brought into order; a number given twice is an error."""
        ordered = tuple(sorted(exchanges, key=lambda exchange: exchange.id))
        looks = tuple(sorted(listings, key=lambda listing: listing.id))
        numbers = [exchange.id for exchange in ordered] + [listing.id for listing in looks]
        twice = {number for number in numbers if numbers.count(number) > 1} if len(set(numbers)) < len(numbers) else ()
        if twice:
            raise ValueError(
                f"a history needs a number of its own for every exchange and listing; {min(twice)} is there twice: "
                "number them in the order in which they ended"
            )
        return cls(ordered, looks, declared or {})

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """Everything the exchanges show, in order."""
        return tuple(event for exchange in self.exchanges for event in _events(exchange))

    @cached_property
    def leases(self) -> tuple[LeaseRecord, ...]:
        """Every lease that was seen, but those of imports, in the order of first sight."""
        return tuple(record for record in self._records if record.imported is None)

    @cached_property
    def imports(self) -> tuple[LeaseRecord, ...]:
        """Every lease that ImportVApp has given."""
        return tuple(record for record in self._records if record.imported is not None)

    @cached_property
    def _records(self) -> tuple[LeaseRecord, ...]:
        return tuple(lease_records(self.events).values())

    @cached_property
    def own_tasks(self) -> tuple[OwnTask, ...]:
        """The leases whose task is known for certain."""
        return tuple(own_tasks(self.events, self.leases))

    def all(self, kind: type[E]) -> Iterator[E]:
        """Yield the events of one kind, in order."""
        for event in self.events:
            if isinstance(event, kind):
                yield event

    def exchange(self, number: int) -> Exchange | None:
        """Return an exchange by its number."""
        return next((exchange for exchange in self.exchanges if exchange.id == number), None)


def _events(exchange: Exchange) -> Iterator[Event]:
    call = read_call(exchange)
    if call is not None:
        yield from vsphere_events(call)
        return
    yield from byte_events(exchange)
    yield from vcloud_events(exchange)
