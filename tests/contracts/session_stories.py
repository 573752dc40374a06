"""Stories about transfer sessions."""

from __future__ import annotations

from contracts.stories import CELL, DISK, breaks, keeps, leaves_open

# SESSION-001


@keeps("SESSION-001")
def emptied(wire):
    wire.declared = CELL
    wire.transfer("d.vmdk", DISK)
    wire.listing(("transfer:1/d.vmdk", 5), ("transfer:2/d.vmdk", 5))
    wire.t = 4201
    wire.listing(("transfer:2/d.vmdk", 5))


@breaks("SESSION-001")
def left_behind(wire):
    wire.declared = CELL
    wire.transfer("d.vmdk", DISK)
    first = wire.listing(("transfer:1/d.vmdk", 5))
    wire.t = 4201
    return first, wire.listing(("transfer:1/d.vmdk", 5))


@leaves_open("SESSION-001")
def the_reaper_may_still_come(wire):
    wire.declared = CELL
    wire.transfer("d.vmdk", DISK)
    wire.listing(("transfer:1/d.vmdk", 5))
    wire.t = 4200
    wire.listing(("transfer:1/d.vmdk", 5))


@leaves_open("SESSION-001")
def it_was_used_meanwhile(wire):
    wire.declared = CELL
    wire.transfer("d.vmdk", DISK)
    wire.listing(("transfer:1/d.vmdk", 5))
    wire.t = 3000
    wire.transfer("d.vmdk", DISK)
    wire.t = 4201
    wire.listing(("transfer:1/d.vmdk", 5))
