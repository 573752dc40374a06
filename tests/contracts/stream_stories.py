"""Stories about streams."""

from __future__ import annotations

from contracts.stories import DISK, breaks, keeps, leaves_open
from contracts.synthetic import vmdk

# STREAM-001


@keeps("STREAM-001")
def a_whole_disk(wire):
    wire.disk(DISK)


@breaks("STREAM-001")
def an_end_that_comes_too_early(wire):
    return (wire.disk(DISK[:-1024]),)


@breaks("STREAM-001")
def no_footer(wire):
    return (wire.disk(vmdk(footer=False)),)


@breaks("STREAM-001")
def no_end_of_stream(wire):
    return (wire.disk(vmdk(eos=False)),)


@breaks("STREAM-001")
def half_a_sector(wire):
    return (wire.disk(DISK + b"x"),)


@breaks("STREAM-001")
def not_a_disk(wire):
    return (wire.disk(b"<html>" * 1000),)


@breaks("STREAM-001")
def nothing_at_all(wire):
    return (wire.disk(b""),)


@leaves_open("STREAM-001")
def a_cut_that_shows(wire):
    wire.disk(DISK[:5000], end="cut")


@leaves_open("STREAM-001")
def a_refusal(wire):
    wire.disk(b"not found", status=404)


@leaves_open("STREAM-001")
def no_disk(wire):
    wire.disk(b"nvram", file="vm.nvram")


@keeps("STREAM-001")
def an_empty_second_answer(wire):
    wire.disk(DISK)
    wire.disk(b"")


# STREAM-002


@keeps("STREAM-002")
def a_header_as_recorded(wire):
    wire.ready()
    wire.disk(DISK)


@breaks("STREAM-002")
def a_header_of_version_1(wire):
    wire.ready()
    return (wire.disk(DISK[:4] + b"\1" + DISK[5:]),)


@leaves_open("STREAM-002")
def no_header_at_all(wire):
    wire.ready()
    wire.disk(b"<html>" + bytes(1000))


# STREAM-003


@keeps("STREAM-003")
def as_large_as_the_disk(wire):
    wire.hardware(1024)
    wire.ready()
    wire.disk(vmdk(2048))


@breaks("STREAM-003")
def larger_than_the_disk(wire):
    read = wire.hardware(1024)
    wire.ready()
    return read, wire.disk(vmdk(4096))


@leaves_open("STREAM-003")
def of_unknown_hardware(wire):
    wire.ready()
    wire.disk(DISK)


# STREAM-004


@keeps("STREAM-004")
def more_than_its_overhead(wire):
    wire.ready()
    wire.disk(DISK)


@breaks("STREAM-004")
def an_empty_disk_is_nothing(wire):
    wire.ready()
    return (wire.disk(b""),)


@leaves_open("STREAM-004")
def nothing_because_it_was_cut(wire):
    wire.ready()
    wire.disk(b"", end="cut")


# STREAM-005


def _twice(wire, first="aa", second="aa"):
    wire.ready()
    one = wire.disk(DISK, grains=first)
    return one, wire.disk(DISK, grains=second)


@keeps("STREAM-005")
def the_same_grains(wire):
    _twice(wire)


@breaks("STREAM-005")
def other_grains(wire):
    return _twice(wire, second="bb")


@leaves_open("STREAM-005")
def it_ran_in_between(wire):
    wire.ready()
    wire.disk(DISK, grains="aa")
    wire.power_on()
    wire.disk(DISK, grains="bb")


@leaves_open("STREAM-005")
def grains_nobody_read(wire):
    wire.ready()
    wire.disk(DISK)
    wire.disk(DISK)
