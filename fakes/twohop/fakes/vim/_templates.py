"""Requests that differ from one read before in nothing but the id of the object that they ask about.

Of a client that reads one machine after another only that id is new. Everything around it is kept under its exact
bytes, and only once the general path has read the same bytes with another id in the same place and has found that id in
the one reference there is. Text of such letters means the same in every element, so nothing is taken that the general
path would refuse.
"""

from __future__ import annotations

import re
from typing import Any

from ._request import BadRequest, Invocation, parse_request

MOST = 256
"""Requests that are kept; where more come, all are forgotten."""
LONGEST = 4096
"""Bytes of a request beyond which it is not kept."""
_ID = re.compile(rb'<obj type="[A-Za-z]{1,40}">([0-9A-Za-z_-]{1,64})</obj>')
_PROBE = "0123456789-_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_UNSEEN: Any = object()
CHEAP = frozenset({"name", "parent", "runtime.powerState"})
"""Properties that are had without computing anything larger, and that pollers ask for most."""
_METHODS = frozenset({"RetrieveProperties", "RetrievePropertiesEx"})


class Templates:
    """The requests that came to one service; `ordered` as in `parse_request`."""

    def __init__(self, *, ordered: bool) -> None:
        self._ordered = ordered
        self._known: dict[tuple[bytes, bytes], Invocation | None] = {}

    def prompt(self, body: bytes) -> bool:
        """Tell whether a request is like one before, and reads of one object a little that costs little."""
        apart = _apart(body)
        template = self._known.get(apart[0]) if apart is not None else None
        if template is None:
            return False
        (spec,) = template.arguments["specSet"]
        return not spec.objectSet[0].selectSet and all(
            not wanted.all and CHEAP.issuperset(wanted.pathSet or ()) for wanted in spec.propSet
        )

    def parse(self, body: bytes) -> Invocation:
        """Parse a SOAP request; BadRequest carries the fault to answer."""
        apart = _apart(body)
        if apart is None:
            return parse_request(body, ordered=self._ordered)
        around, moid = apart
        template = self._known.get(around, _UNSEEN)
        if template is not _UNSEEN:
            return _filled(template, moid) if template else parse_request(body, ordered=self._ordered)
        request = parse_request(body, ordered=self._ordered)
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[around] = self._template(*around)
        return request

    def _template(self, before: bytes, behind: bytes) -> Invocation | None:
        try:
            request = parse_request(before + _PROBE.encode() + behind, ordered=self._ordered)
        except BadRequest:
            return None
        if request.method.wsdlName not in _METHODS:
            return None
        if len(request.arguments["specSet"]) != 1:
            return None
        starts = [start for spec in request.arguments["specSet"] for start in spec.objectSet]
        return request if len(starts) == 1 and starts[0].obj is not None and starts[0].obj._moId == _PROBE else None


def _apart(body: bytes) -> tuple[tuple[bytes, bytes], str] | None:
    """Return what stands around the id in a request, and the id; None where there is none or the request is long."""
    found = _ID.search(body) if len(body) <= LONGEST else None
    return ((body[: found.start(1)], body[found.end(1) :]), found[1].decode()) if found is not None else None


def _filled(template: Invocation, moid: str) -> Invocation:
    """Return a request of its own, with another id; what nobody changes is shared."""
    (old,) = template.arguments["specSet"]
    (old_start,) = old.objectSet
    spec, start = _copied(old), _copied(old_start)
    start.obj = type(old_start.obj)(moid, None)
    spec.objectSet = type(old.objectSet)([start])
    arguments: dict[str, Any] = {**template.arguments, "specSet": type(template.arguments["specSet"])([spec])}
    return Invocation(template.this, template.method, arguments)


def _copied(data: Any) -> Any:
    """Copy a data object; what `copy.copy` comes to after five times as long."""
    kind = type(data)
    made: Any = object.__new__(kind)
    made.__dict__.update(data.__dict__)
    return made
