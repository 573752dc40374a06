"""Something an exchange shows. Events are derived from exchanges each time and never stored."""

from __future__ import annotations

from dataclasses import dataclass

from twohop.runtime.observing import Exchange


@dataclass(frozen=True, slots=True)
class Event:
    """Something an exchange shows."""

    exchange: Exchange

    @property
    def id(self) -> int:
        """The number of the exchange."""
        return self.exchange.id

    @property
    def server(self) -> str:
        """The server it was said to, as `host:port`."""
        return f"{self.exchange.conn.host}:{self.exchange.conn.port}"
