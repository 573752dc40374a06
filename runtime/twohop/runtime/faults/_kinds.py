"""What can go wrong, as a table: each kind of fault, where it strikes, and the arguments that it takes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


class FaultError(ValueError):
    """A fault that cannot be planned as it is written; the message says where, what was expected and what came."""


PLACES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "port": frozenset({"server"}),
        "connection": frozenset({"server"}),
        "request": frozenset({"server", "verb", "path", "file", "lease", "method", "type"}),
        "call": frozenset({"server", "method", "type", "lease"}),
        "read": frozenset({"server", "method", "type", "property", "lease"}),
        "lease": frozenset({"server", "method", "lease"}),
    }
)
"""Where a fault strikes, and by what it is matched there."""


@dataclass(frozen=True, slots=True)
class Arg:
    """An argument of a kind: its type, its default, None where it may be left out, and what it says."""

    type: type
    default: Any
    says: str
    least: float | None = None
    most: float | None = None
    accepted: tuple[str, ...] = ()
    needed: bool = False

    def read(self, value: Any, where: str) -> Any:
        """Return a value as given; FaultError where it is none of this argument."""
        if value is None and self.default is None and not self.needed:
            return None
        number = self.type in (int, float)
        good = isinstance(value, (int, float) if self.type is float else self.type)
        if not good or (number and (isinstance(value, bool) or not math.isfinite(value))):
            raise FaultError(f"{where} is {_SHOWN[self.type]}; got {value!r}")
        if self.least is not None and value < self.least:
            raise FaultError(f"{where} is at least {self.least:g}; got {value!r}")
        if self.most is not None and value > self.most:
            raise FaultError(f"{where} is at most {self.most:g}; got {value!r}")
        if self.accepted and value not in self.accepted:
            raise FaultError(f"{where} is one of {', '.join(self.accepted)}; got {value!r}")
        return value


_SHOWN = {int: "a whole number", float: "a number", bool: "true or false", str: "a text", dict: "a mapping"}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault: where it strikes, its arguments, and what a client sees of it.

    `check` raises FaultError for arguments that fit one by one and not together. What `lasts` strikes once, unless a
    rule says otherwise.
    """

    name: str
    places: tuple[str, ...]
    says: str
    args: Mapping[str, Arg] = field(default_factory=dict)
    check: Callable[[Mapping[str, Any], str], None] | None = None
    lasts: bool = False

    def read(self, given: Any, where: str) -> Mapping[str, Any]:
        """Return all arguments, those left out by their defaults; FaultError says what is wrong with one."""
        given = {} if given is None else given
        if not isinstance(given, Mapping):
            raise FaultError(f"{where}: args is a mapping; got {given!r}")
        for name in given:
            if name not in self.args:
                known = ", ".join(self.args) or "none"
                raise FaultError(f"{where}: {self.name} has no argument {name!r}; it has {known}")
        for name, arg in self.args.items():
            if arg.needed and name not in given:
                raise FaultError(f"{where}: {self.name} needs {name}: {arg.says}")
        read = {name: arg.read(given.get(name, arg.default), f"{where}: {name}") for name, arg in self.args.items()}
        if self.check is not None:
            self.check(read, where)
        return MappingProxyType(read)


def _one_of(*names: str) -> Callable[[Mapping[str, Any], str], None]:
    def check(args: Mapping[str, Any], where: str) -> None:
        given = [name for name in names if args[name] is not None]
        if len(given) != 1:
            raise FaultError(f"{where}: give one of {' and '.join(names)}; got {' and '.join(given) or 'neither'}")

    return check


_AFTER = Arg(int, None, "bytes of the body that come before it; left out, not even the head of the answer comes", 0)
_HEARD = Arg(bool, True, "whether the server carries the request out before its answer suffers")
_SPAN = Arg(float, None, "seconds of the world's clock for which it lasts; left out, until the rule goes", 0)

SOCKET_KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Kind(
                "refuse", ("port",), "the port does not listen: connecting is refused", {"seconds": _SPAN}, lasts=True
            ),
            Kind(
                "silent", ("connection", "request"), "the server accepts, or reads the request, and says nothing",
                {
                    "seconds": Arg(float, None, "seconds of the world's clock, after which it hangs up", 0),
                    "carried_out": Arg(bool, False, _HEARD.says),
                },
            ),
            Kind(
                "stall", ("connection", "request"), "nothing comes for a while, and then everything",
                {
                    "seconds": Arg(float, 60.0, "seconds of the world's clock", 0),
                    "after": Arg(int, None, "bytes of the body that come before; left out, the whole answer waits", 0),
                },
            ),
            Kind(
                "slow", ("request",), "the server carries the request out only after a while",
                {"seconds": Arg(float, 60.0, "seconds of the world's clock", 0)},
            ),
            Kind(
                "trickle", ("request",), "the body comes in small pieces, one each interval of the world's clock",
                {
                    "bytes": Arg(int, 1, "bytes of a piece", 1),
                    "seconds": Arg(float, 1.0, "seconds of the world's clock between two pieces", 0),
                    "after": Arg(int, 0, "bytes that come at once before", 0),
                },
            ),
            Kind(
                "cut", ("connection", "request"), "the connection is closed under the answer, or before a handshake",
                {
                    "after": _AFTER,
                    "final": Arg(bool, False, "whether a chunked body gets its final chunk first"),
                    "carried_out": _HEARD,
                },
            ),
            Kind(
                "reset", ("connection", "request"), "the connection is reset (RST)",
                {"after": _AFTER, "carried_out": _HEARD},
            ),
            Kind(
                "cut-upload", ("request",), "the connection is closed while the client sends its body",
                {"after": Arg(int, 0, "bytes of the request's body that the server takes", 0)},
            ),
            Kind("empty", ("request",), "200 with a body of no bytes that ends as it should"),
            Kind(
                "short", ("request",), "200 with a body that ends as it should, and too early",
                {
                    "bytes": Arg(int, None, "bytes that come", 0),
                    "less": Arg(int, None, "bytes that are left out at the end", 1),
                },
                _one_of("bytes", "less"),
            ),
            Kind(
                "status", ("request",), "another status instead of an answer",
                {
                    "status": Arg(int, 503, "the status", 400, 599),
                    "carried_out": Arg(bool, False, _HEARD.says),
                },
            ),
            Kind("wrong-certificate", ("connection",), "a certificate of another authority for the same names"),
            Kind("expired-certificate", ("connection",), "a certificate of the same authority that has expired"),
        )
    }
)  # fmt: skip
"""What a socket can do, whatever is served over it."""
