"""What happened in a world, in order: exchanges, transitions, files, faults and moves of the clock, as NDJSON."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from ._references import References

FORMAT = 1
LIMIT = 100_000
"""Entries kept; the oldest go first and `dropped` counts them."""

PATH = 2048
"""Characters of a path or a method that are kept; the client chooses how long they are."""

KINDS = frozenset({"exchange", "transition", "file", "fault", "clock"})


class Served(Protocol):
    """An exchange as a server reports it, see `serving.ServedExchange`."""

    @property
    def server(self) -> str: ...
    @property
    def conn(self) -> int: ...
    @property
    def peer(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def status(self) -> int: ...
    @property
    def received(self) -> int: ...
    @property
    def sent(self) -> int: ...
    @property
    def t0(self) -> float: ...
    @property
    def t1(self) -> float: ...
    @property
    def end(self) -> str: ...


class Journal:
    """The journal of one world. Secrets stand in it as references, or masked where nobody issued them.

    An entry is `{v, seq, t, world, server, observer, kind, ...}`: `t` in POSIX seconds of the world's clock, `kind` one
    of `exchange`, `transition`, `file`, `fault`, `clock`.
    """

    def __init__(self, world: str, now: Callable[[], float], references: References | None = None) -> None:
        self.world = world
        self.references = references or References()
        self.dropped = 0
        self._now = now
        self._lock = threading.Lock()
        self._entries: deque[dict[str, Any]] = deque()
        self._seq = 0

    def record(self, kind: str, *, server: str, observer: str = "server", **fields: Any) -> None:
        """Add an entry; strings anywhere in `fields` are scrubbed of secrets first."""
        if kind not in KINDS:
            raise ValueError(f"a journal entry cannot be of kind {kind!r}; kinds are {', '.join(sorted(KINDS))}")
        self._add(kind, server, observer, self._clean(fields))

    def _add(self, kind: str, server: str, observer: str, clean: dict[str, Any]) -> None:
        with self._lock:
            self._seq += 1
            entry = {"v": FORMAT, "seq": self._seq, "t": self._now(), "world": self.world, "server": server}
            self._entries.append({**entry, "observer": observer, "kind": kind, **clean})
            if len(self._entries) > LIMIT:
                self._entries.popleft()
                self.dropped += 1

    def exchange(self, served: Served) -> None:
        """Add an exchange that a server has served; usable as the observer of an `HttpServer`."""
        clean = {
            "conn": served.conn, "peer": served.peer, "method": self._short(served.method),
            "path": self._short(served.path), "status": served.status, "received": served.received,
            "sent": served.sent, "t0": served.t0, "t1": served.t1, "end": served.end,
        }  # fmt: skip
        # Masked once: a name may look like a secret where one stands, as in /transfer/transfer:1.
        self._add("exchange", served.server, "server", clean)

    def entries(self, *, since: int = 0, kind: str | None = None) -> list[dict[str, Any]]:
        """Return the entries after sequence number `since`, oldest first."""
        with self._lock:
            return [e for e in self._entries if e["seq"] > since and kind in (None, e["kind"])]

    def ndjson(self, *, since: int = 0, kind: str | None = None) -> str:
        """Return the entries as newline-delimited JSON."""
        return "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in self.entries(since=since, kind=kind))

    def cut(self) -> None:
        """Forget all entries; sequence numbers go on, so that a reader notices."""
        with self._lock:
            self._entries.clear()

    def _short(self, text: str) -> str:
        # Masked first: a secret that is cut in two is no longer known.
        clean = self.references.mask(text)
        return clean if len(clean) <= PATH else f"{clean[:PATH]}... ({len(text)} characters)"

    def _clean(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.references.mask(value)
        if isinstance(value, bytes):
            return self.references.mask(value.decode("utf-8", "backslashreplace"))
        if isinstance(value, dict):
            return {self.references.mask(str(key)): self._clean(item) for key, item in value.items()}
        if isinstance(value, Iterable):
            return [self._clean(item) for item in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        raise TypeError(f"a journal entry holds plain values, not a {type(value).__name__}")
