"""What reads SOAP: the parser of requests, and a whole vCenter or host behind it, without a socket."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lxml import etree

from fuzz.envelopes import Writer, spoil
from twohop.fakes.vim import VimApp
from twohop.fakes.vim._kinds import KINDS
from twohop.fakes.vim._request import BadRequest, Invocation, parse_request
from vcenters import make, small_world

OURS = "twohop&apos;s own error", "twohop's own error"
FAULTS_OF_FORM = {"InvalidRequest", "InvalidArgument", "MethodNotFound"}


def parse(data: bytes) -> None:
    """A request, or a fault that is the client's: never anything else."""
    try:
        found = parse_request(data)
    except BadRequest as error:
        assert type(error.fault).__name__.rpartition(".")[2] in FAULTS_OF_FORM
        return
    assert isinstance(found, Invocation)
    assert set(found.arguments) == {parameter.name for parameter in found.method.params}


class Service:
    """A vCenter in its seed state, somebody logged in, and what its application answers."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.app = VimApp(server._service)
        self.reset()

    def reset(self) -> None:
        """Go back to the seed state and log in."""
        self.server.reset()
        session = self.server._service.sessions
        cookie = session.new_cookie()
        session.open(cookie, self.server.user, "127.0.0.1", "fuzz")
        self.cookie = cookie

    def writer(self, rng: random.Random) -> Writer:
        """A writer of requests for the objects that there are now."""
        found = self.server.inventory()
        methods = [(k.wsdl, m) for k in KINDS.values() for m in k.methods]
        return Writer(found, methods, rng)

    def requests(self, rng: random.Random, count: int) -> Iterator[bytes]:
        """Requests one after another, each for what the one before has left; the first opens an export."""
        if rng.random() < 0.5:
            self.ask(self.writer(rng).export())
        for _ in range(count):
            yield spoil(self.writer(rng).call(), rng)

    def endless(self, rng: random.Random) -> Iterator[bytes]:
        """Requests without end, twenty on each world."""
        while True:
            self.reset()
            yield from self.requests(rng, 20)

    def ask(self, data: bytes) -> tuple[str, bytes]:
        """Send one request; AssertionError where the answer is no SOAP, or confesses an error of the server."""
        heads: list[Any] = []
        environ = {
            "PATH_INFO": "/sdk", "REQUEST_METHOD": "POST", "CONTENT_LENGTH": str(len(data)),
            "wsgi.input": io.BytesIO(data), "HTTP_COOKIE": f"vmware_soap_session={self.cookie}",
        }  # fmt: skip
        body = b"".join(self.app(environ, lambda status, headers: heads.append(status)))
        status = heads[0]
        assert status[:3] in ("200", "500"), status
        answer = etree.fromstring(body, etree.XMLParser(resolve_entities=False, huge_tree=True))
        assert answer.tag == "{http://schemas.xmlsoap.org/soap/envelope/}Envelope"
        text = body.decode()
        assert not any(words in text for words in OURS), text[text.index("own error") - 20 :][:400]
        return status, body


@contextmanager
def service(profile: str = "vcenter-8.0") -> Iterator[Service]:
    """A service of its own."""
    with make(profile, world=small_world(vms=3, hosts=1)) as server:
        yield Service(server)
