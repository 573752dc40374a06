"""Stories about logins and logouts."""

from __future__ import annotations

import dataclasses

from contracts.stories import breaks, keeps, leaves_open

KEY = "52aabbcc-0000-1111-2222-333344445555"
WRONG = "Cannot complete login due to an incorrect user name or password."
MEMBERS = {
    "key": KEY,
    "userName": "VSPHERE.LOCAL\\root",
    "fullName": "Root",
    "loginTime": "2026-01-01T00:00:00Z",
    "lastActiveTime": "2026-01-01T00:00:00Z",
    "locale": "en",
    "messageLocale": "en",
}


def login(wire, cookie="session:1", without="", **more):
    members = "".join(f"<{k}>{v}</{k}>" for k, v in {**MEMBERS, **more}.items() if k != without)
    result = f"<returnval>{members}</returnval>"
    return wire.soap(
        "Login", "SessionManager", "SessionManager", "<userName>root</userName>", result=result, set_cookie=cookie
    )


def refused(wire, message, fault="InvalidLogin"):
    number = wire.soap("Login", "SessionManager", "SessionManager", "<userName>root</userName>", fault=fault)
    made = wire.exchanges[-1]
    body = made.response.body.replace("It failed.", message)
    wire.exchanges[-1] = dataclasses.replace(made, response=dataclasses.replace(made.response, body=body))
    return number


def given(wire, cookie, url="https://vc:443/sdk"):
    number = login(wire)
    made = wire.exchanges[-1]
    response = dataclasses.replace(made.response, headers=(("Set-Cookie", cookie),))
    request = dataclasses.replace(made.request, url=url)
    wire.exchanges[-1] = dataclasses.replace(made, request=request, response=response)
    return number


def shut_out(wire):
    return wire.progress(fault="NotAuthenticated", cookie="session:2")


def logout(wire, cookie):
    return wire.soap("Logout", "SessionManager", "SessionManager", cookie=cookie)


# LOGIN-001


@keeps("LOGIN-001")
def quoted(wire):
    given(wire, 'vmware_soap_session="session:1"; Path=/; HttpOnly; Secure;')


@keeps("LOGIN-001")
def quoted_by_an_old_one(wire):
    given(wire, 'vmware_soap_session="session:1"; Path=/;')


@breaks("LOGIN-001")
def bare(wire):
    return (given(wire, "vmware_soap_session=session:1; Path=/; HttpOnly; Secure;"),)


@breaks("LOGIN-001")
def below_sdk(wire):
    return (given(wire, 'vmware_soap_session="session:1"; Path=/sdk; HttpOnly'),)


@breaks("LOGIN-001")
def by_another_name(wire):
    return (given(wire, 'JSESSIONID="session:1"; Path=/'),)


@leaves_open("LOGIN-001")
def of_storage_policies(wire):
    given(wire, "vmware_soap_session=session:1; HttpOnly", url="https://vc:443/pbm")


# LOGIN-002


@keeps("LOGIN-002")
def somebody_is_in(wire):
    login(wire)


@breaks("LOGIN-002")
def nobody_knows_since_when(wire):
    return (login(wire, without="loginTime"),)


@breaks("LOGIN-002")
def a_key_of_another_form(wire):
    return (login(wire, key="session:1"),)


@leaves_open("LOGIN-002")
def not_in(wire):
    refused(wire, WRONG)


# LOGIN-003


@keeps("LOGIN-003")
def wrong_somehow(wire):
    refused(wire, WRONG)


@breaks("LOGIN-003")
def it_was_the_password(wire):
    return (refused(wire, "The password is wrong."),)


@leaves_open("LOGIN-003")
def may_not_come_in(wire):
    refused(wire, "Permission to perform this operation was denied.", fault="NoPermission")


# LOGIN-004


def two_sessions(wire):
    login(wire, "session:1")
    login(wire, "session:2")
    return wire.power_state("poweredOff", cookie="session:2")


@keeps("LOGIN-004")
def the_other_stays(wire):
    two_sessions(wire)
    logout(wire, "session:1")
    wire.power_state("poweredOff", cookie="session:2")


@breaks("LOGIN-004")
def the_other_goes_too(wire):
    served = two_sessions(wire)
    left = logout(wire, "session:1")
    after = wire.soap(
        "Fetch", "VirtualMachine", "vm-1", "<prop>name</prop>", fault="NotAuthenticated", cookie="session:2"
    )
    return served, left, after


def too_late(wire, method, session):
    two_sessions(wire)
    wire.soap(method, "SessionManager", "SessionManager", cookie=session)
    logout(wire, "session:1")
    shut_out(wire)


@leaves_open("LOGIN-004")
def it_had_left_too(wire):
    too_late(wire, "Logout", "session:2")


@leaves_open("LOGIN-004")
def somebody_ended_it(wire):
    too_late(wire, "TerminateSession", "session:1")


@leaves_open("LOGIN-004")
def it_was_idle(wire):
    two_sessions(wire)
    wire.t = 2000
    logout(wire, "session:1")
    shut_out(wire)
