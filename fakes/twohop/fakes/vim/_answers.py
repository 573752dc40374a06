"""Answers to reads that nothing but the world decides, kept until something is edited.

A client that polls asks the same again and again, byte for byte. What is kept is the whole answer of the general path,
under the whole request, so there is nothing that could be understood otherwise the second time: whatever differs in a
byte is read anew. An answer is kept only where `Watched` has seen no reader look at anything but the world: not at the
clock, a session, the permissions or the history.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..world import Entity, ExportLease
from ._request import FETCH

if TYPE_CHECKING:
    from ._registry import VmomiSupport
    from ._request import Invocation
    from ._service import Call, Service

READS = frozenset({"RetrieveProperties", "RetrievePropertiesEx", "Fetch"})
LARGEST = 64 << 10
"""Bytes of a request and its answer beyond which an answer is not kept."""
ROOM = 32 << 20
"""Bytes of requests and answers that are kept."""

_OF_SERVICE = frozenset({"began", "ref", "kind_of"})
_OF_WORLD = frozenset(
    {
        "all", "datacenter_of", "host", "hosts", "ids", "leases", "lock", "objects", "path_of", "product", "profile",
        "root", "seed", "spec", "tasks", "vm", "vms",
    }
)  # fmt: skip


class Watched:
    """A call as the readers of properties see it; `pure` is lost when one looks at more than the world's objects."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self.pure = True
        self.version = call.version
        self.ref = call.ref
        self.refs = call.refs
        self.world = _View(self, call.world, _OF_WORLD)
        self.service = _View(self, call.service, _OF_SERVICE)

    def __getattr__(self, name: str) -> Any:
        self.pure = False
        return getattr(self._call, name)


class _View:
    def __init__(self, watched: Watched, real: Any, harmless: frozenset[str]) -> None:
        self._watched, self._real, self._harmless = watched, real, harmless

    def __getattr__(self, name: str) -> Any:
        if name not in self._harmless:
            self._watched.pure = False
        return getattr(self._real, name)


@dataclass(eq=False)
class Answer:
    """The envelope of an answer, and the method that gave it; `at` is set where it is good until that is past."""

    method: str
    plain: bytes
    at: tuple[int, int] | None = None

    @cached_property
    def packed(self) -> bytes:
        """The envelope, compressed."""
        return gzip.compress(self.plain, 1, mtime=0)


class Answers:
    """The answers kept for one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._at: tuple[int, int] | None = None
        self._kept: dict[tuple[bytes, str], Answer] = {}
        self._size = 0
        self._forgotten = 0

    def kept(self) -> list[tuple[bytes, str]]:
        """Return the requests that are answered from what is kept, each with the version of its API."""
        return list(self._kept) if self._at == self.now() else []

    def forget(self) -> None:
        """Forget all, where something has changed that no change of the world tells of."""
        self._forgotten += 1

    def now(self) -> tuple[int, int]:
        """Return what changes whenever an answer may."""
        return self._service.world.edits, self._forgotten

    def find(self, call: Call, body: bytes) -> Answer | None:
        """Return the answer to a request, which its sender would be given now."""
        if self._at != self.now() or call.session is None:
            return None
        kept = self._kept.get((body, call.version))
        # Whoever may not see everything is answered by the general path, which leaves out what he does not see.
        return kept if kept is not None and self._service.access.unlimited(call.session.user) else None

    def keep(
        self, call: Call, body: bytes, request: Invocation, value: Any, at: tuple[int, int], answer: Answer
    ) -> None:
        """Keep an answer whose computing began at `at`, if it is sure to be the same for as long as nothing changes."""
        size = len(body) + len(answer.plain)
        if answer.method not in READS or size > LARGEST or not call.watched.pure or call.session is None:
            return
        if getattr(value, "token", None) or not self._lasting(call, request):
            return
        if not self._service.access.unlimited(call.session.user):
            return
        with self._service.world.lock:
            if at != self.now():
                return
            if self._at != at or self._size + size > ROOM:
                self._kept.clear()
                self._at, self._size = at, 0
            answer.at = at
            self._kept[body, call.version] = answer
            self._size += size

    def _lasting(self, call: Call, request: Invocation) -> bool:
        """Tell whether all that was named is of the world, and none of it becomes something else by being read."""
        singletons, objects = self._service.singletons, self._service.world.objects
        if request.method is FETCH:
            return _is_lasting(objects, request.this)
        if request.this._moId not in singletons:
            # Somebody's own collector, which nobody else has.
            return False
        named = [start.obj for spec in request.arguments["specSet"] for start in spec.objectSet]
        return all(_is_lasting(objects, each) for each in named) and not any(
            isinstance(entity, ExportLease) for entity in call.seen
        )


def _is_lasting(objects: dict[str, Entity], reference: VmomiSupport.ManagedObject) -> bool:
    found = objects.get(reference._moId)
    return found is not None and not isinstance(found, ExportLease)
