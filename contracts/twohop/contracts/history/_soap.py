"""One SOAP exchange with a vCenter or an ESXi host as a call and its outcome.

Read from the text on the wire, not through pyVmomi's deserialiser: the fakes speak through pyVmomi, and what judges
them must not share its mistakes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from twohop.runtime.observing import Exchange

from ._xml import Element, child, children, name, parse, text, xsi_type

_ACTION = re.compile(r"urn:vim25/([0-9][0-9.]*)")
_COOKIE = re.compile(r'vmware_soap_session="?(?P<session>[^";\s]+)')


@dataclass(frozen=True, slots=True)
class FaultSeen:
    """A fault as it stood on the wire (2.12).

    `elements` are the names of what the detail holds, each with its `xsi:type` or None; `members` are the children of
    the first one, by name, with their text.
    """

    status: int
    code: str | None
    elements: tuple[tuple[str, str | None], ...]
    members: tuple[tuple[str, str], ...]

    def member(self, wanted: str) -> str | None:
        """Return the text of a member, or None where it is missing."""
        return next((value for name, value in self.members if name == wanted), None)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a call: accepted, refused by a fault, or unclear, which covers no answer and a foreign one.

    `answered` is the name of the element in the body of an answer with status 200; None without one.
    """

    kind: Literal["accepted", "faulted", "unclear"]
    fault: str | None = None
    message: str = ""
    seen: FaultSeen | None = field(default=None, compare=False)
    answered: str | None = field(default=None, compare=False)

    @property
    def accepted(self) -> bool:
        """Tell whether the server did what it was asked."""
        return self.kind == "accepted"

    def __str__(self) -> str:
        """Say it in a word, or by the fault's name."""
        return self.fault or self.kind


@dataclass(frozen=True, slots=True)
class Call:
    """A method on a managed object, with its request and response elements."""

    exchange: Exchange
    method: str
    this: str
    this_type: str
    request: Element
    response: Element | None
    outcome: Outcome

    def argument(self, *path: str) -> str | None:
        """Return the text of an argument, or None where it was left out."""
        return text(self.request, *path)


def read_call(exchange: Exchange) -> Call | None:
    """Return the call that an exchange carries, or None where it is not SOAP."""
    if exchange.request.method != "POST" or "Envelope" not in (exchange.request.body or ""):
        return None
    body = child(parse(exchange.request.body), "Body")
    request = next(iter(body), None) if body is not None else None
    if request is None:
        return None
    this = child(request, "_this")
    response, outcome = _answer(exchange, name(request))
    return Call(
        exchange,
        name(request),
        (this.text or "").strip() if this is not None else "",
        (this.get("type") or "") if this is not None else "",
        request,
        response,
        outcome,
    )


def _answer(exchange: Exchange, method: str) -> tuple[Element | None, Outcome]:
    response = exchange.response
    if response is None:
        return None, Outcome("unclear", message=exchange.error or "no answer")
    body = child(parse(response.body), "Body")
    fault = child(body, "Fault")
    seen = None
    if fault is not None:
        detail = child(fault, "detail")
        held = list(detail) if detail is not None else []
        seen = _fault_seen(response.status, fault, held)
        if response.status == 500:
            kind = fault_name(held[0]) if held else "ClientFault"
            return None, Outcome("faulted", kind, text(fault, "faultstring") or "", seen)
    answer = next(children(body, f"{method}Response"), None)
    first = next(iter(body), None) if body is not None and response.status == 200 and fault is None else None
    answered = name(first) if first is not None else None
    if response.status == 200 and answer is not None:
        return answer, Outcome("accepted", answered=answered)
    message = f"status {response.status} without a {method}Response"
    return None, Outcome("unclear", message=message, seen=seen, answered=answered)


def _fault_seen(status: int, fault: Element, held: list[Element]) -> FaultSeen:
    members = tuple((name(member), (member.text or "").strip()) for member in held[0]) if held else ()
    return FaultSeen(
        status, text(fault, "faultcode"), tuple((name(element), xsi_type(element)) for element in held), members
    )


def spoken_version(exchange: Exchange) -> tuple[int, ...] | None:
    """Return the version of the API that a request was made in, by its SOAPAction, such as (8, 0, 2, 0) (10.4)."""
    action = next((value for key, value in exchange.request.headers if key.lower() == "soapaction"), "")
    found = _ACTION.search(action)
    return tuple(int(part) for part in found[1].split(".") if part) if found else None


def session_cookie(value: str | None) -> str | None:
    """Return what a Cookie or Set-Cookie header says of the session, in any of the forms clients use (10.2)."""
    found = _COOKIE.search(value or "")
    return found["session"] if found else None


def fault_name(element: Element) -> str:
    """Return the type of the fault that an element of a detail or a LocalizedMethodFault holds."""
    return xsi_type(element) or name(element).removesuffix("Fault")


def localized_fault(element: Element | None) -> str | None:
    """Return the type of the fault in a LocalizedMethodFault, or None where the element is unset."""
    if element is None:
        return None
    inner = child(element, "fault")
    return (inner is not None and xsi_type(inner)) or "MethodFault"
