"""Stories about waits for updates."""

from __future__ import annotations

from contracts.read_stories import retrieve
from contracts.stories import breaks, keeps, leaves_open

ON, OFF = "poweredOn", "poweredOff"


def collector(wire):
    result = '<returnval type="PropertyCollector">pc-1</returnval>'
    return wire.soap("CreatePropertyCollector", "PropertyCollector", "pc", result=result)


def told(wire, version, *changes, since="", kind="modify", op="assign", truncated="", method="WaitForUpdatesEx"):
    """A wait that tells these power states of the machine, or an UpdateSet that tells of nothing."""
    rows = "".join(
        f"<changeSet><name>runtime.powerState</name><op>{op}</op><val>{state}</val></changeSet>" for state in changes
    )
    update = f'<objectSet><kind>{kind}</kind><obj type="VirtualMachine">vm-1</obj>{rows}</objectSet>'
    sets = f"<filterSet><filter type='PropertyFilter'>f</filter>{update}</filterSet>" if changes else ""
    more = f"<truncated>{truncated}</truncated>" if truncated else ""
    result = f"<returnval><version>{version}</version>{sets}{more}</returnval>"
    return wire.soap(method, "PropertyCollector", "pc-1", f"<version>{since}</version>", result=result)


def silent(wire, since, **more):
    return wire.soap("WaitForUpdatesEx", "PropertyCollector", "pc-1", f"<version>{since}</version>", **more)


def look(wire, state):
    return retrieve(wire, ["runtime.powerState"], [("runtime.powerState", state)])


# UPDATE-001


@keeps("UPDATE-001")
def full_state(wire):
    told(wire, "1", OFF, kind="enter")


@breaks("UPDATE-001")
def modified_before_it_entered(wire):
    return (told(wire, "1", OFF),)


@breaks("UPDATE-001")
def added(wire):
    return (told(wire, "1", OFF, kind="enter", op="add"),)


@leaves_open("UPDATE-001")
def a_later_change(wire):
    told(wire, "2", ON, since="1")


# UPDATE-002


@keeps("UPDATE-002")
def in_parts(wire):
    told(wire, "0_1", OFF, kind="enter", truncated="true")
    told(wire, "1", OFF, since="0_1", kind="enter")


@breaks("UPDATE-002")
def a_part_like_a_whole(wire):
    return (told(wire, "1", OFF, kind="enter", truncated="true"),)


@breaks("UPDATE-002")
def a_whole_like_a_part(wire):
    return (told(wire, "0_1", OFF, kind="enter"),)


@breaks("UPDATE-002")
def says_that_it_is_whole(wire):
    return (told(wire, "1", OFF, kind="enter", truncated="false"),)


@leaves_open("UPDATE-002")
def without_parts(wire):
    told(wire, "1", OFF, kind="enter", method="WaitForUpdates")


# UPDATE-003


@keeps("UPDATE-003")
def nothing_has_changed(wire):
    silent(wire, "1")


@breaks("UPDATE-003")
def an_empty_update(wire):
    return (told(wire, "2", since="1"),)


@leaves_open("UPDATE-003")
def something_has_changed(wire):
    told(wire, "2", ON, since="1")


# UPDATE-004


@keeps("UPDATE-004")
def never_given(wire):
    collector(wire)
    silent(wire, "7", fault="InvalidCollectorVersion")


@breaks("UPDATE-004")
def taken_for_one(wire):
    made = collector(wire)
    return made, silent(wire, "7")


@leaves_open("UPDATE-004")
def given(wire):
    collector(wire)
    told(wire, "1", OFF, kind="enter")
    silent(wire, "1")


@leaves_open("UPDATE-004")
def given_to_somebody_before(wire):
    silent(wire, "7")


@leaves_open("UPDATE-004")
def refused_otherwise(wire):
    collector(wire)
    silent(wire, "7", fault="NotAuthenticated")


# UPDATE-005


@keeps("UPDATE-005")
def told_of(wire):
    told(wire, "1", OFF, kind="enter")
    look(wire, ON)
    told(wire, "2", ON, since="1")


@breaks("UPDATE-005")
def not_a_word(wire):
    first = told(wire, "1", OFF, kind="enter")
    seen = look(wire, ON)
    return first, seen, silent(wire, "1")


@breaks("UPDATE-005")
def not_a_word_after_another_has_left(wire):
    wire.soap("DestroyPropertyFilter", "PropertyFilter", "f")
    first = told(wire, "1", OFF, kind="enter")
    seen = look(wire, ON)
    return first, seen, silent(wire, "1")


@leaves_open("UPDATE-005")
def changed_back(wire):
    told(wire, "1", OFF, kind="enter")
    wire.power_on()
    look(wire, ON)
    wire.change("PowerOffVM_Task")
    silent(wire, "1")


@leaves_open("UPDATE-005")
def nobody_listens(wire):
    told(wire, "1", OFF, kind="enter")
    look(wire, ON)
    wire.soap("DestroyPropertyFilter", "PropertyFilter", "f")
    silent(wire, "1")


@leaves_open("UPDATE-005")
def more_to_come(wire):
    told(wire, "1_1", OFF, kind="enter", truncated="true")
    look(wire, ON)
    silent(wire, "1_1")


# UPDATE-006


def limited(wire, most, *machines):
    rows = "".join(
        f'<objectSet><kind>enter</kind><obj type="VirtualMachine">{moid}</obj></objectSet>' for moid in machines
    )
    result = f"<returnval><version>1</version><filterSet>{rows}</filterSet></returnval>"
    options = f"<options><maxObjectUpdates>{most}</maxObjectUpdates></options>" if most else ""
    return wire.soap("WaitForUpdatesEx", "PropertyCollector", "pc-1", f"<version/>{options}", result=result)


@keeps("UPDATE-006")
def as_many_as_are_taken(wire):
    limited(wire, 2, "vm-1", "vm-2")


@breaks("UPDATE-006")
def one_too_many(wire):
    return (limited(wire, 2, "vm-1", "vm-2", "vm-3"),)


@leaves_open("UPDATE-006")
def no_limit_was_set(wire):
    limited(wire, 0, "vm-1", "vm-2", "vm-3")


# UPDATE-007


def cancelled(wire, fault, *, collector="pc-1"):
    """A wait on a connection of its own, ended by a fault after somebody has cancelled waits."""
    wire.t = 10
    cancel = wire.soap("CancelWaitForUpdates", "PropertyCollector", collector, conn="other")
    wait = silent(wire, "1", fault=fault, conn="own", started=5)
    return wait, cancel


@keeps("UPDATE-007")
def cancelled_and_says_so(wire):
    cancelled(wire, "RequestCanceled")


@breaks("UPDATE-007")
def cancelled_and_says_another_thing(wire):
    return cancelled(wire, "Timedout")


@leaves_open("UPDATE-007")
def another_collector_is_cancelled(wire):
    cancelled(wire, "Timedout", collector="pc-2")


@leaves_open("UPDATE-007")
def its_session_ended(wire):
    cancelled(wire, "NotAuthenticated")


@leaves_open("UPDATE-007")
def cancelled_before_it_began(wire):
    wire.t = 5
    wire.soap("CancelWaitForUpdates", "PropertyCollector", "pc-1", conn="other")
    wire.t = 10
    silent(wire, "1", fault="Timedout", conn="own", started=8)
