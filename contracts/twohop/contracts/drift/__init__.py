"""The distance to recorded servers: cassettes, replayed against a server, compared by shape."""

from ._cassette import Answer, Cassette, CassetteError, Recorded, Request, read_cassette
from ._compare import Difference, Terms, compare
from ._figures import LEAST_ALIKE, MOST_DECLARED, VERDICTS, Figures, Gap, known_gaps
from ._inventory import Inventory, SeenObject, read_inventory
from ._replay import Outcome, Server, operation_of, replay

__all__ = [
    "LEAST_ALIKE",
    "MOST_DECLARED",
    "VERDICTS",
    "Answer",
    "Cassette",
    "CassetteError",
    "Difference",
    "Figures",
    "Gap",
    "Inventory",
    "Outcome",
    "Recorded",
    "Request",
    "SeenObject",
    "Server",
    "Terms",
    "compare",
    "known_gaps",
    "operation_of",
    "read_cassette",
    "read_inventory",
    "replay",
]
