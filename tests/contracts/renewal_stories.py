"""Stories about renewal."""

from __future__ import annotations

from contracts.stories import DISK, breaks, keeps, leaves_open

# RENEWAL-001


@keeps("RENEWAL-001")
def kept_alive(wire):
    wire.ready()
    for wire.t in (200, 400):
        wire.progress()
    wire.t = 600
    wire.read("ready", info=wire.info())


@breaks("RENEWAL-001")
def died_in_spite_of_progress(wire):
    granted = wire.ready()
    wire.t = 200
    renewal = wire.progress()
    fetch = wire.disk(DISK)
    wire.t = 400
    return granted, renewal, fetch, wire.read("error", error="Timedout")


@breaks("RENEWAL-001")
def progress_refused_in_spite_of_progress(wire):
    granted = wire.ready()
    wire.t = 299
    fetch = wire.disk(DISK)
    renewal = wire.progress()
    wire.t = 301
    return granted, renewal, fetch, wire.progress(fault="Timedout")


@breaks("RENEWAL-001")
def died_before_its_time(wire):
    granted = wire.ready()
    wire.t = 10
    fetch = wire.disk(DISK)
    wire.t = 299
    return granted, fetch, wire.progress(fault="Timedout")


@leaves_open("RENEWAL-001")
def completed_too_early(wire):
    wire.export()
    wire.complete(fault="InvalidState")
    wire.read("ready", info=wire.info())
    wire.disk(DISK)


@leaves_open("RENEWAL-001")
def no_data_moved(wire):
    wire.ready()
    wire.t = 200
    wire.progress()
    wire.t = 400
    wire.progress(fault="Timedout")


@leaves_open("RENEWAL-001")
def the_grant_still_covers_it(wire):
    wire.ready()
    wire.t = 200
    wire.progress()
    wire.t = 290
    wire.read("ready")


@leaves_open("RENEWAL-001")
def it_was_completed(wire):
    wire.ready()
    wire.t = 200
    wire.progress()
    wire.disk(DISK)
    wire.complete()
    wire.t = 400
    wire.progress(fault="InvalidState")


@leaves_open("RENEWAL-001")
def it_may_have_been_completed_at_that_moment(wire):
    wire.ready()
    wire.t = 200
    wire.progress()
    wire.disk(DISK)
    wire.t = 400
    wire.progress(fault="InvalidState", conn="keep-alive")
    wire.complete(conn="main", result=None)


@leaves_open("RENEWAL-001")
def it_failed_for_another_reason(wire):
    wire.ready()
    wire.t = 200
    wire.progress()
    wire.disk(DISK)
    wire.t = 400
    wire.read("error", error="RequestCanceled")


@leaves_open("RENEWAL-001")
def the_renewal_was_too_long_ago(wire):
    wire.ready()
    wire.t = 200
    wire.progress()
    wire.disk(DISK)
    wire.t = 501
    wire.read("error", error="Timedout")


# RENEWAL-002


@keeps("RENEWAL-002")
def silence_ends_it(wire):
    wire.ready()
    wire.t = 301
    wire.read("error", error="Timedout")


@keeps("RENEWAL-002")
def silence_ends_it_for_progress(wire):
    wire.ready()
    wire.t = 301
    wire.progress(fault="Timedout")


@breaks("RENEWAL-002")
def silence_is_forgiven(wire):
    wire.ready()
    read = wire.exchanges[-1].id
    wire.t = 301
    return read, wire.read("ready")


@breaks("RENEWAL-002")
def progress_wakes_the_dead(wire):
    wire.ready()
    read = wire.exchanges[-1].id
    wire.t = 301
    return read, wire.progress()


@breaks("RENEWAL-002")
def data_after_the_end_renews_nothing(wire):
    wire.ready()
    read = wire.exchanges[-1].id
    wire.t = 301
    wire.disk(DISK)
    return read, wire.read("ready")


@leaves_open("RENEWAL-002")
def data_may_have_renewed_it(wire):
    wire.ready()
    wire.t = 200
    wire.disk(DISK)
    wire.t = 400
    wire.read("ready")


@leaves_open("RENEWAL-002")
def nobody_read_the_timeout(wire):
    wire.export()
    wire.t = 4000
    wire.read("ready")


@leaves_open("RENEWAL-002")
def it_had_been_completed(wire):
    wire.ready()
    wire.complete()
    wire.t = 400
    wire.read("done")


@leaves_open("RENEWAL-002")
def an_unanswered_progress_may_have_renewed_it(wire):
    wire.ready()
    wire.t = 200
    wire.progress(result=None)
    wire.t = 400
    wire.read("ready")


# RENEWAL-003


@keeps("RENEWAL-003")
def five_minutes(wire):
    wire.ready()


@breaks("RENEWAL-003")
def milliseconds(wire):
    return (wire.read("ready", info=wire.info(timeout=300_000)),)


@leaves_open("RENEWAL-003")
def no_timeout_was_read(wire):
    wire.read("ready")
