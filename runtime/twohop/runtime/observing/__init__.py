"""Exchanges as a client or a proxy saw them on the wire: the raw material of a history."""

from ._connection import ObservingConnection, observing_connection
from ._exchange import BodyDigest, Connection, End, Exchange, Listing, Request, Response
from ._log import Observations, Observer
from ._stream import ObservedBody

__all__ = [
    "BodyDigest",
    "Connection",
    "End",
    "Exchange",
    "Listing",
    "Observations",
    "ObservedBody",
    "Observer",
    "ObservingConnection",
    "Request",
    "Response",
    "observing_connection",
]
