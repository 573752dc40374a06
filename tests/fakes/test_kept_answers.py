"""Heads and answers that are kept are those of the general path, byte for byte, whatever comes and happens."""

from __future__ import annotations

import contextlib
import itertools
import re
import socket
from collections import ChainMap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from soap_wire import Wire
from twohop.fakes.machines import PowerState
from twohop.fakes.vim import VimApp
from twohop.fakes.vim._access import ADMIN, READ_ONLY, Permission
from twohop.fakes.vim._kinds import KINDS, Kind
from twohop.fakes.vim._registry import version_for
from twohop.fakes.vim._reply import serialize_value
from twohop.fakes.vim._request import BadRequest, Invocation, parse_request
from twohop.fakes.vim._service import Call
from twohop.fakes.vim._templates import Templates
from twohop.fakes.world import Vm
from twohop.runtime.profiles import known_profiles
from twohop.runtime.serving import HttpServer
from vcenters import make, small_world

PROFILES = [name for name in known_profiles() if name.startswith(("vcenter-", "esxi-"))]
EXTRA = (
    "", "", 'SOAPAction: "urn:vim25/6.5"\r\n', "Accept-Encoding: gzip\r\n", "Connection: close\r\n", "Expect: x\r\n",
)  # fmt: skip
ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><e:Body>{}</e:Body></e:Envelope>'
)
PATHS = (
    "name", "runtime.powerState", "config.hardware.device", "summary", "effectiveRole", "parent", "layoutEx", "runtime",
    "recentTask", "disabledMethod", "declaredAlarmState", "permission", "config.createDate", "storage", "guest",
    "no.such", "config.hardware.device[2000]",
)  # fmt: skip


@dataclass
class Sides:
    """One service behind two servers: one keeps what it can, the other goes the general way each time."""

    vcenter: Any
    keeping: HttpServer
    general: HttpServer
    cookies: list[str]


@pytest.fixture(scope="module", params=PROFILES)
def sides(request: pytest.FixtureRequest) -> Iterator[Sides]:
    """Both servers of a profile, without TLS, and the cookies of an administrator and two who may do less."""
    place = "ha-datacenter/vm/VM1" if request.param.startswith("esxi") else "DC0/vm/VM1"
    users = [
        {"name": "reader@vsphere.local", "password": "p", "role": "ReadOnly"},
        {"name": "one@vsphere.local", "password": "p", "permissions": [{"on": place, "role": "Admin"}]},
    ]
    with make(request.param, world=small_world(vms=3), users=users) as vcenter:
        app = VimApp(vcenter._service)
        keeping = HttpServer(app, name="keeping", now=vcenter.clock.now, prompt=app.prompt).start()
        general = HttpServer(VimApp(vcenter._service, keep=False), name="general", now=vcenter.clock.now, keep=False)
        general.start()
        wires = [Wire(vcenter) for _ in range(4)]
        wires[0].login()
        wires[3].login()
        for wire, user in zip(wires[1:3], users, strict=True):
            if vcenter.profile.text("cookie_from") == "first-reply":
                wire.cookie = wire.content().cookie
            answer = wire.try_login(user["name"], "p")
            assert answer.fault is None
            wire.cookie = answer.cookie or wire.cookie
        yield Sides(vcenter, keeping, general, [(wire.cookie or "").partition(";")[0] for wire in wires])
        for server in (keeping, general):
            server.stop()
        for wire in wires:
            wire.pool.clear()


def call(sides: Sides, method: str, moid: str, kind: str, paths: list[str]) -> str:
    """The XML of one of the three reads."""
    if method == "Fetch":
        return f'<Fetch xmlns="urn:vim25"><_this type="{kind}">{moid}</_this><prop>{paths[0]}</prop></Fetch>'
    collector = Wire(sides.vcenter).collector
    listed = "".join(f"<pathSet>{path}</pathSet>" for path in paths)
    options = "<options/>" if method.endswith("Ex") else ""
    return (
        f'<{method} xmlns="urn:vim25"><_this type="PropertyCollector">{collector}</_this><specSet><propSet>'
        f'<type>{kind}</type>{listed}</propSet><objectSet><obj type="{kind}">{moid}</obj></objectSet></specSet>'
        f"{options}</{method}>"
    )


def raw(body: bytes, cookie: str, extra: str) -> bytes:
    """A request as it goes over the wire."""
    said = f"Cookie: {cookie}\r\n" if cookie else ""
    head = f"POST /sdk HTTP/1.1\r\nHost: here\r\n{extra}{said}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@st.composite
def bodies(draw: st.DrawFn, sides: Sides) -> bytes:
    """A read as clients send them."""
    method = draw(st.sampled_from(["Fetch", "RetrieveProperties", "RetrievePropertiesEx"]))
    machines = [("VirtualMachine", vm.moid) for vm in sides.vcenter.world.vms()]
    kind, moid = draw(st.sampled_from([*machines, ("ManagedEntity", machines[0][1]), ("HostSystem", machines[0][1])]))
    paths = draw(st.lists(st.sampled_from(PATHS), min_size=1, max_size=3, unique=True))
    return ENVELOPE.format(call(sides, method, moid, kind, paths)).encode()


@st.composite
def mutated(draw: st.DrawFn, whole: bytes) -> bytes:
    """A request with some bytes changed, now and then."""
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        at, gone = draw(st.integers(0, len(whole))), draw(st.integers(0, 3))
        put = draw(st.sampled_from([b"", b"\n", b"\r\n", b"<", b"1", b"\0", b"x", b" ", b"\xff"]))
        whole = whole[:at] + put + whole[at + gone :]
    return whole


def said(server: HttpServer, sent: bytes) -> bytes:
    """All that a server says to what a client sends before it ends its side; cookies that it makes up are masked."""
    with socket.create_connection((server.host, server.port), timeout=30) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return re.sub(rb'(vmware_soap_session="?)[0-9A-Za-z-]+', rb"\1*", answer)


def test_a_read_that_is_new_waits_for_the_world_and_nobody_waits_for_it() -> None:
    with make("vcenter-8.0", world=small_world(vms=3)) as vcenter, contextlib.ExitStack() as stack:
        wire = Wire(vcenter)
        wire.login()
        stack.callback(wire.pool.clear)
        server = HttpServer(vcenter._server.app, name="shared", prompt=vcenter._server.prompt).start()
        stack.callback(server.stop)
        sides, cookie = Sides(vcenter, server, server, []), (wire.cookie or "").partition(";")[0]
        first, second, third = (
            raw(
                ENVELOPE.format(call(sides, "RetrieveProperties", vm.moid, "VirtualMachine", ["name"])).encode(),
                cookie,
                "",
            )
            for vm in vcenter.world.vms()
        )

        def connect() -> socket.socket:
            return stack.enter_context(socket.create_connection((server.host, server.port), timeout=30))

        def ask(connection: socket.socket, sent: bytes) -> None:
            connection.sendall(sent)
            answer = b""
            while b"</soapenv:Envelope>" not in answer:
                piece = connection.recv(65536)
                assert piece
                answer += piece

        new, kept = connect(), connect()
        for connection in (new, kept):
            for _ in range(3):
                ask(connection, first)
                ask(connection, second)
        with vcenter.world.lock:
            new.sendall(third)
            for _ in range(5):
                ask(kept, first)
        new.settimeout(30)
        assert new.recv(65536).startswith(b"HTTP/1.1 200")


def step(sides: Sides, number: int) -> None:
    """Change something that an answer may tell of."""
    world, vcenter = sides.vcenter.world, sides.vcenter
    vm: Vm = world.vms()[number % len(world.vms())]
    if number < 3:
        vm = world.vms()[0] if number == 0 else vm
        with world.change() as tx:
            tx.set(vm, "power", PowerState.OFF if vm.power is PowerState.ON else PowerState.ON)
    elif number < 6:
        vm = world.vms()[0] if number == 3 else vm
        with world.change() as tx:
            tx.set(vm, "name", f"{vm.name[:9]}{sum(map(ord, vm.name))}")
    elif number == 6:
        vcenter.clock.advance(1.0)
    else:
        # The reader becomes an administrator, or the reverse.
        access = vcenter._service.access
        first, *others = access.permissions
        reader = next(p for p in others if "reader" in p.principal)
        turned = replace(reader, role=READ_ONLY if reader.role == ADMIN else ADMIN)
        access.put([first, turned, *(p for p in others if p is not reader)])


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_is_kept_is_what_the_general_path_says(sides: Sides, data: st.DataObject) -> None:
    body = data.draw(bodies(sides))
    cookies = [sides.cookies[0], sides.cookies[0], *sides.cookies[1:], "", 'vmware_soap_session="made-up"']
    for _ in range(data.draw(st.integers(2, 6))):
        if data.draw(st.booleans()):
            step(sides, data.draw(st.integers(0, 8)))
        sent = raw(body, data.draw(st.sampled_from(cookies)), data.draw(st.sampled_from(EXTRA)))
        sent = data.draw(mutated(sent)) + sent * data.draw(st.integers(0, 1))
        expected = said(sides.general, sent)
        event(f"{expected[9:12]!r}")
        for _ in range(2):
            assert said(sides.keeping, sent) == expected


def read(sides: Sides, path: str, cookie: int = 0) -> bytes:
    """Read a property of the first machine for whoever has a cookie; both servers say the same."""
    moid = sides.vcenter.world.vms()[0].moid
    body = ENVELOPE.format(call(sides, "RetrievePropertiesEx", moid, "VirtualMachine", [path])).encode()
    sent = raw(body, sides.cookies[cookie], "Connection: close\r\n")
    expected = said(sides.general, sent)
    assert [said(sides.keeping, sent) for _ in range(2)] == [expected] * 2
    return expected


def test_answers_and_heads_are_kept_until_something_is_edited(sides: Sides) -> None:
    read(sides, "name")
    answers, (head,) = sides.vcenter._service.answers, list(sides.keeping.heads.known())[-1:]
    assert head.startswith(b"POST /sdk")
    assert answers.kept()
    with sides.vcenter.world.change():
        pass
    assert not answers.kept()


@pytest.mark.parametrize("number", range(6))
def test_an_edit_is_seen_at_once(sides: Sides, number: int) -> None:
    path = "runtime.powerState" if number % 2 else "name"
    before = read(sides, path)
    step(sides, 0 if number % 2 else 3)
    assert read(sides, path) != before


def test_whoever_may_not_see_a_machine_is_not_told_of_it(sides: Sides) -> None:
    told, refused = read(sides, "name"), read(sides, "name", cookie=2)
    assert b"<propSet>" in told
    assert b"<propSet>" not in refused


def test_what_follows_from_permissions_is_not_kept(sides: Sides) -> None:
    before = read(sides, "permission")
    access = sides.vcenter._service.access
    access.put(
        [*access.permissions, Permission(sides.vcenter.world.vms()[0].moid, access.permissions[1].principal, ADMIN)]
    )
    assert read(sides, "permission") != before
    access.put(access.permissions[:-1])
    assert read(sides, "permission") == before


def test_a_reader_that_looks_at_more_than_the_world_is_noticed(sides: Sides) -> None:
    read(sides, "recentTask")
    assert not any(b"recentTask" in body for body, _ in sides.vcenter._service.answers.kept())


@pytest.mark.parametrize("kind", [kind for kind in KINDS.values() if kind.shorts], ids=lambda kind: kind.wsdl)
def test_what_is_read_by_a_short_way_is_what_the_whole_property_holds(sides: Sides, kind: Kind) -> None:
    world, service = sides.vcenter.world, sides.vcenter._service
    call = Call(service, service.sessions.active()[0], version_for("", sides.vcenter.profile.text("api_version")))
    objects = [each for each in world.objects.values() if service.kind_of(each).wsdl == kind.wsdl]
    assert objects
    for state in PowerState:
        with world.change() as tx:
            for vm in world.vms():
                tx.set(vm, "power", state)
        for each, (path, short) in itertools.product(objects, kind.shorts.items()):
            shorts, kind.shorts = kind.shorts, ChainMap()
            try:
                whole = kind.read(call, each, path)
            finally:
                kind.shorts = shorts
            assert serialize_value(short(call, each), call.version) == serialize_value(whole, call.version)


PLACES = ["{}", "<!--{}-->", "<a>{}</a>", "<![CDATA[{}]]>"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("other", ["vm-2", "x", "vm-1 ", "a&amp;b", "", "vm-1</obj><obj>", "0" * 64, "0" * 65])
def test_another_id_in_a_known_request_is_read_as_by_the_general_path(place: str, other: str) -> None:
    def body(moid: str) -> bytes:
        obj = place.format(f'<obj type="VirtualMachine">{moid}</obj>')
        return ENVELOPE.format(
            '<RetrieveProperties xmlns="urn:vim25"><_this type="PropertyCollector">p</_this><specSet><propSet>'
            f"<type>VirtualMachine</type></propSet><objectSet>{obj}<skip>true</skip></objectSet></specSet>"
            "</RetrieveProperties>"
        ).encode()

    def read(parse: Callable[[bytes], Invocation], moid: str) -> object:
        try:
            request = parse(body(moid))
        except BadRequest as error:
            return str(error.fault)
        return str(request.this), request.method.wsdlName, str(request.arguments)

    templates = Templates(ordered=True)
    assert read(templates.parse, "vm-1") == read(parse_request, "vm-1")
    for _ in range(2):
        assert read(templates.parse, other) == read(parse_request, other)
    assert read(templates.parse, "vm-1") == read(parse_request, "vm-1")
