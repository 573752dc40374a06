"""Stories for what an exporter owes."""

from __future__ import annotations

from contracts.stories import DISK, OTHER_PRINT, breaks, keeps, leaves_open
from contracts.synthetic import PRINT, vmdk

SHORT = vmdk(eos=False)

# EXPORT-001


@keeps("EXPORT-001")
def renewed_while_the_disk_came(wire):
    wire.ready(observer="user")
    for _ in range(4):
        wire.t += 100
        wire.progress(observer="user")
    wire.disk(DISK, observer="user")
    wire.complete(observer="user")


@breaks("EXPORT-001")
def left_alone_while_the_disk_came(wire):
    wire.ready(observer="user")
    wire.t += 100
    renewed = wire.progress(observer="user")
    wire.t += 301
    wire.disk(DISK, observer="user", conn="nfc", started=0.0)
    return renewed, wire.complete(observer="user")


@breaks("EXPORT-001")
def never_renewed_and_then_refused(wire):
    granted = wire.ready(observer="user")
    wire.t += 400
    wire.disk(DISK[:9000], observer="user", end="cut")
    return granted, wire.abort(observer="user")


@leaves_open("EXPORT-001")
def over_before_the_timeout(wire):
    wire.ready(observer="user")
    wire.t += 299
    wire.complete(observer="user")


# EXPORT-002


@keeps("EXPORT-002")
def given_up_after_a_cut(wire):
    wire.ready(observer="user")
    wire.disk(DISK[:9000], observer="user", end="cut")
    wire.abort(observer="user")


@breaks("EXPORT-002")
def completed_after_a_refusal(wire):
    wire.ready(observer="user")
    refused = wire.disk(None, observer="user", status=503)
    return refused, wire.complete(observer="user")


@leaves_open("EXPORT-002")
def a_refusal_that_was_mended(wire):
    wire.ready(observer="user")
    wire.disk(None, observer="user", status=503)
    wire.disk(DISK, observer="user")
    wire.complete(observer="user")


# EXPORT-003


@keeps("EXPORT-003")
def half_a_disk_with_a_proper_end_is_refused(wire):
    wire.ready(observer="user")
    wire.disk(SHORT, observer="user")
    wire.abort(observer="user")


@breaks("EXPORT-003")
def half_a_disk_is_taken(wire):
    wire.ready(observer="user")
    short = wire.disk(SHORT, observer="user")
    return short, wire.complete(observer="user")


@leaves_open("EXPORT-003")
def a_whole_disk(wire):
    wire.ready(observer="user")
    wire.disk(DISK, observer="user")
    wire.complete(observer="user")


# EXPORT-004


@keeps("EXPORT-004")
def asked_of_the_host_that_was_named(wire):
    wire.ready(observer="user")
    wire.disk(DISK, observer="user", thumbprint=PRINT.lower())


@breaks("EXPORT-004")
def asked_of_whoever_answered(wire):
    wire.ready(observer="user")
    return (wire.disk(DISK, observer="user", thumbprint=OTHER_PRINT),)


@leaves_open("EXPORT-004")
def hung_up_before_anything_was_asked(wire):
    wire.ready(observer="user")
    wire.disk(DISK, thumbprint=None, observer="user")


# EXPORT-005


@keeps("EXPORT-005")
def everything_was_taken_back(wire):
    wire.listing(("old.ovf", 7), observer="target")
    wire.ready(observer="user")
    wire.abort(observer="user")
    wire.listing(("old.ovf", 7), observer="target")


@breaks("EXPORT-005")
def half_a_file_was_left(wire):
    wire.ready(observer="user")
    aborted = wire.abort(observer="user")
    return aborted, wire.listing(("vm-disk-0.vmdk.part", 9000), observer="target")


@leaves_open("EXPORT-005")
def another_lease_filled_it(wire):
    wire.ready(observer="user")
    wire.abort(observer="user")
    wire.export("session[52aa]52cc", observer="user")
    wire.listing(("vm.ovf", 7), observer="target")


# EXPORT-006


@keeps("EXPORT-006")
def gave_up_when_the_answer_was_lost(wire):
    wire.export(observer="user", result=None)
    wire.soap("Logout", "SessionManager", "SessionManager", observer="user")


@breaks("EXPORT-006")
def asked_again_when_the_answer_was_lost(wire):
    lost = wire.export(observer="user", result=None)
    return lost, wire.export(observer="user")


@leaves_open("EXPORT-006")
def one_lease_after_the_other(wire):
    wire.ready(observer="user")
    wire.abort(observer="user")
    wire.export("session[52aa]52cc", observer="user")
