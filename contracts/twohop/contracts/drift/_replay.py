"""Replaying the requests of a cassette over the wire, in order, and comparing what comes back."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import urllib3

from ._cassette import Answer, Cassette, Recorded, Request
from ._compare import Difference, Terms, compare, untold
from ._found import search_of
from ._references import References
from ._shape import Node, parse

ANONYMOUS = ("RetrieveServiceContent", "Login", "GET")
READS = ("Fetch", "RetrieveProperties", "RetrievePropertiesEx", "QueryPerf", "QueryPerfProviderSummary")
_OPERATION = re.compile(r"Body[^>]*>\s*<(?:\w+:)?(\w+)")
_THIS = re.compile(r"<_this\b[^>]*\btype=\"(\w+)\"")
_WAIT = re.compile(r"<maxWaitSeconds[^>]*>(\d+)<")
_GAP = "twohop does not implement"
_COLLECTOR = re.compile(r"<_this\b[^>]*>\s*([^<\s]+)\s*<")
_PATIENCE = 60.0
"""Seconds of real time within which an answer has to come."""
_UPDATES = 0
"""The chain of all updates of a session."""
_MOVES = 3
"""How often the clock is moved for a wait before it is cancelled: nothing will ever end it."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server to replay against. `advance` moves its clock by seconds, for waits that end by time alone.

    `stand_ins` returns the ids of objects of a type there; None where the inventory is the recorded one, and `objects`
    are then the ids of what it has of the recording. `words` returns what an object is found by: the text of a
    property, or its place in the inventory, under `path`.
    """

    url: str
    ca_file: Path
    user: str
    password: str
    advance: Callable[[float], object]
    stand_ins: Callable[[str], list[str]] | None = None
    objects: frozenset[str] = frozenset()
    words: Callable[[str, str], str | None] = lambda moid, path: None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one exchange: `verdict` is alike, different or not_implemented."""

    exchange: Recorded
    operation: str
    owner: str
    verdict: str
    differences: tuple[Difference, ...]


@dataclass(slots=True)
class _Sent:
    """A request that was sent. Those of one `chain` tell one long answer piece by piece."""

    exchange: Recorded
    operation: str
    chain: int | None
    answers: list[Answer] = field(default_factory=list)


def operation_of(request: Request) -> str:
    """Return the method that a SOAP request calls; of any other request its method and path."""
    match = _OPERATION.search(request.body)
    return match[1] if match else f"{request.method} {re.sub('/+', '/', request.path)}"


def replay(cassette: Cassette, server: Server, types: dict[str, str]) -> list[Outcome]:
    """Send every recorded request to a server and return what became of each. `types` are those of recorded objects."""
    session = _Session(cassette, server, types)
    sent = [session.send(exchange) for exchange in cassette.exchanges]
    return [session.judge(each, sent) for each in sent]


class _Session:
    """One replay: the connections, the value maps."""

    def __init__(self, cassette: Cassette, server: Server, types: dict[str, str]) -> None:
        self._server = server
        self._pool = urllib3.PoolManager(
            ca_certs=str(server.ca_file), retries=False, timeout=urllib3.Timeout(total=_PATIENCE)
        )
        self._choice = 0
        self._chains = 0
        self._references = References(server.user, server.password, self._stand_in)
        self._references.know(types)
        self._references.standing = server.objects
        if not any(operation_of(e.request) == "Login" and e.answer.status == 200 for e in cassette.exchanges):
            self._log_in(cassette)

    def send(self, exchange: Recorded) -> _Sent:
        """Send a recorded request: to each stand-in of what it reads, where there are several."""
        operation = operation_of(exchange.request)
        self._translate(exchange)
        sent = _Sent(exchange, operation, self._chain(exchange, operation))
        tries = self._tries(exchange, operation)
        for self._choice in range(tries):
            self._references.again = self._choice > 0
            request = self._references.rewrite(
                exchange.request,
                refused=exchange.answer.status != 200,
                anonymous=operation in ANONYMOUS or exchange.request.method == "GET",
            )
            sent.answers.append(self._ask(request))
        self._choice, self._references.again = 0, False
        self._references.learn(exchange.answer, sent.answers[0])
        return sent

    def _translate(self, exchange: Recorded) -> None:
        """Learn what is searched for today where a recorded search found something."""
        search = search_of(exchange.request, exchange.answer)
        if search is not None:
            here = search.moid if self._server.stand_ins is None else self._stand_in(search.type, search.moid)
            word = self._server.words(here, search.path) if here is not None else None
            if word is not None:
                self._references.values[search.text] = word

    def judge(self, sent: _Sent, everything: list[_Sent]) -> Outcome:
        """Compare an answer with the recorded one."""
        match = _THIS.search(sent.exchange.request.body)
        owner = match[1] if match else ""
        chain = sent.chain
        pool = _entries(each.answers[0] for each in everything if chain is not None and each.chain == chain)
        terms = Terms(
            self._server.stand_ins is None,
            self._references.values,
            (lambda name, node: self._same(pool, name, node)) if chain is not None else None,
        )
        found = []
        for answer in sent.answers:
            if _GAP in answer.body or answer.status == 404:
                return Outcome(sent.exchange, sent.operation, owner, "not_implemented", ())
            told = untold(sent.exchange.answer, answer, terms) if chain == _UPDATES else None
            found.append(compare(sent.exchange.answer, answer, terms) if told is None else told)
        agreed = _agreed(found)
        return Outcome(sent.exchange, sent.operation, owner, "different" if agreed else "alike", tuple(agreed))

    def _same(self, pool: dict[tuple[str, str], Node], name: str, node: Node) -> Node | None:
        obj = node.child("obj")
        text = obj.text if obj is not None else ""
        return pool.get((name, self._references.values.get(text, text)))

    def _chain(self, exchange: Recorded, operation: str) -> int | None:
        if operation.startswith(("WaitForUpdates", "CheckForUpdates")):
            return _UPDATES
        if operation == "RetrievePropertiesEx" and "<token>" in exchange.answer.body:
            self._chains += 1
            return self._chains
        return self._chains if operation == "ContinueRetrievePropertiesEx" else None

    def _tries(self, exchange: Recorded, operation: str) -> int:
        if self._server.stand_ins is None or operation not in READS:
            return 1
        kinds = self._references.named_in(exchange.request.body)
        return max([1, *(min(len(self._server.stand_ins(kind)), 8) for kind in kinds)])

    def _stand_in(self, type_name: str, recorded: str) -> str | None:
        known = self._server.stand_ins(type_name) if self._server.stand_ins is not None else []
        return known[self._choice % len(known)] if known else None

    def _log_in(self, cassette: Cassette) -> None:
        """Log in where the recording starts within a session."""
        needs = [
            e for e in cassette.exchanges if operation_of(e.request) not in ANONYMOUS and e.request.method == "POST"
        ]
        if not needs:
            return
        manager = next((i for i, kind in self._references.types.items() if kind == "SessionManager"), "SessionManager")
        envelope = (
            '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
            f'<Login xmlns="urn:vim25"><_this type="SessionManager">{manager}</_this><userName>u</userName>'
            "<password>p</password></Login></soapenv:Body></soapenv:Envelope>"
        )
        request = Request("POST", "/sdk", {"content-type": "text/xml", "soapaction": '"urn:vim25/4.1"'}, envelope)
        answer = self._ask(self._references.rewrite(request, refused=False, anonymous=True))
        self._references.learn(Answer(200, {}, ""), answer)

    def _ask(self, request: Request) -> Answer:
        skipped = ("host", "content-length", "connection", "transfer-encoding", "accept-encoding", "date")
        headers = {name: _sendable(value) for name, value in request.headers.items() if name not in skipped}
        done: list[Answer] = []

        def ask() -> None:
            try:
                answer = self._pool.request(
                    request.method, self._server.url + request.path, headers=headers,
                    body=request.body.encode() if request.body else None,
                )  # fmt: skip
            except (urllib3.exceptions.HTTPError, ValueError) as error:
                # A ValueError is of a request that HTTP does not have: an editor's hand was at the cassette.
                done.append(Answer(0, {}, type(error).__name__))
                return
            found = {name.lower(): value for name, value in answer.headers.items()}
            done.append(Answer(answer.status, found, answer.data.decode("utf-8", "replace")))

        if "WaitForUpdates" not in request.body:
            ask()
            return done[0]
        thread = threading.Thread(target=ask, name="replayed wait")
        thread.start()
        longest = _WAIT.search(request.body)
        patience, moves = 0.5, 0
        thread.join(patience)
        while thread.is_alive():
            # Nothing has changed at the server: only its clock ends the wait. A busy machine may yet be about to
            # answer, so the clock is moved more and more seldom: a session must not expire by it.
            if moves < _MOVES:
                self._server.advance(float(longest[1]) + 1 if longest else 60.0)
                patience *= 2
            elif moves == _MOVES:
                self._cancel(request)
            moves += 1
            thread.join(patience)
        return done[0]

    def _cancel(self, wait: Request) -> None:
        """End a wait that waits for what has long been told: the recorded server took its time, this one did not."""
        collector = _COLLECTOR.search(wait.body)
        if collector is None:
            return
        envelope = (
            '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
            f'<CancelWaitForUpdates xmlns="urn:vim25"><_this type="PropertyCollector">{collector[1]}</_this>'
            "</CancelWaitForUpdates></soapenv:Body></soapenv:Envelope>"
        )
        self._ask(Request("POST", wait.path, wait.headers, envelope))


def _sendable(value: str) -> str:
    """Return a header's value as it went over the wire: on one line, its letters as bytes."""
    return " ".join(value.split()).encode().decode("latin-1")


def _agreed(found: list[list[Difference]]) -> list[Difference]:
    """Return the differences to every one of several objects of a type.

    What some have and others have not depends on their state. An object that lacks a whole part says nothing of what is
    in it, so there the others decide.
    """
    if len(found) < 2 or not all(found):
        return found[0] if len(found) == 1 else []
    agreed: dict[Difference, None] = {}
    for differences in found:
        for difference in differences:
            others = (each for each in found if each is not differences)
            if all(difference in each or _above(difference, each) for each in others):
                agreed[difference] = None
    return list(agreed)


def _above(difference: Difference, others: list[Difference]) -> bool:
    return any(difference.path.startswith(f"{other.path}/") for other in others)


def _entries(answers: object) -> dict[tuple[str, str], Node]:
    pool: dict[tuple[str, str], Node] = {}
    for answer in answers:  # type: ignore[attr-defined]
        root = parse(answer.body)
        for node in root.walk() if root is not None else ():
            obj = node.child("obj")
            if obj is not None and obj.ref is not None:
                pool.setdefault((node.name, obj.text), node)
    return pool
