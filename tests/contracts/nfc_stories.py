"""Stories about the endpoint of a host."""

from __future__ import annotations

from contracts.stories import DISK, breaks, keeps, leaves_open

VMDK = (("Content-Type", "application/x-vnd.vmware-streamVmdk"),)
COOKIE = (("Cookie", "vmware_soap_session=session:9"),)


def length(size, *more):
    return (("Content-Length", str(size)), *more)


def ready(wire):
    wire.ready()
    seen = wire.exchanges[-1].id
    wire.t += 1
    return seen


# NFC-001


@keeps("NFC-001")
def the_ticket_alone(wire):
    ready(wire)
    wire.disk(DISK)


@breaks("NFC-001")
def not_without_a_cookie(wire):
    seen = ready(wire)
    return seen, wire.disk(None, status=401)


@breaks("NFC-001")
def not_with_a_cookie(wire):
    seen = ready(wire)
    return seen, wire.disk(None, status=401, sent=COOKIE)


@leaves_open("NFC-001")
def the_host_is_full(wire):
    ready(wire)
    wire.disk(None, status=503)


@leaves_open("NFC-001")
def the_host_is_full_and_says_500(wire):
    ready(wire)
    wire.disk(None, status=503, conn="another")
    wire.disk(None, status=500)


@breaks("NFC-001")
def the_host_says_500_and_has_nothing_else_to_do(wire):
    seen = ready(wire)
    return seen, wire.disk(None, status=500)


@leaves_open("NFC-001")
def it_may_have_ended_by_then(wire):
    ready(wire)
    wire.complete(conn="another", started=0.0)
    wire.disk(None, status=404)


# NFC-002


@keeps("NFC-002")
def a_made_up_ticket(wire):
    ready(wire)
    wire.disk(None, ticket="ticket:5", status=404)


@breaks("NFC-002")
def a_made_up_ticket_opens(wire):
    ready(wire)
    return (wire.disk(DISK, ticket="ticket:5"),)


@leaves_open("NFC-002")
def a_ticket_of_somebody_else(wire):
    ready(wire)
    wire.disk(DISK, ticket="ticket:5", observer="user")


# NFC-003


@keeps("NFC-003")
def dead_after_complete(wire):
    ready(wire)
    wire.complete()
    wire.t += 1
    wire.disk(None, status=404)


@breaks("NFC-003")
def alive_after_complete(wire):
    ready(wire)
    end = wire.complete()
    wire.t += 1
    return end, wire.disk(DISK)


@breaks("NFC-003")
def alive_after_its_error(wire):
    ready(wire)
    end = wire.read("error", error="Timedout")
    wire.t += 1
    return end, wire.disk(DISK)


@leaves_open("NFC-003")
def at_the_same_moment(wire):
    ready(wire)
    wire.complete()
    wire.disk(DISK)


# NFC-004


@keeps("NFC-004")
def as_a_vmdk(wire):
    ready(wire)
    wire.disk(DISK, headers=VMDK)


@breaks("NFC-004")
def as_anything(wire):
    ready(wire)
    return (wire.disk(DISK, headers=(("Content-Type", "application/octet-stream"),)),)


@leaves_open("NFC-004")
def refused(wire):
    ready(wire)
    wire.disk(None, status=404)


# NFC-005


@keeps("NFC-005")
def no_uploads(wire):
    ready(wire)
    wire.disk(None, method="PUT", status=405)


@breaks("NFC-005")
def uploads(wire):
    seen = ready(wire)
    return seen, wire.disk(None, method="POST", status=200)


@leaves_open("NFC-005")
def an_upload_after_the_end(wire):
    ready(wire)
    wire.complete()
    wire.t += 1
    wire.disk(None, method="DELETE", status=404)


# NFC-006


@keeps("NFC-006")
def head_knows(wire):
    ready(wire)
    wire.disk(None, method="HEAD", headers=length(len(DISK)))
    wire.disk(DISK)


@breaks("NFC-006")
def head_names_the_capacity(wire):
    ready(wire)
    asked = wire.disk(None, method="HEAD", headers=length(1 << 30))
    return asked, wire.disk(DISK)


@breaks("NFC-006")
def length_and_chunks(wire):
    ready(wire)
    return (wire.disk(DISK, headers=length(len(DISK), ("Transfer-Encoding", "chunked"))),)


@leaves_open("NFC-006")
def chunks_alone(wire):
    ready(wire)
    wire.disk(DISK, headers=(("Transfer-Encoding", "chunked"),))


@leaves_open("NFC-006")
def the_second_get_was_empty(wire):
    ready(wire)
    wire.disk(None, method="HEAD", headers=length(len(DISK)))
    wire.disk(b"")
