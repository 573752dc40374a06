"""What a server reports of each exchange, and how an application cuts one short."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


class Cut(Exception):
    """Raised from a body's iterator: close the connection without ending the body; `reset` sends a TCP reset.

    Real hosts end a stream this way when the lease goes (vsphere 3.7, 3.9), and only its framing tells the client.
    An application that puts a callable into its environment as `twohop.while_blocked` may raise it from there too: it
    is called again and again while the client takes nothing of the answer. `final` gives a chunked body its final chunk
    first.
    """

    def __init__(self, why: str, *, reset: bool = False, final: bool = False) -> None:
        super().__init__(why)
        self.reset = reset
        self.final = final


@dataclass(frozen=True, slots=True)
class ServedExchange:
    """One exchange as the server saw it; sizes in bytes of the bodies, times by the server's clock."""

    server: str
    conn: int
    peer: str
    method: str
    path: str
    status: int
    received: int
    sent: int
    t0: float
    t1: float
    end: Literal["complete", "cut", "reset", "client gone"]
