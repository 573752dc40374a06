"""Where observers write down what they saw, in one order."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import urlsplit

from .._references import References
from ._exchange import Connection, Exchange, Listing, Request, Response


class Observations:
    """Everything that the observers of one run saw, in the order in which it ended."""

    def __init__(self, now: Callable[[], float], references: References | None = None) -> None:
        self.now = now
        self.references = references or References()
        self.exchanges: list[Exchange] = []
        self.listings: list[Listing] = []
        self._ids = itertools.count(1)
        self._connections = itertools.count(1)
        self._lock = threading.Lock()

    def observer(self, name: str) -> Observer:
        """Return an observer that writes here, such as `user` or `cell`."""
        return Observer(self, name)

    def list_directory(self, root: Path, observer: str = "directory") -> Listing:
        """Look into the transfer directory and write down what is there."""
        found = sorted(path for path in root.rglob("*") if path.is_file()) if root.is_dir() else []
        entries = tuple(
            (self.references.scrub(f"/transfer/{p.relative_to(root)}")[10:], p.stat().st_size) for p in found
        )
        with self._lock:
            listing = Listing(next(self._ids), observer, self.now(), entries)
            self.listings.append(listing)
        return listing

    def next_connection(self) -> str:
        """Return a fresh name for a connection."""
        return f"conn:{next(self._connections)}"

    def add(self, make: Callable[[int], Exchange]) -> Exchange:
        """Write down an exchange, which `make` builds from its number."""
        with self._lock:
            exchange = make(next(self._ids))
            self.exchanges.append(exchange)
        return exchange


class Observer:
    """One pair of eyes: the user, the cell, a proxy."""

    def __init__(self, observations: Observations, name: str) -> None:
        self.observations = observations
        self.name = name

    def now(self) -> float:
        """Return the time of the observed world."""
        return self.observations.now()

    def connection(self, url: str, thumbprint: str | None = None) -> Connection:
        """Name a connection to the server of `url`."""
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return Connection(self.observations.next_connection(), parts.hostname or "", port, thumbprint)

    def headers(self, headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """Return headers as they may be written down."""
        return tuple((name, self.observations.references.header(name, value)) for name, value in headers)

    def scrub(self, text: str) -> str:
        """Return text as it may be written down."""
        return self.observations.references.scrub(text)

    def saw(
        self,
        conn: Connection,
        request: Request,
        response: Response | None,
        *,
        t0: float,
        t_first: float | None = None,
        error: str | None = None,
    ) -> Exchange:
        """Write down one exchange that ended just now."""
        t1 = self.now()
        first = t1 if t_first is None else t_first
        return self.observations.add(
            lambda number: Exchange(number, conn, self.name, t0, first, t1, request, response, error)
        )
