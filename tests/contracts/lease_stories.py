"""Stories about the lease."""

from __future__ import annotations

from contracts.stories import DISK, breaks, keeps, leaves_open

# LEASE-001


@keeps("LEASE-001")
def forward(wire):
    wire.export()
    for state in ("initializing", "ready", "ready", "done", "done"):
        wire.read(state)


@breaks("LEASE-001")
def back_to_initializing(wire):
    wire.export()
    first = wire.read("ready")
    return first, wire.read("initializing")


@breaks("LEASE-001")
def out_of_a_final_state(wire):
    wire.read("initializing")
    first = wire.read("error")
    return first, wire.read("ready")


@breaks("LEASE-001")
def from_error_to_done(wire):
    first = wire.fetch_property("state", "error")
    return first, wire.fetch_property("state", "done")


@breaks("LEASE-001")
def a_fifth_state(wire):
    first = wire.read("initializing")
    return first, wire.read("paused")


@leaves_open("LEASE-001")
def one_look(wire):
    wire.export()
    wire.read("ready")


@leaves_open("LEASE-001")
def two_looks_at_once_on_two_connections(wire):
    wire.read("ready")
    wire.read("initializing", conn="another")


@leaves_open("LEASE-001")
def looks_at_two_leases(wire):
    wire.read("ready")
    wire.read("initializing", lease="session[x]y")


# LEASE-002


@keeps("LEASE-002")
def no_info_yet(wire):
    wire.read("initializing")
    wire.read("ready", info=wire.info())


@breaks("LEASE-002")
def info_too_early(wire):
    return (wire.read("initializing", info=wire.info()),)


@breaks("LEASE-002")
def info_too_early_by_single_reads(wire):
    first = wire.fetch_property("info", wire.info())
    return first, wire.fetch_property("state", "initializing")


@leaves_open("LEASE-002")
def ready_at_first_sight(wire):
    wire.read("ready", info=wire.info())


@leaves_open("LEASE-002")
def info_not_asked_for(wire):
    wire.fetch_property("state", "initializing")
    wire.fetch_property("state", "ready")
    wire.fetch_property("info", wire.info())


# LEASE-003


@keeps("LEASE-003")
def complete_twice(wire):
    wire.ready()
    wire.complete()
    wire.complete(fault="InvalidState")


@keeps("LEASE-003")
def abort_of_what_is_gone(wire):
    wire.ready()
    wire.complete()
    wire.abort(fault="ManagedObjectNotFound")


@keeps("LEASE-003")
def complete_after_the_timeout(wire):
    wire.ready()
    wire.t = 301
    wire.complete(fault="Timedout")


@breaks("LEASE-003")
def complete_twice_accepted(wire):
    wire.ready()
    first = wire.complete()
    return first, wire.complete()


@breaks("LEASE-003")
def the_wrong_fault(wire):
    wire.ready()
    first = wire.abort()
    return first, wire.complete(fault="Timedout")


@breaks("LEASE-003")
def no_timeout_told(wire):
    wire.ready()
    read = wire.exchanges[-1].id
    wire.t = 301
    return read, wire.abort(fault="InvalidState")


@leaves_open("LEASE-003")
def completed_once(wire):
    wire.ready()
    wire.complete()


@leaves_open("LEASE-003")
def not_logged_in_any_more(wire):
    wire.ready()
    wire.complete()
    wire.complete(fault="NotAuthenticated")


@leaves_open("LEASE-003")
def two_ends_at_once(wire):
    wire.ready()
    wire.complete(conn="one")
    wire.complete(conn="two")


# LEASE-004


@keeps("LEASE-004")
def completed_is_done(wire):
    wire.ready()
    wire.complete()
    wire.read("done")


@breaks("LEASE-004")
def aborted_is_done(wire):
    wire.ready()
    end = wire.abort()
    return end, wire.read("done")


@breaks("LEASE-004")
def completed_is_ready(wire):
    wire.ready()
    end = wire.complete()
    return end, wire.read("ready")


@leaves_open("LEASE-004")
def refused_complete(wire):
    wire.export()
    wire.complete(fault="InvalidState")
    wire.read("ready")


# LEASE-005


@keeps("LEASE-005")
def exported_well(wire):
    wire.ready(observer="user")
    wire.disk(DISK, observer="user")
    wire.complete(observer="user")


@keeps("LEASE-005")
def given_up_well(wire):
    wire.ready(observer="cell")
    wire.disk(DISK[:9000], observer="cell", end="cut")
    wire.abort(observer="cell")


@breaks("LEASE-005")
def completed_before_the_last_byte(wire):
    wire.ready(observer="user")
    end = wire.complete(observer="user")
    return end, wire.disk(DISK, observer="user", conn="nfc", started=0.0)


@breaks("LEASE-005")
def completed_though_a_disk_was_cut(wire):
    wire.ready(observer="user")
    cut = wire.disk(DISK[:9000], observer="user", end="cut")
    return cut, wire.complete(observer="user")


@breaks("LEASE-005")
def logged_out_with_the_lease_held(wire):
    granted = wire.ready(observer="user")
    return granted, wire.soap("Logout", "SessionManager", "SessionManager", observer="user")


@breaks("LEASE-005")
def forgotten_until_the_timeout(wire):
    granted = wire.ready(observer="user")
    wire.t = 400
    return granted, wire.listing() and wire.api("GET", "/api/session", 200)


@breaks("LEASE-005")
def ended_twice(wire):
    wire.ready(observer="user")
    first = wire.complete(observer="user")
    return first, wire.abort(observer="user", fault="InvalidState")


@breaks("LEASE-005")
def progress_after_complete(wire):
    wire.ready(observer="user")
    end = wire.complete(observer="user")
    return end, wire.progress(observer="user", fault="InvalidState")


@leaves_open("LEASE-005")
def a_probe_may_do_anything(wire):
    wire.ready()
    wire.complete()
    wire.complete(fault="InvalidState")
    wire.soap("Logout", "SessionManager", "SessionManager")


@leaves_open("LEASE-005")
def still_at_work(wire):
    wire.ready(observer="user")
    wire.disk(DISK, observer="user")
