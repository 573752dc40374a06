"""Which task is a lease's own: the lease does not say, so it is told by what is new among the recent tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ._events import CallMade, Event, ExportRefused, LeaseGranted, RecentTasksRead, TaskSeen
from ._leases import LeaseRecord
from ._order import maybe_before, surely_before

SNAPSHOT = "VirtualMachineSnapshot"


@dataclass(frozen=True, slots=True)
class OwnTask:
    """The task of a lease and the two lists, before and after the export, that show it to be new."""

    record: LeaseRecord
    task: str
    before: RecentTasksRead
    after: RecentTasksRead


def own_tasks(events: Sequence[Event], records: Sequence[LeaseRecord]) -> Iterator[OwnTask]:
    """Yield each lease whose task is known for certain.

    Between two reads of one list of recent tasks there was this export on the entity and no other, asked for or
    granted, and one task on the entity is new.
    """
    reads = [event for event in events if isinstance(event, RecentTasksRead)]
    about = {(seen.server, seen.task): seen.entity for seen in events if isinstance(seen, TaskSeen) and seen.entity}
    exports = [event for event in events if isinstance(event, LeaseGranted | ExportRefused)]
    started = [event for event in events if isinstance(event, CallMade) and event.method.endswith("_Task")]
    for record in records:
        granted = record.granted
        if granted is None:
            continue
        for after in reads:
            if after.server != record.server or not surely_before(granted.exchange, after.exchange):
                continue
            earlier = [r for r in reads if _same_list(r, after) and surely_before(r.exchange, granted.exchange)]
            if not earlier:
                continue
            before = earlier[-1]
            apart = (before, after)
            others: list[Event] = [
                e for e in exports if e.entity == granted.entity and e is not granted and _between(e, *apart)
            ]
            # The task of a snapshot's export is the machine's, and a history need not know whose snapshot it is.
            others += [e for e in exports if e.entity_type == SNAPSHOT and _between(e, *apart)]
            others += [c for c in started if c.this == granted.entity and c.outcome.accepted and _between(c, *apart)]
            new = set(after.tasks) - set(before.tasks)
            mine = [task for task in sorted(new) if about.get((record.server, task)) == granted.entity]
            if not others and len(mine) == 1:
                yield OwnTask(record, mine[0], before, after)
            break


def _same_list(one: RecentTasksRead, other: RecentTasksRead) -> bool:
    return (one.server, one.owner) == (other.server, other.owner)


def _between(event: Event, before: RecentTasksRead, after: RecentTasksRead) -> bool:
    return maybe_before(before.exchange, event.exchange) and maybe_before(event.exchange, after.exchange)
