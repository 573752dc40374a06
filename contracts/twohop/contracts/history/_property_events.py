"""Reads of properties, waits for updates and descriptors, as they stood on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ._event import Event
from ._soap import Outcome


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of an array: its `xsi:type`, and its text where it holds no elements."""

    xsi_type: str | None
    text: str | None


@dataclass(frozen=True, slots=True)
class Value:
    """A property in an answer: its path, the `xsi:type` of its value, and its text where it holds no elements.

    `items` are the entries where the value is an array.
    """

    path: str
    xsi_type: str | None
    text: str | None
    items: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class ObjectRead:
    """One object in an answer, and what was shown of it."""

    type: str
    this: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class PropertiesRead(Event):
    """Fetch or a retrieve call. `paths` are those that were asked for, None where all of some type were."""

    method: str
    paths: frozenset[str] | None
    objects: tuple[ObjectRead, ...]
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a property: its path, the operation, and its text where it holds no elements."""

    path: str
    op: str
    text: str | None


@dataclass(frozen=True, slots=True)
class ObjectTold:
    """An ObjectUpdate: enter, modify or leave."""

    kind: str
    this: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class UpdatesTold:
    """An UpdateSet: its version, the text of `truncated` where there is one, and what it tells."""

    version: str
    truncated: str | None
    objects: tuple[ObjectTold, ...]
    missing: int = 0


@dataclass(frozen=True, slots=True)
class UpdatesAwaited(Event):
    """A wait or check for updates; `told` is None where nothing came back.

    `most` is how many objects the client takes at once, None where it set no limit.
    """

    method: str
    collector: str
    version: str
    outcome: Outcome
    told: UpdatesTold | None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class WaitCancelled(Event):
    """CancelWaitForUpdates of a collector."""

    collector: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class CollectorMade(Event):
    """CreatePropertyCollector gave a collector of one's own."""

    collector: str


@dataclass(frozen=True, slots=True)
class GivenFile:
    """An OvfFile as the caller gave it (8.4)."""

    device: str
    path: str
    size: str | None
    capacity: str | None
    populated: str | None


@dataclass(frozen=True, slots=True)
class OvfPart:
    """An element of a descriptor: its name, its attributes without namespaces, its own text.

    `parent` is the number of the element that it stands in among all of them, -1 for the root.
    """

    name: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    parent: int = -1


@dataclass(frozen=True, slots=True)
class DescriptorMade(Event):
    """CreateDescriptor. `given` are the caller's files; `parts` every element, the root first, None if it is no XML.

    `entity_type`, `title`, `description`, `options` and `snapshot` are the caller's too, None where he gave none.
    `attached` is what the result says of images in drives, None where it says nothing (8.9).
    """

    entity: str
    given: tuple[GivenFile, ...]
    images: bool
    parts: tuple[OvfPart, ...] | None
    entity_type: str = "VirtualMachine"
    title: str | None = None
    description: str | None = None
    options: tuple[str, ...] = ()
    snapshot: str | None = None
    attached: bool | None = None

    def all(self, wanted: str) -> tuple[OvfPart, ...]:
        """Return the elements of one name, in order."""
        return tuple(part for part in self.parts or () if part.name == wanted)

    def below(self, part: OvfPart, *wanted: str) -> tuple[OvfPart, ...]:
        """Return the children of an element that go by one of these names, in order."""
        parts = self.parts or ()
        at = next(number for number, each in enumerate(parts) if each is part)
        return tuple(each for each in parts if each.parent == at and each.name in wanted)


@dataclass(frozen=True, slots=True)
class DescriptorRefused(Event):
    """CreateDescriptor gave none."""

    entity: str
    snapshot: str | None
    options: tuple[str, ...]
    outcome: Outcome
