"""The world: every object by its id, one lock, and changes that tell everybody who must know."""

from __future__ import annotations

import contextlib
import hmac
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from twohop.runtime import Clock, Journal
from twohop.runtime.profiles import Profile

from ._entities import Datacenter, Entity, Folder, Host, VApp, Vm
from ._operations import DeviceFile, ExportLease, ExportTask, HostTicket, ticket_key
from ._product import Ids, product_named

E = TypeVar("E", bound=Entity)


@dataclass(frozen=True, slots=True)
class Changed:
    """One change: an object came (`path` None, `new` the object), went (`old` the object), or a property changed."""

    entity: Entity
    path: str | None
    old: Any
    new: Any


class Change:
    """A change under way: every edit of a world goes through one, under the world's lock."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.made: list[Changed] = []

    def set(self, entity: Entity, path: str, value: Any) -> None:
        """Set an attribute of an object."""
        old = getattr(entity, path)
        setattr(entity, path, value)
        if old != value:
            self.made.append(Changed(entity, path, old, value))

    def add(self, entity: E) -> E:
        """Bring an object into the world."""
        self._world.objects[entity.moid] = entity
        self.made.append(Changed(entity, None, None, entity))
        return entity

    def remove(self, entity: Entity) -> None:
        """Take an object out of the world."""
        self._world.objects.pop(entity.moid, None)
        self.made.append(Changed(entity, None, entity, None))


class World:
    """Everything a fake vCenter holds. `spec` is the plain data it was built from and goes back to on `reset`.

    `revision` counts changes; listeners hear of each under the lock, once, when the outermost change ends. `edits`
    counts whatever may have been one: what was read while it stood still is so still.
    """

    def __init__(
        self,
        *,
        profile: Profile,
        clock: Clock,
        journal: Journal,
        spec: Mapping[str, Any],
        seed: int = 0,
        base: Path | None = None,
    ) -> None:
        self.profile = profile
        self.clock = clock
        self.journal = journal
        self.spec = spec
        self.seed = seed
        self.base = base or Path.cwd()
        self.lock = threading.RLock()
        self.revision = 0
        self.edits = 0
        self.objects: dict[str, Entity] = {}
        self.root: Folder
        self._tickets: dict[bytes, tuple[ExportLease, list[HostTicket]]] = {}
        self._leases = 0
        self._listeners: list[Callable[[int, list[Changed]], None]] = []
        self._open: Change | None = None
        self.product = product_named(profile.product)
        self.ids: Ids
        self._build()

    @contextlib.contextmanager
    def change(self) -> Iterator[Change]:
        """Edit the world; a change within a change joins it."""
        with self.lock:
            if self._open is not None:
                yield self._open
                return
            self._open = change = Change(self)
            try:
                yield change
            finally:
                self._open = None
                self.edits += 1
                if change.made:
                    self.revision += 1
                    self._tell(change.made)

    def stir(self) -> None:
        """Tell listeners that something changed which is no object of the world, such as a session."""
        with self.lock:
            self.revision += 1
            self.edits += 1
            self._tell([])

    def listen(self, listener: Callable[[int, list[Changed]], None]) -> Callable[[], None]:
        """Hear of every change as (revision, changes); returns how to stop listening, again and again if need be."""
        with self.lock:
            self._listeners.append(listener)

        def stop() -> None:
            with self.lock, contextlib.suppress(ValueError):
                self._listeners.remove(listener)

        return stop

    def reset(self) -> None:
        """Go back to the seed state: leases end, their streams are cut, every object is as it was built."""
        with self.change() as tx:
            for lease in self.leases():
                lease.ended.set()
            for entity in list(self.objects.values()):
                tx.remove(entity)
            self._tickets.clear()
            self._leases = 0
            self._build()

    def count_lease(self) -> int:
        """Count a lease that is granted, and return which one it is, from 1."""
        with self.lock:
            self._leases += 1
            return self._leases

    def next_moid(self, prefix: str, name: str = "") -> str:
        """Return a fresh managed object id in the form of the product, the same for the same order of building."""
        return self.ids.object(prefix, name)

    def all(self, kind: type[E]) -> list[E]:
        """Return every object of a kind, in the order in which they came."""
        # A copy, since a test may ask while a server changes.
        return [entity for entity in list(self.objects.values()) if isinstance(entity, kind)]

    def vm(self, name: str) -> Vm:
        """Return the machine of that name; KeyError names those there are."""
        return self._named(Vm, name)

    def host(self, name: str) -> Host:
        """Return the host of that name; KeyError names those there are."""
        return self._named(Host, name)

    def vms(self) -> list[Vm]:
        """Return all machines."""
        return self.all(Vm)

    def hosts(self) -> list[Host]:
        """Return all hosts."""
        return self.all(Host)

    def leases(self) -> list[ExportLease]:
        """Return all leases that still answer."""
        return self.all(ExportLease)

    def tasks(self) -> list[ExportTask]:
        """Return all tasks, oldest first."""
        return self.all(ExportTask)

    def offer(self, lease: ExportLease) -> None:
        """Make a lease's tickets good at the hosts."""
        with self.lock:
            for ticket in lease.tickets:
                self._tickets.setdefault(ticket_key(ticket.secret), (lease, []))[1].append(ticket)

    def redeem(self, ticket: str, host: Host) -> tuple[ExportLease, list[DeviceFile]] | None:
        """Return what a ticket opens at a host; None where it opens nothing there."""
        with self.lock:
            found = self._tickets.get(ticket_key(ticket))
        if found is None:
            return None
        lease, known = found
        here = [t for t in known if t.host.name == host.name and hmac.compare_digest(t.secret, ticket)]
        return (lease, [file for one in here for file in one.files]) if here else None

    def withdraw(self, lease: ExportLease) -> None:
        """Make a lease's tickets open nothing any more."""
        with self.lock:
            for ticket in lease.tickets:
                self._tickets.pop(ticket_key(ticket.secret), None)

    def path_of(self, entity: Entity) -> str:
        """Return the inventory path of an object, without the root folder."""
        names: list[str] = []
        at: Entity | None = entity
        while at is not None and at is not self.root:
            names.append(at.name)
            # A vApp hangs in a resource pool, but its path leads through the folder that it stands in.
            at = at.folder if isinstance(at, VApp) and at.folder is not None else at.parent
        return "/".join(reversed(names))

    def datacenter_of(self, entity: Entity) -> Datacenter | None:
        """Return the datacenter that an object stands in."""
        at: Entity | None = entity
        while at is not None and not isinstance(at, Datacenter):
            at = at.parent
        return at

    def _named(self, kind: type[E], name: str) -> E:
        for entity in self.all(kind):
            if entity.name == name:
                return entity
        known = ", ".join(e.name for e in self.all(kind)) or "none"
        raise KeyError(f"this world has no {kind.__name__} named {name!r}; it has {known}")

    def _build(self) -> None:
        from ._builder import build

        self.ids = self.product.ids()
        with self.change() as tx:
            self.root = build(self, tx, self.spec)

    def _tell(self, made: list[Changed]) -> None:
        for change in made:
            if change.path is not None and isinstance(change.entity, Vm | Host | VApp | ExportLease | ExportTask):
                self.journal.record(
                    "transition", server=self.product.name, object=_shown(change.entity), path=change.path,
                    old=_plain(change.old), new=_plain(change.new),
                )  # fmt: skip
        for listener in list(self._listeners):
            listener(self.revision, made)


def _shown(entity: Entity) -> str:
    return f"lease of {entity.entity.name}" if isinstance(entity, ExportLease) else f"{entity.name} ({entity.moid})"


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Entity):
        return _shown(value)
    if isinstance(value, Iterable) and not isinstance(value, bytes):
        return len(list(value))
    state = getattr(value, "state", value)
    if hasattr(state, "value"):
        return state.value
    return type(value).__name__ if is_dataclass(value) and fields(value) else str(value)
