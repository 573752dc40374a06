"""Ways into a session and out of it, and how answers are framed (10.1, 10.4, 10.6, 10.11)."""

from __future__ import annotations

import gzip
import re
from typing import Any

import pytest
from pyVmomi import vim

from plain_pyvmomi import Plain
from soap_wire import SOAP, VIM, Wire, objects, props, ref
from twohop.fakes import VCenter
from twohop.runtime.profiles import load_profile
from vcenters import make, newest

SM = ("SessionManager", "SessionManager")
XSI = "http://www.w3.org/2001/XMLSchema-instance"


def session_of(wire: Wire) -> list[str]:
    return wire.fetch(*SM, "currentSession").texts("key")


def test_a_clone_ticket_opens_one_more_session_once(vc: VCenter, user: Wire) -> None:
    (ticket,) = user.call("AcquireCloneTicket", *SM).texts("returnval")
    assert re.fullmatch("VCT-[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", ticket)
    with Wire(vc) as other:
        opened = other.call("CloneSession", *SM, f"<cloneTicket>{ticket}</cloneTicket>")
        assert opened.texts("userName") == ["VSPHERE.LOCAL\\administrator"]
        assert opened.texts("key") != session_of(user)
        other.cookie = opened.cookie
        assert session_of(other) == opened.texts("key")
        again = other.call("CloneSession", *SM, f"<cloneTicket>{ticket}</cloneTicket>")
        assert again.fault == "InvalidLogin"
    with Wire(vc) as third:
        assert third.call("CloneSession", *SM, f"<cloneTicket>{ticket}</cloneTicket>").fault == "InvalidLogin"
        (unused,) = user.call("AcquireCloneTicket", *SM).texts("returnval")
        user.call("Logout", *SM)
        assert third.call("CloneSession", *SM, f"<cloneTicket>{unused}</cloneTicket>").fault == "InvalidLogin"
        assert third.call("AcquireCloneTicket", *SM).fault == "NotAuthenticated"


def test_a_session_is_terminated_by_its_key(vc: VCenter, user: Wire) -> None:
    with Wire(vc).login() as other:
        (key,) = session_of(other)
        unknown = user.call("TerminateSession", *SM, f"<sessionId>{key}</sessionId><sessionId>no</sessionId>")
        assert unknown.fault == "NotFound"
        assert session_of(other) == []
        assert other.fetch(*SM, "message").fault == "NotAuthenticated"
        assert len(session_of(user)) == 1
    with Plain(vc) as me:
        kinds = [vim.event.SessionTerminatedEvent]
        (event,) = me.content.eventManager.QueryEvents(vim.event.EventFilterSpec(type=kinds))
        assert (event.sessionId, event.terminatedUsername) == (key, "VSPHERE.LOCAL\\administrator")


def test_a_second_login_leaves_an_event_and_the_session(vc: VCenter, user: Wire) -> None:
    (key,) = session_of(user)
    refused = user.try_login()
    assert (refused.fault, refused.cookie) == ("InvalidLogin", None)
    assert session_of(user) == [key]
    latest = user.fetch("EventManager", "EventManager", "latestEvent").body[0]
    assert latest.get(f"{{{XSI}}}type") == "AlreadyAuthenticatedSessionEvent"


@pytest.mark.parametrize(("asked", "given"), [("en_US", "en"), ("de", "de"), ("zh_CN", "zh_CN"), ("fr_CH", "fr")])
def test_a_locale_is_served_in_a_language_that_there_is(wire: Wire, asked: str, given: str) -> None:
    login = f"<userName>{wire.vcenter.user}</userName><password>{wire.vcenter.password}</password>"
    answer = wire.call("Login", *SM, f"{login}<locale>{asked}</locale>")
    assert answer.texts("locale") == answer.texts("messageLocale") == [given]
    wire.cookie = answer.cookie
    assert wire.call("SetLocale", *SM, "<locale>ja</locale>").fault is None
    assert wire.fetch(*SM, "currentSession").texts("locale") == ["ja"]
    for method, arguments in (("SetLocale", ""), ("Login", login)):
        wire.cookie = wire.cookie if method == "SetLocale" else None
        assert wire.call(method, *SM, f"{arguments}<locale>tlh</locale>").fault == "InvalidLocale"


@pytest.mark.parametrize(
    ("method", "arguments", "fault"),
    [
        ("LoginBySSPI", "<base64Token>x</base64Token>", "InvalidLogin"),
        ("LoginByToken", "", "InvalidLogin"),
        ("LoginExtensionByCertificate", "<extensionKey>x</extensionKey>", "NoClientCertificate"),
        ("LoginExtensionBySubjectName", "<extensionKey>x</extensionKey>", "NoClientCertificate"),
        ("AcquireLocalTicket", "<userName>x</userName>", "NotSupported"),
    ],
)
def test_other_ways_in_are_shut(wire: Wire, method: str, arguments: str, fault: str) -> None:
    assert wire.call(method, *SM, arguments).fault == fault
    assert wire.vcenter.about()["gaps"] == {} or not any(method in gap for gap in wire.vcenter.about()["gaps"])


@pytest.mark.parametrize("profile", ["vcenter-4.1", "vcenter-6.7", "vcenter-8.0", "vcenter-9.0"])
def test_answers_are_framed_as_the_version_frames_them(profile: str) -> None:
    new = profile in ("vcenter-8.0", "vcenter-9.0")
    with make(profile=profile) as vc, Wire(vc) as wire:
        plain = wire.content()
        assert ("Content-Length" in plain.headers) != new
        assert (plain.headers.get("Transfer-Encoding") == "chunked") == new
        assert "Content-Encoding" not in plain.headers
        wire.extra["Accept-Encoding"] = "gzip, deflate"
        packed = wire.content()
        assert packed.headers.get("Content-Encoding") == ("gzip" if new else None)
        assert packed.data == plain.data
        applied = f"urn:vim25/{newest('9.0.0.0')}" if profile == "vcenter-9.0" else None
        assert plain.headers.get("X-Applied-Soapaction") == applied


def test_a_client_that_refuses_gzip_gets_none(wire: Wire) -> None:
    wire.extra["Accept-Encoding"] = "gzip;q=0, identity"
    assert "Content-Encoding" not in wire.content().headers
    raw = wire.pool.request(
        "POST", wire.vcenter.url + "/sdk", body=b"<x/>", headers={"Accept-Encoding": "gzip"}, decode_content=False
    )
    assert raw.status == 500
    assert gzip.decompress(raw.data).startswith(b"<?xml")


def test_the_address_of_the_wsdl_is_served_as_well(wire: Wire) -> None:
    this = ("ServiceInstance", "ServiceInstance")
    assert wire.call("RetrieveServiceContent", *this, path="/sdk/vimService").fault is None
    assert wire.pool.request("POST", wire.vcenter.url + "/sdk/other", body=b"").status == 404


def test_a_request_may_come_in_chunks(wire: Wire) -> None:
    body = (
        f'<e:Envelope xmlns:e="{SOAP}"><e:Body><RetrieveServiceContent xmlns="{VIM}">'
        f"{ref('_this', 'ServiceInstance', 'ServiceInstance')}</RetrieveServiceContent></e:Body></e:Envelope>"
    ).encode()
    pieces = (body[n : n + 7] for n in range(0, len(body), 7))
    answer = wire.pool.request("POST", wire.vcenter.url + "/sdk", body=pieces, headers={"SOAPAction": ""}, chunked=True)
    assert answer.status == 200


def test_a_reference_may_name_its_version(user: Wire) -> None:
    vm = user.moid("Vm", "VM0")
    inner = f'<_this type="VirtualMachine" versionId="8.0.2.0">{vm}</_this><prop>name</prop>'
    answer = user.envelope(f'<Fetch xmlns="{VIM}" versionId="8.0.2.0">{inner}</Fetch>')
    assert answer.texts("returnval") == ["VM0"]


def disordered(user: Wire) -> list[tuple[str, Any]]:
    root = user.vcenter.world.root.moid
    right = props("Folder", "name") + objects("Folder", root)
    wrong = objects("Folder", root) + props("Folder", "name")
    pc = ("PropertyCollector", "propertyCollector")
    return [
        ("spec", user.call("RetrieveProperties", *pc, f"<specSet>{wrong}</specSet>")),
        ("path", user.retrieve(right.replace("<type>Folder</type><pathSet>name</pathSet>",
                                             "<pathSet>name</pathSet><type>Folder</type>"))),
        ("options", user.call("RetrievePropertiesEx", *pc, f"<options/><specSet>{right}</specSet>")),
    ]  # fmt: skip


def test_elements_out_of_order_are_refused_or_taken_by_the_switch(user: Wire) -> None:
    for name, answer in disordered(user):
        assert answer.fault == "InvalidRequest", name
        assert "Unexpected element tag" in answer.message
    with make(profile=load_profile("vcenter-8.0", {"argument_order": "any"})) as vc, Wire(vc).login() as lax:
        for name, answer in disordered(lax):
            assert answer.fault is None, name


def test_repeated_and_missing_elements_are_in_order(user: Wire) -> None:
    root = user.vcenter.world.root.moid
    twice = props("Folder", "name", "parent") + props("Folder", "childType") + objects("Folder", root) * 2
    assert user.retrieve(twice).fault is None
