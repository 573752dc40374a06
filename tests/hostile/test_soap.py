"""SOAP that is none, over the wire: the right fault, in bounded memory, and the next call is answered."""

from __future__ import annotations

import re
import threading
import tracemalloc
from collections.abc import Iterator

import pytest

from hostile.attacker import Site, post, statuses
from hostile.conftest import CALL
from soap_wire import SOAP, VIM, ref

MB = 1 << 20
THIS = ref("_this", "ServiceInstance", "ServiceInstance")
COLLECTOR = {"vcenter": "propertyCollector", "esxi": "ha-property-collector"}


def _envelope(inner: str) -> bytes:
    head = f'<e:Envelope xmlns:e="{SOAP}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><e:Body>'
    return f"{head}{inner}</e:Body></e:Envelope>".encode()


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
WRONG: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "InvalidRequest"),
    "no XML": (b"hello", "InvalidRequest"),
    "half of it": (CALL[:-40], "InvalidRequest"),
    "twice": (CALL + CALL, "InvalidRequest"),
    "zeros": (bytes(100_000), "InvalidRequest"),
    "bytes that are no text": (b"\xff\xfe\xfd" * 1000, "InvalidRequest"),
    "UTF-16 that lies": (b"\xff\xfe" + CALL, "InvalidRequest"),
    "an encoding of none": (CALL.replace(b"<e:Env", b'<?xml version="1.0" encoding="x"?><e:Env'), "InvalidRequest"),
    "billion laughs": (f'<!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]><a>&l9;</a>'.encode(), "InvalidRequest"),
    "a blow-up": (f'<!DOCTYPE a [<!ENTITY b "{"x" * 99999}">]><a>{"&b;" * 99999}</a>'.encode(), "InvalidRequest"),
    "an outer entity": (b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', "InvalidRequest"),
    "an outer document type": (b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><a/>', "InvalidRequest"),
    "an unknown entity": (CALL.replace(b">ServiceInstance<", b">&b;<"), "InvalidRequest"),
    "an inclusion": (
        _envelope(f'<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>{THIS}'),
        "MethodNotFound",
    ),
    "SOAP 1.2": (CALL.replace(SOAP.encode(), b"http://www.w3.org/2003/05/soap-envelope"), "InvalidRequest"),
    "another namespace of the method": (CALL.replace(b"urn:vim25", b"urn:vim24"), "MethodNotFound"),
    "no namespace of the method": (CALL.replace(b' xmlns="urn:vim25"', b""), "MethodNotFound"),
    "an unknown method": (CALL.replace(b"RetrieveServiceContent", b"BrewCoffee"), "MethodNotFound"),
    "an unknown type": (CALL.replace(b'type="ServiceInstance"', b'type="Bogus"'), "InvalidRequest"),
    "a type of no object": (CALL.replace(b'type="ServiceInstance"', b'type="ArrayOfInt"'), "InvalidRequest"),
    "an unknown object": (CALL.replace(b">ServiceInstance<", b">vm-99999<"), "ManagedObjectNotFound"),
    "an unknown argument": (CALL.replace(b"</RetrieveS", b"<x/></RetrieveS"), "InvalidArgument"),
    "elements 10,000 deep": (_envelope("<a>" * 10_000 + "</a>" * 10_000), "MethodNotFound"),
    "headers 10,000 deep": (
        f'<e:Envelope xmlns:e="{SOAP}"><e:Header>'.encode() + b"<a>" * 10_000 + b"</a>" * 10_000, "InvalidRequest",
    ),
    "arguments 10,000 deep": (CALL.replace(b"</RetrieveS", b"<x>" * 10_000 + b"</RetrieveS"), "InvalidArgument"),
    "100,000 attributes": (CALL.replace(b"<RetrieveServiceContent ", b"<RetrieveServiceContent "
                                        + b" ".join(b"a%d='b'" % n for n in range(100_000)) + b" "), "InvalidRequest"),
    "the same attribute twice": (CALL.replace(b"type=", b"type='a' type="), "InvalidRequest"),
}  # fmt: skip


@pytest.fixture(params=["vcenter", "esxi"])
def server(request: pytest.FixtureRequest, sites: dict[str, Site]) -> Iterator[Site]:
    """The vCenter and the ESXi host, which have to serve behind every test."""
    found: Site = sites[request.param]
    yield found
    found.check()


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_call_gets_a_fault_in_soap(server: Site, name: str) -> None:
    body, fault = WRONG[name]
    answer = server.say(post("/sdk", body, b"Content-Type: text/xml"))
    assert statuses(answer) == [500]
    assert re.search(rb'xsi:type="([A-Za-z]+)"', answer)[1].decode() == fault  # type: ignore[index]
    assert b"twohop's own error" not in answer.replace(b"&apos;", b"'")
    assert b"root:" not in answer


def _hundred(framing: bytes) -> Iterator[bytes]:
    begin = CALL[:-40] + b"<!--"
    yield b"POST /sdk HTTP/1.1\r\nHost: h\r\n" + framing + b"\r\n\r\n"
    chunked = b"chunked" in framing
    piece = b"x" * MB
    for part in [begin, *[piece] * 100]:
        yield b"%x\r\n%b\r\n" % (len(part), part) if chunked else part
    yield b"0\r\n\r\n" if chunked else b""


@pytest.mark.parametrize("framing", [b"Content-Length: 110000000", b"Transfer-Encoding: chunked"])
def test_an_envelope_of_100_mb_is_refused_in_bounded_memory(server: Site, framing: bytes) -> None:
    tracemalloc.start()
    try:
        answer = server.say(_hundred(framing), leave=True)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert statuses(answer) == [413]
    # What the client here holds is a megabyte; of a length that says it all the server reads nothing but away.
    assert peak < (8 * MB if b"Length" in framing else 100 * MB)


def test_many_envelopes_of_almost_the_bound_at_once_are_answered(server: Site) -> None:
    body = CALL.replace(b"</e:Body>", b"</e:Body>" + b" " * (4 * MB))
    answers: list[bytes] = []
    threads = [threading.Thread(target=lambda: answers.append(server.say(post("/sdk", body)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [server.good(answer) for answer in answers] == [True] * 8


@pytest.mark.parametrize("count", [1000, 10_000])
def test_a_request_of_many_specs_is_answered_and_holds_nobody_else(server: Site, count: int) -> None:
    spec = "<propSet><type>Folder</type></propSet><objectSet><obj type='Folder'>group-d1</obj></objectSet>"
    specs = f"<specSet>{spec}</specSet>" * count
    this = ref("_this", "PropertyCollector", COLLECTOR[server.name])
    body = _envelope(f'<RetrieveProperties xmlns="{VIM}">{this}{specs}</RetrieveProperties>')
    answers: list[bytes] = []
    thread = threading.Thread(target=lambda: answers.append(server.say(post("/sdk", body))))
    thread.start()
    while thread.is_alive():
        assert server.good(server.say(server.request))
    thread.join()
    assert statuses(answers[0]) in ([200], [500])
    assert b"twohop's own error" not in answers[0].replace(b"&apos;", b"'")
