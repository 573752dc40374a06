"""Stories about what a lease's properties say."""

from __future__ import annotations

from contracts.stories import breaks, keeps, leaves_open
from contracts.synthetic import KEY, LEASE

ENTRY = f"<key>{KEY}</key><sha1></sha1><size>1</size>"

# LEASE-006


@keeps("LEASE-006")
def timed_out_and_says_so(wire):
    wire.ready()
    wire.t = 301
    wire.read("error", error="Timedout")


@breaks("LEASE-006")
def timed_out_without_a_word(wire):
    wire.ready()
    since = wire.exchanges[-1].id
    wire.t = 301
    return since, wire.read("error")


@breaks("LEASE-006")
def timed_out_and_says_another_thing(wire):
    wire.ready()
    since = wire.exchanges[-1].id
    wire.t = 301
    return since, wire.fetch_property("error", '<fault xsi:type="RequestCanceled"></fault>')


@leaves_open("LEASE-006")
def aborted_in_good_time(wire):
    wire.ready()
    wire.abort()
    wire.t = 301
    wire.read("error", error="RequestCanceled")


@leaves_open("LEASE-006")
def failed_before_its_time(wire):
    wire.ready()
    wire.t = 10
    wire.read("error", error="FileFault")
    wire.t = 400
    wire.read("error", error="FileFault")


@leaves_open("LEASE-006")
def its_session_was_left(wire):
    wire.ready(cookie="session:1")
    wire.soap("Logout", "SessionManager", "SessionManager", cookie="session:1")
    wire.t = 301
    wire.read("error", error="RequestCanceled", cookie="session:2")


# LEASE-007


@keeps("LEASE-007")
def nothing_wrong_yet(wire):
    wire.read("ready")


@breaks("LEASE-007")
def wrong_from_the_start(wire):
    return (wire.read("initializing", error="InvalidState"),)


@leaves_open("LEASE-007")
def only_the_error_was_read(wire):
    wire.fetch_property("error", None)
    wire.read("error", error="Timedout")


# LEASE-008


@keeps("LEASE-008")
def as_the_schema_has_it(wire):
    wire.read_property("transferProgress", "100")


@keeps("LEASE-008")
def capabilities_and_mode(wire):
    wire.read_property("mode", "pull")
    wire.read_property(
        "capabilities", "<pullModeSupported>false</pullModeSupported><corsSupported>true</corsSupported>"
    )


@breaks("LEASE-008")
def more_than_all(wire):
    return (wire.read_property("transferProgress", "101"),)


@breaks("LEASE-008")
def a_mode_nobody_knows(wire):
    wire.read_property("initializeProgress", "0")
    return (wire.read_property("mode", "push"),)


@breaks("LEASE-008")
def half_of_the_capabilities(wire):
    return (wire.read_property("capabilities", "<corsSupported>true</corsSupported>"),)


@leaves_open("LEASE-008")
def too_old_a_server(wire):
    wire.soap("Fetch", "HttpNfcLease", LEASE, "<prop>mode</prop>", fault="InvalidProperty")


# LEASE-009


@keeps("LEASE-009")
def an_old_client_gets_old_members(wire):
    info = wire.info()
    for member in ("<disk>true</disk>", "<targetId>disk-0.vmdk</targetId>"):
        info = info.replace(member, "")
    wire.fetch_property("info", info, version="4.0")


@breaks("LEASE-009")
def an_old_client_gets_new_members(wire):
    return (wire.fetch_property("info", wire.info(), version="4.0"),)


@breaks("LEASE-009")
def a_manifest_from_the_future(wire):
    return (wire.manifest(f"{ENTRY}<checksum>aa</checksum>", version="6.5"),)


@leaves_open("LEASE-009")
def the_newest_client(wire):
    wire.fetch_property("info", wire.info(), version="9.0.0.0")
    wire.manifest(f"{ENTRY}<checksum>aa</checksum>", version="6.7")


@leaves_open("LEASE-009")
def no_version_was_written_down(wire):
    wire.fetch_property("info", wire.info())


# LEASE-010


@keeps("LEASE-010")
def ready_with_its_info(wire):
    wire.ready()


@breaks("LEASE-010")
def ready_without_info(wire):
    return (wire.read("ready"),)


@breaks("LEASE-010")
def ready_with_another_entity(wire):
    wire.export(vm="vm-2")
    return (wire.read("ready", info=wire.info()),)


@breaks("LEASE-010")
def ready_with_another_lease(wire):
    return (wire.read("ready", info=wire.info("session[x]y")),)


@leaves_open("LEASE-010")
def done_without_info(wire):
    wire.read("initializing")
    wire.read("done")


# LEASE-011


@keeps("LEASE-011")
def two_leases_of_their_own(wire):
    wire.export()
    wire.export("session[52aa]52cc")


@breaks("LEASE-011")
def a_task_it_is(wire):
    return (wire.export(result='<returnval type="Task">task-1</returnval>'),)


@breaks("LEASE-011")
def the_same_lease_twice(wire):
    first = wire.export()
    return first, wire.export()


@leaves_open("LEASE-011")
def no_lease_at_all(wire):
    wire.export(fault="TaskInProgress")
